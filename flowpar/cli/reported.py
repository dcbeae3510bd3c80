"""What a report says of a run, gathered from its folder: journal, plan, logs, values, checkout."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

from flowpar import __version__
from flowpar.cli.because import because
from flowpar.cli.environment import environment_of
from flowpar.cli.history import moment, status_text
from flowpar.cli.task_view import task_views
from flowpar.core.errors import StateError
from flowpar.core.frozen import replace
from flowpar.core.outcome import FailureKind
from flowpar.engine.past_plan import past_plan
from flowpar.engine.why import explain_all
from flowpar.record.folder import open_inside
from flowpar.record.lock import holder
from flowpar.record.overview import Status, overview_from, seen_now
from flowpar.record.past import read_past
from flowpar.record.preview import Previews
from flowpar.report.page_model import FailureView, Head, Page, Tone, ValueView
from flowpar.report.past import Past
from flowpar.report.preview import Pictures, Preview, Table, Text
from flowpar.report.summary import TAIL_BYTES, last_lines, typed
from flowpar.report.visible import reason
from flowpar.report.wording import counted, why_stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from flowpar.core.outcome import ValueRef
    from flowpar.engine.past_plan import PastPlan
    from flowpar.record.overview import Overview
    from flowpar.record.reading import JournalEnd
    from flowpar.record.settled import Settled
    from flowpar.report.page_model import TaskView
    from flowpar.report.past import PastAttempt

_MOST_FAILURES = 30
_MOST_VALUES = 200
_LARGEST_BYTES = 8 << 20
_VALUES_BYTES = 1_500_000
_TONES: Mapping[str, Tone] = {Status.SUCCEEDED: "good", Status.RUNNING: "busy", Status.INTERRUPTED: "odd"}


def reported(run_dir: Path, now: datetime, runs: Sequence[Path] = ()) -> tuple[Page, JournalEnd, Overview]:
    """Return the page on a run, held against earlier `runs`; raises `StateError` where its journal does not begin."""
    is_running = holder(run_dir) is not None
    settled, end, past = read_past(run_dir, is_running=is_running)
    overview = seen_now(overview_from(settled), run_dir)
    plan = past_plan(run_dir, settled)
    past = Past(past.attempts, past.parts, {} if plan is None else _needs(plan))
    previews = Previews(run_dir)
    named = typed(overview.run_id, os.fspath(run_dir.absolute()), ".flowpar")
    failed = list(_failed(settled, past))
    of_tasks = list(_given(settled))
    views = task_views(settled, past, plan, is_running=overview.status == Status.RUNNING)
    shown = list(_shown(of_tasks[:_MOST_VALUES], previews))
    page = Page(
        head=_head(settled, overview, past, named=named, now=now, notices=tuple(_notices(overview, end, plan))),
        description="" if plan is None else plan.description,
        past=past,
        tasks=tuple(_explained(views, run_dir, runs, plan)),
        knows_needs=plan is not None,
        failures=tuple(_failure(one, run_dir, named) for one in failed[:_MOST_FAILURES]),
        more_failures=max(0, len(failed) - _MOST_FAILURES),
        inputs=tuple(ValueView(key, None, previews.of_value(value)) for key, value in settled.run.inputs.items()),
        outputs=_outputs(run_dir, previews, is_over=overview.status == Status.SUCCEEDED),
        task_outputs=tuple(shown),
        more_outputs=len(of_tasks) - len(shown),
        environment=tuple(environment_of(settled, plan)),
    )
    return page, end, overview


def _explained(
    views: Iterable[TaskView], run_dir: Path, runs: Sequence[Path], plan: PastPlan | None
) -> Iterator[TaskView]:
    """Give tasks with why they ran, where any of them has a cache."""
    if plan is None or all(task.cache is None for task in plan.tasks):
        yield from views
        return
    try:
        answers = explain_all(run_dir, runs)
    except StateError:  # it was cut off while it was read
        answers = {}
    for view in views:
        yield replace(view, because=because(answers, view.names))


def _needs(plan: PastPlan) -> dict[str, tuple[str, ...]]:
    """Return what each task waits for: one of `finally` for all that are none."""
    others = tuple(task.id for task in plan.tasks if not task.in_finally)
    return {task.id: (*task.needs, *others) if task.in_finally else task.needs for task in plan.tasks}


def _head(
    settled: Settled,
    overview: Overview,
    past: Past,
    *,
    named: tuple[str, str],
    now: datetime,
    notices: tuple[str, ...],
) -> Head:
    is_unfinished = overview.status not in {Status.SUCCEEDED, Status.RUNNING}
    return Head(
        run_id=overview.run_id,
        workflow=overview.workflow,
        file=overview.file,
        status=status_text(overview),
        tone=_TONES.get(overview.status, "bad"),
        started=moment(overview.started_at),
        took_s=sum(end - begin for begin, end in past.parts) if overview.resumes else overview.duration_s,
        exit_code=overview.exit_code,
        workers=settled.run.workers,
        resumes=overview.resumes,
        way_on=f"flowpar resume {named[0]}{named[1]}" if is_unfinished else "",
        stopping=why_stopped(settled.stopping or ""),
        notices=notices,
        made=f"{__version__}, {moment(now.isoformat())}",
    )


def _notices(overview: Overview, end: JournalEnd, plan: PastPlan | None) -> Iterator[str]:
    if overview.status == Status.RUNNING:
        yield "The run is still going: this is how it stood when the report was made."
    if overview.status == Status.CRASHED:
        yield "The run was cut off: what was running then has no end."
    if end.damaged_at is not None:
        kept = counted(end.count, "record")
        yield f"The journal is corrupt at record {end.damaged_at}: this is what the {kept} before it say."
    elif end.dropped_bytes and overview.status != Status.RUNNING:
        yield "The last record of the journal was cut short, and is left out."
    if plan is None:
        yield "Which task needs which was not kept with this run, so the graph has no lines and no critical path."


def _failed(settled: Settled, past: Past) -> Iterator[PastAttempt]:
    """Give the last attempt of each task and item that stands as failed, those first that the run failed by."""
    last = {(one.task, one.item): one for one in past.attempts if one.failure is not None}
    standing = []
    for (name, item), one in last.items():
        task = settled.tasks.get(name)
        stands = None if task is None else task.standing if item is None else task.items.get(item)
        # A fan-out fails by its items and a sub-workflow by its tasks, and those speak for themselves.
        is_own = one.failure is not None and one.failure.kind not in {FailureKind.ITEMS, FailureKind.TASKS}
        if is_own and stands is not None and stands.state is not None and stands.state.value in {"failed", "timed_out"}:
            standing.append(one)
    yield from sorted(standing, key=lambda one: one.is_tolerated)


def _failure(one: PastAttempt, run_dir: Path, named: tuple[str, str]) -> FailureView:
    name = one.task if one.item is None else f"{one.task}[{one.item}]"
    key = "" if one.key is None else f" ({one.key})"
    failure = one.failure
    return FailureView(
        name=f"{name}{key}",
        verb="timed out" if one.state == "timed_out" else "failed",
        reason="" if failure is None else reason(failure, limit=1000),
        attempt=one.attempt,
        is_tolerated=one.is_tolerated,
        traceback="" if failure is None else failure.traceback,
        tail=() if one.log_file is None else tuple(_tail(run_dir, one.log_file)),
        log=one.log_file or "",
        commands=tuple(
            f"flowpar {verb} {named[0]} {shlex.quote(name)}{named[1]}" for verb in ("debug", "show", "logs")
        ),
    )


def _tail(run_dir: Path, file: str) -> list[str]:
    try:
        with os.fdopen(open_inside(run_dir, file), "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
            return last_lines(stream.read().decode("utf-8", "replace"))
    except OSError:
        return []  # the log is an extra: that it is gone must not hide the failure


def _outputs(run_dir: Path, previews: Previews, *, is_over: bool) -> tuple[ValueView, ...] | None:
    try:
        with os.fdopen(open_inside(run_dir, "outputs.json"), "rb") as stream:
            found = json.loads(stream.read(_LARGEST_BYTES))
    except OSError:
        return () if is_over else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return tuple(ValueView(name, None, previews.of_value(value)) for name, value in found.items())


def _given(settled: Settled) -> Iterator[tuple[str, dict[int | None, ValueRef]]]:
    """Give each task with its value, or those of its items."""
    for name, task in settled.tasks.items():
        if name.rpartition("/")[2].startswith("("):
            continue  # what a sub-workflow is begun with, or decides by: nobody wrote such a task
        values = ((item, one.value) for item, one in sorted(task.items.items()))
        items: dict[int | None, ValueRef] = {item: value for item, value in values if value is not None}
        if items:
            yield f"{name}[*]", items
        elif task.standing.value is not None:
            yield name, {None: task.standing.value}


def _shown(found: list[tuple[str, dict[int | None, ValueRef]]], previews: Previews) -> Iterator[ValueView]:
    left = _VALUES_BYTES
    for name, refs in found:
        preview = previews.of(refs[None]) if None in refs else previews.of_items(refs)
        left -= _weight(preview)
        if left < 0:
            return
        yield ValueView(name, sum(ref.size_bytes for ref in refs.values()), preview)


def _weight(preview: Preview) -> int:
    match preview:
        case Text(text):
            return len(text)
        case Table(_, rows):
            return sum(len(cell) + 9 for row in rows for cell in row)
        case Pictures():
            return 0  # they have a bound of their own
        case _:
            return 100
