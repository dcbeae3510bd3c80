"""What is another one where a file was written to.

stamp_of      of a user's file: size, inode, and both times, of which one can't be set
value_stamp   of a file that holds a value: inode and time; it has names in several folders, which come and go
"""

from __future__ import annotations

import os


def stamp_of(path: str) -> str:
    """Return the stamp of a file; raises OSError."""
    status = os.stat(path)  # noqa: PTH116 - a text, many times
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}:{status.st_ctime_ns}"


def value_stamp(status: os.stat_result) -> str:
    """Return the stamp of a file that holds a value."""
    return f"{status.st_ino}:{status.st_mtime_ns}"


def stamp_or_nothing(path: str) -> str:
    """Return the stamp of a file, "" where there is none."""
    try:
        return stamp_of(path)
    except OSError:
        return ""
