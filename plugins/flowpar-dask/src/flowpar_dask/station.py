"""What makes attempts inside a dask worker: flowpar's own warm workers and processes, as on one machine.

    dask task ── errand ──► station ── jobs ──► crew ──► pool │ process ──► launcher ──► workers
    dask task ◄─ word ───── station ◄─ notices ─ crew

A station has one thread, which alone touches the crew; there is one for each run in a dask worker. Programs, and tasks
with a share of their own, get a process each, all others a worker that stays. It ends with the run, with the
dask worker, or when it has had nothing to do for a while.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from flowpar.core.errors import FlowparError
from flowpar.core.outcome import FailureKind
from flowpar.execute.base import Completion, Started
from flowpar.execute.crew import Crew
from flowpar.execute.opened import masker_of
from flowpar.execute.recipe import Call

from flowpar_dask.devices import Devices
from flowpar_dask.ending import lost

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.begun import BegunFile
    from flowpar.execute.recipe import Bindings, Shared

    from flowpar_dask.errand import Errand
    from flowpar_dask.near import Near

    OutputKey = tuple[str, int | None]

_IDLE_S = 30.0
# What lasts longer is heard of while it goes on, and those behind it are given back.
_QUIET_S = 0.1
_TOLD_EVERY_S = 0.1
_WHOLE = 1000
# A cancel is for all workers, so most of these never come here.
_MOST_UNWANTED = 1000
# Of shorter ones some are handed over ahead; what is handed over is not given back.
_SHORT_S = 0.02


class Station:
    """Owns the thread, the crew and the pipe that wakes it."""

    def __init__(
        self, shared: bytes, slots: int, address: str, *, begun: BegunFile, near: Near, ended: Callable[[Station], None]
    ) -> None:
        """Start the thread; `shared` is what all jobs of the run share, `address` is the dask worker's.

        What begins is noted in `begun`, for the run outlives this process; values are looked for in `near` first.
        `ended` is called when it is no more.
        """
        self._shared = shared
        self.near = near
        self.begun = begun
        self._ended = ended
        self._slots = slots
        self._address = address
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._end, self._call_end = os.pipe()
        for number in (self._end, self._call_end):
            os.set_blocking(number, False)
        self._lock = threading.Lock()
        self._is_open = True
        self._errands: list[Errand] = []
        self._errand_of: dict[int, Errand] = {}
        self._waiting: dict[str, deque[Job]] = {"pool": deque(), "process": deque()}
        self._given: set[int] = set()
        self._not_wanted: deque[int] = deque(maxlen=_MOST_UNWANTED)
        self._readers: Counter[OutputKey] = Counter()
        self._devices = Devices()
        self._lately_s = 1.0
        self._idle_since = time.monotonic()
        threading.Thread(target=self._serve, name="flowpar-station", daemon=True).start()

    # Called from other threads.

    @property
    def is_open(self) -> bool:
        """Whether it still takes jobs."""
        return self._is_open

    def take(self, errand: Errand) -> bool:
        """Take jobs; return whether it did: one that has ended does not."""
        return self._put(lambda: self._begin(errand))

    def cancel(self, jobs: Collection[int], *, force: bool) -> None:
        """End attempts, those included that have not come yet."""
        self._put(lambda: self._cancel(jobs, force=force))

    def close(self) -> None:
        """End everything."""
        self._put(self._close)

    def _put(self, command: Callable[[], None]) -> bool:
        with self._lock:
            if not self._is_open:
                return False
            self._inbox.put(command)
            with suppress(BlockingIOError):
                os.write(self._call_end, b"1")
        return True

    # All that follows happens in the station's thread.

    def _serve(self) -> None:
        reason = ""
        try:
            self._run(Crew.open(tree=None, workers=self._slots, wake_fd=self._end, masker=masker_of(self._shared)))
        except FlowparError as error:
            reason = error.message
        except Exception as error:  # noqa: BLE001  # nobody else would end what it holds
            reason = f"{type(error).__name__}: {error}"
        self._close()
        self._obey()
        for errand in list(self._errands):
            for job in list(errand.left):
                if not reason and job not in self._given:  # it came while this was ending: let another one make it
                    errand.give_back(job)
                    continue
                why = reason or "its station ended"
                self._note(errand, lost(job, f"{why} (on the dask worker {self._address})"))
            self._finish(errand)
        os.close(self._end)
        os.close(self._call_end)
        self._ended(self)

    def _run(self, crew: Crew) -> None:
        self._crew = crew
        opened: Shared = pickle.loads(self._shared)
        self._home = (opened.workflow_dir, opened.python_path)
        told = replace(
            opened,
            outputs_address=crew.outputs_address,
            outputs_key=crew.outputs_key,
            begun=self.begun,
            near=self.near.folder,
            scratch_in=self.near.own,
        )
        self._told = pickle.dumps(told, 5)
        self._lines = self.begun.open()
        try:
            while self._is_open:
                self._obey()
                self._fill()
                for notice in crew.wait(self._patience()):
                    self._hear(notice)
                self._tell()
                self._rest()
        finally:
            crew.close()
            self._lines.close()
            self.near.close()

    def _obey(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._end, 4096)
        with suppress(Empty):
            while True:
                self._inbox.get_nowait()()

    def _patience(self) -> float | None:
        if not self._errands:
            return _IDLE_S
        return _TOLD_EVERY_S

    def _rest(self) -> None:
        """End where there was nothing to do for a while: whoever asked for it may be no more."""
        now = time.monotonic()
        if self._errands:
            self._idle_since = now
        elif now - self._idle_since > _IDLE_S:
            self._close()

    def _close(self) -> None:
        with self._lock:
            self._is_open = False

    def _begin(self, errand: Errand) -> None:
        self._errands.append(errand)
        if errand.outputs:
            self._crew.outputs.update(errand.outputs)
            self._readers.update(errand.outputs.keys())
        for job in errand.jobs:
            self._errand_of[job.number] = errand
            if job.number in self._not_wanted:
                self._not_wanted.remove(job.number)
                self._note(errand, lost(job.number, "cancelled before it started", FailureKind.CANCELLED))
                continue
            if lack := self._devices.lack(job):
                message = f"{lack} of the dask worker {self._address}"
                self._note(errand, lost(job.number, message, FailureKind.EXCEPTION))
                continue
            complete = replace(job, shared=self._told, cpu_milli=self._share_of(job))
            self._waiting[self._executor_of(complete)].append(complete)
        self._finish(errand)

    def _share_of(self, job: Job) -> int:
        return min(max(job.cpu_milli, _WHOLE), self._slots * _WHOLE)

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

    def _fill(self) -> None:
        for executor, waiting in self._waiting.items():
            while waiting and self._may_go_ahead(executor) and self._crew.has_room(executor):
                if not self._devices.has_room(waiting[0]):
                    break
                job = self._devices.take(waiting.popleft())
                self._given.add(job.number)
                if executor == "process" and not self._lines.begin(job.number):
                    raise FlowparError("the run takes this dask worker for lost")
                self._crew.submit(executor, job)

    def _may_go_ahead(self, executor: str) -> bool:
        # Workers of the pool note themselves what they begin; a process of its own begins where it is handed over.
        return len(self._given) < self._slots or (executor == "pool" and self._lately_s < _SHORT_S)

    def _cancel(self, jobs: Collection[int], *, force: bool) -> None:
        for number in jobs:
            errand = self._errand_of.get(number)
            if errand is None:
                self._not_wanted.append(number)
            elif number in self._given:
                self._crew.cancel(number, force=force)
            else:
                for waiting in self._waiting.values():
                    for job in [job for job in waiting if job.number == number]:
                        waiting.remove(job)
                self._note(errand, lost(number, "cancelled before it started", FailureKind.CANCELLED))
                self._finish(errand)

    def _hear(self, notice: Notice) -> None:
        errand = self._errand_of.get(notice.job)
        if errand is not None:
            self._note(errand, notice)
            self._finish(errand)

    def _note(self, errand: Errand, notice: Notice) -> None:
        if isinstance(notice, Completion):
            self._given.discard(notice.job)
            self._devices.give_back(notice.job)
            self._lately_s = notice.ended - notice.started
            self._errand_of.pop(notice.job, None)
        if not isinstance(notice, Started) or not errand.is_short:
            errand.note(notice)
        elif isinstance(notice, Started):
            errand.hold_start(notice)

    def _finish(self, errand: Errand) -> None:
        if not errand.left and errand in self._errands:
            self._errands.remove(errand)
            self._let_go(errand)
            errand.end()

    def _let_go(self, errand: Errand) -> None:
        """Forget the outputs that its jobs looked up, those that no other errand here reads."""
        if not errand.outputs or not self._is_open:
            return
        self._readers.subtract(errand.outputs.keys())
        unread = [key for key in errand.outputs if self._readers[key] <= 0]
        for key in unread:
            del self._readers[key]
        self._crew.outputs.discard(unread)

    def _tell(self) -> None:
        """Tell of errands that last, and give back what waits behind them."""
        now = time.monotonic()
        for errand in list(self._errands):
            if now - errand.began < _QUIET_S:
                continue
            self._give_back(errand)
            errand.tell(now, every_s=_TOLD_EVERY_S)
            self._finish(errand)

    def _give_back(self, errand: Errand) -> None:
        """Let others make what waits here, and has not begun."""
        for waiting in self._waiting.values():
            for job in [job for job in waiting if self._errand_of[job.number] is errand]:
                waiting.remove(job)
                del self._errand_of[job.number]
                errand.give_back(job.number)
