"""A crew in virtual time: it starts no process, and each job does what a script says.

loop ── submit, cancel ──► FakeCrew ── asks once per job ──► script(job) -> Scripted
loop ◄── Started, Reported, Completion ── wait(timeout_s), which moves the clock

waiting  jobs held ahead of the slots, by executor
running  jobs with the time at which each ends
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.base import Completion, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.core.outcome import Outcome, ValueRef
    from flowpar.execute.base import Job, Notice, Reported
    from flowpar.testing.clock import FakeClock

    Key = tuple[str, int | None]

# Their attempts have a processor each, and get leave to begin from the same.
_SHARING = frozenset({"process", "template", "pool"})
_FIRST_PID = 40_000


@dataclass(frozen=True, slots=True)
class Scripted:
    """What a job does: it ends by itself after `duration_s` with `outcome`.

    `term_s` is how long it takes to leave when asked to, None if it ignores that; `reports` are
    told as soon as it starts, `yields` so many seconds later, as long as it runs.
    """

    outcome: Outcome
    duration_s: float = 1.0
    term_s: float | None = 0.0
    reports: tuple[Reported, ...] = ()
    yields: tuple[tuple[float, Reported], ...] = ()


@dataclass(slots=True)
class FakeOutputs:
    """The managed outputs as a plain dict, and the messages that workers posted."""

    refs: dict[Key, ValueRef] = field(default_factory=dict)
    messages: list[object] = field(default_factory=list)

    def update(self, refs: Mapping[Key, ValueRef]) -> None:
        """Keep where outputs live."""
        self.refs.update(refs)

    def fetch(self, keys: Iterable[Key]) -> list[ValueRef | None]:
        """Return where outputs live, None for an unknown one."""
        return [self.refs.get(key) for key in keys]

    def discard(self, keys: Iterable[Key]) -> None:
        """Forget outputs; unknown ones are ignored."""
        for key in keys:
            self.refs.pop(key, None)

    def post(self, message: object) -> None:
        """Leave a message for the engine."""
        self.messages.append(message)

    def take_messages(self) -> list[object]:
        """Return the messages that were posted since the last time."""
        taken, self.messages = self.messages, []
        return taken


@dataclass(slots=True)
class _Running:
    job: Job
    executor: str
    scripted: Scripted
    pid: int
    started: float
    ends: float
    outcome: Outcome
    due: deque[tuple[float, Reported]] = field(default_factory=deque)


class FakeCrew:
    """Does jobs in virtual time, for tests of what schedules them."""

    def __init__(
        self,
        script: Callable[[Job], Scripted],
        clock: FakeClock,
        *,
        workers: int = 2,
        ahead: int = 1,
        slots: Mapping[str, int] | None = None,
        light: int = 0,
    ) -> None:
        """Ask `script` what each job does; an executor runs `slots` or else `workers` at once, and holds `ahead`.

        Beside them it holds `light` processes that take less than a slot.
        """
        self.outputs = FakeOutputs()
        self.outputs_address = "fake"
        self.outputs_key = b"fake"
        self.prepared: list[bytes] = []
        self.submitted: list[tuple[str, Job]] = []
        self.cancelled: list[tuple[int, bool]] = []
        self.most_running = 0
        self.is_closed = False
        self._script = script
        self._clock = clock
        self._workers = workers
        self._ahead = ahead
        self._light = light
        self._slots = dict(slots or {})
        self._waiting: dict[str, deque[Job]] = {}
        self._running: dict[int, _Running] = {}
        self._unrecorded: dict[str, list[Job]] = {}
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self._notices: list[Notice] = []

    @property
    def clock(self) -> FakeClock:
        """The clock that it moves; an action may set it, as an operator does."""
        return self._clock

    def prepare(self, shared: bytes) -> None:
        """Note what is to be got ready for."""
        self.prepared.append(shared)

    def has_room(self, executor: str) -> bool:
        """Whether `executor` takes one more job."""
        return self._held(executor) < self._slots_of(executor) + self._ahead + self._light

    def submit(self, executor: str, job: Job) -> None:
        """Take a job; it starts as soon as a slot is free."""
        if not self.has_room(executor):
            raise AssertionError(f"job {job.number} was submitted to {executor}, which has no room")
        if any(job.number == earlier.number for _, earlier in self.submitted):
            raise AssertionError(f"job number {job.number} was given twice")
        self.submitted.append((executor, job))
        queue = self._waiting.setdefault(executor, deque())
        (queue.append if job.cpu_milli else queue.appendleft)(job)
        self._fill(executor)

    def recorded(self) -> None:
        """Start what waits for the slots of attempts that ended and were told before."""
        self._unrecorded.clear()
        for executor in self._waiting:
            self._fill(executor)

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Move the clock to what happens next, at most by `timeout_s`, and return it; all told before is recorded."""
        self.recorded()
        if not self._notices:
            self._pass_time(timeout_s)
        return self._taken()

    def take(self) -> Sequence[Notice]:
        """Return what has happened by now: somebody else may have moved the clock."""
        self._tell_until(self._clock.monotonic())
        return self._taken()

    def _taken(self) -> list[Notice]:
        notices, self._notices = self._notices, []
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None:
        """Ask a job to leave, or end it at once by `force`."""
        self.cancelled.append((job, force))
        for queue in self._waiting.values():
            for held in [held for held in queue if held.number == job]:
                queue.remove(held)
                now = self._clock.monotonic()
                self._notices.append(Completion(job, _killed("SIGTERM"), 0, now, now))
        running = self._running.get(job)
        if running is not None:
            self._hurry(running, force=force)

    def close(self) -> None:
        """End everything."""
        self.is_closed = True
        self._waiting.clear()
        self._running.clear()

    def at(self, monotonic: float, action: Callable[[], None]) -> None:
        """Call `action` when the clock gets there; `wait` then returns, as it does for a wake-up descriptor."""
        heapq.heappush(self._actions, (monotonic, len(self._actions), action))

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers of the jobs that run now."""
        return tuple(self._running)

    def _slots_of(self, executor: str) -> int:
        return self._slots.get(executor, self._workers)

    def _held(self, executor: str) -> int:
        running = sum(1 for running in self._running.values() if running.executor == executor)
        return running + len(self._waiting.get(executor, ()))

    def _fill(self, executor: str) -> None:
        queue = self._waiting.get(executor, deque())
        while queue and self._fits(executor, queue[0]):
            self._start(executor, queue.popleft())

    def _fits(self, executor: str, job: Job) -> bool:
        sharing = _SHARING if executor in _SHARING else {executor}
        jobs = [running.job for running in self._running.values() if running.executor in sharing]
        jobs += [job for each in sharing for job in self._unrecorded.get(each, ())]
        if executor not in _SHARING:
            return len(jobs) < self._slots_of(executor)
        taken = sum(other.cpu_milli for other in jobs)
        return not taken or taken + job.cpu_milli <= self._slots_of(executor) * 1000 or not job.cpu_milli

    def _start(self, executor: str, job: Job) -> None:
        scripted = self._script(job)
        now = self._clock.monotonic()
        pid = _FIRST_PID + job.number
        due = deque((now + after_s, report) for after_s, report in scripted.yields)
        self._running[job.number] = _Running(
            job, executor, scripted, pid, now, now + scripted.duration_s, scripted.outcome, due
        )
        self.most_running = max(self.most_running, len(self._running))
        self._notices.append(Started(job.number, pid, now))
        self._notices.extend(replace(report, job=job.number) for report in scripted.reports)

    def _hurry(self, running: _Running, *, force: bool) -> None:
        now = self._clock.monotonic()
        if force:
            running.ends, running.outcome = now, _killed("SIGKILL")
        elif running.scripted.term_s is not None and now + running.scripted.term_s < running.ends:
            running.ends, running.outcome = now + running.scripted.term_s, _killed("SIGTERM")

    def _pass_time(self, timeout_s: float | None) -> None:
        now = self._clock.monotonic()
        limit = math.inf if timeout_s is None else now + max(timeout_s, 0)
        action = self._actions[0][0] if self._actions else math.inf
        ends = [running.ends for running in self._running.values()]
        target = min([limit, action, *ends, *(running.due[0][0] for running in self._running.values() if running.due)])
        if target == math.inf:
            raise AssertionError("the loop waits for ever, and nothing is running")
        self._clock.advance_to(target)
        while self._actions and self._actions[0][0] <= target:
            heapq.heappop(self._actions)[2]()
        self._tell_until(target)

    def _tell_until(self, target: float) -> None:
        self._tell(target)
        self._complete(target)

    def _tell(self, until: float) -> None:
        for number, running in self._running.items():
            while running.due and running.due[0][0] <= until:
                due, report = running.due.popleft()
                if due <= running.ends:
                    self._notices.append(replace(report, job=number))

    def _complete(self, until: float) -> None:
        over = [running for running in self._running.values() if running.ends <= until]
        for running in sorted(over, key=lambda running: (running.ends, running.job.number)):
            number = running.job.number
            del self._running[number]
            ended = max(running.ends, running.started)
            self._notices.append(Completion(number, running.outcome, running.pid, running.started, ended, 0.0, 1 << 20))
            self._unrecorded.setdefault(running.executor, []).append(running.job)


def _killed(signal: str) -> Failure:
    return Failure(FailureKind.DIED, signal, f"killed by {signal}", None)
