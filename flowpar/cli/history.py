"""Runs as commands show them: rows of tables, and records for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flowpar.cli.comparison import slow_mark, usual_record
from flowpar.record.overview import Overview, Status
from flowpar.record.settled import Standing
from flowpar.record.usual import is_slow_run
from flowpar.report.terminal import one_line
from flowpar.report.wording import counted, duration, reason_of, tallied, why_stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from flowpar.cli.comparison import Comparison
    from flowpar.core.outcome import Failure
    from flowpar.record.settled import Settled, SettledTask
    from flowpar.record.usual import Usual

_NOTE_LIMIT = 60


def status_text(overview: Overview) -> str:
    """Return how it stands with a run, for people."""
    if overview.status == Status.CRASHED:
        return "interrupted (crashed)"
    if overview.status == Status.RUNNING:
        return f"running (process {overview.pid})" if overview.pid else "running"
    return overview.status.replace("_", " ")


def row_of(overview: Overview, now: datetime, usual: Usual | None = None) -> dict[str, object]:
    """Return one line of `flowpar runs`."""
    return {
        "run": overview.run_id,
        "status": status_text(overview),
        "started": moment(overview.started_at),
        "took": f"{_took(overview, now)}{slow_mark(overview, usual)}",
        "usual": "" if usual is None else duration(usual.seconds),
        "tasks": one_line(overview.problem, limit=_NOTE_LIMIT) or tallied(overview.counts) or f"0 of {overview.total}",
    }


def head_of(overview: Overview, settled: Settled, run_dir: Path, compared: Comparison) -> str:
    """Return the lines of `flowpar show` above its table."""
    run = settled.run
    code = "" if overview.exit_code is None else f", exit code {overview.exit_code}"
    inputs = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in run.inputs.items())
    lines = {
        "run": run.run_id,
        "workflow": f"{run.workflow} ({run.file})",
        "status": f"{status_text(overview)}{code}",
        "started": moment(run.started_at),
        "took": f"{_took(overview, datetime.now(UTC))}{compared.head(overview)}",
        "resumed": counted(run.resumes, "time") if run.resumes else "",
        "stopped": why_stopped(settled.stopping or ""),
        "inputs": inputs,
        "folder": str(run_dir),
    }
    return "".join(f"{name:<9} {one_line(text, limit=1000)}\n" for name, text in lines.items() if text)


def task_rows(settled: Settled, compared: Comparison, *, is_running: bool) -> list[dict[str, object]]:
    """Return the lines of `flowpar show`, one for each task; a column that no task fills is left out."""
    rows = [
        {
            **_task_row(name, settled.tasks.get(name), compared, is_running=is_running),
            "part": "finally" if settled.run.is_last(name) else "",
        }
        for name in task_names(settled)
    ]
    rows = [{"task": row.pop("task"), "part": row.pop("part"), **row} for row in rows]
    return without_empty(rows)


def without_empty(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return rows without the columns that none of them fills."""
    used = {column for row in rows for column, value in row.items() if value not in ("", None)}
    return [{column: value for column, value in row.items() if column in used} for row in rows]


def task_names(settled: Settled) -> list[str]:
    """Return the tasks of a run by layers, and then what else its journal speaks of."""
    return list(dict.fromkeys([name for layer in settled.run.layers for name in layer] + list(settled.tasks)))


def _task_row(name: str, task: SettledTask | None, compared: Comparison, *, is_running: bool) -> dict[str, object]:
    standing = Standing() if task is None else task.standing
    return {
        "task": one_line(name, limit=40),
        "state": _state(task, is_running=is_running),
        "items": "" if task is None else _items(task),
        "rounds": standing.round or "",
        "attempts": standing.attempt if standing.attempt > 1 else "",
        "took": "" if standing.duration_s is None else f"{duration(standing.duration_s)}{compared.mark(name)}",
        "usual": compared.text(name),
        "pid": "" if standing.pid is None else str(standing.pid),
        "note": _note(standing),
    }


def _state(task: SettledTask | None, *, is_running: bool) -> str:
    if task is not None and task.standing.state is not None:
        tolerated = " (tolerated)" if task.standing.is_tolerated else ""
        return task.standing.state.value.replace("_", " ") + tolerated
    # What a resume takes back keeps the number of its attempts and nothing else.
    has_begun = task is not None and any(one.pid is not None for one in (task.standing, *task.items.values()))
    if has_begun:
        return "running" if is_running else "cut off"
    return "pending" if is_running else "not started"


def _items(task: SettledTask) -> str:
    if task.item_count is None:
        return ""
    done = sum(item.is_done for item in task.items.values())
    return f"{done} of {task.item_count}"


def _note(standing: Standing) -> str:
    reason = reason_of(standing.failure, limit=_NOTE_LIMIT) if standing.failure is not None else standing.reason
    return one_line(reason, limit=_NOTE_LIMIT)


def record_of(overview: Overview, run_dir: Path, usual: Usual | None = None) -> dict[str, object]:
    """Return a run for programs: an element of `flowpar runs --json`."""
    compared = {**usual_record(usual), "is_slow": is_slow_run(overview, usual)}
    return {**asdict(overview), **compared, "run_dir": str(run_dir)}


def full_record(overview: Overview, settled: Settled, run_dir: Path, compared: Comparison) -> dict[str, object]:
    """Return all of a run for programs: `flowpar show --json`."""
    run = settled.run
    return {
        **record_of(overview, run_dir, compared.run),
        "inputs": run.inputs,
        "options": run.options,
        "versions": run.versions,
        "workers": run.workers,
        "stopping": settled.stopping,
        "tasks": [
            {
                **_task_record(name, settled.tasks.get(name)),
                **compared.record(name),
                "in_finally": run.is_last(name),
            }
            for name in task_names(settled)
        ],
    }


def _task_record(name: str, task: SettledTask | None) -> dict[str, object]:
    if task is None:
        return {"task": name, "state": None}
    record = {"task": name, **_standing_record(task.standing)}
    if task.item_count is not None:
        states = Counter(item.state.value for item in task.items.values() if item.state is not None)
        items = [{"item": item, **_standing_record(standing)} for item, standing in sorted(task.items.items())]
        record |= {"item_count": task.item_count, "item_states": states, "items": items}
    return record


def _standing_record(standing: Standing) -> dict[str, object]:
    return {
        "state": None if standing.state is None else standing.state.value,
        "round": standing.round or None,
        "attempt": standing.attempt,
        "pid": standing.pid,
        "started_at": standing.started_at,
        "duration_s": standing.duration_s,
        "log_file": standing.log_file,
        "is_tolerated": standing.is_tolerated,
        "reason": standing.reason or None,
        "error": None if standing.failure is None else _error_record(standing.failure),
    }


def _error_record(failure: Failure) -> Mapping[str, object]:
    return {
        "kind": failure.kind.value,
        "type": failure.type,
        "message": failure.message,
        "exit_code": failure.exit_code,
        "traceback": failure.traceback,
    }


def _took(overview: Overview, now: datetime) -> str:
    seconds = overview.duration_s
    begun = _parsed(overview.started_at)
    if overview.status == Status.RUNNING and begun is not None:
        seconds = max(0.0, (now - begun).total_seconds())
    return "" if seconds is None else duration(seconds)


def moment(text: str) -> str:
    """Return a moment of a journal as people read it, in UTC; empty for what is none."""
    at = _parsed(text)
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _parsed(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
