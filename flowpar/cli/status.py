"""`flowpar status`: how a run goes, seen from another terminal."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.history import status_text
from flowpar.cli.onlooker import Onlooker
from flowpar.cli.took import costs_of_workflow, expected_by
from flowpar.core.clock import SystemClock
from flowpar.core.errors import ExitCode
from flowpar.core.events import RunStarted, TaskEnded
from flowpar.record.history import find_run
from flowpar.record.overview import Status
from flowpar.report.estimate import Expected, Pace
from flowpar.report.ink import cut, painted, plain
from flowpar.report.jsonline import shown
from flowpar.report.live import LiveSink
from flowpar.report.picture import ASCII, Frame, Glyphs, as_record, picture
from flowpar.report.progress import PlainSink, Verbosity, lines_of
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.summary import SummarySink
from flowpar.report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.core.events import Event, EventSink

_EXAMPLES = options.examples(
    "flowpar status", "flowpar status last --follow", "flowpar status --json | jq '.running[].task'"
)
_LOOK_EVERY_S = 0.2
_TELL_EVERY_S = 1.0
_MOST_READ_BYTES = 4 << 20
_COLUMNS, _ROWS, _FAILURES = 100, 16, 3


@click.command("status", epilog=_EXAMPLES)
@options.run_argument(is_required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@options.state_dir()
@options.as_json("how it stands, with --follow a line for each change,")
@options.color()
def command(*, run: str | None, follow: bool, state_dir: Path, is_json: bool, color: Color) -> int:
    """Show how a run goes: what is done, what runs, and when it may end.

    RUN is an id, the beginning of one, `last`, or the path of a run folder; without it, the newest run.
    The run is only looked at: it is none the slower, and Ctrl-C ends the look alone.
    """
    screen = system_screen(color)
    run_dir = find_run(state_dir, run or "last")
    view = _View(screen, run_dir, state_dir)
    try:
        if follow and is_json:
            view.follow_as_json()
        elif follow:
            view.follow()
        else:
            view.look()
            screen.show(shown(view.record()) if is_json else view.text(), is_safe=not is_json)
        return view.tell_end(is_told=not is_json)
    finally:
        view.close()


class _View:
    """A run that is looked at, and what is made of that."""

    def __init__(self, screen: Screen, run_dir: Path, state_dir: Path) -> None:
        self._screen = screen
        self._run_dir = run_dir
        self._state_dir = state_dir
        self._clock = SystemClock()
        self._onlooker = Onlooker(run_dir, self._take)
        self._summary = _summary()
        self._tally, self._pace = Tally(), Pace()
        self._failures: list[str] = []
        self._sink: EventSink | None = None

    def look(self) -> bool:
        """Take in what is new."""
        return self._onlooker.look()

    def close(self) -> None:
        """Look no more."""
        self._onlooker.close()

    def follow(self) -> None:
        """Show the run until it is over: drawn on a terminal, in lines elsewhere."""
        terminal = self._screen.terminal(is_stdout=True)
        if terminal is None:
            self._sink = PlainSink(self._screen.show)
            self._until_over(self._sink.commit)
            self._sink.close()
            return
        sink = LiveSink(
            terminal,
            self._clock,
            has_colors=self._screen.paints_stdout,
            has_unicode=self._screen.draws_unicode,
        )
        self._sink = sink
        try:
            self._until_over(sink.draw)
        finally:
            sink.close()

    def follow_as_json(self) -> None:
        """Print a line whenever the run has gone on, at most one a second."""
        told_at = 0.0

        def tell() -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= _TELL_EVERY_S:
                told_at = time.monotonic()
                self._screen.show(shown(self.record()))

        self._until_over(tell)
        self._screen.show(shown(self.record()))

    def _until_over(self, show: Callable[[], object]) -> None:
        while True:
            self.look()
            if self._onlooker.is_over() or not self._screen.has_stdout:
                return
            show()
            time.sleep(_LOOK_EVERY_S)

    def _take(self, event: Event) -> None:
        """Add up an event, or let the sink do it that shows the run; a run that was resumed is counted anew."""
        if isinstance(event, RunStarted):
            self._summary = _summary()
            expected = self._expected(event)
            self._tally, self._pace, self._failures = Tally(), Pace(expected), []
            if isinstance(self._sink, LiveSink):
                self._sink.expected = expected
        self._summary.emit(event)
        if self._sink is not None:
            self._sink.emit(event)
            return
        self._tally.take(event)
        self._pace.take(event)
        if isinstance(event, TaskEnded):
            self._failures += lines_of(event, Verbosity.QUIET)[:1]
            del self._failures[:-_FAILURES]

    def _expected(self, run: RunStarted) -> Expected | None:
        costs = costs_of_workflow(run.workflow, self._state_dir, most_bytes=_MOST_READ_BYTES)
        return expected_by(costs) if any(costs.knows(task) for layer in run.layers for task in layer) else None

    def _times(self) -> tuple[float, float | None]:
        """Return what time it is for the run, which stands still when that is over, and how long it may still take."""
        if self._onlooker.overview().status != Status.RUNNING:
            return self._onlooker.at, None
        now = self._clock.now()
        return now, self._pace.left_s(self._tally, now)

    def _columns(self) -> int:
        terminal = self._screen.terminal(is_stdout=True)
        return _COLUMNS if terminal is None else terminal.size()[0] - 1

    def text(self) -> str:
        """Return the picture of this moment; there is none of what never began."""
        if self._tally.run is None:
            return ""
        columns = self._columns()
        glyphs = Glyphs() if self._screen.draws_unicode else ASCII
        now, left_s = self._times()
        frame = Frame(columns, _ROWS, glyphs, is_cut_off=self._onlooker.overview().status != Status.RUNNING)
        lines = picture(self._tally, now, frame, left_s=left_s, failures=self._failures)
        as_text = painted if self._screen.paints_stdout else plain
        return "".join(f"{as_text(cut(line, columns, mark=glyphs.more))}\n" for line in lines)

    def record(self) -> dict[str, object]:
        """Return the same for programs."""
        now, left_s = self._times()
        overview = self._onlooker.overview()
        head = {
            "run": self._run_dir.name,
            "workflow": overview.workflow,
            "status": overview.status,
            "exit_code": overview.exit_code,
            "pid": overview.pid,
            "run_dir": str(self._run_dir),
        }
        return {**head, **as_record(self._tally, now, left_s=left_s), "last_failures": self._failures}

    def tell_end(self, *, is_told: bool) -> ExitCode:
        """Say how it stands with the run, and how to go on where it needs that."""
        overview = self._onlooker.overview()
        if is_told and overview.status == Status.RUNNING:
            self._screen.show(f"{status_text(overview)}\n")
        elif is_told:
            self._screen.show(overview.problem and f"{status_text(overview)}: {overview.problem}\n")
            if not overview.problem and self._onlooker.finished is None:
                self._screen.show(f"{status_text(overview)}\n")
            self._screen.show(self._summary.closing())
        return ExitCode.ENVIRONMENT if overview.status == Status.DAMAGED else ExitCode.OK


def _summary() -> SummarySink:
    return SummarySink(os.environ.get("FLOWPAR_STATE_DIR") or ".flowpar")
