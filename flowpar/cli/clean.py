"""`flowpar clean`: remove old runs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.core.errors import ExitCode, StateError, UsageError
from flowpar.record.folder import check_state
from flowpar.record.history import finish_removals, is_young, last_activity, remove_run, run_ids, size_of
from flowpar.record.lock import holder
from flowpar.record.plans import drop_loose_plans
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EXAMPLES = options.examples(
    "flowpar clean --keep 10", "flowpar clean --older-than 7d --dry-run", "flowpar clean --keep 3 --older-than 12h"
)


@click.command("clean", epilog=_EXAMPLES)
@options.whole_number("--keep", least=0, help="Keep the newest N runs.")
@click.option(
    "--older-than",
    "older_than_s",
    callback=options.read_duration,
    metavar="DURATION",
    help="Remove only what nothing was written to for so long, as 12h or 7d.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be removed; remove nothing.")
@options.state_dir()
@click.option("--trust-state", is_flag=True, help="Use a state folder that is a link or another user's.")
@options.as_json("the list")
@options.color()
def command(
    *,
    keep: int | None,
    older_than_s: float | None,
    is_dry: bool,
    state_dir: Path,
    trust_state: bool,
    is_json: bool,
    color: Color,
) -> int:
    """Remove old runs with all that they keep; a run that is going on is never touched.

    With both --keep and --older-than a run is removed that is beyond the newest N and older.
    """
    if keep is None and older_than_s is None:
        raise UsageError("nothing says which runs are old", hint="give --keep N or --older-than DURATION")
    screen = system_screen(color)
    check_state(state_dir, trust_state=trust_state)
    if not is_dry:
        finish_removals(state_dir)
    before = math.inf if older_than_s is None else time.time() - older_than_s
    old = [run_dir for run_dir in _beyond(state_dir, keep or 0) if last_activity(run_dir) <= before]
    free = [run_dir for run_dir in old if not _is_in_use(run_dir)]
    sizes = {run_dir: size_of(run_dir) for run_dir in free}
    removed = [run_dir for run_dir in free if is_dry or _is_removed(screen, run_dir)]
    if not is_dry:
        drop_loose_plans(state_dir)
    _show(screen, {run_dir.name: sizes[run_dir] for run_dir in removed}, is_dry=is_dry, is_json=is_json)
    if len(free) < len(old):
        screen.tell(f"{counted(len(old) - len(free), 'run')} in use, not touched")
    return ExitCode.OK if removed == free else ExitCode.ENVIRONMENT


def _beyond(state_dir: Path, keep: int) -> list[Path]:
    ids = run_ids(state_dir)
    return [state_dir / "runs" / name for name in ids[: max(0, len(ids) - keep)]]


def _is_in_use(run_dir: Path) -> bool:
    return holder(run_dir) is not None or is_young(run_dir, time.time())


def _is_removed(screen: Screen, run_dir: Path) -> bool:
    try:
        remove_run(run_dir)
    except StateError as error:
        screen.tell(f"flowpar: {error.message}", "error")
        return False
    return True


def _show(screen: Screen, removed: Mapping[str, int], *, is_dry: bool, is_json: bool) -> None:
    if is_json:
        records = [{"run": name, "size_bytes": size_bytes} for name, size_bytes in removed.items()]
        screen.show(shown(records))
    elif removed:
        screen.show(table([{"run": name, "size": size(size_bytes)} for name, size_bytes in removed.items()]))
    verb = "would be removed" if is_dry else "removed"
    total = size(sum(removed.values()))
    screen.tell(f"{counted(len(removed), 'run')} {verb}, {total}" if removed else "there is nothing to remove")
