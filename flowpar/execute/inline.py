"""The executor `inline`: attempts one after another in the main thread of one worker process, for debugging.

The worker undoes what an attempt did to its process; what stays are imported modules and their globals.
One that had to be told to end is ended with its worker, and so is the worker of one that gave away what can't
be got back (user, limits); the next attempt gets a new one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.attended import never_started
from flowpar.execute.base import Completion
from flowpar.execute.standing import StandingWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch

_ENTRY = "flowpar.execute.inline_worker:serve"
_CAPACITY = 2


class InlineExecutor:
    """Holds the attempt that runs and one that waits."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        *,
        slots: int = 1,  # noqa: ARG002 - one is all there is, whatever the run has
        posted: Callable[[], None] = lambda: None,
        outputs_address: str | None = None,
        outputs_key: bytes = b"",
        masker: Masker | None = None,
    ) -> None:
        """Start nothing yet: the worker comes with the first job."""
        self._link = link
        self._watch = watch
        self._posted = posted
        self._masker = masker or Masker()
        self._arguments = (outputs_address, outputs_key)
        self._worker: StandingWorker | None = None
        self._is_retired = False
        self._waiting: deque[Job] = deque()
        self._notices: list[Notice] = []
        self._is_recorded = True

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return _CAPACITY

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._waiting) + (len(self._worker.jobs) if self._worker else 0)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._waiting.append(job)
        self._feed()

    def recorded(self) -> None:
        """Hand over the next job: the one before it is on disk."""
        if not self._is_recorded:
            self._is_recorded = True
            self._feed()

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time."""
        notices, self._notices = self._notices, []
        return notices

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened or the time is over; what was told before is recorded."""
        self.recorded()
        if not self._notices:
            self._watch.wait(timeout_s)
        return self.take()

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, and all that it started."""
        for waiting in [waiting for waiting in self._waiting if waiting.number == job]:
            self._waiting.remove(waiting)
            self.say(never_started(waiting, Failure(FailureKind.CANCELLED, "", "cancelled before it started")))
        if self._worker is not None and job in self._worker.jobs:
            self._is_retired = True
            self._worker.signal(force=force)

    def close(self) -> None:
        """Give the descriptors back; the process ends with the link."""
        self._waiting.clear()
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _feed(self) -> None:
        """Hand over the next job where the worker is free and what it did last is recorded."""
        while self._waiting and self._is_recorded and not self._is_retired:
            if self._worker is None:
                self._worker = StandingWorker(
                    self._link,
                    self._watch,
                    self,
                    name="flowpar:inline",
                    entry=_ENTRY,
                    arguments=self._arguments,
                    masker=self._masker,
                )
            if self._worker.jobs:
                return
            job = self._waiting.popleft()
            try:
                self._worker.submit(job)
            except OSError as error:
                failure = Failure(FailureKind.DIED, "", f"no pipe could be opened for it: {error.strerror}")
                self.say(never_started(job, failure))

    # What the worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`."""
        self._is_recorded = self._is_recorded and not isinstance(notice, Completion)
        self._notices.append(notice)

    def posted(self) -> None:
        """Pass on that a message waits."""
        self._posted()

    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        self._is_retired = self._is_retired or worker is self._worker

    def freed(self, worker: StandingWorker) -> None:
        """Hand over the next job, unless the worker must not get it: a signal for the last one may yet meet it."""
        if self._is_retired:
            worker.signal(force=True)
        else:
            self._feed()

    def lost(self, worker: StandingWorker) -> None:
        """Go on with a new worker."""
        if worker is self._worker:
            self._worker = None
            self._is_retired = False
            self._feed()
