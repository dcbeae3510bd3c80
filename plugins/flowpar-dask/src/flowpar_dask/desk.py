"""Which jobs wait and which are under way, as bundles; pure, owned by the executor under its lock.

add ─► waiting, by what they ask for ─ take_off ─► flights ─ land ─► gone
▲                                        │
└──────────────── put_back ◄─────────────┘
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flowpar.execute.base import Completion, Started
from flowpar.execute.pace import Pace

from flowpar_dask.bundle import Bundle, boot, claim, now
from flowpar_dask.lookup import bindings_of, files_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice, OutputKey

    from flowpar_dask.bundle import Word
    from flowpar_dask.near import Maker

    Asked = tuple[tuple[str, float], ...]

# To hand a bundle over costs some milliseconds in all processes together, so it is worth some work.
_WORK_S = 0.05
_MOST_JOBS = 256
_MOST_BYTES = 1 << 20
_MOST_MAKERS = 100_000


@dataclass(slots=True, eq=False)
class Flight:
    """A bundle under way; `jobs` are those of which no end was told."""

    number: int
    file: str
    jobs: dict[int, Job]
    shared: bytes
    outputs: dict[OutputKey, ValueRef]
    resources: dict[str, float]
    future: Any = None
    is_withdrawn: bool = False

    def bundle(self, run: str, makers: Mapping[str, Maker]) -> Bundle:
        """Return what travels; `makers` says who made the values that are read."""
        jobs = tuple(replace(job, shared=b"", ticket=b"") for job in self.jobs.values())
        return Bundle(run, self.number, self.file, jobs, self.outputs, boot(), makers)

    def claim(self) -> bool:
        """Keep anybody from beginning it; return whether nobody had."""
        self.is_withdrawn = claim(self.file)
        return self.is_withdrawn

    def timed(self, word: Word) -> Iterator[Notice]:
        """Give what was said of its jobs, by the clock of this machine."""
        shift = 0.0 if word.boot and word.boot == boot() else now() - word.clock
        for notice in word.notices:
            if notice.job not in self.jobs:
                continue
            if isinstance(notice, Started):
                yield replace(notice, monotonic=notice.monotonic + shift)
            elif isinstance(notice, Completion):
                yield replace(notice, started=notice.started + shift, ended=notice.ended + shift)
            else:
                yield notice


@dataclass(slots=True)
class Desk:
    """All of it; `file` is what the names of the files begin with that say who began a bundle."""

    file: str
    flights: dict[int, Flight] = field(default_factory=dict)
    _pace: Pace = field(default_factory=lambda: Pace(work_s=_WORK_S, most_jobs=_MOST_JOBS))
    _waiting: dict[Asked, deque[Job]] = field(default_factory=dict)
    _outputs: dict[int, Mapping[OutputKey, ValueRef]] = field(default_factory=dict)
    _flight_of: dict[int, Flight] = field(default_factory=dict)
    _makers: dict[str, Maker] = field(default_factory=dict)
    _makers_of: dict[int, Mapping[str, Maker]] = field(default_factory=dict)
    _slots: int = 1
    _workers: frozenset[str] = frozenset()
    _resources: list[Mapping[str, float]] = field(default_factory=list)
    _told_lacking: set[Asked] = field(default_factory=set)
    _names: dict[str, str] = field(default_factory=dict)
    _number: int = 0
    _lonely_since: float | None = None

    @property
    def capacity(self) -> int:
        """How many jobs there may be."""
        return self._slots * max(2, self._pace.most) * 2

    @property
    def is_busy(self) -> bool:
        """Whether there is any job."""
        return bool(self._flight_of) or any(self._waiting.values())

    @property
    def can_take_off(self) -> bool:
        """Whether a bundle may go: one is made and one is there next, for each thread of the cluster."""
        return len(self.flights) < 2 * self._slots and any(map(self._may_go, self._waiting))

    def _may_go(self, asked: Asked) -> bool:
        """Whether a bundle that asks for so much may go: those that wait for what is scarce keep no others waiting."""
        if not self._waiting[asked]:
            return False
        if not asked:
            return True
        flying = sum(flight.resources == dict(asked) for flight in self.flights.values())
        return flying < 2 * max(1, sum(_places(worker, asked) for worker in self._resources))

    def lacking(self) -> list[str]:
        """Return what jobs ask for that no worker has, each once."""
        lacking = [
            asked for asked in self._waiting if asked and not any(_places(each, asked) for each in self._resources)
        ]
        new = [
            asked for asked in lacking if asked not in self._told_lacking and self._resources and self._is_wanted(asked)
        ]
        self._told_lacking.update(new)
        return [" and ".join(f"{name}={amount:g}" for name, amount in asked) for asked in new]

    def _is_wanted(self, asked: Asked) -> bool:
        return bool(self._waiting[asked]) or any(each.resources == dict(asked) for each in self.flights.values())

    def see(self, workers: Mapping[str, Any], *, least: int) -> None:
        """Know the workers as they are now, by address; where there are none yet, bundles for `least` ask for some."""
        self._workers = frozenset(workers)
        threads = sum(worker["nthreads"] for worker in workers.values())
        self._slots = threads or max(1, least)
        self._resources = [{**worker["resources"], "": worker["nthreads"]} for worker in workers.values()]
        self._names = {name.casefold(): name for each in workers.values() for name in each["resources"]}
        if threads:
            self._lonely_since = None

    def is_lonely(self, for_s: float) -> bool:
        """Whether jobs have waited so long with no worker there; says so once."""
        moment = time.monotonic()
        if self._lonely_since is None:
            self._lonely_since = moment
        if not self.is_busy or moment - self._lonely_since < for_s:
            return False
        self._lonely_since = float("inf")
        return True

    def add(self, job: Job, outputs: Mapping[OutputKey, ValueRef]) -> None:
        """Let a job wait."""
        if outputs:
            self._outputs[job.number] = outputs
        if self._makers:
            files = files_read(bindings_of(job), outputs.values())
            self._makers_of[job.number] = {file: self._makers[file] for file in files if file in self._makers}
        self._waiting.setdefault(self._asked_by(job), deque()).append(job)

    def _asked_by(self, job: Job) -> Asked:
        """Return what a job asks for, of what workers of the cluster say that they have."""
        amounts = {"cpu": job.cpu_milli / 1000, **dict(job.resources)}
        found = {self._names[name.casefold()]: each for name, each in amounts.items() if name.casefold() in self._names}
        return tuple(sorted((name, amount) for name, amount in found.items() if amount))

    def drop(self, job: int) -> bool:
        """Forget a job that waits; return whether it did."""
        for waiting in self._waiting.values():
            for each in [each for each in waiting if each.number == job]:
                waiting.remove(each)
                self._outputs.pop(job, None)
                self._makers_of.pop(job, None)
                return True
        return False

    def flight_of(self, job: int) -> Flight | None:
        """Return where a job is under way."""
        return self._flight_of.get(job)

    def take_off(self) -> list[Flight]:
        """Return bundles of what waits, as many as may be under way; first come, first served."""
        flights = []
        while self.can_take_off:
            asked, waiting = min(
                ((asked, waiting) for asked, waiting in self._waiting.items() if self._may_go(asked)),
                key=lambda each: each[1][0].number,
            )
            flights.append(self._board(waiting, dict(asked)))
        return flights

    def _board(self, waiting: deque[Job], resources: dict[str, float]) -> Flight:
        jobs = self._pace.bundle(waiting, self._slots)
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
        flight = Flight(self._number, file, {job.number: job for job in jobs}, jobs[0].shared, outputs, resources)
        self.flights[flight.number] = flight
        self._flight_of.update(dict.fromkeys(flight.jobs, flight))
        return flight

    def made(self, file: str, maker: Maker) -> None:
        """Know who made a value; of so many only the newest are known."""
        self._makers[file] = maker
        if len(self._makers) > _MOST_MAKERS:
            del self._makers[next(iter(self._makers))]

    def makers_for(self, flight: Flight) -> dict[str, Maker]:
        """Return who made the values that jobs of a bundle may read, of those who are still there."""
        made = (each for job in flight.jobs for each in self._makers_of.get(job, {}).items())
        return {file: maker for file, maker in made if maker.address in self._workers}

    def put_back(self, flight: Flight, jobs: Sequence[int]) -> None:
        """Let jobs of a bundle wait again that nobody has begun."""
        for job in sorted(jobs, reverse=True):
            found = flight.jobs.pop(job, None)
            if found is not None:
                del self._flight_of[job]
                self._waiting.setdefault(self._asked_by(found), deque()).appendleft(found)

    def note(self, completion: Completion) -> None:
        """Know that an attempt is over, and how long it took."""
        flight = self._flight_of.pop(completion.job, None)
        self._outputs.pop(completion.job, None)
        self._makers_of.pop(completion.job, None)
        job = None if flight is None else flight.jobs.pop(completion.job, None)
        if job is not None and completion.pid:
            self._pace.note(job, completion.ended - completion.started)

    def land(self, flight: Flight) -> None:
        """Forget a bundle; dask forgets it, too."""
        self.flights.pop(flight.number, None)
        for job in flight.jobs:
            self._flight_of.pop(job, None)
        flight.jobs.clear()
        if flight.future is not None:
            flight.future.release()


def _places(worker: Mapping[str, float], asked: Asked) -> int:
    """Return how many that ask for so much a worker makes at once; "" are its threads."""
    return int(min(worker[""], *(worker.get(name, 0.0) // amount for name, amount in asked)))
