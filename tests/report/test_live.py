from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from flowpar.report.live import MOST_TOLD, LiveSink, Pulse
from flowpar.report.progress import Verbosity
from flowpar.testing.clock import FakeClock
from flowpar.testing.events import AT, run_started, task_expanded, task_failed, task_started, task_succeeded
from flowpar.testing.paper import Paper

if TYPE_CHECKING:
    from flowpar.core.events import Event


def live(paper: Paper, *events: Event, verbosity: Verbosity = Verbosity.NORMAL) -> LiveSink:
    sink = LiveSink(paper, FakeClock(now=AT + 10), verbosity=verbosity, has_colors=False)
    for event in events:
        sink.emit(event)
        sink.commit()
    return sink


def test_a_failure_stands_above_the_picture_and_the_picture_is_gone_at_the_end() -> None:
    paper = Paper()
    sink = live(paper, run_started(["a", "b"]), task_started("a"), task_failed("a"))
    sink.draw()

    sink.close()

    assert "✗ a: failed: ValueError: bad row\n" in paper.written[0]
    assert paper.written[-1] == "\r\x1b[1A\x1b[J"
    assert paper.is_closed


def test_what_was_not_drawn_yet_is_told_at_the_end() -> None:
    paper = Paper()

    live(paper, run_started(["a"]), task_failed("a")).close()

    assert "✗ a: failed: ValueError: bad row\n" in paper.written[0]


def test_of_many_failures_the_last_one_is_in_the_picture() -> None:
    paper = Paper()
    items = MOST_TOLD + 5

    live(paper, run_started(["a"]), task_expanded("a", 100), *[task_failed("a", item) for item in range(items)]).draw()

    (text,) = paper.written
    assert text.count("✗ a[") == MOST_TOLD + 1
    assert f"  ✗ a[{items - 1}]: failed" in text


def test_with_v_all_is_told() -> None:
    paper = Paper()

    live(paper, run_started(["a"]), task_started("a"), task_succeeded("a"), verbosity=Verbosity.VERBOSE).draw()

    assert "a: started, pid 4242\na: succeeded in 1.50 s\n" in paper.written[0]


def test_nothing_is_drawn_in_the_background_and_all_of_it_below_when_it_comes_back() -> None:
    paper = Paper()
    sink = live(paper, run_started(["a"]))
    sink.draw()

    paper.is_foreground = False
    sink.emit(task_failed("a"))
    sink.draw()
    written = len(paper.written)
    paper.is_foreground, paper.came_back = True, True
    sink.draw()

    assert written == 1
    assert paper.written[1].startswith("\r\x1b[J✗ a: failed")


def test_a_run_that_ends_in_the_background_takes_no_line_of_others_away() -> None:
    paper = Paper()
    sink = live(paper, run_started(["a"]))
    sink.draw()

    paper.is_foreground = False
    sink.emit(task_failed("a"))
    sink.close()

    assert paper.written[1:] == ["✗ a: failed: ValueError: bad row\n"]


def test_a_run_that_was_resumed_is_counted_anew() -> None:
    paper = Paper()

    live(paper, run_started(["a", "b"]), task_succeeded("a"), run_started(["a", "b"])).draw()

    assert "0/2" in paper.written[0]


def test_no_picture_hides_the_cursor() -> None:
    paper = Paper()

    live(paper, run_started(["a"]), task_started("a")).close()

    assert "?25l" not in "".join(paper.written)


def test_a_pulse_beats_until_it_is_stopped() -> None:
    beaten = threading.Event()
    pulse = Pulse(beaten.set, every_s=0.001)

    assert beaten.wait(60)
    pulse.stop()
    assert not any(thread.name == "view" for thread in threading.enumerate())


def test_the_view_takes_no_library() -> None:
    code = "import sys, flowpar.report.live; sys.exit(any(name in sys.modules for name in ('rich', 'structlog')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
