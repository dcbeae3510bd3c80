"""Items with keys are found again in whatever list they stand, over as many parts of a run as there are."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import TaskExpanded, TaskStarted
from flowpar.core.states import TaskState
from flowpar.engine.resumption import sort_out
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut
from flowpar.record.journal import Journal
from flowpar.record.resume import Verified, read_settled
from flowpar.schedule.run import RunOptions
from flowpar.schedule.start import Fingerprint, Start
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, Played, plan_of, planned, play, raised, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.execute.base import Job
    from flowpar.planning.model import PlannedTask

Key = str | int | bool
KEYS = st.lists(st.one_of(st.sampled_from("abcdef"), st.integers(0, 2), st.booleans()), max_size=6)
LISTS = st.lists(
    st.tuples(KEYS.map(lambda keys: list({(type(key), key): key for key in keys}.values())), st.booleans()), min_size=1
)


def keyed(keys: Sequence[Key], fingerprint: str = "same") -> PlannedTask:
    """Return a fan-out over a list that has these keys."""
    lists = "-".join(["lists", *(f"{type(key).__name__}{key}" for key in keys)])
    fan_out = FanOut({"x": Constant(None)}, key=Constant(None), fingerprint=lists)
    return planned("b", "a", fan_out=fan_out, decides_on=frozenset("a"), fingerprint=fingerprint)


def part(keys: Sequence[Key], start: Start, *, fails: bool, fingerprint: str = "same") -> Played:
    """Play a part of a run in which every second item fails, or none."""

    def script(job: Job) -> Scripted:
        return Scripted(raised() if fails and job.item is not None and job.item % 2 else value(_made(keys, job.item)))

    return play(
        [planned("a"), keyed(keys, fingerprint)],
        script,
        decisions=FakeDecisions(items={"b": FakeItems(len(keys), None, (), keys)}),
        options=RunOptions("run", "/nowhere", start=start),
    )


def _made(keys: Sequence[Key], item: int | None) -> str:
    return "" if item is None else f"made of {keys[item]!r}"


@given(LISTS)
def test_what_is_done_with_a_key_is_not_done_again(lists: Sequence[tuple[Sequence[Key], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        journal, start, done = Journal(path, is_synced=False), Start(), set[tuple[type, object]]()
        for number, (keys, fails) in enumerate(lists, 1):
            played = part(keys, start, fails=fails)
            begun = {(type(keys[i]), keys[i]) for i in _started(played)}
            assert not begun & done
            here = {(type(key), key) for key in keys}
            failed = {(type(key), key) for item, key in enumerate(keys) if fails and item % 2} & begun
            # An item that has left the list is forgotten with it.
            done = (done | begun) & here - failed
            assert begun | done == here
            assert (played.end.states["b"] is TaskState.SUCCEEDED) is (not failed)
            for event in played.sink.events:
                journal.emit(event)
            journal.close()
            settled, end = read_settled(Path(folder))
            values = {item: each.value for item, each in settled.tasks["b"].items.items() if each.value is not None}
            assert all(ref.inline == _made(keys, item).encode() for item, ref in values.items())
            plan = plan_of([planned("a"), keyed(lists[number][0] if number < len(lists) else keys)])
            start = sort_out(plan, Verified(settled, {}), first_job=1000 * number).start
            journal = Journal.reopen(path, end, is_synced=False)
        journal.close()


@given(st.permutations("abcd"), st.permutations("abcd"), st.integers(0, 8), st.sampled_from(["same", "other"]))
def test_attempts_count_on_by_key_also_those_that_a_kill_ended(
    before: Sequence[Key], after: Sequence[Key], left: int, fingerprint: str
) -> None:
    played = part(before, Start(), fails=True)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "events.jsonl", is_synced=False)
        for event in played.sink.events[: 5 + left]:  # "a" is done by then, and the items are known
            journal.emit(event)
        journal.close()
        settled, _ = read_settled(Path(folder))
    begun: dict[object, int] = {before[item]: each.attempt for item, each in settled.tasks["b"].items.items()}
    plan = plan_of([planned("a"), keyed(after, fingerprint)])

    start = sort_out(plan, Verified(settled, {}), first_job=1000).start
    went_on = part(after, start, fails=False, fingerprint=fingerprint)

    again = {e.subject.key: e.subject.attempt for e in went_on.sink.of(TaskStarted) if e.subject.item is not None}
    assert again == {key: begun.get(key, 0) + 1 for key in again}
    done = {before[item] for item, each in settled.tasks["b"].items.items() if each.is_done}
    assert set(again) == set(after) - (done if fingerprint == "same" else set())


def _started(played: Played) -> list[int]:
    return [e.subject.item for e in played.sink.of(TaskStarted) if e.subject.item is not None]


def test_nothing_is_told_of_items_that_stand_where_they_stood() -> None:
    played = part(["a", "b"], Start(), fails=False)

    (expanded,) = played.sink.of(TaskExpanded)
    assert expanded.moved is None
    assert [e.subject.key for e in played.sink.of(TaskStarted) if e.subject.item is not None] == ["a", "b"]


def test_a_fingerprint_has_the_key_last() -> None:
    whole = Fingerprint("task", "code", "", "key")

    assert Fingerprint.parse(str(whole)) == whole
    assert Fingerprint.parse("task.code.item") == Fingerprint("task", "code", "item")
