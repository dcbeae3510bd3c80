from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import FailureKind

sys.path.insert(0, str(Path(__file__).parent))
from attempts import Bench, everything_put_back

if TYPE_CHECKING:
    from collections.abc import Iterator

TROUBLE = """
    import sys

    class Odd(Exception):
        def __init__(self, first, second):
            super().__init__(f"{first} and {second}")
    class Mute(Exception):
        def __str__(self): raise RuntimeError("no words")
        __repr__ = __str__
    class Held(Exception):
        def __init__(self): super().__init__("held"); self.lock = __import__("threading").Lock()

    def steer(): raise type("Bad\\x1b[31m", (Exception,), {"__module__": "trouble"})("red")
    def placeless(): raise type("Lost", (Exception,), {"__module__": []})("where")

    def plain(): raise ValueError("no such row")
    def deeper(): plain()
    def odd(): raise Odd(1, 2)
    def mute(): raise Mute()
    def held(): raise Held()
    def caused():
        try: plain()
        except ValueError as error:
            error.add_note("look at row 3")
            raise KeyError("rows") from error
    def group(): raise ExceptionGroup("two", [ValueError("a"), TypeError("b")])
    def leave(code): sys.exit(code)
    def endless(): return endless()
    def memory(): raise MemoryError
    def interrupt(): raise KeyboardInterrupt
    def surrogate(): raise ValueError("\\ud800")
    def long(): raise ValueError("x" * 100_000)
    def generator_exit(): raise GeneratorExit
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.at(tmp_path)
    made.module("trouble", textwrap.dedent(TROUBLE))
    with everything_put_back():
        yield made


def test_an_exception_is_told_with_the_users_frames_only(bench: Bench) -> None:
    failure = bench.failure("trouble:deeper")

    assert (failure.kind, failure.type, failure.message) == (FailureKind.EXCEPTION, "ValueError", "no such row")
    files = [line for line in failure.traceback.splitlines() if line.startswith("  File ")]
    assert len(files) == 2
    assert all("/work/trouble.py" in line for line in files)
    assert failure.traceback.endswith("ValueError: no such row")


@pytest.mark.parametrize(
    ("target", "type_name", "message"),
    [
        ("odd", "trouble.Odd", "1 and 2"),
        ("steer", "trouble.Bad?[31m", "red"),
        ("placeless", "?.Lost", "where"),
        ("mute", "trouble.Mute", ""),
        ("held", "trouble.Held", "held"),
        ("memory", "MemoryError", "out of memory"),
        ("interrupt", "KeyboardInterrupt", ""),
        ("generator_exit", "GeneratorExit", ""),
        ("surrogate", "ValueError", "\\ud800"),
    ],
)
def test_odd_exceptions_are_failures_like_any_other(bench: Bench, target: str, type_name: str, message: str) -> None:
    failure = bench.failure(f"trouble:{target}")

    assert (failure.kind, failure.type, failure.message) == (FailureKind.EXCEPTION, type_name, message)
    assert "/work/trouble.py" in failure.traceback


def test_causes_and_notes_are_kept(bench: Bench) -> None:
    text = bench.failure("trouble:caused").traceback

    assert "ValueError: no such row\nlook at row 3" in text
    assert "direct cause" in text
    assert text.endswith("KeyError: 'rows'")


def test_groups_are_kept(bench: Bench) -> None:
    failure = bench.failure("trouble:group")

    assert failure.message == "two (2 sub-exceptions)"
    assert "ValueError: a" in failure.traceback
    assert "TypeError: b" in failure.traceback


def test_endless_recursion_is_told_in_a_few_lines(bench: Bench) -> None:
    failure = bench.failure("trouble:endless")

    assert failure.type == "RecursionError"
    assert len(failure.traceback.splitlines()) < 30


@pytest.mark.parametrize(
    ("code", "message", "exit_code"),
    [
        (3, "called sys.exit(3)", 3),
        ("text", 'called sys.exit("text")', 1),
        (0, "called sys.exit(0) instead of returning", 0),
        (None, "called sys.exit() instead of returning", 0),
        ([1], "called sys.exit([1])", 1),
    ],
)
def test_an_exit_is_a_failure_with_its_code(bench: Bench, code: object, message: str, exit_code: int) -> None:
    failure = bench.failure("trouble:leave", code=code)

    assert (failure.kind, failure.message, failure.exit_code) == (FailureKind.EXIT, message, exit_code)


def test_a_call_that_does_not_fit_shows_no_frame_of_ours(bench: Bench) -> None:
    failure = bench.failure("trouble:leave", wrong=1)

    assert failure.type == "TypeError"
    assert "unexpected keyword argument 'wrong'" in failure.message
    assert "File" not in failure.traceback


def test_a_message_of_any_length_is_cut(bench: Bench) -> None:
    failure = bench.failure("trouble:long")

    assert len(failure.message) < 11_000
    assert "characters left out" in failure.message
