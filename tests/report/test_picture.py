"""The view of a run, as text: what a terminal of a given size shows at a given time."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import Event, RunStopping, TaskProgressed
from flowpar.report.ink import cut, painted, plain, width
from flowpar.report.picture import ASCII, Frame, as_record, bar, picture
from flowpar.report.tally import Tally
from flowpar.testing.events import (
    AT,
    run_started,
    subject,
    task_expanded,
    task_failed,
    task_started,
    task_succeeded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.report.ink import Line


def tally_of(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally.take(event)
    return tally


def drawn(
    *events: Event, columns: int = 120, rows: int = 16, left_s: float | None = None, failures: Sequence[str] = ()
) -> list[str]:
    lines = picture(tally_of(*events), AT + 10, Frame(columns, rows), left_s=left_s, failures=failures)
    return [plain(line) for line in lines]


BUSY: list[Event] = [
    run_started(["load", "count", "train", "merge"], workers=4),
    task_started("load", at=AT + 1),
    task_expanded("count", 100),
    task_started("count", 0, at=AT + 2),
    task_started("count", 1, at=AT + 3),
    task_succeeded("count", 0, at=AT + 4),
    task_failed("count", 1),
    task_started("count", 2, at=AT + 5),
    task_started("train", at=AT + 6),
    TaskProgressed(subject("train"), AT, 5, 10, "epochs"),
    TaskProgressed(subject("count", 2), AT, 512, None, "rows"),
]

WIDE = """\
words  ━───────────────────────────────────────  2/103  1 failed  3 running  10.0 s  about 1m10s left
  load         9.00 s
  count        8.00 s  ╸───────────────  2 of 100 items, 1 running
    [2]        5.00 s  512 done, rows
  train        4.00 s  ━━━━━━━━────────  5 of 10, epochs
  ✗ count[1]: failed: ValueError: bad row
"""

NARROW = """\
words  2/103  1 failed  3 running  10.0 s
  load         9.00 s
  count        8.00 s  2 of 100 items, 1 running
    [2]        5.00 s  512 done, rows
  train        4.00 s  5 of 10, epochs
  ✗ count[1]: failed: ValueError: bad row
"""


def test_a_wide_terminal_shows_bars_and_when_the_run_may_end() -> None:
    lines = drawn(*BUSY, left_s=70.0, failures=["count[1]: failed: ValueError: bad row"])

    assert "\n".join(lines) + "\n" == WIDE


def test_a_narrow_terminal_shows_what_counts() -> None:
    lines = drawn(*BUSY, columns=50, left_s=70.0, failures=["count[1]: failed: ValueError: bad row"])

    assert "\n".join(lines) + "\n" == NARROW


def test_a_tiny_terminal_shows_the_counts_alone() -> None:
    assert drawn(*BUSY, columns=30, rows=0) == ["2/103  1 failed  3 running  10.0 s"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (1, ["  … and 3 more running"]),
        (2, ["  load         9.00 s", "  … and 2 more running"]),
        (3, ["  load", "  count", "  train"]),
    ],
)
def test_tasks_come_before_their_items_where_rows_are_few(rows: int, expected: list[str]) -> None:
    _, *lines = drawn(*BUSY, rows=rows)

    assert [line[: len(wanted)] for line, wanted in zip(lines, expected, strict=True)] == expected


def test_a_fan_out_of_a_hundred_thousand_takes_as_many_rows_as_there_are() -> None:
    started = [task_started("count", item) for item in range(5000)]

    _, whole, *items = drawn(run_started(["count"]), task_expanded("count", 100_000), *started, rows=4)

    assert whole.endswith("0 of 100000 items, 5000 running")
    assert [line.split()[0] for line in items] == ["[0]", "[1]", "[2]"]


def test_an_item_is_named_by_its_key() -> None:
    started = replace(task_started("count", 1), subject=replace(subject("count", 1), key="日本"))

    *_, line = drawn(run_started(["count"]), task_expanded("count", 2), started)

    assert line == "    [1] 日本   10.0 s"


def test_a_stop_is_shown() -> None:
    head, *_ = drawn(run_started(), RunStopping(AT, "interrupted"))

    assert head.endswith("stopping")


def test_nothing_is_drawn_before_the_run_began() -> None:
    assert drawn() == ["starting"]


def test_names_and_notes_cannot_steer_the_terminal() -> None:
    foreign = "a\x1b[2J\x9b31m\u202e[red]\nb"
    progress = TaskProgressed(subject("a"), AT, 1, 2, foreign)
    begun = replace(run_started(["a"]), workflow=foreign)

    lines = picture(tally_of(begun, task_started("a"), progress), AT, Frame(120, 9), failures=[foreign])

    text = "".join(plain(line) for line in lines)
    assert text.isprintable()
    assert "a[red] b" in text


def test_a_terminal_without_unicode_gets_ascii() -> None:
    lines = picture(tally_of(*BUSY), AT, Frame(100, 9, ASCII), left_s=70.0, failures=["x"])

    assert all(plain(line).isascii() for line in lines)


def test_one_failure_of_thousands_is_seen_in_the_bar() -> None:
    assert ("error", "━") in bar(20, 0.5, 0.0001, Frame(1, 1).glyphs)


@given(
    st.integers(5, 200),
    st.integers(0, 20),
    st.floats(0, 1e6) | st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_every_line_fits_a_terminal_of_any_size(columns: int, rows: int, left_s: float | None, name: str) -> None:
    begun = replace(run_started(["load", "count", "train", "merge"]), workflow=name)
    lines = picture(tally_of(begun, *BUSY[1:]), AT + 10, Frame(columns, rows), left_s=left_s, failures=[name])
    shown: list[Line] = [cut(line, columns) for line in lines]

    assert len(shown) <= rows + 2
    assert all(width(line) <= columns for line in shown)
    assert all(painted(line).count("\x1b[0m") * 2 == painted(line).count("\x1b[") for line in shown)
    assert all(unicodedata.category(letter) not in {"Cc", "Zl", "Zp"} for line in shown for letter in plain(line))


def test_programs_get_the_same() -> None:
    record = as_record(tally_of(*BUSY), AT + 10, left_s=12.3456)

    assert record["states"] == {"succeeded": 1, "failed": 1}
    assert (record["done"], record["total"], record["elapsed_s"], record["left_s"]) == (2, 103, 10.0, 12.346)
    assert record["running"] == [
        {"task": "load", "item": None, "key": None, "round": None, "attempt": 1, "pid": 4242, "running_s": 9.0}
        | {"progress": None},
        {"task": "count", "item": 2, "key": None, "round": None, "attempt": 1, "pid": 4242, "running_s": 5.0}
        | {"progress": {"done": 512, "total": None, "note": "rows"}},
        {"task": "train", "item": None, "key": None, "round": None, "attempt": 1, "pid": 4242, "running_s": 4.0}
        | {"progress": {"done": 5, "total": 10, "note": "epochs"}},
    ]
