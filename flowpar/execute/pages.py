"""Large pages below a process that others are forked from: a fork copies one entry for 2 MiB of them instead of 512.

Linux alone, and where its administrator has not turned them off. What a child writes to is split again for it, and
copied in the usual small pages.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.execute.kernel import IS_LINUX

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_LARGE_BYTES = 2 << 20
# As of Linux 6.1; older ones say that they don't know it.
_MADV_COLLAPSE = 25


def enlarge() -> None:
    """Put what is in memory now into large pages, as far as it fills them; never fails."""
    with suppress(OSError):
        if IS_LINUX and "[never]" not in _SWITCH.read_text():
            advise = ctypes.CDLL(None).madvise
            advise.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
            for start, end in list(_own_memory()):
                advise(start, end - start, _MADV_COLLAPSE)


def _own_memory() -> Iterator[tuple[int, int]]:
    """Give the aligned parts of memory that is no file's."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, *_, name = [*line.split(maxsplit=5), ""][:6]
        if rights == "rw-p" and name in {"", "[heap]"}:
            start, end = (int(each, 16) for each in place.split("-"))
            start, end = -(-start // _LARGE_BYTES) * _LARGE_BYTES, end // _LARGE_BYTES * _LARGE_BYTES
            if start < end:
                yield start, end
