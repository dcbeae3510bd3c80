"""How much the files of values may hold together: each takes its room before it is written, one process at a time.

    lock the folder ─► sum up what is there ─┬─► fits: the draft gets its whole size ─► unlock ─► written
                                             └─► NoRoom

What is there is always the truth: nobody keeps a count that a kill could leave wrong.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

DRAFT = ".part"


class NoRoom(Exception):  # noqa: N818 - it says what there is not
    """A value does not fit beside the others; the message says how much there is and what may be done."""

    def __init__(self, size_bytes: int, held_bytes: int, limit_bytes: int) -> None:
        """Make the one-line message."""
        size, held, limit = (f"{number / 2**20:.1f} MiB" for number in (size_bytes, held_bytes, limit_bytes))
        instead = "let fewer large values be needed at once, or resume with a larger --values-limit"
        self.message = f"output of {size} does not fit: values hold {held} of the {limit} that they may; {instead}"
        super().__init__(self.message)


def take_room(draft: int, folder: str, *, size_bytes: int, limit_bytes: int) -> None:
    """Let a draft, which is empty and open, have its size; raises NoRoom where all would be over the limit."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held_bytes = _held_bytes(folder)
        if held_bytes + size_bytes > limit_bytes:
            raise NoRoom(size_bytes, held_bytes, limit_bytes)
        os.ftruncate(draft, size_bytes)
    finally:
        os.close(lock)


def has_room(folder: str, *, size_bytes: int, limit_bytes: int | None) -> bool:
    """Whether more fits beside what is there, as far as that is known without a lock."""
    if limit_bytes is None or not size_bytes:
        return True
    try:
        return _held_bytes(folder) + size_bytes <= limit_bytes
    except FileNotFoundError:
        return size_bytes <= limit_bytes


def _held_bytes(folder: str) -> int:
    held_bytes = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # removed a moment ago
                if entry.name.endswith(DRAFT) and _is_orphan(entry.name):
                    os.unlink(entry.path)  # noqa: PTH108 - a text
                else:
                    held_bytes += entry.stat(follow_symlinks=False).st_size
    return held_bytes


def _is_orphan(name: str) -> bool:
    """Whether the process that wrote a draft is gone."""
    pid = name.removesuffix(DRAFT).rpartition(".")[2]
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return False
