"""Values of a run as a report shows them: shortened, and without running code of their classes.

ValueRef ──Previews.of──► Preview     a value file is read as far as it is small, and is what was written
"""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowpar.core.checksum import is_checksum_of
from flowpar.data.codec import Damaged
from flowpar.data.outline import outline
from flowpar.data.parts import count_parts, parts_in
from flowpar.record.folder import open_inside
from flowpar.record.written import cell, is_flat, written
from flowpar.report.preview import Missing, Picture, Pictures, Preview, Table, Text
from flowpar.report.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    from flowpar.core.outcome import ValueRef

_LARGEST_BYTES = 8 << 20
_LARGEST_PICTURE_BYTES = 512 << 10
_MOST_PICTURES = 12
_MOST_ROWS = 50
_MOST_COLUMNS = 12
_MOST_PARTS = 50
_LONGEST_TEXT = 4000
_MAGIC: Mapping[bytes, Literal["image/png", "image/jpeg"]] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}


class Previews:
    """Looks at the values of one run; what is read of files, and pictures, stay within bounds of bytes."""

    def __init__(self, run_dir: Path, *, picture_bytes: int = 2 << 20, read_bytes: int = 64 << 20) -> None:
        """Read nothing yet."""
        self._run_dir = run_dir
        self._left = picture_bytes
        self._left_to_read = read_bytes

    def of(self, ref: ValueRef) -> Preview:
        """Return what is shown of a value, or why there is nothing to show; never raises."""
        try:
            value = self._value(ref)
        except Damaged as error:
            return Missing(str(error))
        except OSError as error:
            return Missing(f"its file is not there any more ({(error.strerror or str(error)).lower()})")
        return self.of_value(value)

    def of_items(self, refs: Mapping[Any, ValueRef]) -> Preview:
        """Return what is shown of the values of a fan-out's items, by their numbers."""
        first = list(refs.items())[:_MOST_ROWS]
        try:
            values = {item: self._value(ref) for item, ref in first}
        except (Damaged, OSError):
            return Missing("not all values of its items can be read")
        found = self._pictures(values) or preview_of(_rows(values))
        more = _more(len(refs), "item", "items")
        return replace(found, note="; ".join(filter(None, (found.note, more)))) if more else found

    def of_value(self, value: object) -> Preview:
        """Return what is shown of a plain value, or an outline."""
        found = self._pictures(value)
        return found if found is not None else preview_of(value)

    def _value(self, ref: ValueRef) -> object:
        data = self._data(ref)
        if count_parts(data) is None:
            return outline(data)
        parts = parts_in(data)
        shown = [self._value(part) for part in parts[:_MOST_PARTS]]
        return shown if len(parts) <= _MOST_PARTS else [*shown, ...]

    def _data(self, ref: ValueRef) -> bytes:
        if ref.inline is not None:
            return ref.inline
        if ref.size_bytes > _LARGEST_BYTES:
            raise Damaged(f"it is too large to be shown here ({size(ref.size_bytes)}, in {ref.file})")
        if ref.size_bytes > self._left_to_read:
            raise Damaged(f"the values before it are large enough ({size(ref.size_bytes)}, in {ref.file})")
        self._left_to_read -= ref.size_bytes
        with os.fdopen(open_inside(self._run_dir, ref.file or ""), "rb") as stream:
            data = stream.read(ref.size_bytes + 1)
        if len(data) != ref.size_bytes or not is_checksum_of([data], ref.checksum):
            raise Damaged(f'its file "{ref.file}" was changed: it is not what was written')
        return data

    def _pictures(self, value: object) -> Pictures | None:
        named = _named_pictures(value)
        if not named:
            return None
        pictures = []
        for caption, media, data in named[:_MOST_PICTURES]:
            if len(data) <= min(_LARGEST_PICTURE_BYTES, self._left):
                self._left -= len(data)
                pictures.append(Picture(caption, media, b64encode(data).decode("ascii")))
        left_out = len(named) - len(pictures)
        note = f"{counted(left_out, 'picture')} more, too many or too large to be shown" if left_out else ""
        return Pictures(tuple(pictures), note)


def preview_of(value: object) -> Text | Table:
    """Return what is shown of a value that is no picture."""
    if isinstance(value, str):
        is_long = len(value) > _LONGEST_TEXT
        note = f"cut after {_LONGEST_TEXT} of {len(value)} characters" if is_long else ""
        return Text(value[:_LONGEST_TEXT], "text", note)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Text(cell(value), "number")
    if isinstance(value, dict) and value and all(map(is_flat, value.values())):
        rows = tuple((cell(key), cell(entry)) for key, entry in list(value.items())[:_MOST_ROWS])
        return Table(("key", "value"), rows, frozenset(), _more(len(value), "entry", "entries"))
    if isinstance(value, list) and _is_table(value):
        return _table(value)
    text, is_cut = written(value)
    return Text(text, "code", "shortened" if is_cut else "")


def _table(rows: Sequence[Mapping[object, object]]) -> Table:
    shown = rows[:_MOST_ROWS]
    columns = list(dict.fromkeys(key for row in shown for key in row))
    notes = [_more(len(rows), "row", "rows")]
    if len(columns) > _MOST_COLUMNS:
        notes.append(f"the first {_MOST_COLUMNS} of {len(columns)} columns are shown")
        columns = columns[:_MOST_COLUMNS]
    cells = tuple(tuple(cell(row.get(column), is_blank=column not in row) for column in columns) for row in shown)
    numeric = frozenset(
        place for place, column in enumerate(columns) if all(_is_number(row.get(column)) for row in shown)
    )
    return Table(tuple(map(cell, columns)), cells, numeric, "; ".join(filter(None, notes)))


def _rows(values: Mapping[Any, object]) -> object:
    """Return values of items as rows of a table, where they go into one."""
    if all(map(is_flat, values.values())):
        return [{"item": item, "value": value} for item, value in values.items()]
    if _is_table(list(values.values())) and not any("item" in row for row in values.values() if isinstance(row, dict)):
        return [{"item": item, **row} for item, row in values.items() if isinstance(row, dict)]
    return dict(values)


def _more(count: int, noun: str, nouns: str) -> str:
    return f"the first {_MOST_ROWS} of {count} {nouns if count != 1 else noun} are shown" if count > _MOST_ROWS else ""


def _is_table(value: Sequence[object]) -> bool:
    return bool(value) and all(isinstance(row, dict) and row and all(map(is_flat, row.values())) for row in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named_pictures(value: object) -> list[tuple[str, Literal["image/png", "image/jpeg"], bytes]]:
    """Return pictures with what is written below each, where a value is one, or holds nothing else."""
    if isinstance(value, dict):
        entries = [(cell(key), each) for key, each in value.items()]
    elif isinstance(value, list | tuple):
        entries = [(str(place), each) for place, each in enumerate(value)]
    else:
        entries = [("", value)]
    found = []
    for caption, each in entries:
        if not isinstance(each, bytes | bytearray | memoryview):
            return []
        data = bytes(each) if len(each) <= _LARGEST_BYTES else bytes(each[:16])
        media = next((media for magic, media in _MAGIC.items() if data.startswith(magic)), None)
        if media is None:
            return []
        found.append((caption, media, data))
    return found
