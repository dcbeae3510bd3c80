"""The far side of `inline`: one process that makes attempts one after another and tidies up after each.

What an attempt changes in its process is put back: folder, environment, path, mask, signals, recursion limit,
streams, logging. Child processes that it leaves are ended. Where something can't be put back, or a thread goes on, the
process gets no more jobs.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed knows only its face
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import Failure, FailureKind
from flowpar.data.managed import ManagedOutputs
from flowpar.execute import tree
from flowpar.execute.attempt import make_attempt
from flowpar.execute.cancellation import Cancelled, pass_over_term, raise_on_term, spare_children
from flowpar.execute.ending import has_children
from flowpar.execute.habitat import renew_output_streams
from flowpar.execute.order import unpack_job
from flowpar.execute.powers import Powers
from flowpar.execute.report_pipe import Report
from flowpar.execute.standing_word import BEGUN, Done, Word
from flowpar.execute.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from flowpar.core.outcome import Outcome
    from flowpar.execute.base import Job
    from flowpar.execute.wire import Frame

# As numbers, for the module under `signal`, which makes no enums of them: they are looked at after each attempt.
_SIGNALS = tuple(
    map(
        int,
        (
            signal.SIGINT,
            signal.SIGQUIT,
            signal.SIGHUP,
            signal.SIGPIPE,
            signal.SIGCHLD,
            signal.SIGALRM,
            signal.SIGVTALRM,
            signal.SIGPROF,
            signal.SIGUSR1,
            signal.SIGUSR2,
        ),
    )
)
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


def serve(outputs_address: str | None, outputs_key: bytes, control: int) -> None:
    """Make attempts until the engine hangs up."""
    InlineWorker(Channel(socket.socket(fileno=control)), outputs_address, outputs_key).run()


class InlineWorker:
    """Owns the channel; everything happens in the main thread."""

    def __init__(self, channel: Channel, outputs_address: str | None, outputs_key: bytes) -> None:
        """Let nothing of an attempt reach the streams of the command."""
        self._channel = channel
        self._outputs = ManagedOutputs(outputs_address, outputs_key) if outputs_address else None
        self._shared = b""
        self._null = os.open(os.devnull, os.O_WRONLY)
        spare_children()
        pass_over_term()
        direct(self._null)

    def run(self) -> None:
        """Serve until the engine hangs up."""
        with suppress(EOFError):
            while True:
                for frame in self._channel.receive():
                    self._obey(frame)

    def _obey(self, frame: Frame) -> None:
        match frame.kind:
            case Word.SHARE:
                self._shared = frame.body
            case Word.JOB:
                self._do(unpack_job(frame.body, self._shared), frame.descriptors[0])

    def _do(self, job: Job, output: int) -> None:
        started, cpu_s = time.monotonic(), time.process_time()
        self._channel.send(Word.BEGUN, BEGUN.pack(job.number, started))
        direct(output)
        os.close(output)
        before = Before.now()
        try:
            outcome, warnings = self._attempt(job)
        finally:
            is_as_before = before.restore()
            direct(self._null)
        warnings += end_children()
        if not is_as_before:
            self._channel.send(Word.RETIRE, b"")
        report = Report(outcome, warnings)
        done = Done(job.number, started, time.monotonic(), time.process_time() - cpu_s, report)
        self._channel.send(Word.DONE, done.pack())

    def _attempt(self, job: Job, scratch: AbstractContextManager[str] | None = None) -> tuple[Outcome, tuple[str, ...]]:
        def post(kind: str, body: Mapping[str, object]) -> None:
            if self._outputs is not None:
                self._outputs.post(json.dumps([job.number, kind, body], default=repr, skipkeys=True).encode())
                self._channel.send(Word.POSTED, b"")

        try:
            raise_on_term()
            try:
                return make_attempt(job, post=post, is_isolated=True, scratch=scratch)
            finally:
                pass_over_term()
        except Cancelled:
            pass_over_term()
            return Failure(FailureKind.DIED, "SIGTERM", "ended by SIGTERM"), ()


def direct(number: int) -> None:
    """Let stdout and stderr go to a descriptor, with nothing left of what was there before."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os.dup2(number, 1)
    os.dup2(number, 2)


@dataclass(frozen=True, slots=True)
class Before:
    """What a process was like before an attempt; the variables `spared` stay as an attempt has left them."""

    folder: str
    environment: dict[bytes, bytes]
    path: tuple[str, ...]
    arguments: tuple[str, ...]
    mask: int
    recursion_limit: int
    streams: tuple[Any, Any, Any]
    handlers: Mapping[int, Any]
    log_level: int
    log_handlers: tuple[logging.Handler, ...]
    powers: Powers
    threads: frozenset[threading.Thread]
    spared: tuple[bytes, ...] = ()

    @classmethod
    def now(cls, spared: Iterable[str] = ()) -> Before:
        """Take note of it."""
        root = logging.getLogger()
        mask = os.umask(0o077)
        os.umask(mask)
        return cls(
            folder=os.getcwd(),  # noqa: PTH109 - a folder that was removed has no Path
            environment=_environment().copy(),
            path=tuple(sys.path),
            arguments=tuple(sys.argv),
            mask=mask,
            recursion_limit=sys.getrecursionlimit(),
            streams=(sys.stdin, sys.stdout, sys.stderr),
            handlers={number: _signal.getsignal(number) for number in _SIGNALS},
            log_level=root.level,
            log_handlers=tuple(root.handlers),
            powers=Powers.now(),
            threads=frozenset(threading.enumerate()),
            spared=tuple(map(os.fsencode, spared)),
        )

    def restore(self) -> bool:
        """Put it back; return whether the process is as it was."""
        try:
            self._put_back()
        except (OSError, ValueError):  # the folder is gone, say
            return False
        # What a thread that was left prints, and how it ends, would be put down to the next attempt.
        return Powers.now() == self.powers and self.threads.issuperset(threading.enumerate())

    def _put_back(self) -> None:
        _flush()
        sys.stdin, sys.stdout, sys.stderr = self.streams
        if not (_is_open(sys.stdout) and _is_open(sys.stderr)):
            renew_output_streams()
        os.chdir(self.folder)
        _put_back_environment(self.environment, self.spared)
        sys.path[:] = self.path
        sys.argv[:] = self.arguments
        os.umask(self.mask)
        sys.setrecursionlimit(self.recursion_limit)
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        for number, handler in self.handlers.items():
            if _signal.getsignal(number) is not handler:
                _signal.signal(number, handler)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
        root = logging.getLogger()
        if root.level != self.log_level:  # setting it forgets which levels every logger has asked for
            root.setLevel(self.log_level)
        root.handlers[:] = self.log_handlers


def _environment() -> dict[bytes, bytes]:
    """Return what stands under `os.environ`: looking at it through that costs as much as half a small attempt."""
    found: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # nothing else is as fast
    return found


def _put_back_environment(before: dict[bytes, bytes], spared: Iterable[bytes]) -> None:
    """Change what differs, and take note of what is spared."""
    now = _environment()
    for name in spared:
        if name in now:
            before[name] = now[name]
        else:
            before.pop(name, None)
    if now == before:  # at one go: a look at each variable takes as long as a short attempt's work
        return
    for name in now.keys() - before.keys():
        del os.environb[name]
    for name, value in before.items():
        if now.get(name) != value:
            os.environb[name] = value


def _is_open(stream: TextIO) -> bool:
    try:
        return not stream.closed
    except ValueError:  # its buffer was taken away
        return False


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the task may have put anything there
            stream.flush()


def end_children() -> tuple[str, ...]:
    """End what the attempt left running; return what to warn of."""
    if not has_children():
        return ()
    names = [tree.name_of(pid) for pid in tree.children_of(os.getpid()) if tree.is_alive(pid)]
    if not names:
        return ()
    tree.kill_descendants()
    return (f"left {len(names)} process{'es' if len(names) > 1 else ''} running ({', '.join(names)}); ended",)
