"""The executor `thread`: attempts in the threads of one worker process, for tasks that mostly wait.

A thread cannot be ended from outside. One that goes on when its attempt is cancelled is left to
itself: its attempt is complete at once, and its worker gets no more jobs and is killed when its other
threads are done.

    current    the worker that gets jobs
    worker_of  {job: worker}, with those that are on their way out
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.base import Completion
from flowpar.execute.staffed import StaffedExecutor

if TYPE_CHECKING:
    from typing import Unpack

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.staffed import Terms
    from flowpar.execute.standing import StandingWorker
    from flowpar.execute.watch import Watch

_ENTRY = "flowpar.execute.thread_worker:serve"


class ThreadExecutor(StaffedExecutor):
    """Holds up to `slots` attempts, each in a thread."""

    def __init__(self, link: Link, watch: Watch, **terms: Unpack[Terms]) -> None:
        """Start nothing yet: workers come with jobs."""
        super().__init__(link, watch, **terms)
        self._arguments = (self._slots, *self._arguments)
        self._current: StandingWorker | None = None
        self._workers: list[StandingWorker] = []
        self._retiring: list[StandingWorker] = []
        self._worker_of: dict[int, StandingWorker] = {}
        self._unrecorded = 0

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return self._slots

    @property
    def held(self) -> int:
        """How many jobs it holds, and how many have ended that are not recorded."""
        return len(self._worker_of) + self._unrecorded

    def submit(self, job: Job) -> None:
        """Take a job."""
        try:
            if self._current is None:
                self._current = self._hire("threads", _ENTRY)
                self._workers.append(self._current)
            self._worker_of[job.number] = self._current
            self._current.submit(job)
        except OSError as error:
            self._refuse(job, error)

    def recorded(self) -> None:
        """Have room for as many jobs as have ended."""
        self._unrecorded = 0

    def cancel(self, job: int, *, force: bool = False) -> None:
        """Ask an attempt to end, or by `force` complete it whatever its thread does."""
        worker = self._worker_of.get(job)
        if worker is None:
            return
        if force:
            self.abandoned(worker)
            worker.settle(job, Failure(FailureKind.CANCELLED, "", "cancelled"))
        else:
            worker.ask_to_cancel(job)

    def close(self) -> None:
        """Give the descriptors back; the processes end with the link."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    # What a worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`."""
        if isinstance(notice, Completion):
            self._worker_of.pop(notice.job, None)
            self._unrecorded += 1
        super().say(notice)

    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        if worker is self._current:
            self._current = None
        if worker not in self._retiring:
            self._retiring.append(worker)

    def freed(self, worker: StandingWorker) -> None:
        """End a worker that was only waited for."""
        if worker in self._retiring and not worker.jobs:
            worker.signal(force=True)

    def lost(self, worker: StandingWorker) -> None:
        """Forget a worker; the next job gets a new one."""
        if worker is self._current:
            self._current = None
        for workers in (self._workers, self._retiring):
            if worker in workers:
                workers.remove(worker)
