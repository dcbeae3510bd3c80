"""Processes found by a mark in their environment, whoever their parent is by now; where the system shows it (Linux).

Start a command with `{variable: value}` in its environment and all that it starts carries the mark.
"""

from __future__ import annotations

import time
from pathlib import Path

from flowpar.execute import tree

_LOOK_EVERY_S = 0.01


def alive(variable: str, value: str) -> dict[int, str]:
    """Return every process that carries the mark and is not just waiting to be reaped, by name."""
    wanted = f"{variable}={value}".encode()
    marked = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue  # it is gone, or somebody else's
            if wanted in environment and tree.is_alive(int(entry.name)):
                marked[int(entry.name)] = tree.name_of(int(entry.name))
    return marked


def survivors(variable: str, value: str, *, within_s: float = 3.0, but: frozenset[int] = frozenset()) -> dict[int, str]:
    """Return who is left when the time is over, `but` those that may be; at once where nobody is."""
    until = time.monotonic() + within_s
    while left := {pid: name for pid, name in alive(variable, value).items() if pid not in but}:
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_EVERY_S)
    return left
