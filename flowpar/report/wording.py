"""How names, durations and counts are written for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind
from flowpar.report.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.events import Subject
    from flowpar.core.outcome import Failure

_COUNTED = {
    "succeeded": "succeeded",
    "cached": "cached",
    "skipped": "skipped",
    "tolerated": "failed (tolerated)",
    "failed": "failed",
    "timed_out": "timed out",
    "cancelled": "cancelled",
}


def name_of(subject: Subject) -> str:
    """Return a task or an item of it as `task[item]`, with the key of an item that has one."""
    if subject.item is None:
        return subject.task
    key = "" if subject.key is None else f" ({one_line(str(subject.key), limit=40)})"
    return f"{subject.task}[{subject.item}]{key}"


def duration(seconds: float) -> str:
    """Return a duration with two or three figures that matter.

    >>> [duration(s) for s in (0.0042, 0.25, 12.34, 125, 7265)]
    ['4 ms', '0.25 s', '12.3 s', '2m05s', '2h01m']
    """
    if seconds < 0.01:  # noqa: PLR2004 - the borders of the doctest above
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"  # noqa: PLR2004
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def size(number: int) -> str:
    """Return a number of bytes with a unit that fits.

    >>> [size(n) for n in (17, 2048, 5_400_000)]
    ['17 bytes', '2.0 KiB', '5.1 MiB']
    """
    amount, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:  # noqa: PLR2004
        amount /= 1024
        del units[0]
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def counted(number: int, noun: str) -> str:
    """Return `1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tallied(counts: Mapping[str, int]) -> str:
    """Return counts by state as `3 succeeded, 1 failed`, always in the same order, without zeros."""
    parts = [f"{counts[state]} {words}" for state, words in _COUNTED.items() if counts.get(state)]
    return ", ".join(parts)


def reason_of(failure: Failure, *, limit: int = 300) -> str:
    """Return why an attempt failed on one line."""
    message = one_line(failure.message, limit=limit)
    if failure.kind is not FailureKind.EXCEPTION:
        return message
    return f"{failure.type}: {message}" if message else failure.type


def why_stopped(reason: str) -> str:
    """Return why a run was stopped, without what was said of the way on while it could still be gone.

    >>> why_stopped("interrupted; finally follows, and a second request skips it")
    'interrupted'
    """
    return reason.partition(";")[0]


def near(path: str) -> str:
    """Return a path relative to the current folder where it lies below it, and that is not the root of all."""
    try:
        here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - the text of an event, and back to text
    except FileNotFoundError:
        return path
    return path if here == os.sep else path.removeprefix(here)
