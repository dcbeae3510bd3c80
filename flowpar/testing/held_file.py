"""A file that does not answer, as on a disk or a network that is stuck: whoever opens it waits.

    with held(path):      opening it blocks, in any process, until the block is left
        ...

It is the kernel that holds it, by a lease; so for 45 s at most (`/proc/sys/fs/lease-break-time`). Linux only, and
nobody may have it open before.
"""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let everybody wait who opens a file; raises OSError where it cannot be held."""
    number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        # What the kernel sends to whoever holds a file that others want; this one nobody minds.
        fcntl.fcntl(number, fcntl.F_SETSIG, signal.SIGURG)  # type: ignore[attr-defined, unused-ignore]  # Linux
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(number)
