"""`flowpar logs`: what the tasks of a run printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.history import task_names
from flowpar.core.errors import ExitCode, StateError, UsageError
from flowpar.core.part_name import matching, split_item
from flowpar.core.suggest import nearest
from flowpar.engine.parts import number_in
from flowpar.record.attempt_logs import AttemptLog, logs_of, read_log
from flowpar.record.history import find_run
from flowpar.record.resume import read_settled
from flowpar.report.jsonline import shown
from flowpar.report.screen import Color, Screen, system_screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flowpar.record.settled import Settled

_EXAMPLES = options.examples(
    "flowpar logs last",
    "flowpar logs last count",
    "flowpar logs last 'count[3]' --attempt 1",
    "flowpar logs last --json",
)


@click.command("logs", epilog=_EXAMPLES)
@options.run_argument()
@click.argument("wanted", required=False, metavar="[TASK[ITEM]]")
@options.whole_number("--attempt", least=1, help="Print this attempt only.")
@options.whole_number("--round", "lap", least=1, help="Print this round of a repeat only.")
@options.state_dir()
@options.as_json("where the logs are")
@options.color()
def command(
    *,
    run: str,
    wanted: str | None,
    attempt: int | None,
    lap: int | None,
    state_dir: Path,
    is_json: bool,
    color: Color,
) -> int:
    """Print what the tasks of a run wrote to stdout and stderr: all of them, one task, or one item of it.

    RUN is an id, the beginning of one, `last`, or the path of a run folder. An item is written as
    `task[3]`, or `task[key]` where it has a key; most shells want it in quotes. A workflow has all of its tasks.
    """
    screen = system_screen(color)
    run_dir = find_run(state_dir, run)
    settled, _ = read_settled(run_dir, is_salvaged=True, keeps_values=False)
    tasks, item = (None, None) if wanted is None else _chosen(wanted, settled)
    found = [
        log
        for log in logs_of(run_dir, settled)
        if (tasks is None or log.task in tasks)
        and item in (None, log.item)
        and attempt in (None, log.attempt)
        and lap in (None, log.round)
    ]
    if is_json:
        screen.show(shown([_record(log, run_dir) for log in found]))
    elif found:
        _print(screen, found, run_dir)
    else:
        screen.tell("nothing was printed" if wanted is None else f'"{wanted}" printed nothing')
    return ExitCode.OK


def _chosen(wanted: str, settled: Settled) -> tuple[set[str], int | None]:
    """Return the tasks that are wanted, those of a sub-workflow with it, and the item of one."""
    names = task_names(settled)
    found = matching(wanted, names)  # an item of a sub-workflow is a task
    parts = split_item(wanted)
    if parts is None:
        raise UsageError(f'"{wanted}" names no task', hint="write a task as count, an item of it as count[3]")
    if found or parts[1] is None:
        task, item = wanted, None
    else:
        task, item = parts
        found = matching(task, names)
    if not found:
        near = nearest(task, names)
        hint = f'did you mean "{near}"?' if near else f"there are: {', '.join(names[:10])}"
        raise UsageError(f'the run has no task "{task}"', hint=hint)
    if item is None:
        within = tuple(f"{each}{sign}" for each in found for sign in "/[@")
        return {*found, *(name for name in names if name.startswith(within))}, None
    number = number_in(settled, found[0], item)
    _check_item(found[0], number, settled)
    return {found[0]}, number


def _check_item(task: str, item: int, settled: Settled) -> None:
    count = settled.tasks[task].item_count if task in settled.tasks else None
    if count is None:
        raise UsageError(f'task "{task}" had no items in this run', hint=f"flowpar logs RUN {task} prints its log")
    if item >= count:
        raise UsageError(f'task "{task}" has no item {item}', hint=f"its items are 0 to {count - 1}" if count else None)


def _print(screen: Screen, logs: Sequence[AttemptLog], run_dir: Path) -> None:
    for log in logs:
        try:
            text = read_log(run_dir, log).decode("utf-8", "replace")
        except OSError as error:
            raise StateError(f'cannot read "{run_dir / log.file}": {(error.strerror or str(error)).lower()}') from error
        if len(logs) > 1:
            screen.show(f"==> {_title(log)} <==\n")
        screen.show(text if text.endswith("\n") or not text else f"{text}\n")


def _title(log: AttemptLog) -> str:
    name = log.task if log.item is None else f"{log.task}[{log.item}]"
    name += f", round {log.round}" if log.round else ""
    return name if log.attempt == 1 else f"{name}, attempt {log.attempt}"


def _record(log: AttemptLog, run_dir: Path) -> dict[str, object]:
    return {
        "task": log.task,
        "item": log.item,
        "round": log.round or None,
        "attempt": log.attempt,
        "file": str(run_dir / log.file),
        "size_bytes": log.size_bytes,
    }
