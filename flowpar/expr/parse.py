"""Text to templates: finds `${{ … }}`, reads what is inside, and says what is wrong with it.

parse_text        a scalar of the document  ->  Template
parse_condition   an `if`: one expression, with or without `${{ }}`
parse_expression  what stands between the braces
ExpressionErrors  all findings of one text, raised at once; offsets count in that text
"""

from __future__ import annotations

from functools import lru_cache

from flowpar.expr.allow import refusals
from flowpar.expr.finding import ExpressionError, ExpressionErrors
from flowpar.expr.foreign import foreign_operators
from flowpar.expr.rewrite import DeclaredIds, Places, plain_member, rewrite
from flowpar.expr.scan import (
    OPENING,
    Fault,
    Stretch,
    bracket_fault,
    find_expressions,
    stretches,
    unescape,
    without_strings,
)
from flowpar.expr.shape import shape_of
from flowpar.expr.syntax import LONGEST, TooDeepError, tree_of
from flowpar.expr.template import Constant, Expression, Template, Text

__all__ = [
    "DeclaredIds",
    "ExpressionError",
    "ExpressionErrors",
    "find_expressions",
    "parse_condition",
    "parse_expression",
    "parse_text",
]


def parse_text(text: str, ids: DeclaredIds) -> Template:
    """Read a scalar of the document; raises ExpressionErrors with the findings of all its expressions.

    A scalar that is one expression and nothing else (line ends around it do not count) keeps the
    type of its value.
    """
    found = stretches(text)
    if not found:
        return Constant(unescape(text))
    errors: list[ExpressionError] = []
    parts: list[str | Expression] = []
    position = 0
    for stretch in found:
        parts.append(unescape(text[position : stretch.start]))
        parts.append(_read_stretch(text, stretch, ids, errors))
        position = stretch.end
    parts.append(unescape(text[position:]))
    if errors:
        raise ExpressionErrors(tuple(errors))
    expression = parts[1]
    if len(found) == 1 and isinstance(expression, Expression) and not f"{parts[0]}{parts[2]}".strip("\r\n"):
        return expression
    return Text(tuple(part for part in parts if part))


def _read_stretch(text: str, stretch: Stretch, ids: DeclaredIds, errors: list[ExpressionError]) -> Expression | str:
    if not stretch.is_closed:
        errors.append(_unclosed(text, stretch))
        return ""
    try:
        return parse_expression(text[stretch.inner_start : stretch.inner_end], ids)
    except ExpressionErrors as error:
        errors.extend(one.shifted(stretch.inner_start) for one in error.errors)
        return ""


def _unclosed(text: str, stretch: Stretch) -> ExpressionError:
    inner = text[stretch.inner_start :]
    meant_end = inner.find("}}")  # it was taken for the end of a mapping
    blanked = without_strings(inner[: max(meant_end, 0)])
    fault = blanked if isinstance(blanked, Fault) else bracket_fault(blanked)
    if fault is not None:
        return ExpressionError(fault.message, fault.start, fault.end, hint=fault.hint).shifted(stretch.inner_start)
    message = f'"{OPENING}" is never closed'
    hint = 'end the expression with "}}", or write "$${{" for these characters themselves'
    return ExpressionError(message, stretch.start, stretch.inner_start, hint=hint)


def parse_condition(text: str, ids: DeclaredIds) -> Expression:
    """Read an `if`: an expression by itself, or one `${{ … }}`; raises ExpressionErrors."""
    found = stretches(text)
    if not found:
        return parse_expression(text, ids)
    first = found[0]
    errors: list[ExpressionError] = []
    if len(found) > 1 or text[: first.start].strip() or (first.is_closed and text[first.end :].strip()):
        message = "this must be one expression, and nothing beside it"
        hint = 'write all of it without "${{ }}"; join parts by "and", "or" or "+"'
        raise ExpressionErrors((ExpressionError(message, 0, len(text.rstrip()), hint=hint, code="FP310"),))
    expression = _read_stretch(text, first, ids, errors)
    if errors or not isinstance(expression, Expression):
        raise ExpressionErrors(tuple(errors))
    return expression


def parse_expression(text: str, ids: DeclaredIds) -> Expression:
    """Read what stands between the braces; raises ExpressionErrors, offsets counting in `text`."""
    plain = plain_member(text, ids)
    if plain is not None:
        return Expression(text, plain)
    shape = shape_of(text)
    if shape is not None and _is_sound(shape.text):
        return Expression(text, shape.code)
    return _read(text, ids)


@lru_cache(maxsize=4096)
def _is_sound(shape: str) -> bool:
    """Whether expressions of a shape are right as they stand."""
    try:
        return _read(shape, {}).code == shape
    except ExpressionErrors:
        return False


def _read(text: str, ids: DeclaredIds) -> Expression:
    blanked = _blanked(text)
    foreign = foreign_operators(blanked)
    if foreign:
        raise ExpressionErrors(tuple(foreign))
    fault = bracket_fault(blanked)
    if fault is not None:
        raise _failed(fault.message, fault.start, fault.end)
    expression = Expression(text, rewrite(text, blanked, ids))
    errors = _read_tree(expression)
    if errors:
        raise ExpressionErrors(tuple(errors))
    return expression


def _blanked(text: str) -> str:
    if not text.strip():
        raise _failed("the expression is empty", 0, max(1, len(text)))
    if len(text) > LONGEST:
        message = f"the expression has {len(text):,} characters, more than {LONGEST:,}"
        raise _failed(message, 0, 1, hint="compute this in a task")
    blanked = without_strings(text)
    if isinstance(blanked, Fault):
        raise _failed(blanked.message, blanked.start, blanked.end, hint=blanked.hint)
    return blanked


def _read_tree(expression: Expression) -> list[ExpressionError]:
    places = Places(expression.text, expression.code)
    try:
        tree = tree_of(expression.code)
    except SyntaxError as error:
        return [_syntax_error(expression.text, error, places)]
    except TooDeepError:
        span = _trimmed(expression.text)
        return [ExpressionError("the expression is nested too deeply", *span, hint="compute this in a task")]
    return refusals(tree, places.span)


def _syntax_error(text: str, error: SyntaxError, places: Places) -> ExpressionError:
    first, last = _trimmed(text)
    start = places.at(error.lineno or 0, error.offset or 0) if error.lineno else first
    if (error.lineno or 0) > text.count("\n") + 2 or start >= last:  # past our text: at the bracket around it
        return ExpressionError("the expression ends too early", last - 1, last, hint="complete it")
    message = error.msg.lower()
    hint = None
    if "comma" in message:
        hint = "is an operator or a comma missing?"
    elif "'=='" in message or "cannot assign" in message:
        hint = 'compare with "=="'
    elif "else" in message:
        hint = 'write "x if condition else y"'
    end = start + 1
    while end < last and text[start:end].isidentifier() and text[start : end + 1].isidentifier():
        end += 1
    return ExpressionError(f'"{text[start:end]}" is not expected here', start, end, hint=hint)


def _trimmed(text: str) -> tuple[int, int]:
    start = len(text) - len(text.lstrip())
    return start, max(start + 1, len(text.rstrip()))


def _failed(message: str, start: int, end: int, *, hint: str | None = None) -> ExpressionErrors:
    return ExpressionErrors((ExpressionError(message, start, end, hint=hint),))
