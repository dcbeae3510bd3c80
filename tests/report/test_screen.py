from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import MachineError
from flowpar.report.screen import Color, Screen

if TYPE_CHECKING:
    from collections.abc import Mapping


def screen(color: Color = Color.AUTO, environment: Mapping[str, str] | None = None) -> tuple[Screen, io.StringIO]:
    stderr = io.StringIO()
    return Screen(io.StringIO(), stderr, color=color, environment=environment or {}), stderr


def on_terminal(environment: Mapping[str, str], color: Color = Color.AUTO) -> Screen:
    parent, child = pty.openpty()
    with os.fdopen(parent, "rb"), os.fdopen(child, "w") as stream:
        return Screen(None, stream, color=color, environment=environment)


def test_a_pipe_gets_no_colours_unless_told_to() -> None:
    plain, plain_text = screen()
    coloured, coloured_text = screen(Color.ALWAYS)

    plain.tell("oops", "error")
    coloured.tell("oops", "error")

    assert plain_text.getvalue() == "oops\n"
    assert coloured_text.getvalue() == "\x1b[1;31moops\x1b[0m\n"


@pytest.mark.parametrize(
    ("environment", "color", "has_colors"),
    [
        ({"TERM": "xterm"}, Color.AUTO, True),
        ({"TERM": "dumb"}, Color.AUTO, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Color.AUTO, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, Color.AUTO, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Color.ALWAYS, True),
        ({"TERM": "xterm"}, Color.NEVER, False),
    ],
)
def test_a_terminal_gets_colours_unless_told_not_to(
    environment: dict[str, str], color: Color, *, has_colors: bool
) -> None:
    assert on_terminal(environment, color).has_colors is has_colors


def test_closed_streams_are_no_failure() -> None:
    nothing = Screen(None, None, environment={})

    nothing.show("x")
    nothing.tell("x")

    assert not nothing.is_terminal


def test_a_full_stdout_is_the_machines_failure() -> None:
    with open("/dev/full", "w") as full, pytest.raises(MachineError, match="cannot write to stdout: no space left"):  # noqa: PTH123
        Screen(full, None, environment={}).show("x" * 100_000)


def test_what_the_encoding_lacks_is_shown_escaped() -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")

    Screen(stdout, None, environment={}).show("größe \udcff")

    assert raw.getvalue() == b"gr\\xf6\\xdfe \\udcff"


GONE = """
import sys
from flowpar.report.screen import Screen
screen = Screen(sys.stdout, sys.stderr, environment={})
for _ in range(3):
    screen.show("x" * 100_000)
    screen.tell("y" * 100_000)
sys.exit(7)
"""


def test_a_reader_that_went_away_changes_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        run = subprocess.run([sys.executable, "-c", GONE], stdout=writer, stderr=writer, timeout=60, check=False)
    finally:
        os.close(writer)

    assert run.returncode == 7
