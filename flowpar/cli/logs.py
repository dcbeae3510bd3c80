"""`flowpar logs`: what the tasks of a run printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.history import task_names
from flowpar.cli.log_following import LogFollower
from flowpar.core.errors import ExitCode, StateError, UsageError
from flowpar.core.part_name import matching, split_item
from flowpar.core.suggest import nearest
from flowpar.engine.parts import number_in
from flowpar.record.attempt_logs import AttemptLog, logs_of, read_log
from flowpar.record.history import find_run
from flowpar.record.resume import read_settled
from flowpar.report.jsonline import shown
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flowpar.record.settled import Settled

_EXAMPLES = options.examples(
    "flowpar logs last",
    "flowpar logs last count",
    "flowpar logs last 'count[3]' --attempt 1",
    "flowpar logs last --follow",
    "flowpar logs last --json",
)


@click.command("logs", epilog=_EXAMPLES)
@options.run_argument()
@click.argument("wanted", required=False, metavar="[TASK[ITEM]]")
@options.whole_number("--attempt", least=1, help="Print this attempt only.")
@options.whole_number("--round", "lap", least=1, help="Print this round of a repeat only.")
@click.option("-f", "--follow", is_flag=True, help="Print what is still to come, too, until the run is over.")
@options.state_dir()
@options.as_json("where the logs are, with --follow each line,")
@options.color()
def command(
    *,
    run: str,
    wanted: str | None,
    attempt: int | None,
    lap: int | None,
    follow: bool,
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
    chosen = _Chosen(settled, wanted, attempt, lap, is_coming=follow)
    if follow:
        _follow(screen, run_dir, chosen, is_json=is_json)
        return ExitCode.OK
    found = [log for log in logs_of(run_dir, settled) if chosen.has(log)]
    if is_json:
        screen.show(shown([_record(log, run_dir) for log in found]))
    elif found:
        _print(screen, found, run_dir)
    else:
        screen.tell("nothing was printed" if wanted is None else f'"{one_line(wanted)}" printed nothing')
    return ExitCode.OK


class _Chosen:
    """Which logs are wanted."""

    def __init__(
        self, settled: Settled, wanted: str | None, attempt: int | None, lap: int | None, *, is_coming: bool
    ) -> None:
        self._tasks: set[str] | None = None
        self._item: int | None = None
        if wanted is not None:
            self._tasks, self._item = _chosen(wanted, settled, is_coming=is_coming)
        self._attempt, self._round = attempt, lap
        self._settled = settled

    @property
    def is_single(self) -> bool:
        """Whether it can only be what one task, or one item, prints."""
        if self._tasks is None or len(self._tasks) != 1:
            return False
        (name,) = self._tasks
        task = self._settled.tasks.get(name)
        return self._item is not None or (task is not None and task.item_count is None)

    def has(self, log: AttemptLog) -> bool:
        """Whether a log is wanted."""
        return (
            (self._tasks is None or log.task in self._tasks)
            and self._item in (None, log.item)
            and self._attempt in (None, log.attempt)
            and self._round in (None, log.round)
        )


def _follow(screen: Screen, run_dir: Path, chosen: _Chosen, *, is_json: bool) -> None:
    follower = LogFollower(run_dir, chosen.has)
    for log, line in follower.lines(lambda: screen.has_stdout):
        if is_json:
            record = {"task": log.task, "item": log.item, "round": log.round or None, "attempt": log.attempt}
            screen.show(shown({**record, "line": line}))
        else:
            screen.show(f"{line}\n" if chosen.is_single else f"{_title(log)} | {line}\n")


def _chosen(wanted: str, settled: Settled, *, is_coming: bool) -> tuple[set[str], int | None]:
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
    if is_coming and item.isdecimal() and found[0] not in settled.tasks:
        return {found[0]}, int(item)  # it may have such an item yet
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
