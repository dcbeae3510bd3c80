"""A run that is cut off anywhere and goes on comes to what an untouched one comes to, and runs nothing twice."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import UsageError
from flowpar.core.events import RunStarted, TaskEnded, TaskStarted
from flowpar.core.outcome import Success, ValueRef
from flowpar.core.states import TaskState
from flowpar.data.codec import encode
from flowpar.engine.resumption import Redo, Resumption, sort_out
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut, Plan, PlannedTask, Retry
from flowpar.record.journal import Journal
from flowpar.record.resume import Verified, read_settled
from flowpar.schedule.run import RunOptions
from flowpar.schedule.start import Start
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, Played, plan_of, planned, play, raised, value
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flowpar.core.events import Event
    from flowpar.execute.base import Job
    from flowpar.record.settled import Settled

SEEDS = 150
Key = tuple[str, int | None]


class Story:
    """A seeded plan whose tasks do the same each time, and what its journal says of each part of its run."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
        self.folder = folder
        self.files = 0
        self.failing: set[Key] = set()
        self.decisions = FakeDecisions(verdicts={}, items={})
        self.plan = plan_of([self._task(number) for number in range(self.draw.randint(1, 10))])

    def play(self, start: Start | None = None) -> Played:
        options = RunOptions("run", "/nowhere", start=start or Start())
        return play(self.plan, self.script, decisions=self.decisions, options=options)

    def fold(self, events: Sequence[Event]) -> Settled:
        self.files += 1
        place = self.folder / str(self.files)
        place.mkdir()
        journal = Journal(place / "events.jsonl", is_synced=False)
        for event in events:
            journal.emit(event)
        journal.close()
        return read_settled(place)[0]

    def resumption(self, events: Sequence[Event], redo: Redo = ()) -> Resumption:
        return sort_out(self.plan, Verified(self.fold(events), {}), redo=redo, first_job=1000)

    def script(self, job: Job) -> Scripted:
        key = (job.task, job.item)
        outcome = raised() if key in self.failing else value(f"{job.task}[{job.item}]")
        return Scripted(outcome, duration_s=self.draw.choice([0.5, 1.0, 2.0]))

    def _task(self, number: int) -> PlannedTask:
        draw, name = self.draw, f"t{number}"
        needs = [f"t{need}" for need in range(number) if draw.random() < 0.3]
        fan_out = None
        if draw.random() < 0.4:
            fan_out = FanOut({}, max_parallel=draw.choice([None, 2]), on_item_error=draw.choice(["finish", "collect"]))
            count = draw.choice([0, 1, 3, 8])
            verdicts = [draw.random() < 0.7 for _ in range(count)] if draw.random() < 0.3 else None
            self.decisions.items = {**self.decisions.items, name: FakeItems(count, verdicts)}
        condition = None
        if draw.random() < 0.15:
            condition = Constant(value=True)
            self.decisions.verdicts = {**self.decisions.verdicts, name: draw.random() < 0.6}
        self.failing |= {(name, item) for item in [None, *range(8)] if draw.random() < 0.08}
        return planned(
            name,
            *needs,
            reads=frozenset(need for need in needs if draw.random() < 0.6),
            fan_out=fan_out,
            condition=condition,
            retry=Retry(draw.randint(1, 2)),
            allow_failure=draw.random() < 0.2,
            fingerprint=f"print-{name}",
            code="code",
        )


def come_to(settled: Settled) -> dict[Key, tuple[object, ...]]:
    """Return what each task and item came to."""
    found: dict[Key, tuple[object, ...]] = {}
    for name, task in settled.tasks.items():
        for item, standing in ((None, task.standing), *task.items.items()):
            found[name, item] = (standing.state, standing.value, standing.failure, standing.is_tolerated)
    return found


def recorded_as_done(events: Sequence[Event]) -> set[Key]:
    return {
        (event.subject.task, event.subject.item)
        for event in events
        if isinstance(event, TaskEnded) and (event.state is TaskState.SUCCEEDED or event.is_tolerated)
    }


def begun_in(events: Sequence[Event]) -> list[Key]:
    return [(event.subject.task, event.subject.item) for event in events if isinstance(event, TaskStarted)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_run_cut_off_anywhere_comes_to_the_same_and_runs_nothing_twice(seed: int, tmp_path: Path) -> None:
    story = Story(seed, tmp_path)
    whole = story.play()
    untouched = whole.sink.events

    told: list[Event] = untouched[: story.draw.randint(1, len(untouched))]
    for _ in range(story.draw.randint(1, 2)):  # cut off, go on, be cut off again
        went_on = story.play(story.resumption(told).start)
        assert not recorded_as_done(told) & set(begun_in(went_on.sink.events))
        told = [*told, *went_on.sink.events[: story.draw.randint(1, len(went_on.sink.events))]]
    last = story.play(story.resumption(told).start)

    assert not recorded_as_done(told) & set(begun_in(last.sink.events))
    assert last.end.states == whole.end.states
    assert last.end.exit_code == whole.end.exit_code
    assert come_to(story.fold([*told, *last.sink.events])) == come_to(story.fold(untouched))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_attempts_count_on(seed: int, tmp_path: Path) -> None:
    story = Story(seed, tmp_path)
    untouched = story.play().sink.events
    told = untouched[: story.draw.randint(1, len(untouched))]

    went_on = story.play(story.resumption(told).start).sink.events

    numbers: dict[Key, list[int]] = {}
    for event in (*told, *went_on):
        if isinstance(event, TaskStarted):
            numbers.setdefault((event.subject.task, event.subject.item), []).append(event.subject.attempt)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.parametrize("seed", range(40))
def test_a_finished_run_runs_nothing(seed: int, tmp_path: Path) -> None:
    story = Story(seed, tmp_path)
    story.failing.clear()
    whole = story.play()

    again = story.play(story.resumption(whole.sink.events).start)

    assert begun_in(again.sink.events) == []
    assert again.crew.submitted == []
    assert again.end.states == whole.end.states


class Chain(Story):
    """Four tasks: `a`, a fan-out `b` of three items over it, `c` below that, and `d` by itself."""

    def __init__(self, folder: Path, **changes: object) -> None:
        super().__init__(7, folder)
        self.failing = set()
        self.decisions = FakeDecisions(items={"b": FakeItems(3)})
        self.plan = chain(**changes)

    def script(self, job: Job) -> Scripted:
        return Scripted(raised() if (job.task, job.item) in self.failing else value(f"{job.task}[{job.item}]"))


def chain(**changes: object) -> Plan:
    prints = {name: f"print-{name}" for name in "abcd"} | changes
    tasks = [
        planned("a", fingerprint=prints["a"], code="1"),
        planned("b", "a", fingerprint=prints["b"], code="1", reads=frozenset({"a"}), fan_out=FanOut({})),
        planned("c", "b", fingerprint=prints["c"], code="1", reads=frozenset({"b"})),
        planned("d", fingerprint=prints["d"], code="1"),
    ]
    return plan_of(tasks)


def test_only_what_failed_and_what_is_below_runs_again(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    story.failing = {("b", 1)}
    told = story.play().sink.events
    story.failing = set()

    again = story.play(story.resumption(told).start)

    assert begun_in(again.sink.events) == [("b", 1), ("c", None)]
    outputs = {key: ref.inline for key, ref in again.crew.outputs.refs.items()}
    assert outputs == {}  # all readers are done
    assert again.end.exit_code == 0


def test_a_reader_that_runs_again_finds_the_outputs_of_what_stands(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    story.failing = {("c", None)}
    told = story.play().sink.events
    seen: list[object] = []

    start = story.resumption(told).start
    options = RunOptions("run", "/nowhere", start=start)

    def script(job: Job) -> Scripted:
        outputs = pickle.loads(job.bindings).tasks["b"].item_outputs
        seen.extend(None if ref is None else ref.inline for ref in outputs)
        return Scripted(value("c"))

    play(story.plan, script, decisions=story.decisions, options=options)

    assert seen == [f"b[{item}]".encode() for item in range(3)]


def test_a_changed_task_and_what_is_below_it_runs_again(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events
    story.plan = chain(b="print-new")

    resumption = story.resumption(told)
    again = story.play(resumption.start)

    assert resumption.changed == ("b",)
    assert resumption.below == ("c",)
    assert resumption.start.again == {"b": None, "c": None}
    assert begun_in(again.sink.events) == [("b", 0), ("b", 1), ("b", 2), ("c", None)]


def test_what_must_run_again_is_not_taken_for_done_when_that_is_cut_off_too(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events
    story.plan = chain(a="print-new")
    went_on = story.play(story.resumption(told).start).sink.events
    only_a = went_on[: 1 + next(at for at, event in enumerate(went_on) if isinstance(event, TaskEnded))]

    again = story.play(story.resumption([*told, *only_a]).start)

    assert begun_in(again.sink.events) == [("b", 0), ("b", 1), ("b", 2), ("c", None)]


def test_a_task_whose_code_alone_changed_stands_and_is_named(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events
    story.plan = replace(story.plan, tasks=tuple(replace(task, code="2") for task in story.plan.tasks))

    resumption = story.resumption(told)

    assert resumption.old_code == ("a", "d", "b", "c")
    assert len(resumption.start.standing) == 4


def test_how_a_task_is_run_makes_no_other_task_of_it(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events
    changed = (replace(task, retry=Retry(9), timeout_s=3.0, executor="thread") for task in story.plan.tasks)
    story.plan = replace(story.plan, tasks=tuple(changed))

    assert len(story.resumption(told).start.standing) == 4


@pytest.mark.parametrize(
    ("redo", "expected"),
    [
        (("b", None), [("b", 0), ("b", 1), ("b", 2), ("c", None)]),
        (("b", 2), [("b", 2), ("c", None)]),
        (("d", None), [("d", None)]),
    ],
)
def test_from_runs_that_and_what_is_below_it(redo: Key, expected: list[Key], tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events

    again = story.play(story.resumption(told, [redo]).start)

    assert begun_in(again.sink.events) == expected


@pytest.mark.parametrize(
    ("redo", "message"),
    [
        (("bb", None), '--from names "bb", which is not a task of the workflow'),
        (("a", 0), '--from names item 0 of "a", which has no items'),
        (("b", 3), '--from names item 3 of "b", which has 3 items, counted from 0'),
    ],
)
def test_from_refuses_what_is_not_there(redo: Key, message: str, tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events

    with pytest.raises(UsageError) as refused:
        story.resumption(told, [redo])

    assert refused.value.message == message


def test_a_lost_value_brings_its_producer_back_and_what_is_below(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events
    settled = story.fold(told)
    b = settled.tasks["b"]
    items = {**b.items, 1: replace(b.items[1], state=None, value=None)}
    whole = replace(b, standing=replace(b.standing, state=None), items=items)
    verified = Verified(replace(settled, tasks={**settled.tasks, "b": whole}), {("b", 1): "its value is gone"})

    resumption = sort_out(story.plan, verified)

    assert resumption.start.again == {"b": [1], "c": None}
    assert begun_in(story.play(resumption.start).sink.events) == [("b", 1), ("c", None)]


def test_the_story_of_a_resumed_run_says_what_stands(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    told = story.play().sink.events

    first = story.play(story.resumption(told, [("c", None)]).start).sink.events[0]

    assert isinstance(first, RunStarted)
    assert first.again == {"c": None}
    assert first.kept == 3


def test_an_item_bound_to_something_else_runs_again(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    story.decisions = FakeDecisions(items={"b": Bound([1, 2, 3])})
    story.failing = {("b", 2)}
    told = story.play().sink.events
    story.decisions = FakeDecisions(items={"b": Bound([1, 5, 3])})
    story.failing = set()

    again = story.play(story.resumption(told).start)

    assert begun_in(again.sink.events) == [("b", 1), ("b", 2), ("c", None)]


class Bound(FakeItems):
    """Items bound to numbers."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(len(numbers))
        object.__setattr__(self, "_numbers", numbers)

    def item(self, index: int) -> dict[str, bytes]:
        return {"n": encode(self._numbers[index]).join()}  # type: ignore[attr-defined]


def test_the_tries_of_a_retry_are_given_anew(tmp_path: Path) -> None:
    story = Chain(tmp_path)
    story.plan = plan_of([planned("a", retry=Retry(2))])
    story.failing = {("a", None)}
    told = story.play().sink.events

    again = story.play(story.resumption(told).start).sink.of(TaskStarted)

    assert [event.subject.attempt for event in again] == [3, 4]


def resumed(folder: Path, *tasks: PlannedTask, failing: frozenset[str], cut: int | None = None) -> Resumption:
    """Return what stands after a run of tasks, of which the first are told of up to `cut` events."""
    story = Story(0, folder)
    story.plan, story.failing = plan_of(tasks), {(name, None) for name in failing}
    story.decisions = FakeDecisions(verdicts={"left_out": False})
    return story.resumption(story.play().sink.events[:cut])


def printed(name: str, *needs: str, **changes: object) -> PlannedTask:
    return planned(name, *needs, fingerprint=f"print-{name}", **changes)


def test_what_ran_beside_a_skipped_need_stands_with_the_skip(tmp_path: Path) -> None:
    skipped = printed("left_out", condition=Constant(value=True))
    below = printed("below", "left_out")
    beside = printed("beside", "left_out", run_if="none_failed")

    found = resumed(tmp_path, skipped, below, beside, printed("bad"), failing=frozenset({"bad"}))

    assert {name for name, begun in found.start.tasks.items() if begun.whole} == {"left_out", "below", "beside"}
    assert found.below == found.changed == ()


def test_what_answered_for_a_failure_is_decided_anew_with_it(tmp_path: Path) -> None:
    alarm = printed("alarm", "bad", run_if="one_failed")
    calm = printed("calm", "good", run_if="all_failed")

    found = resumed(tmp_path, printed("bad"), printed("good"), alarm, calm, failing=frozenset({"bad"}))

    assert found.below == ("alarm",)
    assert {name for name, begun in found.start.tasks.items() if begun.whole} == {"good", "calm"}


def test_what_did_not_wait_for_a_need_stands_without_it(tmp_path: Path) -> None:
    first = printed("first", "good", "bad", run_if="one_success")

    found = resumed(tmp_path, printed("good"), printed("bad"), first, failing=frozenset({"bad"}))

    assert {name for name, begun in found.start.tasks.items() if begun.whole} == {"good", "first"}


def test_what_tidied_up_stands_while_all_before_it_does(tmp_path: Path) -> None:
    tasks = (printed("good"), printed("tidy", in_finally=True), printed("mail", in_finally=True))

    found = resumed(tmp_path, *tasks, failing=frozenset({"mail"}))

    assert {name for name, begun in found.start.tasks.items() if begun.whole} == {"good", "tidy"}


def test_what_tidied_up_runs_again_after_what_runs_again(tmp_path: Path) -> None:
    tasks = (printed("good"), printed("bad"), printed("tidy", in_finally=True))

    found = resumed(tmp_path, *tasks, failing=frozenset({"bad"}))

    assert found.below == ("tidy",)
    assert {name for name, begun in found.start.tasks.items() if begun.whole} == {"good"}


class Filed(Story):
    """The same, but every value is a file, and what the loop lets go of is noted with how much was told by then."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed, folder)
        self.removed: list[tuple[int, ValueRef]] = []

    def play_filed(self) -> Sequence[Event]:
        sink = RecordingSink()

        def remove(refs: Sequence[ValueRef]) -> None:
            self.removed += [(len(sink.events), ref) for ref in refs]

        play(self.plan, self.filed, decisions=self.decisions, sink=sink, remove=remove)
        return sink.events

    def filed(self, job: Job) -> Scripted:
        scripted = self.script(job)
        if not isinstance(scripted.outcome, Success):
            return scripted
        ref = ValueRef(1 << 20, "none:", is_plain=True, file=f"values/{job.task}-{job.item}.val")
        return replace(scripted, outcome=Success(ref))

    def verified(self, events: Sequence[Event]) -> Verified:
        """Return what a resume finds that comes when this much was told, whatever was let go of until then."""
        settled = self.fold(events)
        gone = {ref.file for told, ref in self.removed if told <= len(events)}
        absent = {
            (name, item): "it is gone"
            for name, task in settled.tasks.items()
            for item, standing in ((None, task.standing), *task.items.items())
            if standing.value is not None and standing.value.file in gone
        }
        return Verified(settled, {}, absent)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_let_go_of_is_needed_by_no_resume_wherever_the_run_is_cut_off(seed: int, tmp_path: Path) -> None:
    story = Filed(seed, tmp_path)
    events = story.play_filed()

    for end in {len(events), *(story.draw.randint(1, len(events)) for _ in range(4))}:
        found = sort_out(story.plan, story.verified(events[:end]), first_job=1000)

        assert not found.lost


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_runs_again_finds_all_that_it_reads(seed: int, tmp_path: Path) -> None:
    story = Filed(seed, tmp_path)
    events = story.play_filed()
    verified = story.verified(events)
    redo = story.draw.choice(story.plan.tasks).id

    found = sort_out(story.plan, verified, redo=[(redo, None)], first_job=1000)

    gone = {name for name, _ in verified.absent if name in found.start.standing}
    for task in story.plan.tasks:
        if task.id not in found.start.standing:
            assert not gone & (task.reads | task.decides_on)


def test_a_plan_lets_go_of_something() -> None:
    removed: list[ValueRef] = []
    ref = ValueRef(1 << 20, "none:", is_plain=True, file="values/1.val")

    play(
        [planned("a"), planned("b", "a", reads=frozenset("a"))],
        lambda _: Scripted(Success(ref)),
        remove=removed.extend,
    )

    assert removed == [ref]
