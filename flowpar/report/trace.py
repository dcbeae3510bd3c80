"""A run as a trace for Perfetto and Chrome: attempts on the slots they had, what waited, arrows, counters.

    Past + needs ──trace──► {"traceEvents": […]}

    process 1   one track a slot: an attempt is a slice, an arrow leads to what needed it or tried it again
    process 2   what waited for a slot
    process 1   counters: attempts that run, processors that they keep busy, memory at most

Times are microseconds since the run began. Pure; the format is that of the Trace Event Format of Chrome.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Final

from flowpar.core.frozen import dataclass
from flowpar.report.past import RUNNING
from flowpar.report.wording import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flowpar.report.past import Past, PastAttempt

    Event = dict[str, Any]

WORKERS: Final = 1
WAITING: Final = 2
# What a trace starts with as JSON: a file that does may be replaced by a newer one.
BEGINNING: Final = b'{"traceEvents":[{"ph":"M","cat":"flowpar",'
_MOST_ARROWS = 20_000
_MOST_POINTS = 10_000
_TOO_SHORT_US = 1000
# The names of Chrome's palette; Perfetto chooses its own colours by name.
_COLORS = {"failed": "terrible", "timed_out": "terrible", "retried": "bad", "cancelled": "grey", "cut_off": "grey"}


@dataclass(frozen=True, slots=True)
class _Slice:
    """An attempt in the trace; `slot` counts from 1."""

    attempt: PastAttempt
    start: int
    end: int
    slot: int

    @property
    def name(self) -> str:
        one = self.attempt
        name = one.task if one.item is None else f"{one.task}[{one.item}]"
        lap = f" round {one.round}" if one.round else ""
        return f"{name}{lap} (attempt {one.attempt})" if one.attempt > 1 else f"{name}{lap}"


def trace(past: Past, needs: Mapping[str, Iterable[str]], about: Mapping[str, object]) -> Event:
    """Return the trace of a run; `needs` maps tasks to what they need, `about` says what run it is."""
    begun = past.parts[0][0] if past.parts else 0.0
    slices = _slices(past.attempts, begun)
    arrows = [*_retries(slices), *_arrows(slices, needs)]
    events = [
        *_names(about, slices),
        *map(_slice_event, slices),
        *_waits(slices),
        *(event for arrow in enumerate(arrows[:_MOST_ARROWS], 1) for event in _arrow_events(*arrow)),
        *_resumes(past, begun),
        *_counters(slices),
    ]
    told = {**about, "arrows_left_out": len(arrows) - _MOST_ARROWS} if len(arrows) > _MOST_ARROWS else {**about}
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": told}


def _slices(attempts: Sequence[PastAttempt], begun: float) -> list[_Slice]:
    """Put attempts on slots: on that of the same process where it is free, else on the first that is."""
    timed = [
        (max(0, round((one.started_at - begun) * 1e6)), max(0.0, one.duration_s or 0.0), one)
        for one in attempts
        if one.started_at is not None
    ]
    timed.sort(key=lambda each: each[0])
    free_slots: list[int] = []
    busy: list[tuple[int, int]] = []
    slot_of: dict[int, int] = {}
    slots, slices = 0, []
    for start, duration_s, one in timed:
        while busy and busy[0][0] <= start:
            heappush(free_slots, heappop(busy)[1])
        wanted = slot_of.get(one.pid or 0)
        if wanted in free_slots:
            free_slots.remove(wanted)
            heapify(free_slots)
            slot = wanted
        elif free_slots:
            slot = heappop(free_slots)
        else:
            slots = slot = slots + 1
        slot_of[one.pid or 0] = slot
        end = start + round(duration_s * 1e6)
        heappush(busy, (end, slot))
        slices.append(_Slice(one, start, end, slot))
    return slices


def _slice_event(each: _Slice) -> Event:
    one = each.attempt
    arguments = {
        "state": one.state,
        "task": one.task,
        "item": one.item,
        "key": one.key,
        "attempt": one.attempt,
        "round": one.round or None,
        "executor": one.executor,
        "pid": one.pid,
        "wait_s": one.wait_s,
        "cpu_s": one.cpu_s,
        "max_rss_bytes": one.max_rss_bytes,
        "output_bytes": one.output_bytes,
        "error": None if one.failure is None else reason_of(one.failure),
    }
    event = {
        "ph": "X",
        "name": each.name,
        "cat": one.state,
        "ts": each.start,
        "dur": each.end - each.start,
        "pid": WORKERS,
        "tid": each.slot,
        "args": {name: value for name, value in arguments.items() if value is not None},
    }
    return {**event, "cname": _COLORS[one.state]} if one.state in _COLORS else event


def _names(about: Mapping[str, object], slices: Sequence[_Slice]) -> Iterator[Event]:
    for pid, name in ((WORKERS, f"{about.get('workflow', 'run')}: workers"), (WAITING, "waiting for a slot")):
        yield {"ph": "M", "cat": "flowpar", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}
        yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
    for slot in range(1, max((each.slot for each in slices), default=0) + 1):
        yield {"ph": "M", "name": "thread_name", "pid": WORKERS, "tid": slot, "args": {"name": f"slot {slot}"}}
        yield {"ph": "M", "name": "thread_sort_index", "pid": WORKERS, "tid": slot, "args": {"sort_index": slot}}


def _waits(slices: Sequence[_Slice]) -> Iterator[Event]:
    """Give what waited for a slot for a while that can be seen, as slices that may overlap."""
    for number, each in enumerate(slices, 1):
        wait = round((each.attempt.wait_s or 0.0) * 1e6)
        if wait < _TOO_SHORT_US:
            continue
        common = {"cat": "wait", "name": each.name, "id": number, "pid": WAITING, "tid": 0}
        yield {"ph": "b", "ts": max(0, each.start - wait), **common}
        yield {"ph": "e", "ts": each.start, **common}


def _retries(slices: Sequence[_Slice]) -> Iterator[tuple[str, _Slice, _Slice]]:
    """Give arrows from each attempt to the next one at the same task or item."""
    last: dict[tuple[str, int | None], _Slice] = {}
    for each in slices:
        place = (each.attempt.task, each.attempt.item)
        if place in last and last[place].end <= each.start:  # unless the clock was set back in between
            again = "next round" if each.attempt.round != last[place].attempt.round else "tried again"
            yield again, last[place], each
        last[place] = each


def _arrows(slices: Sequence[_Slice], needs: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, _Slice, _Slice]]:
    """Give arrows from the end of a task to the beginning of each that needs it: of fan-outs, last item and first."""
    first: dict[str, _Slice] = {}
    last: dict[str, _Slice] = {}
    for each in slices:
        task = each.attempt.task
        first.setdefault(task, each)
        if task not in last or each.end > last[task].end:
            last[task] = each
    for task, wanted in needs.items():
        for need in wanted:
            if task in first and need in last and last[need].end <= first[task].start:
                yield "needs", last[need], first[task]


def _arrow_events(number: int, arrow: tuple[str, _Slice, _Slice]) -> Iterator[Event]:
    kind, source, target = arrow
    common = {"cat": kind, "name": kind, "id": number, "pid": WORKERS}
    # It binds to the slice around it: a slice does not hold its own end.
    leaves = max(source.start, source.end - 1)
    yield {"ph": "s", "ts": leaves, "tid": source.slot, **common}
    yield {"ph": "f", "bp": "e", "ts": target.start, "tid": target.slot, **common}


def _resumes(past: Past, begun: float) -> Iterator[Event]:
    for start, _ in past.parts[1:]:
        at = max(0, round((start - begun) * 1e6))
        yield {"ph": "i", "s": "g", "name": "resumed", "cat": "run", "ts": at, "pid": WORKERS, "tid": 0}


def _counters(slices: Sequence[_Slice]) -> Iterator[Event]:
    """Give how many attempts run, how many processors they keep busy on average, and the memory they had at most."""
    changes: list[tuple[int, int, float, int]] = []
    for each in slices:
        one, seconds = each.attempt, (each.end - each.start) / 1e6
        cores = (one.cpu_s or 0.0) / seconds if seconds > 0 else 0.0
        memory = one.max_rss_bytes or 0
        changes.append((each.start, 1, cores, memory))
        if one.state != RUNNING:
            changes.append((each.end, -1, -cores, -memory))
    changes.sort(key=lambda change: change[0])
    width = max(1, (changes[-1][0] if changes else 0) // _MOST_POINTS)
    running, busy, held = 0, 0.0, 0
    for place, (at, count, cores, memory) in enumerate(changes):
        running, busy, held = running + count, busy + cores, held + memory
        if place + 1 < len(changes) and changes[place + 1][0] // width == at // width:
            continue  # the last one of those at about one moment stands for all
        common = {"ph": "C", "ts": at, "pid": WORKERS, "tid": 0}
        yield {"name": "running", "args": {"attempts": running}, **common}
        yield {"name": "cpu", "args": {"cores": round(max(0.0, busy), 3)}, **common}
        yield {"name": "memory", "args": {"bytes": max(0, held)}, **common}
