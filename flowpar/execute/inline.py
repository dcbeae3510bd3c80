"""The executor `inline`: attempts one after another in the main thread of one worker process, for debugging.

The worker undoes what an attempt did to its process; what stays are imported modules and their globals.
One that had to be told to end is ended with its worker, and so is the worker of one that gave away what can't
be got back (user, limits); the next attempt gets a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.base import Completion
from flowpar.execute.staffed import StaffedExecutor

if TYPE_CHECKING:
    from typing import Unpack

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.staffed import Terms
    from flowpar.execute.standing import StandingWorker
    from flowpar.execute.watch import Watch

_ENTRY = "flowpar.execute.inline_worker:serve"
_CAPACITY = 2


class InlineExecutor(StaffedExecutor):
    """Holds the attempt that runs and one that waits."""

    def __init__(self, link: Link, watch: Watch, **terms: Unpack[Terms]) -> None:
        """Start nothing yet; one attempt at a time is all there is, whatever the run has."""
        super().__init__(link, watch, **terms)
        self._worker: StandingWorker | None = None
        self._is_retired = False
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

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, and all that it started."""
        self._drop(job)
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
            if self._worker is not None and self._worker.jobs:
                return
            job = self._waiting.popleft()
            try:
                if self._worker is None:
                    self._worker = self._hire("inline", _ENTRY)
                self._worker.submit(job)
            except OSError as error:
                self._refuse(job, error)

    # What the worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`."""
        self._is_recorded = self._is_recorded and not isinstance(notice, Completion)
        super().say(notice)

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
