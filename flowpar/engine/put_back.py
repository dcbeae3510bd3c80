"""Files that a cached attempt wrote, put back where it wrote them: one that is there already is let be."""

# ruff: noqa: PTH103, PTH114, PTH116, PTH118, PTH120
# os does in one call what pathlib does in three.

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from flowpar.data.cache_entry import BadEntry
from flowpar.data.copying import copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowpar.data.cache import CacheFolder
    from flowpar.data.cache_entry import KeptFile
    from flowpar.record.seen_files import SeenFiles


def put_back(
    files: Iterable[KeptFile],
    folder: str,
    cache: CacheFolder,
    seen: SeenFiles,
    *,
    umask: int,
    is_wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Put files where they were below a folder; raises BadEntry or OSError, and then some may be there.

    They get the rights that a program of the user's would give them, whose mask is `umask`. Once they are not wanted
    any more no further one is put there.
    """
    # All are looked at before the first is written: an entry of no use changes nothing.
    wanted = [(kept, _target(kept, folder)) for kept in files]
    found = [
        # It is read all the same to be copied; that it looks as it did is not enough for what goes into a checkout.
        (cache.check_blob(kept.blob, kept.size_bytes, kept.stamp, is_thorough=True), kept, target)
        for kept, target in wanted
        if not _is_there(kept, target, seen)
    ]
    for source, kept, target in found:
        if not is_wanted():
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        copy(source, target, mode=(0o777 if kept.is_executable else 0o666) & ~umask)


def _target(kept: KeptFile, folder: str) -> str:
    """Return where a file belongs; raises BadEntry where that is outside of the folder, or behind a link."""
    parts = kept.path.split("/")
    if kept.path.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        raise BadEntry(f'its file "{kept.path}" is not in the folder of the workflow')
    path = folder
    for part in parts[:-1]:
        path = os.path.join(path, part)
        if os.path.islink(path):
            raise BadEntry(f'its file "{kept.path}" is behind a link')
    return os.path.join(path, parts[-1])


def _is_there(kept: KeptFile, target: str, seen: SeenFiles) -> bool:
    try:
        status = os.stat(target, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or status.st_size != kept.size_bytes:
            return False
        return seen.digest(target) == f"blake2b:{kept.blob}"
    except OSError:
        return False
