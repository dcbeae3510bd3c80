"""A run drawn in lines: one bar for all of it, a line for each running task, what failed last.

    words  ━━━━━━━━╸─────────  43/120  1 failed  6 running  42.0 s  about 1m10s left
      load          3.20 s
      count         9.10 s  ━━━━╸───────────  17 of 100 items, 4 running
        [17]        1.20 s  ━━━━━━━━────────  5 of 10, rows
      … and 2 more running

It is a pure function of what is known, so that a view here and one in another terminal are the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.report.cells import cut, padded, plain_cells
from flowpar.report.ink import width
from flowpar.report.terminal import one_line
from flowpar.report.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.events import TaskProgressed
    from flowpar.report.ink import Line, Piece
    from flowpar.report.tally import Running, Tally

_LONGEST_BAR, _SHORTEST_BAR, _TASK_BAR = 40, 8, 16
_LEAST_NAME, _MOST_NAME = 12, 40
_WIDE = 60  # narrower, a task has no bar of its own
_NOTE = 60


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What bars and marks are made of: of characters that the terminal takes."""

    full: str = "━"
    half: str = "╸"
    rest: str = "─"
    more: str = "…"
    failed: str = "✗"


ASCII = Glyphs("=", "-", ".", "~", "x")


@dataclass(frozen=True, slots=True)
class Frame:
    """How much room there is: `rows` for running tasks, and what is drawn with.

    In a run that `is_cut_off` nothing runs any more, and what ran is called so.
    """

    columns: int
    rows: int
    glyphs: Glyphs = Glyphs()
    is_cut_off: bool = False


def picture(
    tally: Tally, now: float, frame: Frame, *, left_s: float | None = None, failures: Sequence[str] = ()
) -> list[Line]:
    """Return the run as it stands; `failures` are texts that are shown below it, cut to one line each."""
    return [_head(tally, now, frame, left_s), *_tasks(tally, now, frame), *(_failure(text, frame) for text in failures)]


def _failure(text: str, frame: Frame) -> Line:
    return (("error", f"  {frame.glyphs.failed} "), ("", plain_cells(one_line(text, limit=frame.columns))))


def bar(columns: int, done: float, failed: float, glyphs: Glyphs) -> list[Piece]:
    """Return a bar of so many columns; `done` of it is full, and `failed` of that has the colour of failures."""
    halves = round(min(1.0, max(0.0, done)) * columns * 2)
    bad = min(halves // 2, math.ceil(min(1.0, failed) * columns))  # one in thousands is to be seen, too
    good, is_half = halves // 2 - bad, halves % 2
    rest = columns - halves // 2 - is_half
    pieces: list[Piece] = [
        ("good", glyphs.full * good),
        ("error", glyphs.full * bad),
        ("good", glyphs.half * is_half),
        ("faint", glyphs.rest * rest),
    ]
    return [piece for piece in pieces if piece[1]]


def _head(tally: Tally, now: float, frame: Frame, left_s: float | None) -> Line:
    if tally.run is None:
        return (("", "starting"),)
    told = _counts(tally, max(0.0, now - tally.run.at), frame)
    spare = frame.columns - width(told) - 2
    if left_s is not None:
        left: Piece = ("faint", f"  about {duration(left_s)} left")
        if width([left]) + _SHORTEST_BAR + _LEAST_NAME <= spare:
            told.append(left)
            spare -= width([left])
    name = plain_cells(one_line(tally.run.workflow))
    longest = max(_LEAST_NAME, min(_MOST_NAME, spare - 2 - _SHORTEST_BAR - 8))
    name = cut(name, longest, mark=frame.glyphs.more)
    length = min(_LONGEST_BAR, spare - width([("", name)]) - 2)
    pieces: list[Piece] = [("bold", name), ("", "  ")]
    if length >= _SHORTEST_BAR:
        total = max(tally.total, 1)
        pieces += [*bar(length, tally.done_count / total, tally.failed_count / total, frame.glyphs), ("", "  ")]
    elif spare < _LEAST_NAME:
        pieces = []  # the counts say more than the name
    return (*pieces, *told)


def _counts(tally: Tally, elapsed_s: float, frame: Frame) -> list[Piece]:
    told: list[Piece] = [("bold", f"{tally.done_count}/{tally.total}")]
    if tally.failed_count:
        told += [("", "  "), ("error", f"{tally.failed_count} failed")]
    if tally.running:
        told.append(("", f"  {len(tally.running)} {_word(frame)}"))
    told.append(("", f"  {duration(elapsed_s)}"))
    if tally.stopping is not None:
        told += [("", "  "), ("warning", "stopping")]
    return told


def _word(frame: Frame) -> str:
    return "cut off" if frame.is_cut_off else "running"


@dataclass(frozen=True, slots=True)
class _Row:
    """A running task or item: its name, since when, how much of it is done, and what it says of that."""

    name: str
    since: float
    share: float | None = None
    text: str = ""


def _tasks(tally: Tally, now: float, frame: Frame) -> list[Line]:
    running_of: dict[str, list[Running]] = {}
    for attempt in tally.running.values():
        running_of.setdefault(attempt.subject.task, []).append(attempt)
    most = frame.rows if len(running_of) <= frame.rows else max(0, frame.rows - 1)
    rows: list[_Row] = []
    spare = frame.rows - min(len(running_of), frame.rows)
    for task, attempts in list(running_of.items())[:most]:
        if attempts[0].subject.item is None:
            rows.append(_task_row(f"  {task}", attempts[0]))
            continue
        rows.append(_whole_row(task, attempts, tally, frame))
        shown = attempts[:spare]
        spare -= len(shown)
        rows += [_task_row(f"    {_item_name(attempt)}", attempt) for attempt in shown]
    lines = _aligned(rows, now, frame, tally.longest_name + 2)
    hidden = sum(len(attempts) for attempts in list(running_of.values())[most:])
    if hidden and frame.rows:
        lines.append((("faint", f"  {frame.glyphs.more} and {hidden} more {_word(frame)}"),))
    return lines


def _whole_row(task: str, attempts: Sequence[Running], tally: Tally, frame: Frame) -> _Row:
    done, known = tally.items_of(task)
    told = f"{done} of {known} items, {len(attempts)} {_word(frame)}"
    return _Row(f"  {task}", min(tally.begun_at(task), attempts[0].since), done / max(known, 1), told)


def _item_name(attempt: Running) -> str:
    key = attempt.subject.key
    return f"[{attempt.subject.item}]" + ("" if key is None else f" {one_line(str(key), limit=_MOST_NAME)}")


def _task_row(name: str, attempt: Running) -> _Row:
    progress = attempt.progress
    if progress is None:
        return _Row(name, attempt.since)
    share = progress.done / progress.total if progress.total else None
    return _Row(name, attempt.since, share, progress_of(progress))


def progress_of(progress: TaskProgressed) -> str:
    """Return what an attempt said of its progress: `3 of 10, note` or `3 done`."""
    note = f", {one_line(progress.note, limit=_NOTE)}" if progress.note else ""
    if progress.total is None:
        return f"{progress.done:g} done{note}"
    return f"{progress.done:g} of {progress.total:g}{note}"


def _aligned(rows: Sequence[_Row], now: float, frame: Frame, usual: int) -> list[Line]:
    mark = frame.glyphs.more
    names = [plain_cells(one_line_name(row.name)) for row in rows]
    longest = max(_LEAST_NAME, min(_MOST_NAME, frame.columns // 3))
    columns = min(longest, max(_LEAST_NAME, usual, *(width([("", name)]) for name in names)) if names else 0)
    return [
        (("accent", padded(cut(name, columns, mark=mark), columns)), *_measured(row, now, frame))
        for name, row in zip(names, rows, strict=True)
    ]


def one_line_name(name: str) -> str:
    """Return a name that keeps how far it stands in."""
    text = name.lstrip(" ")
    return " " * (len(name) - len(text)) + one_line(text)


def _measured(row: _Row, now: float, frame: Frame) -> list[Piece]:
    pieces: list[Piece] = [("faint", f"{duration(max(0.0, now - row.since)):>9}")]
    if row.share is not None and frame.columns >= _WIDE:
        pieces += [("", "  "), *bar(_TASK_BAR, row.share, 0.0, frame.glyphs)]
    if row.text:
        pieces.append(("", f"  {plain_cells(row.text)}"))
    return pieces


def as_record(tally: Tally, now: float, *, left_s: float | None) -> Mapping[str, object]:
    """Return what the picture shows, for programs."""
    return {
        "done": tally.done_count,
        "total": tally.total,
        "failed": tally.failed_count,
        "states": dict(tally.done),
        "elapsed_s": None if tally.run is None else round(max(0.0, now - tally.run.at), 3),
        "left_s": None if left_s is None else round(left_s, 3),
        "stopping": tally.stopping,
        "running": [_record(attempt, now) for attempt in tally.running.values()],
    }


def _record(attempt: Running, now: float) -> dict[str, object]:
    subject, progress = attempt.subject, attempt.progress
    return {
        "task": subject.task,
        "item": subject.item,
        "key": subject.key,
        "round": subject.round or None,
        "attempt": subject.attempt,
        "pid": attempt.pid,
        "running_s": round(max(0.0, now - attempt.since), 3),
        "progress": None
        if progress is None
        else {"done": progress.done, "total": progress.total, "note": progress.note},
    }
