"""The executor `process`: each attempt in a multiprocessing Process of its own, started by the launcher.

    submit ── result channel, output pipe, order ──► launcher ──► worker, which waits for leave to begin
    take   ◄─ Started, Printed, Completion ───────── AttendedAttempt ── leave ──► worker

The launcher starts the next process as soon as there is a slot. Its attempt begins only when the one
before it is recorded, so that a kill makes at most one attempt for each slot run again.
"""

from __future__ import annotations

import os
import time
from _socket import socketpair
from typing import TYPE_CHECKING

from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.point import point
from flowpar.execute.attended import AttendedAttempt, never_started
from flowpar.execute.control import Exit
from flowpar.execute.death import kernel_kill_count
from flowpar.execute.leave import Leaves
from flowpar.execute.order import pack_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Completion, Job, Notice, Printed, Started
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch

# Two slots may fall free while the engine waits for the disk; more would only settle early what runs next.
AHEAD = 2


class ProcessExecutor:
    """Holds the attempts that were submitted and are not over."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        *,
        slots: int,
        posted: Callable[[], None] = lambda: None,
        masker: Masker | None = None,
        light: int = 0,
        leaves: Leaves | None = None,
    ) -> None:
        """Run up to `slots` attempts at once, and `light` more of less than one cpu.

        `posted` hears that a message waits in the managed Queue; `leaves` says who may begin, where others ask, too.
        """
        self._link = link
        self._watch = watch
        self._slots = slots + light
        self._posted = posted
        self._masker = masker or Masker()
        self._attempts: dict[int, AttendedAttempt] = {}
        self._leaves = leaves or Leaves(slots)
        self._notices: list[Notice] = []
        self._kernel_kills = kernel_kill_count()

    @property
    def capacity(self) -> int:
        """How many jobs it may hold: some more than run, so that no slot waits for the engine."""
        return self._slots + AHEAD

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._attempts)

    def submit(self, job: Job) -> None:
        """Take a job."""
        pipes: list[int] = []
        try:
            point("attempt.pipe")
            pipes += (end.detach() for end in socketpair())
            pipes += os.pipe()
        except OSError as error:
            for number in pipes:
                os.close(number)
            failure = Failure(FailureKind.DIED, "", f"no pipe could be opened for it: {error.strerror}")
            self._notices.append(never_started(job, failure))
            return
        result, result_end, output, output_end = pipes
        attempt = AttendedAttempt(job, self, result=result, output=output, masked=self._masker.stream())
        for number, read in ((result, attempt.read_result), (output, attempt.read_output)):
            os.set_blocking(number, False)
            self._watch.add(number, read)
        self._attempts[job.number] = attempt
        try:
            point("attempt.request")
            attempt.key = self._link.start(attempt, pack_job(job), job.shared, (result_end, output_end))
        finally:
            os.close(result_end)
            os.close(output_end)
        self._leaves.ask(attempt)

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time."""
        notices, self._notices = self._notices, []
        return notices

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk."""
        self._leaves.renew()

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened or the time is over; what was told before is recorded."""
        self.recorded()
        if not self._notices:
            self._watch.wait(timeout_s)
        return self.take()

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, its whole process tree."""
        attempt = self._attempts.get(job)
        if attempt is not None:
            attempt.was_forced |= force
            self._link.cancel(attempt.key, force=force)

    def lose(self, code: int) -> list[Job]:
        """End all attempts, as what they were forked from has ended with `code`; return those that had not begun."""
        unbegun: list[Job] = []
        for attempt in list(self._attempts.values()):
            if attempt.has_leave or not attempt.cpu_milli:
                attempt.ended(Exit(attempt.key, attempt.pid, code, time.monotonic()))
            else:
                attempt.close()
                del self._attempts[attempt.job.number]
                self._leaves.give_back(attempt)
                unbegun.append(attempt.job)
        return unbegun

    def close(self) -> None:
        """Give the pipes back; the processes end with the link."""
        for attempt in self._attempts.values():
            attempt.close()
        self._attempts.clear()

    # What an attempt asks of its host.

    def say(self, notice: Started | Printed | Completion) -> None:
        """Keep a notice for `take`."""
        self._notices.append(notice)

    def posted(self) -> None:
        """Pass on that a message waits."""
        self._posted()

    def unwatch(self, number: int) -> None:
        """Stop waiting for a descriptor."""
        self._watch.remove(number)

    def was_out_of_memory(self) -> bool:
        """Compare the kernel's count with the last one."""
        before, self._kernel_kills = self._kernel_kills, kernel_kill_count()
        return self._kernel_kills > before

    def over(self, attempt: AttendedAttempt, *, is_clean: bool) -> None:
        """Forget an attempt."""
        self._attempts.pop(attempt.job.number, None)
        self._leaves.give_back(attempt)
        if not is_clean:
            self._link.sweep()
