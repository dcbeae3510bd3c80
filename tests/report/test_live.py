from __future__ import annotations

import io

from rich.console import Console

from flowpar.core.events import Event, RunStopping, TaskProgressed
from flowpar.report.live import LiveSink, picture
from flowpar.report.tally import Tally
from flowpar.testing.clock import FakeClock
from flowpar.testing.events import (
    AT,
    run_started,
    subject,
    task_expanded,
    task_failed,
    task_started,
    task_succeeded,
)


def drawn(*events: Event, now: float = AT + 10, rows: int = 16, columns: int = 120) -> list[str]:
    tally = Tally()
    for event in events:
        tally.take(event)
    console = Console(file=io.StringIO(), width=columns, color_system=None)
    with console.capture() as capture:
        console.print(picture(tally, now, rows=rows, columns=columns))
    return [line.rstrip() for line in capture.get().splitlines() if line.strip()]


def test_the_bar_says_what_is_done_failed_running_and_left() -> None:
    head, *_ = drawn(run_started(["a", "b", "c", "d"]), task_succeeded("a"), task_failed("b"), task_started("c"))

    assert head.startswith("words  ━")
    assert head.endswith("2/4  1 failed  1 running  10.0 s  about 10.0 s left")


def test_the_bar_of_a_narrow_terminal_is_short_and_the_head_one_line() -> None:
    head, *_ = drawn(run_started(["a", "b"]), task_failed("b"), task_started("a"), columns=72)

    assert head.startswith("words  ━")
    assert head.endswith("1/2  1 failed  1 running  10.0 s  about 10.0 s left")


def test_each_running_task_has_a_line_with_its_own_progress() -> None:
    _, *lines = drawn(
        run_started(["a", "b"]),
        task_started("a"),
        task_started("b", 3, at=AT + 8),
        TaskProgressed(subject("b", 3), AT, 3, 10, "rows"),
    )

    assert lines[0].split() == ["a", "10.0", "s"]
    assert lines[1].split()[:3] == ["b[3]", "2.00", "s"]
    assert lines[1].endswith("3 of 10, rows")


def test_more_running_tasks_than_rows_are_counted() -> None:
    started = [task_started("count", item) for item in range(50)]

    lines = drawn(run_started(["count"]), task_expanded("count", 50), *started, rows=4)

    assert len(lines) == 6
    assert lines[-1] == "  … and 46 more running"


def test_a_stop_is_shown() -> None:
    head, *_ = drawn(run_started(), RunStopping(AT, "interrupted"))

    assert head.endswith("stopping")


def test_nothing_is_drawn_before_the_run_began() -> None:
    assert drawn() == ["starting"]


def test_a_failure_is_printed_at_once_and_the_picture_is_gone_at_the_end() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, height=20, force_terminal=True, no_color=True)
    sink = LiveSink(console, FakeClock(now=AT))
    for event in (run_started(["a", "b"]), task_started("a"), task_failed("a")):
        sink.emit(event)
        sink.commit()
    shown = stream.getvalue()

    sink.close()

    assert "a: failed: ValueError: bad row\n" in shown
    assert stream.getvalue().endswith("\x1b[2K")


def test_the_cursor_is_never_left_hidden_by_a_killed_process() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True)

    sink = LiveSink(console, FakeClock(now=AT))
    begun = stream.getvalue()
    sink.close()

    assert begun.rfind("\x1b[?25h") > begun.rfind("\x1b[?25l")


def test_a_name_with_markup_is_shown_as_it_is() -> None:
    _, line = drawn(run_started(), task_started("[red]a[/red]"))

    assert line.split()[0] == "[red]a[/red]"
