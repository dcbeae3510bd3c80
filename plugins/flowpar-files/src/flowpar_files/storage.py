"""Where files are: the file system behind an address, and what a file is in a task's output.

books/*.txt        a path of this machine, relative to the folder of the task
s3://books/*.txt   any protocol of fsspec whose package is installed
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowpar.plugin import Finding
from fsspec import available_protocols, get_filesystem_class
from fsspec.core import split_protocol, url_to_fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MODIFIED = ("mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file: its address, its name without folders, its size, and when it changed (ISO 8601, UTC), if that is told."""

    url: str
    name: str
    size_bytes: int
    modified: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """An address taken apart: a file system of fsspec, and a path or pattern there."""

    system: Any
    path: str
    protocol: str | None

    def url(self, path: str) -> str:
        """Return the address of a path of this file system."""
        if self.protocol is None:
            return path
        return f"{self.protocol}://{path.lstrip('/')}" if self.protocol != "file" else f"file://{path}"

    def found(self, path: str, info: Mapping[str, Any]) -> FoundFile:
        """Return what the file system tells of a file."""
        return FoundFile(self.url(path), path.rpartition("/")[2], int(info.get("size") or 0), _modified(info))

    def files(self) -> list[FoundFile]:
        """Return the files that the pattern matches, or the one of the path, by address; without folders."""
        self.system.invalidate_cache()
        if has_pattern(self.path):
            listed = self.system.glob(self.path, detail=True)
        else:
            listed = {self.path: self.system.info(self.path)} if self.system.exists(self.path) else {}
        files = (self.found(path, info) for path, info in listed.items() if info.get("type") != "directory")
        return sorted(files, key=lambda file: file.url)


def place(url: str, storage: Mapping[str, Any] | None, credentials: Mapping[str, str] | None) -> Place:
    """Return where an address leads; raises ValueError for an unknown protocol, ImportError for a missing package."""
    protocol, path = split_protocol(url)
    system, path = url_to_fs(url, **{**(storage or {}), **(credentials or {})})
    return Place(system, path, protocol)


def has_pattern(path: str) -> bool:
    """Whether a path stands for any number of files."""
    return any(sign in path for sign in "*?[")


def check_urls(argument: str, value: object) -> Iterator[Finding]:
    """Find addresses that no installed package of fsspec can open."""
    for url in _texts(value):
        protocol = split_protocol(url)[0]
        if protocol is None:
            continue
        try:
            get_filesystem_class(protocol)
        except ValueError:
            known = ", ".join(
                name for name in ("s3", "gs", "az", "http", "sftp", "memory") if name in available_protocols()
            )
            yield Finding(f'"{protocol}://" is no protocol of fsspec', argument=argument, hint=f"some are {known}")
        except ImportError as error:
            yield Finding(f'"{protocol}://" can\'t be opened: {error}', argument=argument)


def _texts(value: object) -> Iterable[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]


def _modified(info: Mapping[str, Any]) -> str | None:
    when = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(when, int | float):
        when = datetime.fromtimestamp(when, UTC)
    return when.astimezone(UTC).isoformat() if isinstance(when, datetime) else None
