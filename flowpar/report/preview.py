"""What is shown of a value: a text, a table or pictures, each shortened to what a person looks at.

value or its outline ──preview_of (in record)──►  Text | Table | Pictures | Missing  ──► a report
"""

from __future__ import annotations

from typing import Literal

from flowpar.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is, a number, or `code`: anything else, about as Python writes it; `note` says what is left out."""

    text: str
    form: Literal["text", "number", "code"] = "code"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of short texts under their columns; `numeric` are the places of columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture, its bytes as base64."""

    caption: str
    media: Literal["image/png", "image/jpeg"]
    base64: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """One picture or several."""

    pictures: tuple[Picture, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing to show, and why."""

    reason: str


Preview = Text | Table | Pictures | Missing
