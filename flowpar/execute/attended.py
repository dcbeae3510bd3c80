"""One attempt as the engine attends it: two pipes, what came through them, and when it is over.

    result channel   leave to begin, then frames of the worker
    output pipe      what the task and its children print
    launcher         born, ended or refused

It is over when the launcher says that the process has ended: all that the worker wrote is in the
pipes by then, so they are emptied and closed, whoever else may still hold their other ends.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from flowpar.core.outcome import Failure, FailureKind, Outcome
from flowpar.core.point import point
from flowpar.execute.base import Completion, Printed, Started
from flowpar.execute.death import failure_of, over_limit
from flowpar.execute.printed import PrintedOutput
from flowpar.execute.report_pipe import LEAVE, Report, ReportKind, unpack_late, unpack_report
from flowpar.execute.wire import BadFrame, FrameReader

if TYPE_CHECKING:
    from flowpar.core.mask import MaskedStream
    from flowpar.execute.base import Job
    from flowpar.execute.control import Birth, Exit, Refusal
    from flowpar.execute.wire import Frame

_CHUNK_BYTES = 1 << 16
# The tree is dead when the rest is read; the limit is for one that could not be killed.
_MAX_REST_BYTES = 16 << 20


class Host(Protocol):
    """Who runs attempts: gets their notices and watches their pipes."""

    def say(self, notice: Started | Printed | Completion) -> None:
        """Take a notice."""
        ...

    def posted(self) -> None:
        """A message of some attempt waits in the managed Queue."""
        ...

    def unwatch(self, number: int) -> None:
        """Stop waiting for a descriptor."""
        ...

    def was_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for lack of memory since this was last asked."""
        ...

    def over(self, attempt: AttendedAttempt, *, is_clean: bool) -> None:
        """Forget an attempt; unless it is clean, orphans may be left of it."""
        ...


class AttendedAttempt:
    """Owns the read ends of both pipes."""

    def __init__(self, job: Job, host: Host, *, result: int, output: int, masked: MaskedStream | None = None) -> None:
        """Attend an attempt that has been asked for; what it prints goes through `masked`."""
        self.job = job
        self.cpu_milli = job.cpu_milli
        self.key = 0
        self.was_forced = False
        self.has_leave = False
        self._host = host
        self._result = result
        self._output = output
        self._masked = masked
        self._reader = FrameReader()
        self._report: Report | None = None
        self._late: tuple[str, ...] | None = None
        self._is_garbled = False
        self._printed: PrintedOutput | None = None
        self._birth: Birth | None = None
        self._unsaid = ""

    @property
    def pid(self) -> int:
        """Its process, 0 where none is known of."""
        return self._birth.pid if self._birth else 0

    def let_begin(self) -> None:
        """Tell the worker that it may begin, whether it is there already or not yet."""
        self.has_leave = True
        with suppress(OSError):  # it is gone, and the launcher will say so
            os.write(self._result, LEAVE)

    def read_result(self) -> None:
        """Take in what the worker reports."""
        self._take_result(_read(self._result))

    def read_output(self) -> None:
        """Take in what the task prints."""
        data = _read(self._output)
        if data:
            self._take_output(data)
        elif data is not None:
            self._host.unwatch(self._output)

    def born(self, birth: Birth) -> None:
        """Note that the process runs."""
        point("attempt.born")
        self._birth = birth
        self._host.say(Started(self.job.number, birth.pid, birth.monotonic))
        if self._unsaid:
            self._say(self._unsaid)
            self._unsaid = ""

    def ended(self, end: Exit) -> None:
        """Empty the pipes and tell how it went."""
        point("attempt.reap")
        if self._report is None or not self._report.is_last:
            while data := _read(self._result):
                self._take_result(data)
        self._read_rest()
        self.close()
        is_clean = self._report is not None and (self._report.is_last or self._late is not None)
        has_log = self._printed is not None and self._printed.has_log
        completion = Completion(
            self.job.number,
            self._outcome(end),
            end.pid,
            self._birth.monotonic if self._birth else end.monotonic,
            self._ended_at(end),
            cpu_s=end.cpu_s if end.cpu_s >= 0 else None,
            max_rss_bytes=end.max_rss_bytes if end.max_rss_bytes >= 0 else None,
            has_log=has_log,
            warnings=self._warnings(end),
        )
        # Orphans of an abnormal death (code not 0) have been swept before it was told.
        self._host.over(self, is_clean=is_clean or end.code != 0)
        self._host.say(completion)

    def _ended_at(self, end: Exit) -> float:
        """Return when it ended: by its own clock, as the launcher may have stood still before it saw that."""
        if self._report is None or self._birth is None or not (self._report.is_last and self._report.ended):
            return end.monotonic
        return min(end.monotonic, max(self._birth.monotonic, self._report.ended))

    def refused(self, refusal: Refusal) -> None:
        """Tell that there never was a process."""
        self.close()
        kind = FailureKind.CANCELLED if refusal.is_cancelled else FailureKind.DIED
        self._host.over(self, is_clean=True)
        self._host.say(never_started(self.job, Failure(kind, "", refusal.message)))

    def close(self) -> None:
        """Give both pipes back."""
        for number in (self._result, self._output):
            if number >= 0:
                self._host.unwatch(number)
                os.close(number)
        self._result = self._output = -1

    def _take_result(self, data: bytes | None) -> None:
        if data is None:
            return
        if not data:
            self._host.unwatch(self._result)
            return
        if self._is_garbled:
            return
        try:
            for frame in self._reader.feed(data):
                self._take_frame(frame)
        except BadFrame:
            self._is_garbled = True

    def _take_frame(self, frame: Frame) -> None:
        match frame.kind:
            case ReportKind.POSTED:
                self._host.posted()
            case ReportKind.LATE:
                self._late = unpack_late(frame)
            case ReportKind.OUTCOME if self._report is None:
                self._report = unpack_report(frame)
                if self._report.is_last:
                    # The next news is its exit: don't wake up for the ends of its pipes.
                    self._host.unwatch(self._result)
                    self._host.unwatch(self._output)
            case _:
                raise BadFrame("nothing more is to be said")

    def _take_output(self, data: bytes) -> None:
        if self._printed is None:
            self._printed = PrintedOutput(self.job.log_file, self._masked)
        self._say(self._printed.take(data))

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._birth is None:
            self._unsaid += text
        else:
            self._host.say(Printed(self.job.number, text))

    def _read_rest(self) -> None:
        rest_bytes = 0
        while rest_bytes < _MAX_REST_BYTES and (data := _read(self._output)):
            rest_bytes += len(data)
            self._take_output(data)
        if self._printed is not None:
            self._say(self._printed.finish())

    def _outcome(self, end: Exit) -> Outcome:
        if self._report is not None:
            return self._report.outcome
        if end.over_bytes:
            return over_limit(self.job.memory_bytes, end.over_bytes)
        is_kill = end.code == -signal.SIGKILL and not self.was_forced
        return failure_of(
            end.code,
            max_rss_bytes=end.max_rss_bytes if end.max_rss_bytes >= 0 else None,
            is_out_of_memory=is_kill and self._host.was_out_of_memory(),
            is_garbled=self._is_garbled,
        )

    def _warnings(self, end: Exit) -> tuple[str, ...]:
        warnings = self._report.warnings if self._report else ()
        warnings += self._late or ()
        if self._report is not None and self._late is None and end.code == -signal.SIGALRM:
            warnings += ("did not end after it had returned; it was ended",)
        if self._report is not None and self._is_garbled:
            warnings += ("wrote to the pipe that carries its result",)
        if self._printed is not None and self._printed.problem:
            warnings += (self._printed.problem,)
        return warnings


def never_started(job: Job, failure: Failure) -> Completion:
    """Return the completion of an attempt that had no process."""
    now = time.monotonic()
    return Completion(job.number, failure, 0, now, now)


def cancelled_before(job: Job) -> Completion:
    """Return the completion of an attempt that was cancelled while it waited."""
    return never_started(job, Failure(FailureKind.CANCELLED, "", "cancelled before it started"))


def _read(number: int) -> bytes | None:
    """Read once; None when there is nothing yet, empty at the end."""
    if number < 0:
        return b""
    try:
        return os.read(number, _CHUNK_BYTES)
    except BlockingIOError:
        return None
    except ConnectionResetError:  # it ended before it had read that it may begin
        return b""
