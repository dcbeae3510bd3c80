"""How a run goes, drawn on a terminal: one bar for the run, a line for each running task, failures at once.

The picture is drawn by rich's thread, at most five times a second, whatever the events do; a sink
only adds up.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flowpar.report.progress import Verbosity, lines_of, progress_of
from flowpar.report.tally import Tally
from flowpar.report.terminal import one_line
from flowpar.report.wording import duration, name_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from flowpar.core.clock import Clock
    from flowpar.core.events import Event
    from flowpar.report.tally import Running

_DRAWINGS_PER_S = 5
_MOST_LINES = 16
_BAR_WIDTH = 32
_SHORTEST_BAR = 8


class LiveSink:
    """An event sink that draws on `console` until it is closed."""

    def __init__(self, console: Console, clock: Clock, *, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        """Start to draw."""
        self._clock = clock
        self._console = console
        self._verbosity = verbosity
        self._tally = Tally()
        self._lock = Lock()  # between the engine's thread, which adds, and rich's, which draws
        self._live = Live(
            console=console,
            get_renderable=self._picture,
            refresh_per_second=_DRAWINGS_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        # rich hides the cursor and shows it at the end; a killed process has no end.
        console.show_cursor(show=True)

    def emit(self, event: Event) -> None:
        """Add one event up; what is urgent is printed above the picture at once."""
        with self._lock:
            self._tally.take(event)
        told = lines_of(event, self._verbosity) if self._verbosity is Verbosity.VERBOSE else _urgent(event)
        for line in told:
            self._console.print(Text(line), highlight=False, soft_wrap=True)

    def commit(self) -> None:
        """Do nothing: the picture is drawn by the clock."""

    def close(self) -> None:
        """Take the picture away."""
        self._live.stop()

    def _picture(self) -> RenderableType:
        with self._lock:
            now = self._clock.now()
            size = self._console.size
            return picture(self._tally, now, rows=max(1, min(_MOST_LINES, size.height - 4)), columns=size.width)


def _urgent(event: Event) -> list[str]:
    return lines_of(event, Verbosity.QUIET)


def picture(tally: Tally, now: float, *, rows: int, columns: int) -> RenderableType:
    """Return the run as it stands: its bar, as long as `columns` allow, and at most `rows` of what runs."""
    running = list(tally.running.values())
    shown = running[:rows]
    grid = Table.grid(padding=(0, 2))
    for attempt in shown:
        grid.add_row(*_running_row(attempt, now))
    parts: list[RenderableType] = [_head(tally, now, columns), grid]
    if len(running) > len(shown):
        parts.append(Text(f"  … and {len(running) - len(shown)} more running", style="dim"))
    return Group(*parts)


def _head(tally: Tally, now: float, columns: int) -> RenderableType:
    if tally.run is None:
        return Text("starting")
    elapsed = max(0.0, now - tally.run.at)
    grid = Table.grid(padding=(0, 2))
    counts = Text(f"{tally.done_count}/{tally.total}")
    if tally.failed_count:
        counts.append(f"  {tally.failed_count} failed", style="bold red")
    counts.append(f"  {len(tally.running)} running  {duration(elapsed)}{_estimate(tally, elapsed)}")
    if tally.stopping is not None:
        counts.append("  stopping", style="yellow")
    name = Text(one_line(tally.run.workflow), style="bold", overflow="ellipsis", no_wrap=True)
    room = columns - name.cell_len - counts.cell_len - 4
    width = max(_SHORTEST_BAR, min(_BAR_WIDTH, room))
    bar = ProgressBar(total=max(tally.total, 1), completed=tally.done_count, width=width)
    grid.add_row(name, bar, counts)
    return grid


def _estimate(tally: Tally, elapsed: float) -> str:
    """Return when the run may end, taking the rest to go as fast as what is done went."""
    if not tally.done_count or tally.done_count >= tally.total:
        return ""
    return f"  about {duration(elapsed / tally.done_count * (tally.total - tally.done_count))} left"


def _running_row(attempt: Running, now: float) -> tuple[RenderableType, ...]:
    name = Text(f"  {name_of(attempt.subject)}", style="cyan")
    since = Text(duration(max(0.0, now - attempt.since)), style="dim")
    progress = attempt.progress
    if progress is None:
        return name, since, Text("")
    if not progress.total:
        return name, since, Text(progress_of(progress))
    bar = ProgressBar(total=progress.total, completed=min(progress.done, progress.total), width=_BAR_WIDTH // 2)
    line = Table.grid(padding=(0, 1))
    line.add_row(bar, Text(progress_of(progress)))
    return name, since, line
