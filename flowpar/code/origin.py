"""Where objects may have come from: what somebody changes in one place is changed wherever it came from.

U = T          T is the same                a change of U is one of T
row = T[0]     T is what it is a part of    a change of row is one of something in T
X = [T]        T is what it holds           a change of X is none of T, one of something in X may be
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

K = TypeVar("K")
Way = Literal["same", "part", "held"]


class Origins(Generic[K]):
    """A graph of names, or of whatever stands for objects; no order, as what may have happened, has."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._ways: dict[K, dict[K, Way]] = {}

    def add(self, target: K, sources: Iterable[K], way: Way) -> None:
        """Note where an object may have come from."""
        known = self._ways.setdefault(target, {})
        for source in sources:
            before = known.get(source)
            if before is None or before == way:
                known[source] = way
            elif before != "part":  # two ways at once: that which leads on in both cases
                known[source] = "part"

    def targets(self) -> Iterator[K]:
        """Give all that has come from anywhere."""
        return iter(self._ways)

    def of(self, keys: Iterable[K], *, is_deep: bool = True) -> set[K]:
        """Return what is changed with some objects, or, where it `is_deep`, with something in them."""
        return {key for key, _ in self._walk((key, is_deep) for key in keys)}

    def by_way(self, key: K) -> Iterator[tuple[K, Way]]:
        """Give all that an object may have come from, with the way as a whole."""
        for source, first in self._ways.get(key, {}).items():
            for found, is_deep in self._walk([(source, first != "same")]):
                yield found, ("same" if not is_deep else "part" if first == "same" else first)

    def _walk(self, starts: Iterable[tuple[K, bool]]) -> set[tuple[K, bool]]:
        waiting = list(starts)
        found = set(waiting)
        while waiting:
            key, is_deep = waiting.pop()
            for source, way in self._ways.get(key, {}).items():
                step = (source, is_deep or way == "part")
                if (way != "held" or is_deep) and step not in found:
                    found.add(step)
                    waiting.append(step)
        return found
