"""Why a task ran, or did not: its key in one run against the nearest one of an earlier run.

    explain(run_dir, runs, "report", None) ─► Answer(state, verdict, against, reasons)

The nearest is the one from which it differs least, among the newest runs of the same workflow.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal

from flowpar.core.errors import UsageError
from flowpar.core.frozen import dataclass, replace
from flowpar.core.part_name import matching
from flowpar.core.suggest import nearest
from flowpar.engine.parts import number_in
from flowpar.record.made import earlier, read_made
from flowpar.record.resume import read_settled
from flowpar.report.reasons import Reason, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from flowpar.record.made import Made, RunMade

Verdict = Literal["cached", "changed", "same", "not_kept", "first", "no_key", "no_cache", "skipped", "off"]
_MOST_RUNS = 5
_MOST_RUNS_FOR_ALL = 2
_KEPT = frozenset({"succeeded", "cached"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Why one task or item ended as it did; `count` items are told of where several have the same answer.

    `against` is the run and the task or item that it is held against, or that it was taken from.
    """

    name: str
    state: str
    verdict: Verdict
    against: tuple[str, str] | None = None
    reasons: tuple[Reason, ...] = ()
    saved_s: float = 0.0
    note: str = ""
    count: int = 1


def explain(run_dir: Path, runs: Sequence[Path], name: str, item: str | None) -> tuple[str, list[Answer]]:
    """Return the run and why a task ran in it, with one answer for each way in which its items differ."""
    settled, _ = read_settled(run_dir, is_salvaged=True, keeps_values=False)
    tasks = matching(name, settled.tasks)
    if not tasks:
        near = nearest(name, settled.tasks)
        hint = f'did you mean "{near}"?' if near is not None else f"there are: {', '.join(settled.tasks)}"
        raise UsageError(f'"{name}" is no task of run {settled.run.run_id} that came to an end', hint=hint)
    if item is not None and len(tasks) > 1:
        raise UsageError(f'"{name}" is one of {len(tasks)} tasks', hint=f"name one, as {tasks[0]}")
    number = None if item is None else number_in(settled, tasks[0], item)
    now = read_made(run_dir, tasks)
    wanted = [made for place, made in now.made.items() if number is None or place[1] == number]
    if not wanted:
        whole = name if item is None else f"{name}[{item}]"
        if number is not None and now.made:
            raise UsageError(f'"{name}" has no item {item} that came to an end', hint=_items_there(now, tasks[0]))
        raise UsageError(f'"{whole}" has not come to an end in run {settled.run.run_id}')
    if settled.run.options.get("no_cache") is True:
        return now.run, _grouped([Answer(_name(made), made.state, "off", note=made.reason) for made in _own(wanted)])
    before = [_Known(run) for run in islice(earlier(_before(run_dir, runs), now, tasks), _MOST_RUNS)]
    return now.run, _grouped([_answer(made, now, before) for made in _own(wanted)])


def _items_there(run: RunMade, task: str) -> str:
    items = sorted(made.item for made in run.made.values() if made.task == task and made.item is not None)
    if not items:
        return "it has no items"
    return f"its items are {items[0]} to {items[-1]}" if len(items) > 1 else f"its one item is {items[0]}"


def explain_all(run_dir: Path, runs: Sequence[Path]) -> dict[str, list[Answer]]:
    """Return why each task of a run that a cache knows ran or did not; raises StateError where there is no journal."""
    now = read_made(run_dir)
    known = [made for made in _own(now.made.values()) if made.parts is not None]
    if not known:
        return {}
    tasks = {made.task for made in known}
    before = [_Known(run) for run in islice(earlier(_before(run_dir, runs), now, tasks), _MOST_RUNS_FOR_ALL)]
    answers: dict[str, list[Answer]] = {}
    for made in known:
        answers.setdefault(made.task, []).append(_answer(made, now, before))
    return {task: _grouped(found) for task, found in answers.items()}


def _own(ended: Iterable[Made]) -> list[Made]:
    """Return what ended without fan-outs as a whole, of which each item speaks for itself."""
    ended = list(ended)
    wholes = {made.task for made in ended if made.item is not None}
    return [made for made in ended if made.item is not None or made.task not in wholes]


def _before(run_dir: Path, runs: Sequence[Path]) -> Sequence[Path]:
    names = [path.name for path in runs]
    return runs[: names.index(run_dir.name)] if run_dir.name in names else runs


class _Known:
    """An earlier run, in which is found at once what something may be held against."""

    def __init__(self, run: RunMade) -> None:
        self.run = run
        self._by_key: dict[tuple[str, str], Made] = {}
        self._first: dict[str, Made] = {}
        for made in run.made.values():
            if made.parts is None:
                continue
            self._first.setdefault(made.task, made)
            for key, _ in (*made.rounds.values(), (made.key, None)):
                if (made.task, key) not in self._by_key or made.state in _KEPT:
                    self._by_key[made.task, key] = made

    def alike(self, made: Made) -> Made | None:
        """Return what has the same key, else the same task or item, else any item of the task."""
        of_item = self.run.made.get((made.task, made.item))
        found = self._by_key.get((made.task, made.key))
        if found is None:
            found = of_item if of_item is not None and of_item.parts is not None else self._first.get(made.task)
        return None if found is None else found.like(made)


def _answer(made: Made, now: RunMade, before: Sequence[_Known]) -> Answer:
    name = _name(made)
    if made.state == "skipped":
        return Answer(name, made.state, "skipped", note=made.reason)
    if made.state == "cached":
        return Answer(name, made.state, "cached", made.made_by, saved_s=made.saved_s)
    if made.parts is None:
        return Answer(name, made.state, "no_cache" if made.state == "succeeded" else "no_key")
    others = [(known.run, other) for known in before if (other := known.alike(made)) is not None]
    if not others:
        return Answer(name, made.state, "first")
    mine = now.made_of(made)
    differing = [(reasons(mine, run.made_of(other)), run, other) for run, other in others]
    found, run, other = min(differing, key=lambda each: len(each[0]))
    verdict: Verdict = "changed" if found else "same" if other.state in _KEPT else "not_kept"
    note = other.state if verdict != "same" else "unkept" if other.note == "unkept" else made.note
    return Answer(name, made.state, verdict, (run.run, _name(other)), found, note=note)


def _grouped(answers: list[Answer]) -> list[Answer]:
    """Put together what is told in the same words."""
    groups: dict[tuple[object, ...], Answer] = {}
    for answer in answers:
        run = "" if answer.against is None else answer.against[0]
        key = (answer.state, answer.verdict, run, tuple(reason.text for reason in answer.reasons), answer.note)
        first = groups.get(key)
        if first is None:
            groups[key] = answer
        else:
            groups[key] = replace(first, count=first.count + 1, saved_s=first.saved_s + answer.saved_s)
    return list(groups.values())


def _name(made: Made) -> str:
    return made.task if made.item is None else f"{made.task}[{made.item}]"
