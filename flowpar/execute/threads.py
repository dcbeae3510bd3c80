"""The executor `thread`: attempts in the threads of one worker process, for tasks that mostly wait.

A thread cannot be ended from outside. One that goes on when its attempt is cancelled is left to
itself: its attempt is complete at once, and its worker gets no more jobs and is killed when its other
threads are done.

    current    the worker that gets jobs
    worker_of  {job: worker}, with those that are on their way out
"""

from __future__ import annotations

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

_ENTRY = "flowpar.execute.thread_worker:serve"


class ThreadExecutor:
    """Holds up to `slots` attempts, each in a thread."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        *,
        slots: int,
        posted: Callable[[], None] = lambda: None,
        outputs_address: str | None = None,
        outputs_key: bytes = b"",
        masker: Masker | None = None,
    ) -> None:
        """Start nothing yet: the worker comes with the first job."""
        self._link = link
        self._watch = watch
        self._slots = slots
        self._posted = posted
        self._masker = masker or Masker()
        self._arguments = (slots, outputs_address, outputs_key)
        self._current: StandingWorker | None = None
        self._workers: list[StandingWorker] = []
        self._retiring: list[StandingWorker] = []
        self._worker_of: dict[int, StandingWorker] = {}
        self._notices: list[Notice] = []
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
        if self._current is None:
            self._current = StandingWorker(
                self._link,
                self._watch,
                self,
                name="flowpar:threads",
                entry=_ENTRY,
                arguments=self._arguments,
                masker=self._masker,
            )
            self._workers.append(self._current)
        self._worker_of[job.number] = self._current
        try:
            self._current.submit(job)
        except OSError as error:
            failure = Failure(FailureKind.DIED, "", f"no pipe could be opened for it: {error.strerror}")
            self.say(never_started(job, failure))

    def recorded(self) -> None:
        """Have room for as many jobs as have ended."""
        self._unrecorded = 0

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
        self._notices.append(notice)

    def posted(self) -> None:
        """Pass on that a message waits."""
        self._posted()

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
