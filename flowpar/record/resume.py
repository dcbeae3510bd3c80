"""What a resumed run starts from: its journal read and folded, its values checked, its numbers continued.

events.jsonl ──read_settled──► Settled ──verify──► Verified: the same less what lost its value file
"""

from __future__ import annotations

import io
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.checksum import is_checksum_of
from flowpar.core.collector import collector_paused
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.states import TaskState
from flowpar.data.codec import Damaged
from flowpar.data.parts import PARTS, parts_in
from flowpar.record.folder import open_inside
from flowpar.record.folding import fold
from flowpar.record.reading import JOURNAL, JournalEnd, JournalReader
from flowpar.record.settled import Settled, SettledTask, Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from io import FileIO
    from pathlib import Path
    from typing import BinaryIO

    from flowpar.core.outcome import ValueRef

    Place = tuple[str, int | None]

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified:
    """What is settled and whole; `lost` says for each task and item why its value is not what was written.

    `absent` says the same of values whose files are not there: they were released when all that read them were done,
    or somebody removed them. Those count as they were, as long as nobody is to read them.
    """

    settled: Settled
    lost: Mapping[Place, str]
    absent: Mapping[Place, str] = field(default_factory=dict)

    def without(self, tasks: Collection[str]) -> Verified:
        """Return the same with the values that are absent of some tasks lost."""
        lost = {place: reason for place, reason in self.absent.items() if place[0] in tasks}
        settled = dict(self.settled.tasks)
        for name, item in lost:
            settled[name] = _without_values(settled[name], item)
        absent = {place: reason for place, reason in self.absent.items() if place not in lost}
        return Verified(replace(self.settled, tasks=settled), {**self.lost, **lost}, absent)


def read_settled(run_dir: Path, *, is_salvaged: bool = False, keeps_values: bool = True) -> tuple[Settled, JournalEnd]:
    """Read the journal of a run folder; raises `StateError` where it is damaged or does not begin."""
    reader = JournalReader(run_dir / JOURNAL, is_salvaged=is_salvaged)
    with collector_paused():
        settled = fold(reader, keeps_values=keeps_values)
    return settled, reader.end or JournalEnd(0, 0)


def verify(settled: Settled, run_dir: Path) -> Verified:
    """Take the checksum of each value file; what is not as it was written counts as not done."""
    lost: dict[Place, str] = {}
    absent: dict[Place, str] = {}
    tasks = {name: _verified_task(name, task, run_dir, (lost, absent)) for name, task in settled.tasks.items()}
    return Verified(replace(settled, tasks=tasks), lost, absent)


def first_free_number(run_dir: Path, settled: Settled | None = None) -> int:
    """Return a number for jobs above those that left a log or a value in the run folder, recorded or not.

    Those whose value is recorded and not there any more count, too: another one of its name would pass for it.
    """
    taken = [0, *(_number_of(name) for name in _recorded_files(settled))]
    for folder in ("logs", "values"):
        try:
            names = os.listdir(run_dir / folder)  # noqa: PTH208 - names of thousands of files
        except FileNotFoundError:
            continue
        taken += map(_number_of, names)
    return max(taken) + 1


def _recorded_files(settled: Settled | None) -> Iterator[str]:
    for task in () if settled is None else settled.tasks.values():
        for standing in (task.standing, *task.items.values()):
            value = standing.value
            if value is None or _is_complete(value):
                continue
            if value.file is not None:
                yield value.file.rpartition("/")[2]
            elif value.inline is not None:
                with suppress(Damaged):
                    yield from ((part.file or "").rpartition("/")[2] for part in parts_in(value.inline))


def _number_of(name: str) -> int:
    """Return the number of the job that made a file, 0 where it is named otherwise."""
    head = name.partition("-")[0].partition(".")[0]
    return int(head) if head.isascii() and head.isdigit() else 0


def _verified_task(
    name: str, task: SettledTask, run_dir: Path, problems: tuple[dict[Place, str], dict[Place, str]]
) -> SettledTask:
    lost, absent = problems
    value = task.standing.value
    if not task.items and task.standing.previous is None and (value is None or _is_complete(value)):
        return task
    standing, problem = _verified(_with_sound_round(task.standing, run_dir), run_dir)
    if problem and standing.value is not None:
        absent[name, None] = problem
    elif problem:
        lost[name, None] = problem
    items = dict(task.items)
    for item, checked, why in _verified_items(task.items, run_dir):
        items[item] = checked
        if why and checked.value is not None:
            absent[name, item] = why
        elif why:
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
    """Return a standing, its value with the stamp of the file as it is now; or without it, and why.

    Where its file is not there, or that of a part, it keeps its value, and what is said is why that is absent.
    """
    value = standing.value
    if value is None:
        return standing, ""
    if value.file is None:
        return _with_sound_parts(standing, io.BytesIO(value.inline or b""), run_dir, "a part of its value")
    try:
        number = open_inside(run_dir, value.file)
    except FileNotFoundError:
        return standing, f'its value "{value.file}" is needed again and not kept any more'
    except OSError as error:
        return _without_value(standing), f'its value "{value.file}" cannot be read: {(error.strerror or "").lower()}'
    with os.fdopen(number, "rb", buffering=0) as stream:
        status = os.fstat(number)
        if status.st_size != value.size_bytes or not is_checksum_of(_pieces(stream), value.checksum):
            return _without_value(standing), f'its value "{value.file}" is not what was written'
        stamped = replace(standing, value=replace(value, stamp=f"{status.st_ino}:{status.st_mtime_ns}"))
        return _with_sound_parts(stamped, stream, run_dir, f'a part of its value "{value.file}"')


def _with_sound_round(standing: Standing, run_dir: Path) -> Standing:
    """Return a standing whose last round is as it was written, or one that begins with the first round again."""
    previous = standing.previous
    if previous is None or previous.file is None:
        return standing
    checked, problem = _verified(replace(standing, value=previous), run_dir)
    if problem:
        return replace(standing, rounds_done=0, previous=None)
    return replace(standing, previous=checked.value)


def _with_sound_parts(standing: Standing, stream: BinaryIO, run_dir: Path, part: str) -> tuple[Standing, str]:
    """Look at the files of what a function yielded, if that is what a value is."""
    stream.seek(0)
    if stream.read(4) != PARTS:
        return standing, ""
    stream.seek(0)
    try:
        parts = parts_in(stream.read())
    except Damaged as error:
        return _without_value(standing), f"{part} is lost: {error}"
    absent = ""
    for each in parts:
        checked, problem = _verified(Standing(TaskState.SUCCEEDED, value=each), run_dir) if each.file else (None, "")
        if problem and checked is not None and checked.value is None:
            return _without_value(standing), f"{part} is lost: {problem}"
        absent = absent or problem
    return standing, absent


def _without_values(task: SettledTask, item: int | None) -> SettledTask:
    if item is None:
        return replace(task, standing=_without_value(task.standing))
    items = {**task.items, item: _without_value(task.items[item])}
    # A fan-out is not done before all of its items are.
    return replace(task, standing=replace(task.standing, state=None), items=items)


def _without_value(standing: Standing) -> Standing:
    return replace(standing, state=None, value=None)


def _pieces(stream: FileIO) -> Iterator[bytes]:
    return iter(partial(stream.read, _PIECE_BYTES), b"")
