"""A trap springs at the point it is set for, in the process it is set for, and nowhere else."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import timeit

import pytest

from flowpar.core import point
from flowpar.core.point import Trap, Walk

WALK = """
from flowpar.core.point import enter, pieces, point
import sys
enter(sys.argv[1])
for name in ("a.pipe", "b.write", "c.fork", "d.sync"):
    print(name, flush=True)
    try:
        point(name)
    except OSError as error:
        print(error.strerror, flush=True)
for piece in pieces("e.torn", b"abcdef"):
    print(bytes(piece).decode(), flush=True)
"""
ALL = ["a.pipe", "b.write", "c.fork", "d.sync"]


def walk(role: str = "engine", **traps: str) -> tuple[int, list[str], str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FLOWPAR")}
    done = subprocess.run(
        [sys.executable, "-c", WALK, role], env={**plain, **traps}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.split("\n")[:-1], done.stderr


def test_without_a_trap_nothing_happens() -> None:
    assert walk() == (0, [*ALL, "abcdef"], "")


def test_the_engine_dies_at_the_point_that_is_named_on_stderr() -> None:
    code, passed, errors = walk(FLOWPAR_CRASH_AT="3")

    assert code == -signal.SIGKILL
    assert passed == ALL[:3]
    assert errors == "flowpar: death at point 3 of engine: c.fork\n"


def test_a_trap_for_another_process_leaves_this_one_alone() -> None:
    assert walk(FLOWPAR_CRASH_AT="launcher:3")[0] == 0
    assert walk("launcher", FLOWPAR_CRASH_AT="launcher:3")[0] == -signal.SIGKILL


def test_a_write_is_torn() -> None:
    code, passed, _ = walk(FLOWPAR_CRASH_AT="5")

    assert code == -signal.SIGKILL
    assert passed == [*ALL, "abc"]


def test_an_error_counts_only_where_it_can_happen() -> None:
    code, passed, _ = walk(FLOWPAR_FAIL_AT="2:ENOSPC")

    assert code == 0
    assert passed == ["a.pipe", "b.write", "c.fork", "d.sync", os.strerror(errno.ENOSPC), "abc", "def"]


def test_an_error_may_stay() -> None:
    code, passed, errors = walk(FLOWPAR_FAIL_AT="1+:ENOSPC")

    assert code == 1
    assert passed.count(os.strerror(errno.ENOSPC)) == 2
    assert "OSError: [Errno 28]" in errors


@pytest.mark.parametrize("text", ["", "x", "a:b:3", "3:", "-1", "3:ENOSPC"])
def test_what_names_no_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" names no point'):
        Trap.parse(text, fails=False)


def test_an_error_that_no_point_has_is_refused() -> None:
    with pytest.raises(ValueError, match='no point fails with "EPERM"; known are ENOSPC'):
        Trap.parse("3:EPERM", fails=True)


def test_another_role_counts_from_the_beginning() -> None:
    walk = Walk(Trap("launcher", 2, "ENOSPC"))
    walk.enter("launcher")
    walk.point("a.write")

    walk.enter("launcher")

    walk.point("a.write")
    with pytest.raises(OSError, match="No space left"):
        walk.point("a.write")


def test_a_point_without_a_trap_costs_next_to_nothing() -> None:
    calls = 100_000

    # Of the processor: on a busy machine others have it meanwhile.
    seconds = min(timeit.repeat(lambda: point.point("a.write"), timer=time.process_time, number=calls, repeat=3))

    assert seconds / calls < 2e-6
