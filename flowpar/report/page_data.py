"""What the scripts of a report read: tasks, attempts by columns, and what to draw, as one JSON text.

Columns of numbers take a third of what rows of names would: 10,000 attempts fill less than a megabyte.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from flowpar.report.timeline import arrange
from flowpar.report.visible import reason, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.report.page_model import Page, TaskView
    from flowpar.report.past import PastAttempt
    from flowpar.report.timeline import Timeline

_MOST_ATTEMPTS = 20_000
_MOST_ERRORS = 2000
_MOST_DRAWN = 120
_MOST_LINES = 400
_LONGEST_ERROR = 300
_LONGEST_NAME = 300
_GOOD = ("succeeded", "cached")
# What would end the element that the text stands in, or a line of script.
_UNSAFE = re.compile("[<>&\u2028\u2029]")


def as_json(page: Page) -> str:
    """Return the data of a page as JSON that may stand in an element of HTML."""
    text = json.dumps(data_of(page), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def data_of(page: Page) -> dict[str, object]:
    """Return the data of a page; all texts in it are harmless where they are shown as text."""
    timeline = arrange(page.past)
    shown = _shown(page.past.attempts, timeline)
    place_of = {number: place for place, number in enumerate(shown)}
    task_of = {name: number for number, task in enumerate(page.tasks) for name in task.names}
    names = {one.task: _name(one.task) for one in page.past.attempts}
    known = {name: number for number, name in enumerate(names)}
    attempts = [page.past.attempts[number] for number in shown]
    return {
        "run": visible(page.head.run_id),
        "length": round(timeline.length_s, 4),
        "resumed": [round(at, 3) for at in timeline.resumed],
        "rows": [visible(label) for label in timeline.labels],
        "critical": [place_of[number] for number in timeline.critical if number in place_of],
        "knowsNeeds": page.knows_needs,
        "allAttempts": len(page.past.attempts),
        "tasks": [_task(task) for task in page.tasks],
        "names": list(names.values()),
        "drawn": _drawn(page.tasks, {task_of[attempts[place_of[n]].task] for n in timeline.critical if n in place_of}),
        "attempts": {
            "task": [task_of.get(one.task, -1) for one in attempts],
            "name": [known[one.task] for one in attempts],
            "item": [one.item for one in attempts],
            "key": _sparse([None if one.key is None else _name(str(one.key)) for one in attempts]),
            "round": _sparse([one.round or None for one in attempts]),
            "attempt": [one.attempt for one in attempts],
            "state": [one.state + ("+" if one.is_tolerated else "") for one in attempts],
            "row": [timeline.rows[number] for number in shown],
            "start": [_rounded(timeline.starts[number]) for number in shown],
            "took": [_rounded(one.duration_s) for one in attempts],
            "wait": [_rounded(one.wait_s) for one in attempts],
            "cpu": [_rounded(one.cpu_s) for one in attempts],
            "memory": [None if one.max_rss_bytes is None else one.max_rss_bytes >> 10 for one in attempts],
            "pid": [one.pid for one in attempts],
        },
        "errors": _errors(attempts),
    }


def _task(task: TaskView) -> dict[str, object]:
    return {
        "name": _name(task.name),
        "kind": visible(task.kind),
        "needs": [_name(need) for need in task.needs],
        "state": task.state,
        "counts": task.counts,
        "fan": task.is_fan_out,
        "maybe": task.is_conditional,
        "last": task.is_last,
        "reason": visible(task.reason[:_LONGEST_ERROR]),
        **({"because": [visible(each[:_LONGEST_ERROR]) for each in task.because]} if task.because else {}),
    }


def _shown(attempts: Sequence[PastAttempt], timeline: Timeline) -> list[int]:
    """Return which attempts are shown: all, or what went wrong and the critical path and a share of the rest."""
    if len(attempts) <= _MOST_ATTEMPTS:
        return list(range(len(attempts)))
    special = [number for number, one in enumerate(attempts) if one.state not in _GOOD][: _MOST_ATTEMPTS // 2]
    kept = {*timeline.critical[:_MOST_ERRORS], *special}
    rest = [number for number in range(len(attempts)) if number not in kept]
    step = max(1, -(-len(rest) // (_MOST_ATTEMPTS - len(kept))))
    return sorted({*kept, *rest[::step]})


def _errors(attempts: Sequence[PastAttempt]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for place, one in enumerate(attempts):
        if len(found) == _MOST_ERRORS:
            break
        if one.failure is not None:
            found[str(place)] = reason(one.failure, limit=_LONGEST_ERROR)
        elif one.reason:
            found[str(place)] = visible(one.reason[:_LONGEST_ERROR])
    return found


def _drawn(tasks: Sequence[TaskView], critical: set[int]) -> list[int]:
    """Return the places of the tasks that are drawn: all, or those that matter most, with what these need."""
    lines = sum(len(task.needs) for task in tasks)
    if len(tasks) <= _MOST_DRAWN and lines <= _MOST_LINES:
        return list(range(len(tasks)))
    place_of = {task.name: place for place, task in enumerate(tasks)}
    wrong = [place for place, task in enumerate(tasks) if task.state not in (*_GOOD, "skipped", "pending")]

    def with_needs(places: Sequence[int]) -> list[int]:
        return [*places, *(place_of[need] for place in places for need in tasks[place].needs if need in place_of)]

    wanted = dict.fromkeys([*with_needs(wrong), *with_needs(sorted(critical)), *range(len(tasks))])
    drawn, left = [], _MOST_LINES
    for place in list(wanted)[:_MOST_DRAWN]:
        left -= len(tasks[place].needs)
        if left < 0:
            break
        drawn.append(place)
    return sorted(drawn)


def _sparse(column: Sequence[object]) -> Sequence[object]:
    return column if any(value is not None for value in column) else []


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _name(text: str) -> str:
    text = visible(text)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
