"""What audit events of Python tell of an attempt: files, names, folders, sockets and processes, each by a handler.

sys.addaudithook ─► HANDLERS[event](seen, …) ─► Seen.found {kind: names}

read, written   files, by where they are; a file that gets another name is written under that
removed         what was there before and is not any more, under its name
links, listed   names that lead elsewhere, and folders that are looked into
sockets, processes
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST = 1000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CODE = (".py", ".pyc", ".pyo", ".so", ".pyd", ".pth", ".dist-info", ".egg-link")


@dataclass(slots=True)
class Seen:
    """What was seen of one attempt; `folders` are the project's own, `ignored` those that are nobody's input.

    What is `written` has that name at the end, or had it; `removed` is what was there before and was not written.
    """

    folders: tuple[str, ...]
    ignored: tuple[str, ...]
    found: dict[str, dict[str, None]] = field(default_factory=dict)

    def note(self, kind: str, name: str) -> None:
        """Keep a name, once."""
        names = self.found.setdefault(kind, {})
        if len(names) < _MOST:
            names[name] = None

    def has_made(self, name: str) -> bool:
        """Whether it has written a file, or a folder in which that is."""
        written = self.found.get("written", {})
        return name in written or any(os.fspath(folder) in written for folder in PurePath(name).parents)

    def is_its_own(self, name: str) -> bool:
        """Whether it has made a file, or what it knows of in a folder."""
        below = f"{name}/"
        return self.has_made(name) or any(path.startswith(below) for path in self.found.get("written", {}))

    def is_of_project(self, file: str) -> bool:
        """Whether a file is the project's own code: below its folders, and not installed there."""
        inside = file.startswith(("<", *self.folders)) and not file.startswith("<frozen")
        return inside and "site-packages" not in file


def _opened(seen: Seen, path: object, _: object, flags: object) -> None:
    name = _path(path)
    if name is None or name.startswith(seen.ignored):
        return
    is_written = isinstance(flags, int) and bool(flags & _WRITES)
    if name.endswith(_CODE) and not is_written:
        return
    if is_written:
        seen.note("written", name)
    elif not seen.has_made(name):
        seen.note("read", name)


def _renamed(seen: Seen, source: object, target: object, *folders: object) -> None:
    """Note that what was written under one name has another now; of what was there before, that it is gone."""
    before, after = _place(source, *folders[:1]), _place(target, *folders[1:])
    if before is None or after is None:
        return
    if not seen.is_its_own(before) and not before.startswith(seen.ignored):
        seen.note("removed", before)
    _written(seen, after)


def _linked(seen: Seen, source: object, target: object, *folders: object) -> None:
    _opened(seen, source, None, os.O_RDONLY)
    _written(seen, _place(target, *folders[1:]))


def _made_link(seen: Seen, _: object, target: object, *folders: object) -> None:
    name = _place(target, *folders)
    if name is not None and not name.startswith(seen.ignored):
        seen.note("links", name)


def _removed(seen: Seen, path: object, *folders: object) -> None:
    name = _place(path, *folders)
    if name is not None and os.path.lexists(name) and not (seen.is_its_own(name) or name.startswith(seen.ignored)):
        seen.note("removed", name)


def _cut(seen: Seen, path: object, *_: object) -> None:
    _opened(seen, path, None, os.O_WRONLY)


def _looked_into(seen: Seen, path: object) -> None:
    name = _path("." if path is None else path)
    if name is not None and not f"{name}/".startswith(seen.ignored):
        seen.note("listed", name)


def _written(seen: Seen, name: str | None) -> None:
    if name is not None and not name.startswith(seen.ignored):
        seen.note("written", name)


def _path(path: object) -> str | None:
    """Return the file that a path leads to; None for a descriptor."""
    if isinstance(path, bytes | os.PathLike):
        path = os.fsdecode(path)
    return os.path.realpath(path) if isinstance(path, str) else None


def _place(path: object, folder: object = -1) -> str | None:
    """Return where a name itself is, whatever it leads to; None where that is below an open folder."""
    if isinstance(path, bytes | os.PathLike):
        path = os.fsdecode(path)
    if not isinstance(path, str) or folder not in {-1, None}:
        return None
    home, name = os.path.split(path.rstrip("/"))
    return os.path.join(os.path.realpath(home), name)  # noqa: PTH118 - texts


def _connected(seen: Seen, _: object, address: object) -> None:
    if isinstance(address, tuple) and len(address) > 1:
        seen.note("sockets", f"{address[0]}:{address[1]}")
    elif isinstance(address, str | bytes):
        seen.note("sockets", os.fsdecode(address))


def _database(seen: Seen, database: object, *_: object) -> None:
    if database not in {":memory:", b":memory:", ""}:
        _opened(seen, database, None, os.O_RDWR)


def _started(seen: Seen, program: object, *arguments: object) -> None:
    if program is None and arguments:
        program = arguments[0]
    if isinstance(program, list | tuple):
        program = program[0] if program else ""
    text = os.fsdecode(program) if isinstance(program, str | bytes | os.PathLike) else str(program)
    seen.note("processes", text.split()[0] if text.split() else text)


HANDLERS: Mapping[str, Callable[..., None]] = {
    "open": _opened,
    "os.rename": _renamed,
    "os.link": _linked,
    "os.symlink": _made_link,
    "os.remove": _removed,
    "shutil.rmtree": _removed,
    "os.truncate": _cut,
    "os.listdir": _looked_into,
    "os.scandir": _looked_into,
    "sqlite3.connect": _database,
    "socket.connect": _connected,
    "subprocess.Popen": _started,
    "os.system": _started,
    "os.posix_spawn": _started,
    "os.exec": _started,
}
