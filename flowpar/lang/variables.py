"""The variables of an `env`: text, whatever it looks like, under names that a process can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.lang.node import MappingNode, ScalarNode
from flowpar.lang.wording import short

if TYPE_CHECKING:
    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader
    from flowpar.lang.wording import Path


def read_variables(shape: ShapeReader, path: Path, node: Node) -> Any:
    """Return the value of an `env` without the variables that no process can be given."""
    variables = shape.plain.texts(node)
    if not isinstance(node, MappingNode):
        return variables
    refused = set()
    for key, value in node.items():
        if not key.text or "=" in key.text or "\0" in key.text:
            hint = 'a name is any text without "=" and without zero characters'
            shape.find_key((*path, key.text), f'"{short(key.text)}" is no name of a variable', code="FP128", hint=hint)
            refused.add(key.text)
        elif isinstance(value, ScalarNode) and "\0" in value.text:
            shape.find_wrong((*path, key.text), "text without zero characters")
            refused.add(key.text)
    return {name: value for name, value in variables.items() if name not in refused} if refused else variables
