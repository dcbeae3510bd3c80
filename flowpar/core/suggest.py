"""The nearest of the known names to one that is not known, for "did you mean"."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MANY = 2_000  # above it every name can't be compared; names one edit away are looked up instead
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-"
_LONGEST = 128
_SHORTEST_BEGINNING = 3


class Names(Collection[str]):
    """Known names, made ready to be searched for many words: 20,000 typos among 20,000 names take seconds."""

    def __init__(self, known: Iterable[str]) -> None:
        """Take a copy of the names."""
        self._names = dict.fromkeys(known)

    def __contains__(self, name: object) -> bool:
        """Whether a name is known."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """Give the names in their order."""
        return iter(self._names)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._names)

    def nearest(self, word: str) -> str | None:
        """Return the name that was probably meant, or None."""
        if not word or len(word) > _LONGEST:
            return None
        wanted = _plain(word)
        if len(self._names) > _MANY:
            return self._one_edit_away(word, wanted)
        names = [name for name in self._names if name != word]
        best, best_distance = None, _allowed(wanted) + 1
        for name in names:
            distance = _distance(wanted, _plain(name), best_distance - 1)
            if distance < best_distance:
                best, best_distance = name, distance
        return best if best is not None else _completed(wanted, names)

    def _one_edit_away(self, word: str, wanted: str) -> str | None:
        names = self._by_plain_form
        found = (names[edited] for edited in chain((wanted,), _edits(wanted)) if edited in names)
        return next((name for name in found if name != word), None)

    @cached_property
    def _by_plain_form(self) -> Mapping[str, str]:
        return {_plain(name): name for name in reversed(self._names)}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None.

    A wrong, a missing, a needless letter and two swapped ones each count as one edit; upper and
    lower case are the same, and so are `max_parallel`, `max-parallel` and `maxParallel`.

    >>> nearest("laod", ["load", "save"])
    'load'
    """
    return (known if isinstance(known, Names) else Names(known)).nearest(word)


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "") or name


def _allowed(word: str) -> int:
    """Return how many edits are still a typo: a third of the word, at most three."""
    return 0 if len(word) == 1 else min(3, max(1, len(word) // 3))


def _completed(wanted: str, names: list[str]) -> str | None:
    """Return the only name that begins with what was written: "desc" is "description"."""
    longer = [name for name in names if _plain(name).startswith(wanted)]
    return longer[0] if len(longer) == 1 and len(wanted) >= _SHORTEST_BEGINNING else None


def _edits(word: str) -> Iterator[str]:
    """Give every word one edit away, swapped letters first."""
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    for head, tail in halves:
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        if tail and len(word) > 1:
            yield head + tail[1:]
    for head, tail in halves:
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def _distance(left: str, right: str, limit: int) -> int:
    """Return the edits between two words (optimal string alignment), or `limit` + 1 where there are more."""
    if left == right:
        return 0
    if abs(len(left) - len(right)) > limit or len(right) > _LONGEST:
        return limit + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, above = above, current
    return min(above[-1], limit + 1)
