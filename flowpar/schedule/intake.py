"""The items of a fan-out that other tasks feed, as far as they have come.

    source a ── i-th value ──┐
    source b ── i-th value ──┼──► item i is complete ──► its names ──► Bindings.each
    lists known beforehand ──┘

Names advance together: item i needs the i-th value of each source. Values are kept from their coming until
their item has ended, as references that nobody opens here. `early` are items that came before the lists did;
`views` is what the `if` of each item sees of other tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.expansion import digest_of, portable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.recipe import TaskView
    from flowpar.schedule.decision import Items


class Intake:
    """What has come of the items of one task; implements `Items`; owned by the loop."""

    verdicts = None
    keys = None  # who wants to tell all items apart waits for all of them

    def __init__(self, names: Iterable[str], feeds: Mapping[str, str]) -> None:
        """Know which source feeds each name; of other names `settle` brings the lists."""
        self.count = 0
        self.sources = frozenset(feeds.values())
        self.early: list[int] = []
        self.views: Mapping[str, TaskView] | None = None
        self._names = tuple(names)
        self._feeds = feeds
        self._settled: Items | None = None
        self._values: dict[int, dict[str, ValueRef | None]] = {}
        self._lengths: dict[str, int] = {}

    @property
    def is_over(self) -> bool:
        """Whether it is known how many values each source gives."""
        return len(self._lengths) == len(self.sources)

    def take(self, source: str, index: int, value: ValueRef | None) -> bool:
        """Take a value; return whether its item is complete now."""
        values = self._values.setdefault(index, {})
        values[source] = value
        self.count = max(self.count, index + 1)
        return len(values) == len(self.sources)

    def settle(self, settled: Items) -> list[int]:
        """Take the lists that were known beforehand; return the items that are complete with them."""
        self._settled = settled
        early, self.early = self.early, []
        return early

    def end(self, source: str, length: int) -> None:
        """Note how many values a source gives."""
        self._lengths[source] = length
        self.count = max(self.count, length)

    def drop(self, index: int) -> None:
        """Forget the values of an item that has ended."""
        self._values.pop(index, None)

    def mismatch(self) -> str | None:
        """Return which lengths differ, as far as they are known; None where none do."""
        known = {name: length for name in self._names if (length := self._length(name)) is not None}
        fewest = min(known.values(), default=0)
        shown = {name: str(length) for name, length in known.items()}
        if known and self.count > fewest:
            shown |= {name: f"more than {fewest}" for name in self._names if name not in known}
        if len(set(shown.values())) < 2:  # noqa: PLR2004 - no two that could differ
            return None
        return ", ".join(f'"{name}" has {length}' for name, length in shown.items())

    def _length(self, name: str) -> int | None:
        if name in self._feeds:
            return self._lengths.get(self._feeds[name])
        return None if self._settled is None else self._settled.count

    def item(self, index: int) -> Mapping[str, bytes]:
        """Return the encoded value of each name for one item that is complete."""
        values = self._values[index]
        settled = {} if self._settled is None else self._settled.item(index)
        # In the order of the document, as where the whole is bound at once: it counts for the digest.
        return {
            name: portable(values[self._feeds[name]]) if name in self._feeds else settled[name] for name in self._names
        }

    def digest(self, index: int) -> str:
        """Return a digest of what an item is bound to; what is not plain counts as its encoding."""
        values = self._values[index]
        marks = {
            name: value.checksum
            for name, source in self._feeds.items()
            if (value := values[source]) is not None and not (value.is_plain and value.inline is not None)
        }
        return digest_of(self.item(index), marks)
