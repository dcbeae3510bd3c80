"""How a run goes, drawn on a terminal: one bar for the run, a line for each running task, failures at once.

    engine's thread   emit ─► Tally, Pace, lines to tell       adds up and returns
    Pulse's thread    ten times a second at most: draw         reads, and writes what has changed

So a terminal that takes nothing (Ctrl-S) does not hold up the run, and 100,000 items are drawn no more often than ten.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from flowpar.core.events import RunStarted, TaskEnded
from flowpar.core.outcome import Failure
from flowpar.report.canvas import Canvas
from flowpar.report.estimate import Pace
from flowpar.report.picture import ASCII, Frame, Glyphs, picture
from flowpar.report.progress import Verbosity, lines_of
from flowpar.report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.clock import Clock
    from flowpar.core.events import Event
    from flowpar.report.estimate import Expected
    from flowpar.report.ink import Line, Piece

DRAWN_EVERY_S = 0.1
MOST_TOLD = 10  # failures that stay above the picture; the last of more is shown in it
_MOST_ROWS = 16
_OTHER_ROWS = 4  # the head, the last failure, and what was told before


class Terminal(Protocol):
    """What a picture is drawn on."""

    def write(self, text: str) -> None:
        """Write, and never fail."""
        ...

    def size(self) -> tuple[int, int]:
        """Return columns and rows."""
        ...

    def is_ours(self) -> bool:
        """Whether to draw now."""
        ...

    def take_return(self) -> bool:
        """Whether the last picture may no longer be right above the cursor."""
        ...

    def close(self) -> None:
        """Let it be."""
        ...


class LiveSink:
    """An event sink that draws on a terminal; whoever makes it sees to it that `draw` is called, as `Pulse` does."""

    def __init__(
        self,
        terminal: Terminal,
        clock: Clock,
        *,
        verbosity: Verbosity = Verbosity.NORMAL,
        expected: Expected | None = None,
        has_colors: bool = True,
        has_unicode: bool = True,
    ) -> None:
        """Draw nothing yet."""
        self._clock = clock
        self._terminal = terminal
        self._verbosity = verbosity
        self._glyphs = Glyphs() if has_unicode else ASCII
        self._canvas = Canvas(terminal.write, has_colors=has_colors, mark=self._glyphs.more)
        self._tally = Tally()
        self.expected = expected  # as it is when the run begins
        self._pace = Pace(expected)
        self._lock = threading.Lock()  # between the thread that adds and the one that draws
        self._drawing = threading.Lock()
        self._told: list[Line] = []
        self._failures = 0
        self._last_failure = ""

    def emit(self, event: Event) -> None:
        """Add one event up."""
        with self._lock:
            if isinstance(event, RunStarted):  # for the second time where it is read back, and was resumed
                self._tally, self._pace = Tally(), Pace(self.expected)
            self._tally.take(event)
            self._pace.take(event)
            self._told += self._lines(event)

    def commit(self) -> None:
        """Do nothing: the picture is drawn by the clock."""

    def close(self) -> None:
        """Tell what is still to be told and take the picture away."""
        self.draw()
        with self._drawing:
            if not self._terminal.is_ours() or self._terminal.take_return():  # others wrote below the picture
                self._canvas.forget()
                self._canvas.tell(self._told)
            self._canvas.erase(self._terminal.size()[0])
            self._terminal.close()

    def draw(self) -> None:
        """Draw the run as it stands, where anybody sees it."""
        with self._drawing:
            if not self._terminal.is_ours():
                return
            if self._terminal.take_return():
                self._canvas.forget()
            columns, rows = self._terminal.size()
            with self._lock:
                told, self._told = self._told, []
                now = self._clock.now()
                frame = Frame(columns - 1, max(0, min(_MOST_ROWS, rows - _OTHER_ROWS)), self._glyphs)
                failures = [self._last_failure] if self._failures > MOST_TOLD else []
                left_s = self._pace.left_s(self._tally, now)
                lines = picture(self._tally, now, frame, left_s=left_s, failures=failures)
            self._canvas.draw(lines, columns, rows, above=told)

    def _lines(self, event: Event) -> list[Line]:
        """Return what is told above the picture; of many failures the first."""
        lines = lines_of(event, Verbosity.VERBOSE if self._verbosity is Verbosity.VERBOSE else Verbosity.QUIET)
        if not lines or not (isinstance(event, TaskEnded) and isinstance(event.outcome, Failure)):
            return [(("", line),) for line in lines]
        self._failures += 1
        self._last_failure = lines[0]
        if self._failures > MOST_TOLD and self._verbosity is not Verbosity.VERBOSE:
            more = f"{self._glyphs.more} and more of them; the last one stands below"
            return [(("faint", more),)] if self._failures == MOST_TOLD + 1 else []
        mark: Piece = ("warning" if event.is_tolerated else "error", f"{self._glyphs.failed} ")
        return [(mark, ("", lines[0])), *((("", f"  {line}"),) for line in lines[1:])]


class Pulse:
    """A thread that calls `beat` every now and then until it is stopped."""

    def __init__(self, beat: Callable[[], object], *, every_s: float = DRAWN_EVERY_S) -> None:
        """Begin at once."""
        self._beat = beat
        self._every_s = every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go, name="view", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call it no more."""
        self._is_over.set()
        self._thread.join()

    def _go(self) -> None:
        while not self._is_over.wait(self._every_s):
            self._beat()


class PulsingSink:
    """A sink that is drawn by a thread of its own as long as it is open."""

    def __init__(self, sink: LiveSink) -> None:
        """Begin to draw."""
        self._sink = sink
        self._pulse = Pulse(sink.draw)
        self.emit, self.commit = sink.emit, sink.commit

    def close(self) -> None:
        """End with a picture that is taken away."""
        self._pulse.stop()
        self._sink.close()
