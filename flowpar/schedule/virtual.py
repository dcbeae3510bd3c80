"""Workers in virtual time: each job takes as long as it is said to, and no process is started.

    loop ── submit ──► VirtualCrew ── asks once per job ──► seconds_of(job)
    loop ◄── Started, Completion ── wait, which moves the clock to what happens next

Slots are those of a real crew: who needs a processor shares them, whatever the executor, and threads have their own.
Nothing fails, and nothing is ended before its time.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from flowpar.core.errors import InternalError
from flowpar.core.outcome import Success, ValueRef
from flowpar.execute.base import Completion, Started
from flowpar.execute.process import AHEAD
from flowpar.schedule.resources import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.execute.base import Job, Notice
    from flowpar.schedule.crew import OutputKey

_OF_ONE_PROCESS = frozenset({"thread", "inline"})


class VirtualClock:
    """Time that passes when somebody says so."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._now = 0.0

    def now(self) -> float:
        """Return seconds since the beginning."""
        return self._now

    def monotonic(self) -> float:
        """Return the same."""
        return self._now

    def advance_to(self, when: float) -> None:
        """Let time pass."""
        self._now = max(self._now, when)


class NoOutputs:
    """A table of outputs that nobody looks into."""

    def update(self, refs: Mapping[OutputKey, ValueRef]) -> None:
        """Do nothing."""

    def discard(self, keys: Iterable[OutputKey]) -> None:
        """Do nothing."""


class VirtualCrew:
    """Does jobs in virtual time; what a job gives is named after its task."""

    outputs_address: str | None = None
    outputs_key = b""

    def __init__(
        self, seconds_of: Callable[[Job], float], clock: VirtualClock, *, workers: int, light: int = 0
    ) -> None:
        """Ask `seconds_of` for each job; run on `workers` slots, and beside them `light` jobs of less than one."""
        self.outputs = NoOutputs()
        self._seconds_of = seconds_of
        self._clock = clock
        self._slots = workers * WHOLE
        self._capacity = workers + light + AHEAD
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[Job]] = {}
        self._taken: dict[str, int] = {}
        self._over: list[tuple[str, int]] = []
        self._ends: list[tuple[float, int, float, str, Job]] = []
        self._notices: list[Notice] = []

    def prepare(self, shared: bytes) -> None:
        """Do nothing: nothing is to be started."""

    def has_room(self, executor: str) -> bool:
        """Whether an executor takes one more job."""
        return self._held.get(executor, 0) < (1 if executor == "inline" else self._capacity)

    def submit(self, executor: str, job: Job) -> None:
        """Take a job; it starts as soon as a slot is free."""
        self._held[executor] = self._held.get(executor, 0) + 1
        self._waiting.setdefault(executor, deque()).append(job)
        self._fill(executor)

    def recorded(self) -> None:
        """Free the slots of what ended and was told."""
        for executor, milli in self._over:
            self._taken[_sharing(executor)] -= milli
        self._over.clear()
        for executor in self._waiting:
            self._fill(executor)

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Move the clock to what happens next, at most by `timeout_s`, and return it."""
        self.recorded()
        if not self._notices:
            self._pass_time(timeout_s)
        return self.take()

    def take(self) -> Sequence[Notice]:
        """Return what is to be told: while nobody waits, no time passes."""
        notices, self._notices = self._notices, []
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None:
        """Do nothing: all that begins comes to its end."""

    def _fill(self, executor: str) -> None:
        queue, group = self._waiting[executor], _sharing(executor)
        while queue:
            milli = _milli(executor, queue[0])
            taken = self._taken.get(group, 0)
            if taken and taken + milli > self._slots:
                return
            self._taken[group] = taken + milli
            self._start(executor, queue.popleft())

    def _start(self, executor: str, job: Job) -> None:
        now = self._clock.monotonic()
        heappush(self._ends, (now + self._seconds_of(job), job.number, now, executor, job))
        self._notices.append(Started(job.number, job.number, now))

    def _pass_time(self, timeout_s: float | None) -> None:
        if timeout_s is not None and not (self._ends and self._ends[0][0] <= self._clock.monotonic() + timeout_s):
            self._clock.advance_to(self._clock.monotonic() + max(timeout_s, 0.0))
            return
        if not self._ends:
            raise InternalError("a prediction waits for ever")
        until = self._ends[0][0]
        self._clock.advance_to(until)
        while self._ends and self._ends[0][0] <= until:
            ended, number, started, executor, job = heappop(self._ends)
            self._held[executor] -= 1
            self._over.append((executor, _milli(executor, job)))
            self._notices.append(Completion(number, Success(named_after(job.task)), number, started, ended))


def named_after(task: str) -> ValueRef:
    """Return a value that is nothing but the name of who made it."""
    text = task.encode()
    return ValueRef(len(text), f"none:{task}", is_plain=True, inline=text)


def _sharing(executor: str) -> str:
    return executor if executor in _OF_ONE_PROCESS else ""


def _milli(executor: str, job: Job) -> int:
    return WHOLE if executor in _OF_ONE_PROCESS else job.cpu_milli
