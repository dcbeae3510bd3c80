from __future__ import annotations

import errno
from typing import NoReturn

import click
import pytest

from flowpar.cli.ending import ended
from flowpar.core.errors import ExitCode, InternalError, PluginError, StateError, UsageError

TOO_FEW_FILES = "this process may open too few files; raise the limit, as with ulimit -n 256"


def raising(error: BaseException) -> NoReturn:
    raise error


def test_a_command_that_says_nothing_went_well() -> None:
    assert ended(lambda: None) == 0


def test_the_exit_code_of_a_command_is_passed_on() -> None:
    assert ended(lambda: ExitCode.TASK_FAILED) == 1


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("no such file", hint="look again"), 2, "flowpar: no such file; look again\n"),
        (PluginError("plugin is gone"), 3, "flowpar: plugin is gone\n"),
        (StateError("disk is full"), 3, "flowpar: disk is full\n"),
        (click.UsageError("No such option: --foo."), 2, "flowpar: no such option: --foo\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (MemoryError(), 3, "flowpar: out of memory\n"),
        (OSError(errno.EMFILE, "Too many open files", "x.py"), 3, f"flowpar: {TOO_FEW_FILES}\n"),
        (ImportError("x.so: cannot open shared object file: Too many open files"), 3, f"flowpar: {TOO_FEW_FILES}\n"),
    ],
)
def test_what_the_user_can_help_is_one_line(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(lambda: raising(error)) == code

    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("oops"), ImportError("no x"), InternalError("an invariant is broken")]
)
def test_a_bug_shows_its_traceback_and_asks_for_a_report(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: raising(error)) == 70

    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last):")
    assert str(error) in told
    assert told.rstrip().endswith("please report it with the lines above, the command and the workflow")
