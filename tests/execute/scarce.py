"""A launcher on a machine that has no process left: `scarce.py N` fails the first N starts, and says how a job ends."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import TYPE_CHECKING

import fake_attempt

from flowpar.core.outcome import Failure
from flowpar.execute.base import Completion, Job
from flowpar.execute.control import Setup
from flowpar.execute.launcher import Launcher
from flowpar.execute.link import Link
from flowpar.execute.process import ProcessExecutor
from flowpar.execute.starter import Starter
from flowpar.execute.watch import Watch
from flowpar.execute.wire import Channel

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from flowpar.execute.order import Order


class ScarceStarter(Starter):
    """Fails as a fork does at the limit of processes."""

    failures = int(sys.argv[1])

    def start(self, order: Order, name: str) -> BaseProcess:
        if self.failures > 0:
            self.failures -= 1
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return super().start(order, name)


def main() -> str:
    ours, theirs = socket.socketpair()
    life, life_end = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        ours.close()
        os.close(life_end)
        Launcher(Channel(theirs), life=life, guard=os.getppid(), make_starter=ScarceStarter).run()
        os._exit(0)
    theirs.close()
    watch = Watch()
    link = Link(ours, watch, launcher=launcher, guard=None)
    link.set_up(Setup(1, attempt=f"{fake_attempt.__name__}:make_attempt"))
    executor = ProcessExecutor(link, watch, slots=1)
    executor.submit(Job(1, "t", None, 1, b"", b"noop", b"", "/dev/null", 5.0))
    while True:
        for notice in executor.wait(30):
            if isinstance(notice, Completion):
                link.close()
                outcome = notice.outcome
                return outcome.message if isinstance(outcome, Failure) else type(outcome).__name__


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
