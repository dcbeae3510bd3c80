"""What a seed stands for: a plan, what each of its jobs does, what goes wrong, and when somebody stops it.

    seed ──► Scenario ── plan            up to twelve tasks: fan-outs, conditions, rounds, retries, timeouts, shares,
                                         batches, items with keys
                      ── cache           has some attempts, in some scenarios
                      ── script(job)     succeeds, fails, takes too long, ignores being asked to end
                      ── crew(), stops   tells things twice or late, or not at all
                      ── crashes         at which flush or commit of the journal the engine dies, if it does
                      ── go_on()         what has changed by then: where items with keys stand, and that there are more

The same seed is the same scenario.
"""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from flowpar.core.errors import ExitCode
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.run_if import EARLY, RUN_IFS
from flowpar.core.states import RunStatus
from flowpar.execute.recipe import Bindings, Expand, Judge
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut, PlannedTask, Repeat, Retry
from flowpar.planning.template import within
from flowpar.schedule.crew import Stop
from flowpar.schedule.resources import LIGHT, Pools, may_go_ahead
from flowpar.testing.clock import FakeClock
from flowpar.testing.crew import Scripted
from flowpar.testing.drawn_cache import DrawnCache
from flowpar.testing.late import Late
from flowpar.testing.noisy import MOST_LIGHT, NoisyCrew
from flowpar.testing.simulation import (
    FakeDecisions,
    FakeItems,
    FakeStops,
    drawn_as,
    part_of,
    plan_of,
    planned,
    raised,
    value,
    yielding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import TaskView

_STOPS = (
    Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True),
    Stop("terminated", RunStatus.INTERRUPTED, ExitCode.TERMINATED, is_request=True),
)
_FAULTS = (
    raised(),
    raised("ConnectionError"),
    Failure(FailureKind.DIED, "SIGKILL", "killed by SIGKILL"),
    Failure(FailureKind.EXIT, "exit", "exited with 75", exit_code=75),
    Failure(FailureKind.OUTPUT, "lock", "cannot be passed on"),
)
_ITEM_ERRORS: tuple[Literal["finish", "collect", "fail_fast"], ...] = ("finish", "collect", "fail_fast")
_MOST_TASKS = 12
_MOST_LAST = 3
_MOST_WORKERS = 4
_LAST_COMMIT = 15
_SHARING = 0.4
_KEYED = 0.4
_GROWING = 0.3


class Scenario:
    """One seed. `is_steady`: whatever crashes, the same tasks succeed in the end."""

    def __init__(self, seed: int) -> None:
        """Draw everything but what jobs do, which is drawn when they are asked for."""
        self.seed = seed
        self.draw = draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
        self.clock = FakeClock()
        self.stops = FakeStops()
        self.items: dict[str, FakeItems | Failure] = {}
        self.verdicts: dict[str, bool | Failure] = {}
        self.rounds: dict[str, int] = {}
        self.doomed: set[str] = set()
        self.workers = draw.randint(1, _MOST_WORKERS)
        self.is_steady = self._chance(0.3)
        self._sources: dict[str, int] = {}
        self.yielded: dict[str, list[ValueRef]] = {}
        self.shares = random.Random(f"shares of {seed}")  # noqa: S311 - the same
        self.more = random.Random(f"more of {seed}")  # noqa: S311 - the same
        self.tempo = self.more.choice([1.0, 1.0, 0.01])  # of short tasks some are sent ahead of the workers
        self.limits = {"api": self.shares.choice([1, 2]), "disk": 1} if self.shares.random() < _SHARING else {}
        tasks = [self._task(number) for number in range(draw.randint(1, _MOST_TASKS))]
        most_last = draw.randint(1, _MOST_LAST) if self._chance(0.3) else 0
        self.late = Late(seed, is_steady=self.is_steady)
        tasks += list(self.late.tasks(tasks))
        tasks += [self._last(number, tasks) for number in range(most_last)]
        self.cache = DrawnCache.drawn(seed, self.rounds, self.doomed)
        self.plan = plan_of(tasks if self.cache is None else self.cache.cached(tasks, self.yielded), limits=self.limits)
        self.faultiness = draw.choice([0.0, 0.1, 0.4])
        crashes = [draw.randint(1, _LAST_COMMIT) for _ in range(draw.choice([0, 0, 1, 1, 1, 2, 3]))]
        self.crashes = self.late.crashes(crashes)
        self.is_stopped = not self.is_steady and self._chance(0.25)
        self.is_fail_fast = not self.is_steady and self._chance(0.15)
        self.timeout_s = None if self.is_steady else draw.choice([None, None, None, 15.0])
        at_worker = frozenset(name for name in [*self.items, *self.verdicts] if self._chance(0.3))
        self.decisions = FakeDecisions(self.verdicts, self.items, at_worker, self.yielded, self.late.items)
        self.doomed.update(
            name for name in [task.id for task in self.plan.tasks] if draw.random() < self.faultiness / 2
        )

    def crew(self, script: Callable[[Job], Scripted]) -> NoisyCrew:
        """Return a new crew; somebody may stop the first one's run."""
        crew = NoisyCrew(self.draw, script, self.clock, workers=self.workers)
        if self.cache is not None:
            self.cache.serve(crew)
        if self.is_stopped:
            now = self.clock.monotonic()
            for stop in _STOPS[: self.draw.randint(1, 2)]:
                crew.at(now + self.draw.uniform(0, 12), partial(self.stops.ask, stop))
            self.is_stopped = False
        return crew

    def go_on(self) -> None:
        """Let the lists change from which items with keys are made: each stands elsewhere, and there may be more."""
        self.late.go_on()
        for name, items in self.items.items():
            if isinstance(items, FakeItems) and items.keys is not None:
                grows = not self.is_steady and self.more.random() < _GROWING
                keys = [*items.keys, *([f"k{items.count}"] if grows else [])]
                self.more.shuffle(keys)
                self.items[name] = items.moved(keys)

    def pools(self) -> Pools | None:
        """Return what the tasks share, all of it free."""
        if not self.limits:
            return None
        ahead = 1 if may_go_ahead(self.plan.tasks) else 0
        return Pools({"cpu": self.workers, LIGHT: MOST_LIGHT, **self.limits}, ahead=ahead)

    def script(self, job: Job) -> Scripted:
        """Return what a job does."""
        draw = self.draw
        recipe = pickle.loads(job.recipe)
        # What a worker decides in one part of a run, the engine may know in the next: that is at fault by chance only.
        is_doomed = self._is_doomed(job.task) and not isinstance(recipe, Judge | Expand)
        is_at_fault = is_doomed if self.is_steady else draw.random() < self.faultiness
        is_of_item = isinstance(recipe, Judge) and job.item is not None
        name = f"{job.task}/{job.item}" if is_of_item else self.late.text_of(job.task)
        outcome = draw.choice(_FAULTS) if is_at_fault else value(name, is_last=self._is_last_round(job))
        duration_s = draw.choice([0.0, 1.0, 2.5, 6.0]) * self.tempo
        values = self.yielded.get(job.task, ())
        yields = tuple(
            (duration_s * (index + 1) / len(values), yielding(index, part)) for index, part in enumerate(values)
        )
        return Scripted(outcome, duration_s, draw.choice([0.0, 0.5, None]), yields=yields)

    def _is_doomed(self, task: str) -> bool:
        if "[" not in task:
            return task in self.doomed
        return random.Random(f"{task} of {self.seed}").random() < self.faultiness / 2  # noqa: S311 - the same

    def _is_last_round(self, job: Job) -> bool:
        rounds = self.rounds.get(job.task)
        if rounds is None:
            return True
        bound = pickle.loads(job.bindings)
        if (bound.round > 1) is (bound.previous is None):
            raise AssertionError(f"round {bound.round} of {job.task} has the previous output {bound.previous}")
        return bool(not bound.round or bound.round >= rounds)

    def views_of(self, job: Job) -> Mapping[str, TaskView]:
        """Return what a job sees of other tasks."""
        bindings = pickle.loads(job.bindings)
        return bindings.tasks if isinstance(bindings, Bindings) else {}

    def waits_for_none(self, task: str) -> bool:
        """Whether a task may run before all that it needs is over."""
        return any(each.id == drawn_as(task) and each.run_if in EARLY for each in within(self.plan.tasks))

    def _task(self, number: int) -> PlannedTask:
        draw, name = self.draw, f"t{number}"
        needs = [f"t{need}" for need in range(number) if self._chance(0.3)]
        fan_out = self._keyed(name, self._fan_out(name, [need for need in needs if need in self._sources]))
        feeds = set() if fan_out is None else set(fan_out.feeds.values())
        reads = frozenset(need for need in needs if need not in feeds and self._chance(0.7))
        decides_on = feeds.union(need for need in needs if self._chance(0.2))
        allows_failure = self._chance(0.1)
        found = self.items.get(name)
        if isinstance(found, FakeItems) and found.keys is None and not allows_failure:
            self._sources[name] = found.count
        elif fan_out is None and not allows_failure and self._chance(0.2):
            self._sources[name] = draw.choice([0, 1, 3, 8])
            self.yielded[name] = [part_of(name, index) for index in range(self._sources[name])]
        condition = None
        is_asked_for_each = bool(feeds) and isinstance(found, FakeItems) and found.verdicts is not None
        if is_asked_for_each:
            condition = Constant(value=True)
        elif self._chance(0.2):
            condition, self.verdicts[name] = Constant(value=True), self._chance(0.7)
        return planned(
            name,
            *needs,
            reads=reads,
            decides_on=frozenset(decides_on),
            fan_out=fan_out,
            condition=condition,
            condition_is_per_item=is_asked_for_each,
            repeat=self._repeat(name),
            run_if=draw.choice(RUN_IFS) if not feeds and self._chance(0.3) else "all_success",
            fingerprint=f"print-{name}",
            retry=Retry(draw.randint(1, 3), draw.choice([0.0, 2.0]), 2.0, jitter=self._chance(0.5)),
            timeout_s=None if self.is_steady else draw.choice([None, 3.0]),
            grace_s=draw.choice([0.0, 2.0]),
            allow_failure=allows_failure,
            **self._place(needs),
            batch=None if fan_out is None else self.more.choice([None, None, 0, 1, 3]),
            resources=self._resources(),
            priority=self.shares.choice([0, 0, 0, 5, -1]) if self.limits else 0,
        )

    def _place(self, needs: Sequence[str]) -> dict[str, object]:
        preload = ("package",) if len(needs) % 2 else ()
        return {"executor": self.draw.choice(["process", "pool", "thread"]), "preload": preload}

    def _last(self, number: int, tasks: Sequence[PlannedTask]) -> PlannedTask:
        draw = self.draw
        ordinary = [task.id for task in tasks if not task.in_finally]
        return planned(
            f"f{number}",
            *[f"f{need}" for need in range(number) if self._chance(0.4)],
            reads=frozenset(name for name in ordinary if self._chance(0.2)),
            run_if=draw.choice(RUN_IFS) if self._chance(0.4) else "all_success",
            fingerprint=f"print-f{number}",
            retry=Retry(draw.randint(1, 2), draw.choice([0.0, 2.0])),
            timeout_s=None if self.is_steady else draw.choice([None, 3.0]),
            grace_s=draw.choice([0.0, 2.0]),
            allow_failure=self._chance(0.1),
            in_finally=True,
        )

    def _repeat(self, name: str) -> Repeat | None:
        if not self._chance(0.2):
            return None
        most = self.draw.randint(1, 4)
        self.rounds[name] = self.draw.randint(1, most if self.is_steady else 4)
        return Repeat(most, self.draw.choice([0.0, 1.5]), takes_last=self._chance(0.5))

    def _resources(self) -> Mapping[str, float]:
        if not self.limits:
            return {}
        wanted = {"cpu": self.shares.choice([None, 0, 0.5, 1, 2]), "api": self.shares.choice([None, 0.5, 1])}
        wanted["disk"] = self.shares.choice([None, None, 1])
        most = {"cpu": self.workers, **self.limits}
        return {pool: min(amount, most[pool]) for pool, amount in wanted.items() if amount is not None}

    def _fan_out(self, name: str, sources: Sequence[str]) -> FanOut | None:
        """Draw a fan-out, which tasks of `sources` may feed: one by itself, or two that have as many items."""
        draw = self.draw
        if not self._chance(0.5 if sources else 0.3):
            return None
        count = draw.choice([0, 1, 3, 8])
        feeds = {}
        if sources and self._chance(0.7):
            first = draw.choice(sources)
            count = self._sources[first]
            alike = [each for each in sources if self._sources[each] == count]
            feeds = {"x": first, "y": draw.choice(alike)} if self._chance(0.3) else {"x": first}
        verdicts = [self._chance(0.8) for _ in range(count)] if self._chance(0.2) else None
        names = [*feeds, *(["z"] if feeds and self._chance(0.2) else [])]
        self.items[name] = FakeItems(count, verdicts, names) if feeds or self._chance(0.95) else raised()
        choices = _ITEM_ERRORS[:2] if self.is_steady else _ITEM_ERRORS
        return FanOut(
            dict.fromkeys(names, Constant(None)),
            feeds=feeds,
            max_parallel=draw.choice([None, 1, 2]),
            on_item_error=draw.choice(choices),
        )

    def _keyed(self, name: str, fan_out: FanOut | None) -> FanOut | None:
        """Give items keys, as those of some lists have that are whole from the beginning."""
        items = self.items.get(name)
        if fan_out is None or fan_out.feeds or not isinstance(items, FakeItems) or self.more.random() > _KEYED:
            return fan_out
        self.items[name] = replace(items, keys=[f"k{number}" for number in range(items.count)])
        return replace(fan_out, key=Constant(None))

    def _chance(self, share: float) -> bool:
        return self.draw.random() < share
