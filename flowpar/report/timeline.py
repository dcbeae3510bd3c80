"""Attempts on the clock of their run: which row each is drawn in, and which of them decided when the run ended.

Past ──arrange──► Timeline     a row for each process that worked at the same time as others

Time in which nothing could run, between an end and a resume, is taken out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.report.past import Past, PastAttempt

# Starts are told by the clock of the day, durations by that of the processor: they differ by this much.
_SLACK_S = 0.02


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where attempts stand; `starts` and `rows` go by attempt, None for what never ran.

    `critical` are the attempts of the chain that decided when the run ended, the first first. `resumed` are the
    places where the run went on.
    """

    starts: tuple[float | None, ...]
    rows: tuple[int | None, ...]
    labels: tuple[str, ...]
    critical: tuple[int, ...]
    resumed: tuple[float, ...]
    length_s: float


def arrange(past: Past) -> Timeline:
    """Return where the attempts of a run stand."""
    starts = [None if one.started_at is None else _place(past.parts, one.started_at) for one in past.attempts]
    rows, labels = _rows(past.attempts)
    lengths = [end - begin for begin, end in past.parts]
    ends = [
        start + (one.duration_s or 0.0) for start, one in zip(starts, past.attempts, strict=True) if start is not None
    ]
    resumed = tuple(sum(lengths[:count]) for count in range(1, len(lengths)))
    return Timeline(
        tuple(starts), tuple(rows), labels, tuple(_critical(past)), resumed, max([sum(lengths), *ends], default=0.0)
    )


def _place(parts: Sequence[tuple[float, float]], at: float) -> float:
    """Return the time of a run at a moment, without the time between its parts."""
    before = 0.0
    for number, (begin, end) in enumerate(parts):
        if number == len(parts) - 1 or at < parts[number + 1][0]:
            return before + max(0.0, at - begin)
        before += end - begin
    return 0.0


@dataclass(slots=True)
class _Row:
    """A row that is being filled: until when, and by which process last."""

    free_at: float = 0.0
    pid: int | None = None
    pids: set[int] = field(default_factory=set)


def _rows(attempts: Sequence[PastAttempt]) -> tuple[list[int | None], tuple[str, ...]]:
    """Put each attempt in the row of its process, or where one has ended; what overlaps has rows of its own."""
    rows_of: dict[str, list[_Row]] = defaultdict(list)
    last_of: dict[tuple[str, int | None], float] = defaultdict(float)
    timed = [(one.started_at, number) for number, one in enumerate(attempts) if one.started_at is not None]
    for started, number in timed:
        one = attempts[number]
        last_of[one.executor, one.pid] = max(last_of[one.executor, one.pid], started + (one.duration_s or 0.0))
    chosen: dict[int, _Row] = {}
    for started, number in sorted(timed):
        one = attempts[number]
        row = _row_for(rows_of[one.executor], one, started, last_of)
        row.free_at, row.pid = started + (one.duration_s or 0.0), one.pid
        row.pids |= set() if one.pid is None else {one.pid}
        chosen[number] = row
    ordered = [(executor, row) for executor, rows in rows_of.items() for row in rows]
    place_of = {id(row): place for place, (_, row) in enumerate(ordered)}
    placed = [place_of[id(chosen[number])] if number in chosen else None for number in range(len(attempts))]
    return placed, tuple(_labels(ordered))


def _row_for(
    rows: list[_Row], one: PastAttempt, started: float, last_of: Mapping[tuple[str, int | None], float]
) -> _Row:
    limit = started + _SLACK_S
    free = [row for row in rows if row.free_at <= limit]
    own = next((row for row in free if row.pid == one.pid), None)
    # A process that will work again keeps its row.
    over = next((row for row in free if last_of[one.executor, row.pid] <= limit), None)
    row = own or over
    if row is None:
        row = _Row()
        rows.append(row)
    return row


def _labels(ordered: Sequence[tuple[str, _Row]]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    labels = []
    for executor, _ in ordered:
        counts[executor] += 1
        labels.append(f"{executor} {counts[executor]}")
    return labels


def _critical(past: Past) -> list[int]:
    """Go back from the attempt that ended last, each time to that which the one at hand had to wait for."""
    if not past.needs:
        return []
    ended: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for number, one in enumerate(past.attempts):
        if one.ended_at is not None:
            ended[one.task].append((one.ended_at, number))
    for entries in ended.values():
        entries.sort()
    chain: list[int] = []
    at = max((entries[-1] for entries in ended.values()), default=None)
    while at is not None:
        chain.append(at[1])
        at = _cause(past, ended, at[1])
    return chain[::-1]


def _cause(past: Past, ended: Mapping[str, Sequence[tuple[float, int]]], number: int) -> tuple[float, int] | None:
    one = past.attempts[number]
    started = one.started_at or 0.0
    ready = started - (one.wait_s or 0.0) + _SLACK_S
    found = [_last_before(ended.get(task, ()), ready) for task in past.needs.get(one.task, ())]
    earlier = [
        each
        for each in ended[one.task]
        if each[0] <= started + _SLACK_S and _is_try_before(past.attempts[each[1]], one)
    ]
    causes = [each for each in (*found, *earlier[-1:]) if each is not None and _begun(past, each[1]) < started]
    return max(causes, default=None)


def _begun(past: Past, number: int) -> float:
    return past.attempts[number].started_at or 0.0


def _last_before(entries: Sequence[tuple[float, int]], at: float) -> tuple[float, int] | None:
    place = bisect_right(entries, at, key=lambda entry: entry[0])
    return entries[place - 1] if place else None


def _is_try_before(other: PastAttempt, one: PastAttempt) -> bool:
    return other.item == one.item and (other.round, other.attempt) < (one.round, one.attempt)
