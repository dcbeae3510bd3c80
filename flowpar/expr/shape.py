"""The shape of an expression: its text with the ids of tasks and whole numbers taken out.

    text    tasks.load-data.output.n * 2 > 17
    shape   tasks.t0.output.n * 0 > 0              names ("load-data",), numbers ("2", "17")

Documents of thousands of tasks have a few shapes. How an expression is read, and what it refers to, is the same for
all of one shape, so that is found out once. What can't be told without a parser has no shape.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache

from flowpar.core.frozen import dataclass, field

_LONGEST = 1000
_LONGEST_ID = 128
_PARTS = re.compile(
    r"\"[^\"\\\r\n]*\"|'[^'\\\r\n]*'"  # texts stay as they are, whatever they hold
    r"|(?<![\w.])tasks\.(?P<id>[A-Za-z][A-Za-z0-9_-]*)(?=\.[A-Za-z])"
    r"|(?<![\w.])(?P<number>0|[1-9][0-9]{0,8})(?![\w.])"
)
# Hyphens that may belong to an id, and all that would have to be read with more care than here.
_ODD = re.compile(r"\w-\w|\s\.|\.\s|'''|\"\"\"|[^A-Za-z0-9_ .,()\[\]{}:+*/%<>=!'\"-]")


@dataclass(frozen=True, slots=True)
class Shape:
    """What an expression has in common with others, and what it has for itself; `code` is its own Python."""

    text: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    code: str

    def name(self, placeholder: str | None) -> str | None:
        """Return the id that stands in the expression where the shape has another one."""
        return self.names[int(placeholder[1:])] if placeholder is not None else None

    def place(self, placeholder: str) -> str:
        """Return a place such as `tasks.t0.output` as the expression has it."""
        if not placeholder.startswith("tasks."):
            return placeholder
        _, name, *rest = placeholder.split(".")
        return ".".join(("tasks", self.name(name) or "", *rest))


@dataclass(slots=True)
class _Reader:
    """Takes parts out of one text; `code` stays None where it is the text."""

    names: dict[str, int] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    tasks: int = 0
    has_odd_id: bool = False

    def replaced(self, part: re.Match[str]) -> str:
        name = part["id"]
        if name is not None:
            self.tasks += 1
            self.has_odd_id = self.has_odd_id or not _is_plain(name)
            return f"tasks.t{self.names.setdefault(name, len(self.names))}"
        if part["number"] is None:
            return part.group()
        self.numbers.append(part["number"])
        return "0"


@lru_cache(maxsize=64)  # the same expression is asked for a few times in a row
def shape_of(text: str) -> Shape | None:
    """Return the shape of an expression, None where it has none of its own."""
    if len(text) > _LONGEST:
        return None
    reader = _Reader()
    shape = _PARTS.sub(reader.replaced, text)
    is_too_long = any(len(name) > _LONGEST_ID for name in reader.names)
    if shape.count("tasks") != reader.tasks or is_too_long or _ODD.search(shape) is not None:
        return None
    code = _PARTS.sub(_subscripted, text) if reader.has_odd_id else text
    return Shape(shape, tuple(reader.names), tuple(reader.numbers), code)


def _is_plain(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _subscripted(part: re.Match[str]) -> str:
    name = part["id"]
    return part.group() if name is None or _is_plain(name) else f'tasks["{name}"]'
