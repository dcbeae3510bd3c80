"""The worker's part of the cache: what an attempt came to is kept as soon as it is known, before anybody is told.

value, files that it wrote ─► entry of the cache      no, because … ─► a warning, and the attempt counts all the same
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from time import time
from typing import TYPE_CHECKING

from flowpar.core.frozen import replace
from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import BadEntry, Entry, KeptFile
from flowpar.data.codec import Damaged
from flowpar.data.matched import matched
from flowpar.data.parts import has_files
from flowpar.execute.checkout import file_names_folder, names_folder, roots_of
from flowpar.execute.meanwhile import changed_meanwhile, unwritten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import Success
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Shared

UNKEPT = "not kept in the cache: "
"""What a warning begins with that says why an attempt was not kept."""
_LARGEST_SEARCHED_BYTES = 1 << 20


def keep(
    keeping: Keeping, success: Success, job: Job, shared: Shared, *, seconds: float, before: Mapping[str, str]
) -> tuple[str, ...]:
    """Keep what an attempt came to; return a warning where it can't be kept. `before` are its outputs as they were."""
    task = job.task if job.item is None else f"{job.task}[{job.item}]"
    entry = Entry(
        key=keeping.key,
        made_at=time(),
        made_by=(shared.run_id, task),
        seconds=seconds,
        parts=keeping.parts,
        value=success.value,
        is_last=success.is_last,
    )
    try:
        problem = changed_meanwhile(keeping, shared) or _keep(entry, keeping, shared, before)
    except OSError as error:
        reason, file = (error.strerror or str(error)).lower(), str(error.filename or "")
        where = keeping.cache_dir if not file or file.startswith(keeping.cache_dir) else file
        problem = f'{reason} ("{where}")'
    except (BadEntry, Damaged, ValueError) as error:
        problem = str(error)
    return (f"{UNKEPT}{problem}",) if problem else ()


def _keep(entry: Entry, keeping: Keeping, shared: Shared, before: Mapping[str, str]) -> str:
    """Keep an entry along with the files that are its outputs, and return ""; or why it can't be kept."""
    value, run_dir, roots = entry.value, shared.run_dir, roots_of(keeping)
    is_small = value.size_bytes < _LARGEST_SEARCHED_BYTES
    if is_small and shared.run_id and names_folder(value, run_dir, shared.run_id):
        return "its value names the run that made it"
    is_local = any(names_folder(value, run_dir, root) for root in roots)
    cache = CacheFolder(keeping.cache_dir, is_synced=shared.syncs_values)
    with cache.keeping() if keeping.outputs or has_files(value) else nullcontext():
        files, problem = _files(cache, keeping, before)
        if problem:
            return problem
        kept = [_full(keeping, each.path) for each in files]
        is_local = is_local or any(file_names_folder(path, root) for path in kept for root in roots)
        cache.keep(replace(entry, files=files), run_dir, place=keeping.place if is_local else "")
    return ""


def _files(cache: CacheFolder, keeping: Keeping, before: Mapping[str, str]) -> tuple[tuple[KeptFile, ...], str]:
    """Keep the files that are declared as outputs; or say which of them are not there."""
    if not keeping.outputs:
        return (), ""
    found = matched(keeping.outputs, keeping.folder, stays_inside=True)
    if found.links:
        return (), f'"{found.links[0]}", which is among its outputs, is a link or behind one'
    if found.unmatched:
        return (), f'no file in the folder of the workflow matches "{found.unmatched[0]}" of its outputs'
    stale = unwritten(keeping, found.files, before)
    if stale:
        return (), f'"{stale}", which is among its outputs, was there before, and it did not write to it'
    return tuple(_kept(cache, path, _full(keeping, path)) for path in found.files), ""


def _full(keeping: Keeping, path: str) -> str:
    return os.path.join(keeping.folder, path)  # noqa: PTH118 - texts


def _kept(cache: CacheFolder, path: str, full: str) -> KeptFile:
    is_executable = bool(os.stat(full).st_mode & 0o100)  # noqa: PTH116 - the same
    return KeptFile(path, *cache.keep_file(full), is_executable)
