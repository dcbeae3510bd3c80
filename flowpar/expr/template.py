"""What a value of a document is once its `${{ … }}` are found: `Template`.

    Constant      the value itself, nothing to evaluate
    Expression    one expression; the result keeps its type
    Text          text with expressions in it; the result is text
    ListTemplate  a list of templates
    MapTemplate   a mapping of templates

Templates are pickled to workers, so they hold text and no syntax trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.core.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Constant(Packed):
    """A value without an expression in it."""

    value: object


@dataclass(frozen=True, slots=True)
class Expression(Packed):
    """One expression: `text` as the user wrote it between the braces, `code` after ids became subscripts."""

    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Text(Packed):
    """Text around expressions, in order."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class ListTemplate(Packed):
    """A list of which at least one item holds an expression."""

    items: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class MapTemplate(Packed):
    """A mapping of which at least one value holds an expression."""

    items: tuple[tuple[str, Template], ...]


Template = Constant | Expression | Text | ListTemplate | MapTemplate


def is_constant(template: Template) -> bool:
    """Whether nothing in it has to be evaluated."""
    return next(expressions_in(template), None) is None


def expressions_in(template: Template) -> Iterator[Expression]:
    """Give every expression of a template, in the order of the text."""
    match template:
        case Expression():
            yield template
        case Text(parts):
            yield from (part for part in parts if isinstance(part, Expression))
        case ListTemplate(items):
            for item in items:
                yield from expressions_in(item)
        case MapTemplate(entries):
            for _, value in entries:
                yield from expressions_in(value)
        case Constant():
            return
