"""Any value written about as Python would, within bounds of depth, lines and characters.

    {"when": datetime, "point": Placeholder}   ──written──►   the text, and whether something was left out

Nothing of the value but plain data and placeholders is asked for its text.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from flowpar.data.outline import Placeholder
from flowpar.report.wording import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    _Container = dict[Any, Any] | list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]

_DEEPEST = 6
_MOST_ENTRIES = 40
_MOST_SIGNS = 4000
_LINE = 100
_LONGEST_CELL = 200
_LONGEST_NUMBER_BITS = 4096
_FLAT = (str, int, float, complex, bool, type(None), date, datetime, time, timedelta, timezone, Decimal)
_MORE: Final = object()
_KINDS = {"f8": "float64", "f4": "float32", "i8": "int64", "i4": "int32", "u1": "uint8", "b1": "bool"}
_FORMATS = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b"} | {
    "u8": "Q",
    "u4": "I",
    "u2": "H",
    "u1": "B",
    "b1": "?",
}


def is_flat(value: object) -> bool:
    """Whether a value is written in one cell of a table."""
    return isinstance(value, _FLAT) or (isinstance(value, Placeholder) and bool(scalar(value)))


def cell(value: object, *, is_blank: bool = False) -> str:
    """Return a flat value as a cell of a table has it: text without quotes."""
    if is_blank or value is None:
        return ""
    text = value if isinstance(value, str) else written(value)[0]
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def written(value: object) -> tuple[str, bool]:
    """Return a value as text, and whether something of it was left out."""
    writing = _Writing()
    return writing.text(value, 0), writing.is_cut


class _Writing:
    """Writes one value; what it has written bounds what is still to come."""

    def __init__(self) -> None:
        self.is_cut = False
        self._signs = 0

    def text(self, value: object, depth: int) -> str:
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._container(value, depth)
        if isinstance(value, Placeholder):
            return self._object(value, depth)
        if isinstance(value, type) and issubclass(value, Placeholder):
            return _printable(value.named.rpartition(".")[2][:200])
        return self._flat(value)

    def _flat(self, value: object) -> str:
        if isinstance(value, bytes | bytearray | memoryview):
            head = bytes(value[:24])
            text = f"{head!r}… ({size(len(value))})" if len(value) > len(head) else repr(head)
        elif isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER_BITS:
            text = f"a whole number of {value.bit_length()} bits"
        elif isinstance(value, str):
            text = repr(value[:_MOST_SIGNS]) + ("…" if len(value) > _MOST_SIGNS else "")
        elif value is ...:
            text = "…"
        elif isinstance(value, datetime | date | time | timedelta | Decimal):
            text = str(value)
        else:
            text = repr(value) if isinstance(value, _FLAT) else type(value).__name__
        self._signs += len(text)
        return text

    def _container(self, value: _Container, depth: int) -> str:
        left, right = _brackets(value)
        if isinstance(value, dict):
            pairs = self._some(value.items(), depth)
            entries = ["…" if pair is _MORE else self._pair(pair, depth) for pair in pairs]
        else:
            entries = [self._entry(each, depth) for each in self._some(value, depth)]
        if not entries and isinstance(value, set | frozenset):
            return "set()"
        if isinstance(value, tuple) and len(entries) == 1:
            entries[0] += ","
        return _joined(left, entries, right, depth)

    def _pair(self, pair: Any, depth: int) -> str:
        return f"{self.text(pair[0], depth + 1)}: {self.text(pair[1], depth + 1)}"

    def _entry(self, value: object, depth: int) -> str:
        return "…" if value is _MORE else self.text(value, depth + 1)

    def _some(self, entries: Iterable[object], depth: int) -> Iterator[object]:
        for count, entry in enumerate(entries):
            if depth >= _DEEPEST or count >= _MOST_ENTRIES or self._signs >= _MOST_SIGNS:
                self.is_cut = True
                yield _MORE
                return
            self._signs += 2
            yield entry

    def _object(self, value: Placeholder, depth: int) -> str:
        known = scalar(value) or _array(value)
        if known:
            self._signs += len(known)
            return known
        arguments = value.arguments
        if value.named == "copyreg._reconstructor":
            arguments = arguments[2:] if arguments[2:] != (None,) else ()
        elif not arguments and isinstance(value.state, list):
            arguments = tuple(value.state)  # of a dataclass with slots
        entries = [self._entry(each, depth) for each in self._some(arguments, depth)]
        fields = self._some(_state(value), depth)
        entries += ["…" if entry is _MORE else self._field(entry, depth) for entry in fields]
        entries += [self._entry(each, depth) for each in self._some(value.items, depth)]
        return _joined(f"{_name(value)}(", entries, ")", depth)

    def _field(self, field: Any, depth: int) -> str:
        return f"{field[0]}={self.text(field[1], depth + 1)}"


def scalar(value: Placeholder) -> str:
    """Return what stands for one number, path or the like; empty for any other object."""
    arguments = value.arguments
    if value.named.startswith("pathlib.") and all(isinstance(part, str) for part in arguments):
        return _printable(str(PurePosixPath(*map(str, arguments))))
    if value.named == "uuid.UUID" and isinstance(value.state, dict):
        number = value.state.get("int")
        return str(UUID(int=number)) if isinstance(number, int) and 0 <= number < 1 << 128 else ""
    match arguments:
        case (Placeholder() as kind, bytes() as data) if value.named.endswith(".multiarray.scalar"):
            return _number(_dtype(kind), data)
    return ""


def _printable(text: str) -> str:
    """Return a text as it is, or escaped where something in it would steer a terminal."""
    return text if text.isprintable() else repr(text)


def _number(kind: str, data: bytes) -> str:
    form = _FORMATS.get(kind)
    if form is None or struct.calcsize(form) != len(data):
        return ""
    return str(struct.unpack(f"={form}", data)[0])


def _array(value: Placeholder) -> str:
    match value.arguments:
        case (_, Placeholder() as kind, tuple() as shape, *_) if value.named.endswith("._frombuffer"):
            return f"array of {_KINDS.get(_dtype(kind), _dtype(kind))}, {_shape(shape)}"
        case (_, str() as form, tuple() as shape) if value.named == "flowpar.data.codec._view_of":
            return f"memoryview of {form!r}, {_shape(shape)}"
    return ""


def _shape(shape: tuple[object, ...]) -> str:
    return " by ".join(str(length) if isinstance(length, int) else "?" for length in shape) or "one number"


def _dtype(value: Placeholder) -> str:
    first = value.arguments[0] if value.arguments else ""
    return _printable(first[:20]) if isinstance(first, str) else ""


def _state(value: Placeholder) -> list[tuple[str, object]]:
    """Return the attributes of an object; a class with slots has its state in two parts."""
    state = value.state
    parts = state if isinstance(state, tuple) and all(isinstance(part, dict | None) for part in state) else (state,)
    if isinstance(state, list) and not value.arguments:
        return []
    if any(isinstance(part, dict) for part in parts):
        return [(_printable(str(key)[:200]), each) for part in parts if part for key, each in part.items()]
    return [] if state is None else [("state", state)]


def _name(value: Placeholder) -> str:
    made_of = value.arguments[0] if value.named == "copyreg._reconstructor" and value.arguments else None
    named = made_of.named if isinstance(made_of, type) and issubclass(made_of, Placeholder) else value.named
    return _printable(named.rpartition(".")[2][:200]) or "object"


def _brackets(value: _Container) -> tuple[str, str]:
    if isinstance(value, list):
        return "[", "]"
    return ("(", ")") if isinstance(value, tuple) else ("{", "}")


def _joined(left: str, entries: list[str], right: str, depth: int) -> str:
    """Return entries on one line where they fit, else each on its own."""
    line = ", ".join(entries)
    if len(left) + len(line) + len(right) + 2 * depth <= _LINE and "\n" not in line:
        return f"{left}{line}{right}"
    indent = "  " * (depth + 1)
    body = ",\n".join(f"{indent}{entry}" for entry in entries)
    return f"{left}\n{body}\n{'  ' * depth}{right}"
