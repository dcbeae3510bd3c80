"""What a resumed run starts from: its journal read and folded, its values checked, its numbers continued.

events.jsonl ──read_settled──► Settled ──verify──► Verified: the same less what lost its value file
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.checksum import is_checksum_of
from flowpar.core.collector import collector_paused
from flowpar.core.states import TaskState
from flowpar.data.codec import Damaged
from flowpar.data.parts import PARTS, parts_in
from flowpar.record.folder import open_inside
from flowpar.record.folding import fold
from flowpar.record.reading import JOURNAL, JournalEnd, JournalReader
from flowpar.record.settled import Settled, SettledTask, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path
    from typing import BinaryIO

    from flowpar.core.outcome import ValueRef

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified:
    """What is settled and whole; `lost` says for each task and item why its value is not what was written."""

    settled: Settled
    lost: Mapping[tuple[str, int | None], str]


def read_settled(run_dir: Path, *, is_salvaged: bool = False, keeps_values: bool = True) -> tuple[Settled, JournalEnd]:
    """Read the journal of a run folder; raises `StateError` where it is damaged or does not begin."""
    reader = JournalReader(run_dir / JOURNAL, is_salvaged=is_salvaged)
    with collector_paused():
        settled = fold(reader, keeps_values=keeps_values)
    return settled, reader.end or JournalEnd(0, 0)


def verify(settled: Settled, run_dir: Path) -> Verified:
    """Take the checksum of each value file; what is not as it was written counts as not done."""
    lost: dict[tuple[str, int | None], str] = {}
    tasks = {name: _verified_task(name, task, run_dir, lost) for name, task in settled.tasks.items()}
    return Verified(replace(settled, tasks=tasks), lost)


def first_free_number(run_dir: Path) -> int:
    """Return a number for jobs above those that left a log or a value in the run folder, recorded or not."""
    taken = [0]
    for folder in ("logs", "values"):
        try:
            names = os.listdir(run_dir / folder)  # noqa: PTH208 - names of thousands of files
        except FileNotFoundError:
            continue
        heads = (name.partition("-")[0].partition(".")[0] for name in names)
        taken += [int(head) for head in heads if head.isascii() and head.isdigit()]
    return max(taken) + 1


def _verified_task(name: str, task: SettledTask, run_dir: Path, lost: dict[tuple[str, int | None], str]) -> SettledTask:
    value = task.standing.value
    if not task.items and task.standing.previous is None and (value is None or _is_complete(value)):
        return task
    standing, problem = _verified(_with_sound_round(task.standing, run_dir), run_dir)
    if problem:
        lost[name, None] = problem
    items = dict(task.items)
    for item, checked, why in _verified_items(task.items, run_dir):
        items[item] = checked
        if why:
            lost[name, item] = why
            standing = replace(standing, state=None)  # a fan-out is not done before all of its items are
    return SettledTask(standing, task.item_count, items)


def _is_complete(value: ValueRef) -> bool:
    """Whether a value is in the journal as a whole, and so as whole as this."""
    return value.file is None and value.inline is not None and not value.inline.startswith(PARTS)


def _verified_items(items: Mapping[int, Standing], run_dir: Path) -> Iterator[tuple[int, Standing, str]]:
    for item, standing in items.items():
        value = standing.value
        if value is not None and not _is_complete(value):
            yield item, *_verified(standing, run_dir)
        elif standing.previous is not None:
            yield item, _with_sound_round(standing, run_dir), ""


def _verified(standing: Standing, run_dir: Path) -> tuple[Standing, str]:
    """Return a standing, its value with the stamp of the file as it is now; or without it, and why."""
    value = standing.value
    if value is None:
        return standing, ""
    if value.file is None:
        problem = _lost_part(io.BytesIO(value.inline or b""), run_dir)
        return (_without_value(standing), f"a part of its value is lost: {problem}") if problem else (standing, "")
    try:
        number = open_inside(run_dir, value.file)
    except OSError as error:
        return _without_value(standing), f'its value "{value.file}" cannot be read: {(error.strerror or "").lower()}'
    with os.fdopen(number, "rb", buffering=0) as stream:
        status = os.fstat(number)
        if status.st_size != value.size_bytes or not is_checksum_of(_pieces(stream), value.checksum):
            return _without_value(standing), f'its value "{value.file}" is not what was written'
        stamp = f"{status.st_ino}:{status.st_mtime_ns}"
        problem = _lost_part(stream, run_dir)
    if problem:
        return _without_value(standing), f'a part of its value "{value.file}" is lost: {problem}'
    return replace(standing, value=replace(value, stamp=stamp)), ""


def _with_sound_round(standing: Standing, run_dir: Path) -> Standing:
    """Return a standing whose last round is as it was written, or one that begins with the first round again."""
    previous = standing.previous
    if previous is None or previous.file is None:
        return standing
    checked, problem = _verified(replace(standing, value=previous), run_dir)
    if problem:
        return replace(standing, rounds_done=0, previous=None)
    return replace(standing, previous=checked.value)


def _lost_part(stream: BinaryIO, run_dir: Path) -> str:
    """Return what is wrong with the files of what a function yielded, nothing where it is anything else."""
    stream.seek(0)
    if stream.read(4) != PARTS:
        return ""
    stream.seek(0)
    try:
        parts = parts_in(stream.read())
    except Damaged as error:
        return str(error)
    standings = (Standing(TaskState.SUCCEEDED, value=part) for part in parts if part.file is not None)
    return next((problem for standing in standings if (problem := _verified(standing, run_dir)[1])), "")


def _without_value(standing: Standing) -> Standing:
    return replace(standing, state=None, value=None)


def _pieces(stream: FileIO) -> Iterator[bytes]:
    return iter(partial(stream.read, _PIECE_BYTES), b"")
