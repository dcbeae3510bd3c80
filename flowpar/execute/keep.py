"""The worker's part of the cache: what an attempt came to is kept as soon as it is known, before anybody is told.

value, files that it wrote ─► entry of the cache      no, because … ─► a warning, and the attempt counts all the same
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from time import time
from typing import TYPE_CHECKING

from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import BadEntry, Entry, KeptFile
from flowpar.data.codec import Damaged
from flowpar.data.matched import matched
from flowpar.data.parts import PARTS, parts_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.core.outcome import Success, ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Shared

UNKEPT = "not kept in the cache: "
"""What a warning begins with that says why an attempt was not kept."""

_PIECE_BYTES = 1 << 22


def keep(keeping: Keeping, success: Success, job: Job, shared: Shared, *, seconds: float) -> tuple[str, ...]:
    """Keep what an attempt came to; return a warning where it can't be kept."""
    cache = CacheFolder(keeping.cache_dir, is_synced=shared.syncs_values)
    task = job.task if job.item is None else f"{job.task}[{job.item}]"
    inline = success.value.inline
    has_blobs = bool(keeping.outputs) or inline is None or inline.startswith(PARTS)
    try:
        is_local = bool(keeping.place) and _names(success.value, shared.run_dir, keeping.root)
        with cache.keeping() if has_blobs else nullcontext():
            files, problem = _files(cache, keeping)
            if problem:
                return (f"{UNKEPT}{problem}",)
            entry = Entry(
                key=keeping.key,
                made_at=time(),
                made_by=(shared.run_id, task),
                seconds=seconds,
                parts=keeping.parts,
                value=success.value,
                files=files,
                is_last=success.is_last,
            )
            cache.keep(entry, shared.run_dir, place=keeping.place if is_local else "")
    except OSError as error:
        return (f"{UNKEPT}{(error.strerror or str(error)).lower()}",)
    except (BadEntry, Damaged, ValueError) as error:
        return (f"{UNKEPT}{error}",)
    return ()


def _files(cache: CacheFolder, keeping: Keeping) -> tuple[tuple[KeptFile, ...], str]:
    """Keep the files that are declared as outputs; or say which of them are not there."""
    if not keeping.outputs:
        return (), ""
    found = matched(keeping.outputs, keeping.folder, stays_inside=True)
    if found.unmatched:
        return (), f'no file in the folder of the workflow matches "{found.unmatched[0]}" of its outputs'
    return tuple(_kept(cache, keeping.folder, path) for path in found.files), ""


def _kept(cache: CacheFolder, folder: str, path: str) -> KeptFile:
    full = os.path.join(folder, path)  # noqa: PTH118 - texts
    is_executable = bool(os.stat(full).st_mode & 0o100)  # noqa: PTH116 - the same
    return KeptFile(path, *cache.keep_file(full), is_executable)


def _names(value: ValueRef, run_dir: str, root: str) -> bool:
    """Whether a value may hold a path of the checkout, which is of no use in another one."""
    name = os.fsencode(os.path.basename(root))  # noqa: PTH119 - texts
    return not name or any(name in piece for piece in _pieces(value, run_dir, len(name)))


def _pieces(value: ValueRef, run_dir: str, overlap: int) -> Iterator[bytes]:
    """Give the bytes of a value, those of its parts included, each piece with the end of the one before."""
    if value.inline is not None:
        yield value.inline
        if value.inline.startswith(PARTS):
            for part in parts_in(value.inline):
                yield from _pieces(part, run_dir, overlap)
        return
    with open(os.path.join(run_dir, value.file or ""), "rb", buffering=0) as stream:  # noqa: PTH118, PTH123 - texts
        first = stream.read(len(PARTS))
        if first == PARTS:
            for part in parts_in(first + stream.read()):
                yield from _pieces(part, run_dir, overlap)
            return
        last = first
        while piece := stream.read(_PIECE_BYTES):
            yield last + piece
            last = piece[-overlap:]
