"""The `key` of a fan-out: one text, number or bool for each item, by which it is known again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.types import ANY, BOOL, FLOAT, INT, STR, Enumeration, OneOf, Simple, Type, show, widen
from flowpar.expr.references import mentions

if TYPE_CHECKING:
    from flowpar.expr.template import Template
    from flowpar.lang.rules.findings import Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View

_ALLOWED = (ANY, BOOL, FLOAT, INT, STR, Simple("object"))


def read_item_key(reading: Reading, path: Path, text: str, view: View, *, has_items: bool) -> Template | None:
    """Read a `key` and find what is wrong with it."""
    if not has_items:
        hint = "leave it out, or give the task a for_each or a matrix"
        reading.findings.key_error("FP210", path, '"key" tells items apart, and this task has none', hint=hint)
        return None
    read = reading.condition(text, path, view)
    if read.template is None:
        return None
    if not _may_be_key(read.type):
        message = f'"key" must be text, a number or true or false, this is {show(widen(read.type))}'
        reading.findings.error("FP211", path, message, hint="take a field of it, or make a text of it by json(…)")
        return None
    if not (mentions(read.template, "each") or mentions(read.template, "matrix")):
        message = '"key" is the same for every item: it reads nothing of each or matrix'
        reading.findings.error("FP212", path, message, hint="take what tells the items apart, such as each.item")
        return None
    return read.template


def _may_be_key(kind: Type) -> bool:
    plain = widen(kind)
    if isinstance(plain, OneOf):
        return any(map(_may_be_key, plain.members))
    return plain in _ALLOWED and not isinstance(plain, Enumeration)
