"""From a path to text: only regular UTF-8 files of a bounded size are read, and nothing blocks."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic
from flowpar.core.source import NOWHERE, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILE_BYTES = 64 * 1024 * 1024
_LARGEST_SHOWN_BYTES = 4 * 1024 * 1024
# O_NONBLOCK: opening a FIFO for reading would otherwise wait for a writer, perhaps for ever. O_BINARY is of Windows.
_READING = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))

# Compiled where it is asked of first: 9 ms, and it is asked of no text of plain ASCII that can be printed.
_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")
# The marks of UTF-32 begin like those of UTF-16, so they come first.
_FOREIGN_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_source(path: str | Path) -> Source | Diagnostic:
    """Return the text at `path`, or the finding that says why it can't be read."""
    name = os.fspath(path)
    try:
        content = _read_bytes(name)
    except ValueError:  # a NUL in the path itself
        return _unreadable(name.replace("\0", "\\0"), "this is no path: it holds a NUL character")
    except OSError as error:
        reason = error.strerror or str(error)
        return _unreadable(name, f"the file can't be read: {reason[:1].lower()}{reason[1:]}")
    if isinstance(content, str):
        return _unreadable(name, content)
    return decode(content, name)


def decode(content: bytes, path: str) -> Source | Diagnostic:
    """Return UTF-8 bytes as a source without its byte order mark, or the finding that refuses them."""
    encoding = next((name for mark, name in _FOREIGN_MARKS.items() if content.startswith(mark)), None)
    if encoding is not None:
        return _not_text(path, f"the file is {encoding}, and must be UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        message = f"the file is not UTF-8: byte 0x{content[error.start]:02x} can't be read"
        return _not_text(path, message, text=before, offset=len(before))
    text = text.removeprefix("\ufeff")
    found = None if _PLAIN.fullmatch(text) else re.search(_FORBIDDEN, text)
    if found:
        code = ord(found.group())
        name = "a NUL character" if code == 0 else f"the control character U+{code:04X}"
        hint = "save it as UTF-8" if code == 0 else f'write it in double quotes as "\\u{code:04x}"'
        return _not_text(path, f"the file holds {name}", text=text, offset=found.start(), hint=hint)
    return Source(path, text)


def label_sources(diagnostics: Iterable[Diagnostic]) -> dict[str, Source]:
    """Read the Python files that findings point into, for their excerpts."""
    found: dict[str, Source] = {}
    for file in {label.file for diagnostic in diagnostics for label in diagnostic.labels}:
        try:
            if Path(file).stat().st_size <= _LARGEST_SHOWN_BYTES:
                found[file] = Source(file, Path(file).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return found


def _read_bytes(name: str) -> bytes | str:
    """Return the content, or in words why it is not read."""
    descriptor = os.open(name, _READING)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        return f"{_kind_of_file(mode)}, not a file of text"
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor, not a path
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB, the most that is read"
    return content


def _kind_of_file(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "this is a folder"
    if stat.S_ISFIFO(mode):
        return "this is a FIFO (a pipe)"
    return "this is a socket" if stat.S_ISSOCK(mode) else "this is a device"


def _unreadable(path: str, message: str) -> Diagnostic:
    from flowpar.lang.beside import file_meant  # late: only a path with no text at it needs one

    return Diagnostic("FP101", message, path, NOWHERE, hint=file_meant(path))


def _not_text(
    path: str, message: str, *, text: str = "", offset: int = 0, hint: str = "save it as UTF-8"
) -> Diagnostic:
    from flowpar.lang.node import Lines  # late: what is text needs no place

    place = Lines(Source(path, text)).span(offset, offset)
    return Diagnostic("FP102", message, path, place, hint=hint)
