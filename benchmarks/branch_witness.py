"""Writes down each branch that is taken in some files, at once: what a killed process did counts, too.

It is run at the start of every Python process whose environment names a FIFO in BRANCHES_SEEN_IN and
what to look at in BRANCHES_SOUGHT_IN. A line there is a process's word for one new branch:

    1 63 -41      in the second of the sought files, from line 63 out of the function of line 41

A branch is seen as coverage.py sees it, so that its report can be made of them. coverage.py itself
writes when a process ends, and those that matter here are mostly killed.
"""

from __future__ import annotations

import opcode
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

# Python 3.11 and 3.12 begin a line anew where an exception is caught, though nothing of it is run.
_PUSH_EXC_INFO = opcode.opmap.get("PUSH_EXC_INFO", -1)
_RESUME = opcode.opmap["RESUME"]


class Witness:
    """Looks at calls into the sought files; keeps what it has told, as do forks of this process."""

    def __init__(self, path: str, sought: list[str]) -> None:
        """Write to `path`, which is opened for each line: tests close whatever descriptors they find."""
        self._path = path
        self._place_of = {name: place for place, name in enumerate(sought)}
        self._told: set[tuple[int, int, int]] = set()

    def enter(self, frame: FrameType, event: str, _: Any) -> _Stay | None:
        """Be asked of each call of a Python function."""
        place = self._place_of.get(frame.f_code.co_filename)
        if place is None or event != "call":
            return None
        is_fresh = frame.f_code.co_code[frame.f_lasti + 1] == 0  # a generator that goes on has another argument
        return _Stay(self, place, -frame.f_code.co_firstlineno if is_fresh else frame.f_lineno)

    def tell(self, place: int, last: int, now: int) -> None:
        """Write a branch down, once."""
        branch = (place, last, now)
        if branch in self._told:
            return
        try:
            number = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return  # no descriptor left: a test's doing; another process will see it
        try:
            os.write(number, b"%d %d %d\n" % branch)
        finally:
            os.close(number)
        self._told.add(branch)


class _Stay:
    """One call of a function of a sought file."""

    __slots__ = ("_last", "_place", "_witness")

    def __init__(self, witness: Witness, place: int, last: int) -> None:
        self._witness = witness
        self._place = place
        self._last = last

    def __call__(self, frame: FrameType, event: str, _: Any) -> _Stay:
        code, at = frame.f_code.co_code, frame.f_lasti
        if event == "line" and code[at] != _PUSH_EXC_INFO:
            self._witness.tell(self._place, self._last, frame.f_lineno)
            self._last = frame.f_lineno
        elif event == "return":
            after = at + 2
            if after >= len(code) or code[after] != _RESUME:  # else it only yields
                self._witness.tell(self._place, self._last, -frame.f_code.co_firstlineno)
        return self


def pytest_runtest_setup() -> None:
    """Look again: what is raised while a branch is noted, by a deep recursion or a signal, ends the looking."""
    if sys.gettrace() is None:
        watch()


def watch() -> None:
    """Look at this process from now on."""
    sys.settrace(Witness(os.environ["BRANCHES_SEEN_IN"], os.environ["BRANCHES_SOUGHT_IN"].split(os.pathsep)).enter)


if "BRANCHES_SEEN_IN" in os.environ:
    watch()
