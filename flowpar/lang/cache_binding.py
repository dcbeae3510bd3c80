"""The `cache` of a task as it is written: a switch, or a mapping of what else counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.lang.fields import has_expression
from flowpar.lang.model import CacheModel
from flowpar.lang.shape import NOTHING, keys_of
from flowpar.lang.wording import name_of

if TYPE_CHECKING:
    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader
    from flowpar.lang.wording import Path

_HINTS = {
    "key": 'what counts stands below "files", "env" and "version"; arguments and code always do',
    "keys": 'what counts stands below "files", "env" and "version"; arguments and code always do',
    "inputs": 'files that are read stand below "files"',
    "paths": 'files that are written stand below "outputs"',
    "path": 'files that are written stand below "outputs"',
}


def read_cache(shape: ShapeReader, path: Path, node: Node) -> Any:
    """Return a cache with its short form written out, None where it has a finding."""
    value = shape.plain.value(node)
    if isinstance(value, dict):
        known = keys_of(CacheModel)
        for key in (key for key in value if key not in known):
            shape.find_unknown((*path, key), name_of(path), sorted(known), hint=_HINTS.get(key))
        return {key: NOTHING if part is None else part for key, part in value.items() if key in known}
    if isinstance(value, bool):
        return CacheModel(is_on=value)
    if has_expression(value):
        return CacheModel(is_on=str(value))
    old = isinstance(value, str) and value.lower() in {"yes", "no", "on", "off"}
    hint = f"write {'true' if str(value).lower() in {'yes', 'on'} else 'false'}" if old else None
    shape.find_wrong(path, "true, false, or a mapping such as {files: [data/*.csv]}", hint=hint)
    return None
