"""Merge keys: `<<: *base` adds the keys of another mapping, and a key that is written out wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.lang.node import MappingNode, SequenceNode

if TYPE_CHECKING:
    from flowpar.lang.node import Node, ScalarNode


@dataclass(slots=True)
class Entries:
    """Keys and values of a mapping under construction, each key once."""

    keys: list[ScalarNode] = field(default_factory=list)
    values: list[Node] = field(default_factory=list)
    first: dict[str, ScalarNode] = field(default_factory=dict)

    def add(self, key: ScalarNode, value: Node) -> ScalarNode | None:
        """Take an entry, or return the key that already has its name."""
        known = self.first.setdefault(key.text, key)
        if known is not key:
            return known
        self.keys.append(key)
        self.values.append(value)
        return None


def merge(own: Entries, value: Node) -> tuple[Entries, list[Node]]:
    """Return `own` with the keys merged from `value` before it, and the nodes that can't be merged.

    Of a list of mappings an earlier one wins, as YAML has it.
    """
    sources = value.items if isinstance(value, SequenceNode) else (value,)
    merged = Entries()
    wrong: list[Node] = []
    for source in sources:
        if not isinstance(source, MappingNode):
            wrong.append(source)
            continue
        for key, node in source.items():
            if key.text not in own.first:
                merged.add(key, node)
    for key, node in zip(own.keys, own.values, strict=True):
        merged.add(key, node)
    return merged, wrong
