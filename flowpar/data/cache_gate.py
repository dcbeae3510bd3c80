"""Who keeps something and who makes room agree: a blob is never removed between being written and being named.

    keep    gate (shared, for a moment) ─► keepers (shared, until the entry is there)
    sweep   gate (alone) ─► keepers (alone, or not in time) ─► blobs that nobody names go, or only old ones

Whoever waits at the gate lets no others in, so there is always a moment in which nobody keeps anything. The locks are
the kernel's: those of a process that is killed are gone with it. Nobody waits for ever, as another one may have been
stopped; then, and on a file system without locks, there is age alone to go by.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GATE, _KEEPERS = "gate", "keepers"
_OPEN = os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_STEP_S = 0.005
_KEEPERS_PATIENCE_S = 20.0


@contextmanager
def keeping(folder: str, mode: int) -> Iterator[None]:
    """Let nobody remove blobs while something is kept that names some; files of locks are made with `mode`."""
    keepers = lock_file(folder, _KEEPERS, mode)
    try:
        gate = lock_file(folder, _GATE, mode)
        due = time.monotonic() + _KEEPERS_PATIENCE_S
        try:
            take(gate, due, is_shared=True)
            take(keepers, due, is_shared=True)
        finally:
            os.close(gate)
        yield
    finally:
        os.close(keepers)


@contextmanager
def alone(folder: str, mode: int, *, patience_s: float) -> Iterator[bool]:
    """Keep out all who would keep something; give whether those that were at it are done, within `patience_s`."""
    gate = lock_file(folder, _GATE, mode)
    try:
        keepers = lock_file(folder, _KEEPERS, mode)
        try:
            due = time.monotonic() + patience_s
            yield take(gate, due) and take(keepers, due)
        finally:
            os.close(keepers)
    finally:
        os.close(gate)


def take(number: int, due: float, *, is_shared: bool = False) -> bool:
    """Have a lock, alone unless it `is_shared`; return False where that is not to be had until `due` (monotonic)."""
    how = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    while True:
        try:
            fcntl.flock(number, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= due:
                return False
            time.sleep(_STEP_S)
        except OSError:
            return False
        else:
            return True


def lock_file(folder: str, name: str, mode: int) -> int:
    """Open a file of locks, made with `mode` whatever the umask, for all who share the folder; raises OSError."""
    path = f"{folder}/{name}"
    with suppress(FileNotFoundError):
        return os.open(path, _OPEN)
    number = os.open(path, _OPEN | os.O_CREAT, mode)
    with suppress(OSError):  # another user was first
        os.fchmod(number, mode)
    return number
