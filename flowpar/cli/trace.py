"""`flowpar trace`: a run as a file for Perfetto and chrome://tracing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.output_file import write_output
from flowpar.cli.show import tell_end
from flowpar.core.frozen import replace
from flowpar.engine.parts import all_tasks
from flowpar.planning.recall import recall
from flowpar.record.history import find_run
from flowpar.record.lock import holder
from flowpar.record.overview import overview_from, seen_now
from flowpar.record.past import read_past
from flowpar.report.jsonline import shown
from flowpar.report.past import RUNNING
from flowpar.report.screen import Color, system_screen
from flowpar.report.trace import BEGINNING, trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.record.settled import Settled
    from flowpar.report.past import Past

_EXAMPLES = options.examples(
    "flowpar trace last -o trace.json    # then open it at https://ui.perfetto.dev",
    "flowpar trace 20261122-1015 | jq '.traceEvents | length'",
)


@click.command("trace", epilog=_EXAMPLES)
@options.run_argument()
@click.option("-o", "--output", "target", default="-", metavar="FILE", help="Write to this file. Default: -, stdout.")
@options.state_dir()
@options.color()
def command(*, run: str, target: str, state_dir: Path, color: Color) -> int:
    """Write a run as a trace: what ran when, on which worker, what it waited for, CPU and memory.

    RUN is an id, the beginning of one, `last`, or the path of a run folder.
    """
    screen = system_screen(color)
    run_dir = find_run(state_dir, run)
    settled, end, past = read_past(run_dir, is_running=holder(run_dir) is not None)
    past = _until_now(past, time.time())
    facts = settled.run
    about = {"run_id": facts.run_id, "workflow": facts.workflow, "file": facts.file, "started_at": facts.started_at}
    text = shown(trace(past, _needs(settled, run_dir), {**about, **facts.versions}))
    if target == "-":
        screen.show(text)
    else:
        write_output(Path(target), text.encode(), beginning=BEGINNING, kind="trace")
        screen.tell(f"flowpar: wrote {target}; open it at https://ui.perfetto.dev or in chrome://tracing")
    return tell_end(screen, end, seen_now(overview_from(settled), run_dir))


def _until_now(past: Past, now: float) -> Past:
    """Return the attempts of a run, those that run as long as they have so far."""
    return replace(
        past,
        attempts=tuple(
            replace(one, duration_s=max(0.0, now - (one.started_at or now))) if one.state == RUNNING else one
            for one in past.attempts
        ),
    )


def _needs(settled: Settled, run_dir: Path) -> Mapping[str, tuple[str, ...]]:
    recalled = recall(run_dir)
    if recalled is None:
        return {}
    return {task.id: task.needs for task in all_tasks(recalled.plan, settled.tasks)}
