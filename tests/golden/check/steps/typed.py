"""Nothing of this is ever imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from pathlib import Path


class Color(Enum):
    RED = "red"
    GREEN = "green"


@dataclass
class Word:
    text: str
    times: int
    color: Color = Color.RED


@dataclass
class Report:
    best: Word | None
    words: list[Word] = field(default_factory=list)


class Options(TypedDict, total=False):
    depth: int


class Place(NamedTuple):
    line: int
    name: str


def report() -> Report:
    raise NotImplementedError


def names() -> list[str]:
    raise NotImplementedError


def options() -> Options:
    raise NotImplementedError


def place() -> Place:
    raise NotImplementedError


def five(count: int, name: str, rate: float, folder: Path, *, flag: bool) -> int:
    raise NotImplementedError


def total(numbers: list[int]) -> int:
    raise NotImplementedError


def paint(color: Color, options: Options) -> None:
    raise NotImplementedError


raise RuntimeError("the module was imported")
