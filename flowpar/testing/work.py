"""Task functions for tests of executors: each does one thing that an executor must cope with."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def echo(value: object) -> object:
    """Return what is given."""
    return value


def fail(message: str) -> None:
    """Raise."""
    raise ValueError(message)


def throw(error: BaseException) -> None:
    """Raise what is given."""
    raise error


def leave(code: int) -> None:
    """Exit without a result."""
    sys.exit(code)


def linger(seconds: float, marker: str | None = None) -> float:
    """Sleep, after a sign in the file `marker` that it has begun."""
    _sign(marker)
    time.sleep(seconds)
    return seconds


def linger_stubbornly(seconds: float, marker: str | None = None) -> float:
    """Sleep and ignore every polite request to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return linger(seconds, marker)


def _sign(marker: str | None) -> None:
    if marker is not None:
        Path(marker).write_text(str(os.getpid()), encoding="utf-8")
