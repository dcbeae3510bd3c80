"""The jobs at a station: what waits, what the crew makes, and the errands that they came with; all of one thread.

    begin ─► waiting ─ fill ─► given to the crew ─ hear ─► noted by their errand
                └──── tell: behind what lasts, given back ────► made elsewhere

Programs, and tasks with a share of their own, get a process each, all others a warm worker.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind
from flowpar.execute.base import Completion, Started
from flowpar.execute.recipe import Call

from flowpar_dask.devices import Devices
from flowpar_dask.ending import done_of, lost

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flowpar.execute.base import Job, Notice, OutputKey
    from flowpar.execute.begun import BegunFile
    from flowpar.execute.crew import Crew
    from flowpar.execute.recipe import Bindings, Shared

    from flowpar_dask.errand import Errand
    from flowpar_dask.near import Near

# What lasts longer is heard of while it goes on, and those behind it are given back.
_QUIET_S = 0.1
TOLD_EVERY_S = 0.1
_WHOLE = 1000
# Of shorter ones some are handed over ahead; what is handed over is not given back.
_SHORT_S = 0.02


@dataclass(frozen=True, slots=True)
class StationTerms:
    """What a station is told: `shared` is what all jobs of the run share; of them it makes `slots` at once.

    `address` is the dask worker's. What begins is noted in `begun`, for the run outlives this process; values are
    looked for in `near` first. `is_unwanted` says of a job that comes whether it was cancelled before.
    """

    shared: bytes
    slots: int
    address: str
    begun: BegunFile
    near: Near
    is_unwanted: Callable[[int], bool]


class Bench:
    """Owns the jobs, and the lines in which those are noted that begin; the crew is the station's."""

    def __init__(self, crew: Crew, terms: StationTerms) -> None:
        """Have none yet; raises OSError where the run takes what was noted for lost."""
        opened: Shared = pickle.loads(terms.shared)
        told = replace(
            opened,
            outputs_address=crew.outputs_address,
            outputs_key=crew.outputs_key,
            begun=terms.begun,
            near=terms.near.folder,
            scratch_in=terms.near.own,
        )
        self.errands: list[Errand] = []
        self.given: set[int] = set()
        self._alone: set[int] = set()
        self._crew = crew
        self._home = (opened.workflow_dir, opened.python_path)
        self._told = pickle.dumps(told, 5)
        self._terms = terms
        self._lines = terms.begun.open()
        self._errand_of: dict[int, Errand] = {}
        self._waiting: dict[str, deque[Job]] = {"pool": deque(), "process": deque()}
        self._readers: Counter[OutputKey] = Counter()
        self._devices = Devices()
        self._lately_s = 1.0

    def begin(self, errand: Errand) -> None:
        """Take the jobs of an errand."""
        self.errands.append(errand)
        if errand.outputs:
            self._crew.outputs.update(errand.outputs)
            self._readers.update(errand.outputs.keys())
        for job in errand.jobs:
            self._errand_of[job.number] = errand
            if self._terms.is_unwanted(job.number):
                self._note(errand, lost(job.number, "cancelled before it started", FailureKind.CANCELLED))
            elif lack := self._devices.lack(job):
                message = f"{lack} of the dask worker {self._terms.address}"
                self._note(errand, lost(job.number, message, FailureKind.EXCEPTION))
            else:
                share = min(max(job.cpu_milli, _WHOLE), self._terms.slots * _WHOLE)
                self._waiting[self._executor_of(job)].append(replace(job, shared=self._told, cpu_milli=share))
        self._finish(errand)

    def _executor_of(self, job: Job) -> str:
        """Return who makes an attempt: see `planning.warm` for what a warm worker can take."""
        recipe = pickle.loads(job.recipe)
        if not isinstance(recipe, Call) or recipe.target.startswith("flowpar.tasks.shell:"):
            return "process"
        if job.cpu_milli != _WHOLE or job.memory_bytes or "gpu" in dict(job.resources):
            return "process"
        bindings: Bindings = pickle.loads(job.bindings)
        scope = bindings.scope
        is_home = scope is None or (scope.workflow_dir, scope.python_path) == self._home
        return "pool" if is_home else "process"

    def fill(self) -> bool:
        """Give the crew what it has room for; return whether anything may still begin here."""
        for executor, waiting in self._waiting.items():
            while waiting and self._may_go_ahead(executor) and self._crew.has_room(executor):
                if not self._devices.has_room(waiting[0]):
                    break
                if executor == "process" and not self._lines.begin(waiting[0].number):
                    return False  # the run takes this dask worker for lost
                job = self._devices.take(waiting.popleft())
                self.given.add(job.number)
                if executor == "process":
                    self._alone.add(job.number)
                self._crew.submit(executor, job)
        return True

    def _may_go_ahead(self, executor: str) -> bool:
        # Workers of the pool note themselves what they begin and end; for a process of its own it is noted here.
        return len(self.given) < self._terms.slots or (executor == "pool" and self._lately_s < _SHORT_S)

    def cancel(self, jobs: Collection[int], *, force: bool) -> None:
        """End attempts; those that did not come here are none of its business."""
        for number in jobs:
            errand = self._errand_of.get(number)
            if errand is not None and number in self.given:
                self._crew.cancel(number, force=force)
            elif errand is not None:
                self._withdraw({number})
                self._note(errand, lost(number, "cancelled before it started", FailureKind.CANCELLED))
                self._finish(errand)

    def hear(self, notice: Notice) -> None:
        """Take in what the crew tells."""
        if isinstance(notice, Completion) and notice.job in self._alone:
            self._alone.remove(notice.job)
            self._lines.over(done_of(notice))
            self._lines.flush()
        errand = self._errand_of.get(notice.job)
        if errand is not None:
            self._note(errand, notice)
            self._finish(errand)

    def _note(self, errand: Errand, notice: Notice) -> None:
        if isinstance(notice, Completion):
            self.given.discard(notice.job)
            self._devices.give_back(notice.job)
            self._lately_s = notice.ended - notice.started
            self._errand_of.pop(notice.job, None)
        if isinstance(notice, Started) and errand.is_short:
            errand.hold_start(notice)
        else:
            errand.note(notice)

    def _finish(self, errand: Errand) -> None:
        if not errand.left and errand in self.errands:
            self.errands.remove(errand)
            self._let_go(errand)
            errand.end()

    def _let_go(self, errand: Errand) -> None:
        """Forget the outputs that its jobs looked up, those that no other errand here reads."""
        self._readers.subtract(errand.outputs.keys())
        unread = [key for key in errand.outputs if self._readers[key] <= 0]
        for key in unread:
            del self._readers[key]
        if unread:
            self._crew.outputs.discard(unread)

    def tell(self) -> None:
        """Tell of errands that last, and give back what waits behind them."""
        moment = time.monotonic()
        for errand in list(self.errands):
            if moment - errand.began < _QUIET_S:
                continue
            for job in self._withdraw(errand.left):
                del self._errand_of[job]
                errand.give_back(job)
            errand.tell(moment, every_s=TOLD_EVERY_S)
            self._finish(errand)

    def _withdraw(self, jobs: Collection[int]) -> list[int]:
        """Take jobs from those that wait; return which did."""
        found = [job.number for waiting in self._waiting.values() for job in waiting if job.number in jobs]
        if found:
            for executor, waiting in self._waiting.items():
                self._waiting[executor] = deque(job for job in waiting if job.number not in jobs)
        return found

    def close(self) -> None:
        """Give the lines back."""
        self._lines.close()
