"""The nodes of the graph by what they are, as sets: bit i stands for the node of number i, as in closures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.code.dynamic import LOOKING_AT_SOURCE, LOOKING_AT_TEXT
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


@dataclass(slots=True)
class NodeSets:
    """What is asked of a set of nodes as a whole."""

    solid: int = 0  # with a part of their own
    foreign: int = 0  # of installed packages
    modules: int = 0  # what happens when a module is imported
    whole: int = 0  # all of a module
    asking: int = 0  # ask a class for its subclasses
    looking: int = 0  # look at what the source says beside what it does
    reading: int = 0  # read the text of the source
    searching: int = 0  # add folders to the path of imports
    noted: int = 0  # of which there is something to tell

    def add(self, bit: int, node: str, words: AbstractSet[str], *, has_part: bool) -> None:
        """Put a node, in which there are these names, where it belongs."""
        self.foreign |= bit if node[0] == "!" else 0
        self.solid |= bit if has_part or node[0] == "#" else 0
        self.modules |= bit if ":" not in node and node[0] not in "!~?" else 0
        self.whole |= bit if node.endswith(":*") else 0
        self.asking |= bit if "__subclasses__" in words else 0
        self.reading |= 0 if LOOKING_AT_TEXT.isdisjoint(words) else bit
        self.looking |= 0 if LOOKING_AT_SOURCE.isdisjoint(words) else bit
