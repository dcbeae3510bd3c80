"""Generic classes; nothing of this is ever imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    value: T
    rest: list[T]


class Ints(Box[int]):
    pass


class Row(TypedDict, Generic[T]):
    key: T


def texts() -> Box[str]:
    raise RuntimeError


def ints() -> Ints:
    raise RuntimeError


def add(box: Box[int], more: int = 0) -> int:
    raise RuntimeError


def store(row: Row[int]) -> None:
    raise RuntimeError
