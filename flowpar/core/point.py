"""Places where one of flowpar's processes may be made to die or to fail: each write, sync, rename, fork, reap, lock.

    FLOWPAR_CRASH_AT=12            the engine is killed at the 12th point that it reaches
    FLOWPAR_CRASH_AT=launcher:3    another process of the run, at its third: guard, launcher, outputs or task
    FLOWPAR_FAIL_AT=2:ENOSPC       the engine gets that error at its second point where it can happen
    FLOWPAR_FAIL_AT=2+:ENOSPC      there and from then on: a full disk stays full

They are for tests of what flowpar promises. Where neither is set, a point is a call of an empty function
and nothing is counted. A process of another role begins to count at `enter`.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DISK = frozenset({"create", "write", "torn", "sync", "rename"})
# Where an error can happen, by the last part of a point's name.
_CAN_HAPPEN = {
    "ENOSPC": _DISK,
    "EDQUOT": _DISK,
    "EIO": _DISK,
    "EROFS": frozenset({"create", "rename"}),
    "EAGAIN": frozenset({"fork"}),
    "ENOMEM": frozenset({"fork"}),
    "EMFILE": frozenset({"create", "pipe"}),
    "ENOLCK": frozenset({"lock"}),
}


@dataclass(frozen=True, slots=True)
class Trap:
    """What is to happen at the `number`-th point of the processes of a role; a death where there is no error."""

    role: str
    number: int
    error: str = ""
    stays: bool = False

    @classmethod
    def parse(cls, text: str, *, fails: bool) -> Trap:
        """Read `[role:]number` or `[role:]number[+]:error`; raises ValueError for what is neither."""
        *head, last = text.split(":")
        error = last if fails else ""
        if not fails:
            head.append(last)
        elif error not in _CAN_HAPPEN:
            raise ValueError(f'no point fails with "{error}"; known are {", ".join(_CAN_HAPPEN)}')
        number = head.pop()
        role = head.pop() if head else "engine"
        if head or not number.removesuffix("+").isdecimal():
            raise ValueError(f'"{text}" names no point; write a number, or launcher:3 for that of another process')
        return cls(role, int(number.removesuffix("+")), error, number.endswith("+"))

    def can_happen_at(self, name: str) -> bool:
        """Whether the point of that name counts for this trap."""
        return not self.error or name.rpartition(".")[2] in _CAN_HAPPEN[self.error]


class Walk:
    """The points that this process has passed, and the trap that waits for it."""

    def __init__(self, trap: Trap) -> None:
        """Begin as the engine, which is what a process is unless it says otherwise."""
        self._trap = trap
        self._role = "engine"
        self._passed = 0

    def enter(self, role: str) -> None:
        """Be another process from now on, and count from the beginning."""
        self._role, self._passed = role, 0

    def point(self, name: str) -> None:
        """Pass a point, unless it is the one where the trap is."""
        trap = self._trap
        if self._role != trap.role or not trap.can_happen_at(name):
            return
        self._passed += 1
        if self._passed != trap.number and not (trap.stays and self._passed > trap.number):
            return
        os.write(2, f"flowpar: {trap.error or 'death'} at point {self._passed} of {self._role}: {name}\n".encode())
        if not trap.error:
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, trap.error)
        raise OSError(number, os.strerror(number))

    def pieces(self, name: str, content: bytes) -> Iterator[memoryview]:
        """Give content to write in two steps: whoever dies between them leaves a torn write."""
        view, half = memoryview(content), len(content) // 2
        yield view[:half]
        self.point(name)
        yield view[half:]


def _walk(environment: Mapping[str, str]) -> Walk | None:
    """Return the walk that the environment asks for, or None where it asks for none."""
    if text := environment.get("FLOWPAR_CRASH_AT"):
        return Walk(Trap.parse(text, fails=False))
    if text := environment.get("FLOWPAR_FAIL_AT"):
        return Walk(Trap.parse(text, fails=True))
    return None


def _pass(_: str) -> None:
    return


def _whole(_: str, content: bytes) -> Iterable[memoryview]:
    return (memoryview(content),)


# Decided once, for the life of the process: what runs without a trap pays an empty call.
_WALK = _walk(os.environ)
point: Callable[[str], None] = _WALK.point if _WALK else _pass
pieces: Callable[[str, bytes], Iterable[memoryview]] = _WALK.pieces if _WALK else _whole
enter: Callable[[str], None] = _WALK.enter if _WALK else _pass
