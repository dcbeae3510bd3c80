"""The files that an attempt declares to read, or that its arguments name: which they are, and what is in them.

    Declared(globs) ─► read ─► FilesRead(digests, stamps, unmatched)

To read them may take a while, so whoever asks for a key does it, where and when it suits him.
"""

from __future__ import annotations

import glob
import os
import stat
from typing import TYPE_CHECKING, Protocol

from flowpar.core.frozen import dataclass, field
from flowpar.data.matched import matched
from flowpar.data.stamp import stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A few small files are read in the time that it takes to let somebody else do so.
_FEW = 8
_SMALL_BYTES = 32 * 1024


class FileDigests(Protocol):
    """Where the digest of a file is had, without reading again what has not changed."""

    def digest(self, path: str) -> str:
        """Return the digest of what a file holds; raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class FilesRead:
    """What files hold, by their paths below the folder, with the stamps that they had before they were read.

    `patterns` are the globs that match them all, and `unmatched` those that were declared and match nothing.
    """

    patterns: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """Globs as seen from a folder: those that `cache.files` declares, and paths that arguments name."""

    folder: str
    patterns: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def is_small(self) -> bool:
        """Whether to read them takes no time worth speaking of."""
        paths = (*self.patterns, *self.named)
        is_told = len(paths) <= _FEW and not any(map(glob.has_magic, self.patterns))
        return is_told and all(_is_small(os.path.join(self.folder, path)) for path in paths)  # noqa: PTH118 - texts

    def read(self, files: FileDigests) -> FilesRead:
        """Return what they hold; raises OSError."""
        if not self.patterns and not self.named:
            return FilesRead()
        declared = matched(self.patterns, self.folder)
        named = matched(map(glob.escape, self.named), self.folder).files
        paths = {path: os.path.join(self.folder, path) for path in (*declared.files, *named)}  # noqa: PTH118 - texts
        stamps = {path: stamp_of(full) for path, full in paths.items()}  # before, so that a change meanwhile is seen
        digests = {path: files.digest(full) for path, full in paths.items()}
        return FilesRead((*self.patterns, *map(glob.escape, named)), digests, stamps, declared.unmatched)


def paths_named(values: Iterable[object], *, home: str) -> tuple[str, ...]:
    """Return the paths that values name; relative ones start from `home`. Addresses are none."""
    texts = (text for value in values for text in _paths_in(value))
    return tuple(os.path.join(home, text) for text in texts if text and "://" not in text)  # noqa: PTH118 - texts


def _paths_in(value: object) -> list[str]:
    """Return the paths in the value of an argument: of a mapping its keys, but for what is mounted for writing."""
    if isinstance(value, dict):
        value = [path for path, place in value.items() if not str(place).endswith(":rw")]
    many = value if isinstance(value, list | tuple) else [value]
    return [os.fspath(each) for each in many if isinstance(each, str | os.PathLike)]


def _is_small(path: str) -> bool:
    """Whether there is a small file, or none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a text
    except OSError:
        return True
    return status.st_size < _SMALL_BYTES and not stat.S_ISDIR(status.st_mode)
