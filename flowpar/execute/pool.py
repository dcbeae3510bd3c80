"""The executor `pool`: attempts of any task in worker processes that stay, one a slot.

    waiting ─► leave ─► bundle ─► seat: a warm worker that makes its attempts one after another
                 ▲                  ├─ all are over and recorded ─► free for the next bundle
                 └── not begun ◄────┼─ one did not succeed, or lasts while another seat is free
                                    └─ it died, was told to end, or is worn ─► another worker comes

Short jobs travel together, as many as are some milliseconds of work by what was seen so far; each is an attempt of its
own, and what has not begun can be had back at any time (see `claim`). Who may begin is decided for all executors
together (see `leave`), so a pool beside `process` takes no more slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import Success
from flowpar.execute.base import Completion
from flowpar.execute.leave import Leaves
from flowpar.execute.pace import Pace
from flowpar.execute.staffed import StaffedExecutor
from flowpar.execute.warm_worker import WarmWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.staffed import Terms
    from flowpar.execute.standing import StandingWorker
    from flowpar.execute.watch import Watch

# Whoever waits for a slot is prepared by then.
_AHEAD = 2


@dataclass(slots=True, eq=False)
class _Turn:
    """A slot that is asked for, or held."""

    begin: Callable[[_Turn], bool]
    cpu_milli: int = 1000
    has_leave: bool = False
    is_in_vain: bool = False

    def let_begin(self) -> None:
        """Begin."""
        self.has_leave = True
        self.is_in_vain = not self.begin(self)


@dataclass(slots=True, eq=False)
class _Seat:
    """A worker, and the turn that it has; once it `is_retired` or `is_told_to_end`, it gets no other."""

    worker: WarmWorker
    turn: _Turn | None = None
    is_retired: bool = False
    is_told_to_end: bool = False


class PoolExecutor(StaffedExecutor):
    """Holds the attempts that were submitted, and the workers."""

    def __init__(self, link: Link, watch: Watch, *, leaves: Leaves | None = None, **terms: Unpack[Terms]) -> None:
        """Start nothing yet: workers come with jobs; `leaves` says who may begin, where others ask, too."""
        super().__init__(link, watch, **terms)
        self._leaves = leaves or Leaves(self._slots)
        self._pace = Pace()
        self._asked: list[_Turn] = []
        self._seats: list[_Seat] = []
        self._given: dict[int, tuple[Job, _Seat]] = {}
        self._over: list[_Seat] = []
        self._busy = 0

    @property
    def capacity(self) -> int:
        """How many jobs it may hold: what runs, and as much again that is prepared meanwhile."""
        size = self._pace.most
        return self._slots * size * 2 if size > 1 else self._slots + _AHEAD

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._waiting) + len(self._given)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._waiting.append(job)
        self._ask()

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk."""
        self._leaves.renew()
        self._ask()

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time; seats whose ends are told by that may have others."""
        notices = super().take()
        over, self._over = self._over, []
        for seat in over:
            self._leave(seat)
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, and all that it started; nobody else's is harmed."""
        _, seat = self._given.get(job, (None, None))
        if seat is not None:
            # Nothing begins there any more, and by what it has said the attempt is over or is what it makes now.
            self._take_back(seat)
            seat.worker.catch_up()
        self._drop(job)
        if seat is not None and job in self._given:
            seat.is_told_to_end = True
            seat.worker.signal(force=force)

    def close(self) -> None:
        """Give the descriptors back; the processes end with the link."""
        for seat in self._seats:
            seat.worker.close()
        self._seats.clear()

    # Turns: how a seat comes to a bundle.

    def _ask(self) -> None:
        """Ask for a slot for each seat that could have something to do."""
        while self._busy + len(self._asked) < self._slots and len(self._asked) < self._work():
            turn = _Turn(self._begin)
            self._asked.append(turn)
            self._leaves.ask(turn)
            if turn.is_in_vain:
                return

    def _work(self) -> int:
        """Count what waits, or say whether somebody has more than he can do at once."""
        return len(self._waiting) or any(seat.worker.load > 1 for seat in self._seats)

    def _begin(self, turn: _Turn) -> bool:
        """Hand over a bundle, or give the turn back where nothing is left; return whether it did."""
        self._asked.remove(turn)
        if not self._waiting:
            self._share_load()
        if not self._waiting:
            self._leaves.give_back(turn)
            return False
        jobs = self._pace.bundle(self._waiting, self._slots)
        try:
            seat = self._free_seat() or self._new_seat()
        except OSError as error:
            self._waiting.extendleft(reversed(jobs[1:]))
            self._leaves.give_back(turn)
            self._refuse(jobs[0], error)
            return False
        seat.turn = turn
        self._busy += 1
        self._given.update((job.number, (job, seat)) for job in jobs)
        seat.worker.hand_over(jobs)
        return True

    def _free_seat(self) -> _Seat | None:
        # What is sent to a worker that has hung up gets lost, and its end may be told much later.
        return next((seat for seat in self._seats if seat.turn is None and seat.worker.is_reachable), None)

    def _new_seat(self) -> _Seat:
        worker = WarmWorker(self._link, self._watch, self, arguments=self._arguments, masker=self._masker)
        self._seats.append(_Seat(worker))
        return self._seats[-1]

    def _share_load(self) -> None:
        """Let half of what somebody has wait again, for whoever is free."""
        busiest = max(self._seats, key=lambda seat: seat.worker.load, default=None)
        if busiest is not None and busiest.worker.load > 1:
            self._take_back(busiest, busiest.worker.load // 2)

    def _take_back(self, seat: _Seat, most: int | None = None) -> None:
        """Let jobs wait again that a seat was to make and has not begun."""
        self._put_first(seat.worker.take_back(most))
        self._leave(seat)

    def _put_first(self, jobs: Sequence[Job]) -> None:
        for job in reversed(jobs):
            del self._given[job.number]
            self._waiting.appendleft(job)

    def _leave(self, seat: _Seat) -> None:
        """Take the turn from a seat that has nothing to do any more, and end it where it is not to go on.

        It keeps its turn until all that ended there is told: nobody can have recorded it before.
        """
        if seat.worker.load or seat.turn is None or seat in self._over:
            return
        self._leaves.give_back(seat.turn)
        seat.turn = None
        self._busy -= 1
        if seat in self._seats and (seat.is_retired or seat.is_told_to_end):
            self._seats.remove(seat)
            if seat.is_told_to_end:  # a signal for the attempt that it had may yet meet it
                seat.worker.signal(force=True)
            seat.worker.close()

    def _seat_at(self, worker: StandingWorker) -> _Seat | None:
        return next((seat for seat in self._seats if seat.worker is worker), None)

    # What a worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`; who has ended leaves room for another once that is taken and recorded."""
        super().say(notice)
        if isinstance(notice, Completion) and notice.job in self._given:
            job, seat = self._given.pop(notice.job)
            self._pace.note(job, notice.ended - notice.started)
            if seat not in self._over:
                self._over.append(seat)
            outcome = notice.outcome
            if seat.is_retired or not (isinstance(outcome, Success) and outcome.is_last):
                self._take_back(seat)

    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        seat = self._seat_at(worker)
        if seat is not None:
            seat.is_retired = True

    def freed(self, worker: StandingWorker) -> None:
        """Do nothing: it was freed by the completion."""

    def lost(self, worker: StandingWorker) -> None:
        """Go on without it; one that never began anything fails its first job, or that would go on for ever."""
        seat = self._seat_at(worker)
        if seat is None:
            return
        self._seats.remove(seat)
        jobs = seat.worker.take_back()
        if jobs and not seat.worker.has_begun:
            seat.worker.hold(jobs.pop(0))
        self._put_first(jobs)
        self._leave(seat)
