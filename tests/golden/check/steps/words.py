"""Functions that the golden pairs name; nothing ever imports them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


class WordCount(NamedTuple):
    """A word and how often it occurs."""

    word: str
    times: int


@dataclass
class Options:
    """How to count."""

    language: str
    shortest: int = 1


LIMIT = 10


def list_books(folder: Path) -> list[Path]:
    """Return the books in a folder."""
    return sorted(folder.iterdir())


def count(book: Path, *, mode: Literal["fast", "exact"] = "fast") -> Counter[str]:
    """Count the words of a book."""
    return Counter(book.read_text().split() if mode == "fast" else book.read_text().lower().split())


def merge(counts: list[Counter[str]], top: int) -> list[WordCount]:
    """Return the most frequent words of several books."""
    return [WordCount(*pair) for pair in sum(counts, Counter()).most_common(top)]


def total(words: list[WordCount]) -> int:
    """Return how many words there are."""
    return sum(word.times for word in words)


def options() -> Options:
    """Return how to count."""
    return Options("en")


def anything(**values: int) -> dict[str, int]:
    """Return what is given."""
    return values


def first(words: list[str], /) -> str:
    """Return the first word; its parameter has no name for callers."""
    return words[0]


async def fetch(url: str) -> str:
    """Return a page, or pretend to."""
    return url


async def pages(url: str) -> AsyncIterator[str]:
    """Give pages, or pretend to."""
    yield url


def lines(path: Path) -> Iterator[str]:
    """Give the lines of a file."""
    yield from path.read_text().splitlines()


class Counting:
    """Counts with a memory."""

    def all(self) -> int:
        """Count what was seen."""
        return len(self.__dict__)
