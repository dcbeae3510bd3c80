"""The run index: SQLite over the journals of a state folder, for listings and durations of earlier runs.

    runs/*/events.jsonl ──(what changed since)──► index.sqlite ──► overviews, durations

It is never the truth. A run does not know of it; whoever lists brings it up to date, makes it anew
where it is missing, damaged or older, and does without it where it cannot be written.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from flowpar.core.errors import InternalError
from flowpar.record.history import run_ids
from flowpar.record.overview import Overview, TaskDuration, overview_of, seen_now
from flowpar.record.reading import JOURNAL
from flowpar.record.run_id import begun_order
from flowpar.record.usual import MOST_RUNS, Usual, compared_s, usual_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    Found = TypeVar("Found")

_VERSION = 3  # since durations are of what was made, and of all rounds of a repeat
_FILE = "index.sqlite"
_WAIT_S = 1.0
_TABLES = """
CREATE TABLE runs (id TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, workflow TEXT, overview TEXT);
CREATE TABLE durations (run TEXT, task TEXT, duration_s REAL, items INTEGER, item_s REAL, PRIMARY KEY (run, task));
CREATE INDEX runs_of_workflow ON runs (workflow, id);
"""


class RunIndex:
    """The index of one state folder; nothing that goes wrong with SQLite leaves it."""

    def __init__(self, state_dir: Path) -> None:
        """Open nothing yet."""
        self._state_dir = state_dir

    def overviews(self) -> list[Overview]:
        """Return all runs as they stand now, newest first."""
        kept = self._asked(_overviews)
        return [seen_now(overview, self._state_dir / "runs" / run) for run, overview in kept]

    def durations(self, workflow: str, *, most_bytes: int | None = None) -> dict[str, TaskDuration]:
        """Return how long each task of the workflow of that name took when it succeeded last.

        Of journals that the index does not know yet, the newest are read, up to `most_bytes` of them.
        """
        return self._asked(lambda database: _durations(database, workflow), most_bytes=most_bytes)

    def usual(self, workflow: str, before: str, *, most_bytes: int | None = None) -> dict[str, Usual]:
        """Return what each task of a workflow usually takes, by the runs that began before the one of that id."""
        return self._asked(lambda database: _usual(database, workflow, before), most_bytes=most_bytes)

    def _asked(self, ask: Callable[[sqlite3.Connection], Found], *, most_bytes: int | None = None) -> Found:
        """Bring the index up to date and ask it: the file, the file made anew, or none but memory."""
        for connect in (self._connected, self._connected_anew, _in_memory):
            try:
                with closing(connect()) as database:
                    _refresh(database, self._state_dir, most_bytes)
                    return ask(database)
            except (ValueError, TypeError):
                self._remove()  # rows that nobody here wrote
            except (sqlite3.Error, OSError):
                continue
        raise InternalError("SQLite cannot even work in memory")

    def _connected(self) -> sqlite3.Connection:
        path = self._state_dir / _FILE
        with suppress(FileNotFoundError):
            _refuse_strange(path)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            _furnish(database)
        except BaseException:
            database.close()
            raise
        return database

    def _connected_anew(self) -> sqlite3.Connection:
        if not _is_ruined(self._state_dir / _FILE):
            raise sqlite3.OperationalError("it is in use, or cannot be written")
        self._remove()
        return self._connected()

    def _remove(self) -> None:
        for name in (_FILE, f"{_FILE}-journal"):
            with suppress(OSError):
                (self._state_dir / name).unlink()


def _in_memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    _furnish(database)
    return database


def _refuse_strange(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{path} is not ours")


def _furnish(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise sqlite3.DataError("another version")
    # Nothing is lost with it, so it need not wait for the disk.
    database.execute("PRAGMA synchronous = OFF")
    if version == 0:
        database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT")


def _is_ruined(path: Path) -> bool:
    """Whether the file is no index of this version or an earlier one, and not just busy or newer."""
    try:
        _refuse_strange(path)
        with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=_WAIT_S)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except (sqlite3.OperationalError, PermissionError):
        return False
    except (sqlite3.DatabaseError, FileNotFoundError):
        return True
    return version < _VERSION or (version == _VERSION and (said != "ok" or not {"runs", "durations"} <= tables))


def _quoted(path: Path) -> str:
    return os.fspath(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _refresh(database: sqlite3.Connection, state_dir: Path, most_bytes: int | None) -> None:
    known = {run: (size, mtime) for run, size, mtime in database.execute("SELECT id, size, mtime_ns FROM runs")}
    present = run_ids(state_dir)
    stamps = {run: _stamp(state_dir / "runs" / run) for run in present}
    stale = [run for run in present if known.get(run) != stamps[run]]
    gone = known.keys() - stamps.keys()
    if most_bytes is not None:
        stale = list(_newest(stale, stamps, most_bytes))
    if not stale and not gone:
        return
    database.execute("BEGIN IMMEDIATE")
    for run in [*gone, *stale]:
        database.execute("DELETE FROM runs WHERE id = ?", (run,))
        database.execute("DELETE FROM durations WHERE run = ?", (run,))
    for run in stale:
        _insert(database, run, stamps[run], state_dir / "runs" / run)
    database.execute("COMMIT")


def _newest(runs: Sequence[str], stamps: Mapping[str, tuple[int, int]], most_bytes: int) -> Iterator[str]:
    """Give the newest runs, as long as all their journals are not larger than that."""
    for run in sorted(runs, key=begun_order, reverse=True):
        most_bytes -= stamps[run][0]
        if most_bytes < 0:
            return
        yield run


def _stamp(run_dir: Path) -> tuple[int, int]:
    try:
        found = (run_dir / JOURNAL).lstat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _insert(database: sqlite3.Connection, run: str, stamp: tuple[int, int], run_dir: Path) -> None:
    overview, durations = overview_of(run_dir)
    # As JSON, which escapes what SQLite takes for no text: names of files that are no UTF-8.
    row = (run, *stamp, json.dumps(overview.workflow), json.dumps(asdict(overview)))
    database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
    database.executemany(
        "INSERT INTO durations VALUES (?, ?, ?, ?, ?)",
        [
            (run, task, taken.duration_s, taken.items, taken.item_s)
            for task, taken in durations.items()
            if task.isascii()  # ids are; a forged journal may say otherwise
        ],
    )


def _overviews(database: sqlite3.Connection) -> list[tuple[str, Overview]]:
    rows = database.execute("SELECT id, overview FROM runs").fetchall()
    rows.sort(key=lambda row: begun_order(row[0]), reverse=True)
    # Commands take the name of the folder, which may be a copy's.
    return [(run, replace(Overview(**json.loads(overview)), run_id=run)) for run, overview in rows]


def _durations(database: sqlite3.Connection, workflow: str) -> dict[str, TaskDuration]:
    rows = database.execute(
        "SELECT task, duration_s, items, item_s FROM durations JOIN runs ON run = id WHERE workflow = ? ORDER BY id",
        (json.dumps(workflow),),
    )
    return {task: TaskDuration(duration_s, items, item_s) for task, duration_s, items, item_s in rows}


def _usual(database: sqlite3.Connection, workflow: str, before: str) -> dict[str, Usual]:
    runs = [run for (run,) in database.execute("SELECT id FROM runs WHERE workflow = ?", (json.dumps(workflow),))]
    earlier = sorted((run for run in runs if begun_order(run) < begun_order(before)), key=begun_order)[-MOST_RUNS:]
    taken: dict[str, list[TaskDuration]] = {}
    for run in earlier:
        rows = database.execute("SELECT task, duration_s, items, item_s FROM durations WHERE run = ?", (run,))
        for task, *took in rows:
            taken.setdefault(task, []).append(TaskDuration(*took))
    found = {
        task: usual_of([compared_s(one) for one in took], is_of_items=took[-1].item_s is not None)
        for task, took in taken.items()
    }
    return {task: usual for task, usual in found.items() if usual is not None}
