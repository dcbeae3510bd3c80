"""A worker process that stays and makes one attempt after another, as the engine sees it.

    engine ── SHARE, JOB (with the write end of an output pipe), CANCEL ──► worker
    engine ◄─ BEGUN, POSTED, RETIRE, DONE, ABANDONED ────────────────────── worker

When its process dies, every attempt that it holds fails and says so. It may be quicker than the launcher, which tells
its pid: what it says before that waits for it.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.base import Completion, Printed, Started
from flowpar.execute.death import end_of_service, signal_name
from flowpar.execute.order import pack_job
from flowpar.execute.printed import PrintedOutput
from flowpar.execute.report_pipe import Report
from flowpar.execute.standing_word import BEGUN, NUMBER, Done, Word
from flowpar.execute.wire import BadFrame, Channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.mask import Masker
    from flowpar.core.outcome import Outcome
    from flowpar.execute.base import Job, Notice
    from flowpar.execute.control import Birth, Exit, Refusal
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch
    from flowpar.execute.wire import Frame

CHUNK_BYTES = 1 << 16
# What a pipe may hold; more would come from somebody who goes on writing.
MAX_REST_BYTES = 4 << 20


class Employer(Protocol):
    """Who has jobs for a standing worker."""

    def say(self, notice: Notice) -> None:
        """Take a notice."""
        ...

    def posted(self) -> None:
        """A message of some attempt waits in the managed Queue."""
        ...

    def freed(self, worker: StandingWorker) -> None:
        """The worker holds one attempt less."""
        ...

    def abandoned(self, worker: StandingWorker) -> None:
        """The worker must not get another job: it holds a thread that cannot be ended, or is not what it was."""
        ...

    def lost(self, worker: StandingWorker) -> None:
        """The worker's process is over."""
        ...


class Held:
    """An attempt that the worker holds, and what it prints."""

    def __init__(self, job: Job, output: int, masker: Masker) -> None:
        """Own the read end `output`, where the attempt has one of its own."""
        self.job = job
        self.output = output
        self.printed = PrintedOutput(job.log_file, masker.stream())
        self.started: float | None = None


class StandingWorker:
    """Owns one process, the channel to it and the read ends of output pipes; `jobs` are the numbers it holds."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        employer: Employer,
        *,
        name: str,
        entry: str,
        arguments: tuple[object, ...],
        masker: Masker,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Have the process started: it calls `entry` with `arguments`, the descriptor of its channel and `descriptors`.

        The descriptors stay the caller's to close.
        """
        self.pid = 0
        self._unheard: deque[Frame] = deque()
        self._masker = masker
        self._link = link
        self._watch = watch
        self._employer = employer
        self._held: dict[int, Held] = {}
        self._shared: bytes | None = None
        ours, theirs = socket.socketpair()
        self._channel: Channel | None = Channel(ours)
        watch.add(ours.fileno(), self._hear)
        with theirs:
            self._key = link.serve(self, entry, arguments, name=name, descriptors=(theirs.fileno(), *descriptors))

    @property
    def jobs(self) -> list[int]:
        """The numbers of the jobs it holds."""
        return list(self._held)

    @property
    def is_reachable(self) -> bool:
        """Whether it may be handed a job: neither side has hung up."""
        return self._channel is not None

    def submit(self, job: Job) -> None:
        """Hand over a job; raises OSError where no pipe is to be had."""
        output, output_end = os.pipe()
        held = self._held[job.number] = Held(job, output, self._masker)
        os.set_blocking(output, False)
        self._watch.add(output, lambda: self._read_output(held))
        try:
            self._share(job.shared)
            self._send(Word.JOB, pack_job(job), output_end)
        finally:
            os.close(output_end)

    def _share(self, shared: bytes) -> None:
        """Tell what all jobs of a run have in common, once."""
        if shared is not self._shared:
            self._shared = shared
            self._send(Word.SHARE, shared)

    def ask_to_cancel(self, job: int) -> None:
        """Ask an attempt to end; it does, or ABANDONED says that it can't be made to."""
        self._send(Word.CANCEL, NUMBER.pack(job))

    def signal(self, *, force: bool) -> None:
        """TERM to the process and all below it, or KILL by `force`."""
        self._link.cancel(self._key, force=force)

    def settle(self, job: int, outcome: Outcome) -> None:
        """Complete an attempt that the worker will not complete, or not in time."""
        held = self._held.get(job)
        if held is not None:
            now = time.monotonic()
            self._complete(held, Done(job, held.started or now, now, -1.0, Report(outcome)))

    def close(self) -> None:
        """Give all descriptors back; the process ends with its channel or with the link."""
        for held in self._held.values():
            self._close_output(held)
        self._held.clear()
        self._hang_up()

    # What the launcher says.

    def born(self, birth: Birth) -> None:
        """Note that it runs, and hear what it has said already."""
        self.pid = birth.pid
        self._heed()

    def ended(self, end: Exit) -> None:
        """Fail what it held."""
        self._hear_rest()
        how = end_of_service(end.code)
        name = signal_name(-end.code) if end.code < 0 else ""
        self._lose(Failure(FailureKind.DIED, name, f"its worker process (pid {end.pid}) {how}"))

    def refused(self, refusal: Refusal) -> None:
        """Fail what it was to do."""
        self._lose(Failure(FailureKind.DIED, "", refusal.message))

    def _lose(self, failure: Failure) -> None:
        # First of all the employer knows, or it would hand the next job to a worker that is no more.
        self._hang_up()
        self._employer.lost(self)
        for job in self.jobs:
            self.settle(job, failure)

    def _hear(self) -> None:
        if self._channel is None:
            return
        try:
            self._unheard.extend(self._channel.receive())
        except (EOFError, BadFrame):
            self._give_up()
        self._heed()

    def _heed(self) -> None:
        """Take what it has said, once it is known who it is."""
        try:
            while self.pid and self._unheard:
                self._take(self._unheard.popleft())
        except (BadFrame, struct.error):
            self._give_up()

    def _give_up(self) -> None:
        # Mostly it is dead already; but a task may have closed or written to what is not its own.
        self.signal(force=True)
        self._hang_up()

    def _hear_rest(self) -> None:
        """Take what the worker said before it ended, up to the end of the channel."""
        poller = select.poll()
        if self._channel is not None:
            poller.register(self._channel.fileno(), select.POLLIN)
        while self._channel is not None and poller.poll(0):
            self._hear()

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case Word.DONE:  # the commonest first
                done = Done.unpack(frame)
                if (held := self._held.get(done.job)) is not None:
                    self._complete(held, done)
                else:
                    self._employer.freed(self)
            case Word.BEGUN:
                number, started = BEGUN.unpack(frame.body)
                if (held := self._held.get(number)) is not None:
                    held.started = started
                    self._employer.say(Started(number, self.pid, started))
            case Word.POSTED:
                self._employer.posted()
            case Word.RETIRE:
                self._employer.abandoned(self)
            case Word.ABANDONED:
                (number,) = NUMBER.unpack(frame.body)
                if number in self._held:
                    self._employer.abandoned(self)
                    self.settle(number, Failure(FailureKind.CANCELLED, "", "cancelled"))
            case _:
                raise BadFrame("a worker says no such thing")

    def _complete(self, held: Held, done: Done) -> None:
        self._read_rest(held)
        self._close_output(held)
        warnings = done.report.warnings
        if held.printed.problem:
            warnings += (held.printed.problem,)
        del self._held[done.job]
        self._employer.say(
            Completion(
                done.job,
                done.report.outcome,
                self.pid,
                done.started,
                done.ended,
                cpu_s=done.cpu_s if done.cpu_s >= 0 else None,
                has_log=held.printed.has_log,
                warnings=warnings,
            )
        )
        self._employer.freed(self)

    def _read_output(self, held: Held) -> int:
        try:
            data = os.read(held.output, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._print(held, held.printed.take(data))
        else:
            self._watch.remove(held.output)
        return len(data)

    def _read_rest(self, held: Held) -> None:
        rest_bytes = 0
        while rest_bytes < MAX_REST_BYTES and (size := self._read_output(held)):
            rest_bytes += size
        self._print(held, held.printed.finish())

    def _print(self, held: Held, text: str) -> None:
        if text:
            self._employer.say(Printed(held.job.number, text))

    def _close_output(self, held: Held) -> None:
        self._watch.remove(held.output)
        os.close(held.output)

    def _send(self, word: Word, body: bytes, *descriptors: int) -> None:
        # A worker that is gone says so by its end.
        with suppress(ConnectionError):
            if self._channel is not None:
                self._channel.send(word, body, descriptors)

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._watch.remove(self._channel.fileno())
            self._channel.close()
            self._channel = None
