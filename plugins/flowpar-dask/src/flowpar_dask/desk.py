"""Each job from when the run gives it until what became of it is told; the executor calls it under its lock.

    add ─► waiting, by what they ask for ── take_off ──► flights ── hear, lose ──► notices ── take_notices ─►
                     ▲                                     │
                     └───── not begun: withdraw, lose ─────┘

Dask decides which worker makes a bundle; which jobs are in it, and which of them wait again, is decided here.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind
from flowpar.execute.base import Completion
from flowpar.execute.pace import Pace

from flowpar_dask.ending import file_of, lost, told_late
from flowpar_dask.flight import Flight
from flowpar_dask.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice, OutputKey

    from flowpar_dask.bundle import Word
    from flowpar_dask.near import Maker
    from flowpar_dask.workers import Asked

# To hand a bundle over costs some milliseconds in all processes together, so it is worth some work.
_WORK_S = 0.05
_MOST_JOBS = 256
_MOST_BYTES = 1 << 20
# An attempt that a worker was told to kill, and of which nothing was heard since.
_GIVEN_UP_S = 8.0


@dataclass(slots=True)
class Desk:
    """Owns the jobs; `wake` is called once there are notices.

    `file` is what the names of the files begin with that say who took a bundle.
    """

    file: str
    wake: Callable[[], object] = bool
    workers: Workers = field(default_factory=Workers)
    flights: dict[int, Flight] = field(default_factory=dict)
    _pace: Pace = field(default_factory=lambda: Pace(work_s=_WORK_S, most_jobs=_MOST_JOBS))
    _waiting: dict[Asked, deque[Job]] = field(default_factory=dict)
    _outputs: dict[int, Mapping[OutputKey, ValueRef]] = field(default_factory=dict)
    _flight_of: dict[int, Flight] = field(default_factory=dict)
    _notices: list[Notice] = field(default_factory=list)
    _given_up_at: dict[int, float] = field(default_factory=dict)
    _number: int = 0

    # What the run asks for.

    @property
    def capacity(self) -> int:
        """How many jobs there may be: what is under way, and what is bundled next meanwhile."""
        return self.workers.slots * max(2, self._pace.most) * 2

    @property
    def is_busy(self) -> bool:
        """Whether there is any job."""
        return bool(self._flight_of) or any(self._waiting.values())

    @property
    def has_notices(self) -> bool:
        """Whether something is to be told."""
        return bool(self._notices)

    def add(self, job: Job, outputs: Mapping[OutputKey, ValueRef]) -> None:
        """Let a job wait; `outputs` are those that it looks up."""
        if outputs:
            self._outputs[job.number] = outputs
        self._waiting.setdefault(self.workers.asked_by(job), deque()).append(job)

    def take_notices(self) -> list[Notice]:
        """Return what is to be told, once."""
        notices, self._notices = self._notices, []
        return notices

    def cancel(self, job: int, *, force: bool) -> bool:
        """End a job that nobody has begun; return whether a worker may be making it, and has to be asked.

        One that is asked by `force` and does not answer is given up after a while.
        """
        flight = self._flight_of.get(job)
        if self._drop(job) or (flight is not None and self.withdraw(flight, without=job)):
            self._settle(job, "cancelled before it started", FailureKind.CANCELLED)
        elif flight is not None:
            if force:
                self._given_up_at[job] = time.monotonic() + _GIVEN_UP_S
            return True
        return False

    def _drop(self, job: int) -> bool:
        for waiting in self._waiting.values():
            for each in [each for each in waiting if each.number == job]:
                waiting.remove(each)
                return True
        return False

    # Off to the workers.

    @property
    def can_take_off(self) -> bool:
        """Whether a bundle may go: one is made and one is there next, for each thread of the cluster."""
        return len(self.flights) < 2 * self.workers.slots and any(map(self._may_go, self._waiting))

    def _may_go(self, asked: Asked) -> bool:
        """Whether a bundle that asks for so much may go: those that wait for what is scarce keep no others waiting."""
        if not self._waiting[asked]:
            return False
        if not asked:
            return True
        flying = sum(flight.asked == asked for flight in self.flights.values())
        return flying < 2 * max(1, self.workers.places(asked))

    def lacking(self) -> list[str]:
        """Return what jobs ask for that no worker has, each once."""
        waiting = [asked for asked, jobs in self._waiting.items() if jobs]
        return self.workers.lacking(dict.fromkeys([*waiting, *(flight.asked for flight in self.flights.values())]))

    def take_off(self) -> list[Flight]:
        """Return bundles of what waits, as many as may be under way; first come, first served."""
        flights = []
        while self.can_take_off:
            asked = min(filter(self._may_go, self._waiting), key=lambda asked: self._waiting[asked][0].number)
            flights.append(self._board(asked))
        return flights

    def _board(self, asked: Asked) -> Flight:
        waiting = self._waiting[asked]
        jobs = self._pace.bundle(waiting, self.workers.slots)
        size = 0
        for place, job in enumerate(jobs):
            size += len(job.bindings) + len(job.recipe)
            if (size > _MOST_BYTES and place) or job.shared is not jobs[0].shared:
                waiting.extendleft(reversed(jobs[place:]))
                jobs = jobs[:place]
                break
        self._number += 1
        outputs = {key: ref for job in jobs for key, ref in self._outputs.get(job.number, {}).items()}
        file = f"{self.file}-{self._number}"
        flight = Flight(self._number, file, {job.number: job for job in jobs}, jobs[0].shared, outputs, asked)
        self.flights[flight.number] = flight
        self._flight_of.update(dict.fromkeys(flight.jobs, flight))
        return flight

    # What became of them.

    def hear(self, flight: Flight, word: Word) -> None:
        """Take in what a worker says of a bundle."""
        for notice in flight.timed(word):
            if word.maker is not None:
                self._note_maker(notice, word.maker)
            self._tell(notice)
        self._put_back(flight, word.unbegun)
        if word.is_last and word.was_begun:
            self.lose(flight)
        elif word.is_last:
            self._land(flight, "its dask worker forgot it")

    def _note_maker(self, notice: Notice, maker: Maker) -> None:
        file = file_of(notice)
        if file is not None:
            self.workers.made(file, maker)

    def withdraw(self, flight: Flight, *, without: int | None = None) -> bool:
        """Let the jobs of a bundle wait again, but for one of them; return whether nobody had begun it."""
        if not flight.claim():
            return False
        self._put_back(flight, [job for job in flight.jobs if job != without])
        self._forget(flight)
        return True

    def lose(self, flight: Flight) -> None:
        """Take a bundle for lost: what was being made failed, what was over counts, what had not begun waits again."""
        if flight.number not in self.flights or self.withdraw(flight):
            return
        begun = flight.begun()
        if begun is not None:
            for job, (pid, done) in begun.over.items():
                if job in flight.jobs:
                    self._tell(told_late(done, pid))
            self._put_back(flight, [job for job in flight.jobs if job not in begun.jobs])
        self._land(flight, "its dask worker was lost")

    def give_up(self) -> None:
        """End attempts of which their worker was told to kill them, and says nothing."""
        moment = time.monotonic()
        for job in [job for job, due in self._given_up_at.items() if due < moment]:
            self._settle(job, "cancelled; its dask worker did not say that it has ended", FailureKind.CANCELLED)

    def _put_back(self, flight: Flight, jobs: Iterable[int]) -> None:
        for job in sorted(jobs, reverse=True):
            found = flight.jobs.pop(job, None)
            if found is not None:
                del self._flight_of[job]
                self._waiting.setdefault(self.workers.asked_by(found), deque()).appendleft(found)

    def _land(self, flight: Flight, reason: str) -> None:
        for job in list(flight.jobs):
            self._settle(job, reason)
        self._forget(flight)

    def _forget(self, flight: Flight) -> None:
        self.flights.pop(flight.number, None)
        for job in flight.jobs:
            self._flight_of.pop(job, None)
        flight.jobs.clear()
        if flight.future is not None:
            flight.future.release()  # dask forgets it, too

    def _settle(self, job: int, message: str, kind: FailureKind = FailureKind.DIED) -> None:
        self._tell(lost(job, message, kind))

    def _tell(self, notice: Notice) -> None:
        if isinstance(notice, Completion):
            self._note_end(notice)
        self._notices.append(notice)
        if len(self._notices) == 1:  # the others are taken with it
            self.wake()

    def _note_end(self, completion: Completion) -> None:
        """Forget a job, and know how long it took."""
        self._given_up_at.pop(completion.job, None)
        self._outputs.pop(completion.job, None)
        flight = self._flight_of.pop(completion.job, None)
        job = None if flight is None else flight.jobs.pop(completion.job, None)
        if job is not None and completion.pid:
            self._pace.note(job, completion.ended - completion.started)
