"""Processes that are forked before there is a job for them, so that a job waits for no fork.

    launcher ── socket ──► spare      one message: the key, the job as it was packed, and its two descriptors

A spare has become a worker already, has gone through an attempt of nothing, and waits. It makes one attempt, as any
other process of a task, and ends.

There is one while a slot is free, as in a chain: where all are taken nobody would be quicker by it. A run of few tasks
has none, and what can't be handed over is forked as ever.
"""

from __future__ import annotations

import _socket
import sys
from array import array
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.core.point import point
from flowpar.execute import kernel
from flowpar.execute.order import JobOrder, SpareOrder

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from flowpar.execute.children import Waiting
    from flowpar.execute.order import Briefing
    from flowpar.execute.starter import Starter

# So many jobs have come when a run is one of many.
_MANY = 8
_MOST_LOSSES = 3
_LARGEST_BYTES = 32 << 10
_KEY = Struct("<Q")
_PAIR = Struct("ii")


@dataclass(frozen=True, slots=True)
class Spare:
    """A process that waits for a job at the other end of a socket."""

    process: BaseProcess
    end: _socket.socket


class Spares:
    """Keeps a spare for the jobs of one briefing."""

    def __init__(self, starter: Starter, briefing: Briefing) -> None:
        """Have none yet; only a fork can be told later what it is for."""
        self._starter = starter
        self._briefing = briefing
        self._can_wait = kernel.IS_LINUX and starter.forks
        self._jobs = self._losses = 0
        self._spare: Spare | None = None

    @property
    def pids(self) -> frozenset[int]:
        """The one that waits, if any."""
        return frozenset() if self._spare is None else frozenset({self._spare.process.pid or 0})

    def keep(self) -> None:
        """Fork one, unless it is there."""
        if self._spare is None and self._can_wait and self._jobs >= _MANY:
            with suppress(OSError):  # of what is short here a job will be told
                self._spare = self._fork()

    def _fork(self) -> Spare:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        try:
            point("process.fork")
            process = self._starter.start(SpareOrder(theirs, self._briefing), "spare")
            point("process.forked")
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return Spare(process, ours)

    def take(self, waiting: Waiting) -> BaseProcess | None:
        """Hand a job over to a spare; return its process, or None where none takes it."""
        order, spare = waiting.order, self._spare
        if not isinstance(order, JobOrder):
            return None
        self._jobs += 1
        if spare is None or len(waiting.content) > _LARGEST_BYTES:
            return None
        self._spare = None
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", order.descriptors.numbers))
        try:
            spare.end.sendmsg([_KEY.pack(waiting.key), waiting.content], [rights], _socket.MSG_DONTWAIT)
        except OSError:  # it is dead, and nobody has said so yet
            self._lose()
            return None
        finally:
            spare.end.close()
        spare.process.name = waiting.name
        return spare.process

    def bury(self, pid: int) -> None:
        """Forget one that ended without a job."""
        if pid in self.pids:
            self._lose()
            self.dismiss()

    def _lose(self) -> None:
        """Have no other where several were lost: that has a reason."""
        self._losses += 1
        self._can_wait = self._can_wait and self._losses < _MOST_LOSSES

    def dismiss(self) -> None:
        """Let one that waits end."""
        if self._spare is not None:
            self._spare.end.close()
            self._spare = None


def warm_up(briefing: Briefing) -> None:
    """Have what makes attempts go through one, where it can."""
    module = sys.modules.get(briefing.attempt.partition(":")[0])
    if module is not None and hasattr(module, "warm_up"):
        with suppress(OSError):  # it does without
            module.warm_up(briefing.shared)


def await_job(order: SpareOrder) -> tuple[str, JobOrder] | None:
    """Wait for a job in a spare; return its process's name and what to do, None where there will be none."""
    size_bytes = _KEY.size + _LARGEST_BYTES
    message, rights, _, _ = order.end.recvmsg(size_bytes, _socket.CMSG_SPACE(_PAIR.size), _socket.MSG_CMSG_CLOEXEC)
    order.end.close()
    if not message or not rights:
        return None
    (key,) = _KEY.unpack_from(message)
    return f"job-{key}", order.briefing.order(message[_KEY.size :], *_PAIR.unpack(rights[0][2]))
