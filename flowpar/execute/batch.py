"""The executor `batch`: short items of a task one after another in one process, and then in a new one.

    waiting ─► seat: a worker process that makes one attempt at a time, for one task
                 ├─ the item is over, and that is recorded ─► the next one
                 ├─ it has made its share (N items, or _WORK_S of work) ─► hung up, and it ends
                 └─ it died ─► the item that it had fails; all others are still waiting here

The worker is that of `inline`, which puts back what an item changed. An attempt after a first one gets a new process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
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
_AHEAD = 2
# So much work is worth a process of its own: starting one costs two or three hundredths of it.
_WORK_S = 0.1
_MOST_ITEMS = 1_000


@dataclass(slots=True, eq=False)
class _Seat:
    """A worker, what it is for, and what it has made."""

    worker: StandingWorker
    task: str
    most: int
    count: int = 0
    work_s: float = 0.0
    is_free: bool = False
    is_retired: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it has made its share."""
        return self.count >= (self.most or _MOST_ITEMS) or (not self.most and self.work_s >= _WORK_S)


class BatchExecutor(StaffedExecutor):
    """Holds the attempts that run, a seat for each, and those that wait."""

    def __init__(self, link: Link, watch: Watch, **terms: Unpack[Terms]) -> None:
        """Start nothing yet: workers come with jobs."""
        super().__init__(link, watch, **terms)
        self._seats: list[_Seat] = []
        self._seat_of: dict[int, _Seat] = {}
        self._resting: list[_Seat] = []
        self._is_behind = False

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return self._slots + _AHEAD

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._waiting) + len(self._seat_of)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._waiting.append(job)
        self._feed()

    def recorded(self) -> None:
        """Let workers go on: what they made last is on disk."""
        for seat in self._resting:
            seat.is_free = True
        self._resting.clear()
        if self._is_behind:
            self._is_behind = False
            self._feed()

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, and all that it started."""
        self._drop(job)
        seat = self._seat_of.get(job)
        if seat is not None:
            seat.is_retired = True
            seat.worker.signal(force=force)

    def close(self) -> None:
        """Give the descriptors back; the processes end with the link."""
        self._waiting.clear()
        for seat in self._seats:
            seat.worker.close()
        self._seats.clear()

    def _feed(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            try:
                seat = self._seat_for(job)
                if seat is None:
                    self._waiting.appendleft(job)
                    return
                seat.worker.submit(job)
            except OSError as error:
                self._refuse(job, error)
                continue
            seat.is_free = False
            self._seat_of[job.number] = seat

    def _seat_for(self, job: Job) -> _Seat | None:
        """Return a free worker of the job's task, or a new one where there is room for that."""
        free = [seat for seat in self._seats if seat.is_free]
        fitting = [seat for seat in free if seat.task == job.task and job.attempt == 1]
        if fitting:
            return fitting[0]
        if len(self._seats) >= self._slots:
            if not free:
                return None
            self._hang_up(free[0])  # of another task, or not new enough
        worker = self._hire("batch", _ENTRY)
        self._seats.append(_Seat(worker, job.task, job.batch or 0, is_free=True))
        return self._seats[-1]

    def _hang_up(self, seat: _Seat) -> None:
        """Let a worker end that has nothing to do."""
        if seat in self._seats:
            self._seats.remove(seat)
            seat.worker.close()

    def _seat_at(self, worker: StandingWorker) -> _Seat | None:
        return next((seat for seat in self._seats if seat.worker is worker), None)

    # What a worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`, and count what a worker has made."""
        if isinstance(notice, Completion):
            self._is_behind = True
            seat = self._seat_of.pop(notice.job, None)
            if seat is not None:
                seat.count += 1
                seat.work_s += notice.ended - notice.started
                self._leave(seat)
        super().say(notice)

    def _leave(self, seat: _Seat) -> None:
        """Let a worker rest until what it made is recorded, or end where it is not to go on."""
        if seat not in self._seats:
            return  # it is lost
        if seat.is_retired:
            seat.worker.signal(force=True)
        elif seat.is_done:
            self._hang_up(seat)
        else:
            self._resting.append(seat)

    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        seat = self._seat_at(worker)
        if seat is not None:
            seat.is_retired = True

    def freed(self, worker: StandingWorker) -> None:
        """Do nothing: its completion comes at once."""

    def lost(self, worker: StandingWorker) -> None:
        """Go on without it."""
        seat = self._seat_at(worker)
        if seat is not None:
            self._seats.remove(seat)
            seat.is_retired = True
            self._resting = [each for each in self._resting if each is not seat]
            # What it held is told next. What it made before may be on disk already: nobody would say that once more.
            self._is_behind |= bool(worker.jobs)
            if not self._is_behind:
                self._feed()
