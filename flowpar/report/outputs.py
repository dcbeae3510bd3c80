"""A workflow's outputs for people: text as it is, tables aligned, the rest as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CELL_LIMIT = 80
_FLAT = (str, int, float, bool, type(None))


def readable(outputs: Mapping[str, object]) -> str:
    """Return outputs as text; one alone stands for itself, several have their names above them."""
    if len(outputs) == 1:
        return _ended(_block(next(iter(outputs.values()))))
    parts = []
    for name, value in outputs.items():
        block = _block(value)
        parts.append(f"{name}:\n{_ended(block)}" if "\n" in block else f"{name}: {block}\n")
    return "".join(f"{part}\n" if "\n" in part.rstrip() else part for part in parts).rstrip("\n") + "\n"


def _ended(block: str) -> str:
    return block if block.endswith("\n") else f"{block}\n"


def _block(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and is_table(value):
        return table(value)
    return json.dumps(value, indent=2 if isinstance(value, dict | list) else None, ensure_ascii=False)


def is_table(value: Sequence[object]) -> bool:
    """Whether a list holds mappings of plain cells and nothing else, at least one."""
    return bool(value) and all(
        isinstance(row, dict) and row and all(isinstance(cell, _FLAT) for cell in row.values()) for row in value
    )


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as aligned columns, numbers to the right, under the union of their keys."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    is_numeric = [all(_is_number(row.get(column)) for row in rows) for column in columns]
    head = [_cell(column) for column in columns]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = [_line(line, widths, is_numeric) for line in (head, ["-" * width for width in widths], *cells)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int], is_numeric: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, is_numeric, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else json.dumps(value)
    text = " ".join(text.split()) if "\n" in text or "\t" in text else text
    return text if len(text) <= _CELL_LIMIT else text[: _CELL_LIMIT - 1] + "…"


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
