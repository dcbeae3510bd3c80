"""The `if` of a task: true or false by type, and not always the same."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.core.types import ANY, BOOL, NONE, Constant, ListOf, MapOf, OneOf, Record, Simple, Type, show, widen
from flowpar.expr.evaluate import IN_ENGINE, evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.member import CONTEXTS
from flowpar.expr.presence import NOWHERE, present_when
from flowpar.expr.shape import shape_of
from flowpar.expr.syntax import nodes_of, tree_of
from flowpar.expr.template import Constant as ConstantTemplate
from flowpar.expr.template import Expression

if TYPE_CHECKING:
    from flowpar.expr.template import Template
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Read, Reading
    from flowpar.lang.rules.scope import View


def read_condition(reading: Reading, path: Path, value: bool | str, view: View) -> Template | None:  # noqa: FBT001 - a value of the document
    """Read an `if` or an `until` and find what is wrong with it."""
    if isinstance(value, bool):
        _warn(reading.findings, path, is_true=value)
        return ConstantTemplate(value)
    read = reading.condition(value, path, view)
    if read.template is None:
        return None
    if not may_be_boolean(read.type):
        message = f'"{path[-1]}" must be true or false, this is {show(widen(read.type))}'
        reading.findings.error("FP204", path, message, hint=_comparison(value, read))
        return None
    always = _always(read.template) if isinstance(read.template, Expression) else None
    if always is not None:
        _warn(reading.findings, path, is_true=always)
    return read.template


def proven_by(condition: Template | None) -> frozenset[str]:
    """Return the places that have a value where a task's condition is true, and so in all of the task."""
    if not isinstance(condition, Expression):
        return NOWHERE
    shape = shape_of(condition.text)
    if shape is None or shape.code != condition.code or (shape.numbers and "[" in shape.text):
        return present_when(tree_of(condition.code), is_true=True)
    return frozenset(map(shape.place, _present(shape.text)))


@lru_cache(maxsize=1024)
def _present(code: str) -> frozenset[str]:
    return present_when(tree_of(code), is_true=True)


def may_be_boolean(kind: Type) -> bool:
    """Whether a value of a type can be true or false itself."""
    plain = widen(kind)
    if isinstance(plain, OneOf):
        return any(map(may_be_boolean, plain.members))
    return plain in (ANY, BOOL, Simple("object"))


def _comparison(text: str, read: Read) -> str | None:
    inner = text.strip().removeprefix("${{").removesuffix("}}").strip()
    shown = inner if len(inner) <= _LONGEST_SHOWN else "…"
    plain = widen(read.type)
    if isinstance(plain, OneOf) and NONE in plain.members:
        return f"write {shown} is not None"
    match plain:
        case ListOf() | MapOf() | Record(is_mapping=True):
            return f"write len({shown}) > 0"
        case Simple("str"):
            return f'write {shown} != ""' if not isinstance(read.type, Constant) else 'compare it with "=="'
        case Simple("int" | "float"):
            return f"write {shown} != 0"
        case _:
            return None


_LONGEST_SHOWN = 40


def _always(condition: Expression) -> bool | None:
    """Return what a condition always is, None where that depends."""
    shape = shape_of(condition.text)
    if shape is not None and shape.code == condition.code and not _may_be_decided(shape.text):
        return None
    return _decided(tree_of(condition.code))


@lru_cache(maxsize=1024)
def _may_be_decided(code: str) -> bool:
    """Whether some part of a condition reads nothing, so that its value may settle the whole."""
    pending = [tree_of(code)]
    while pending:
        match node := pending.pop():
            case ast.BoolOp(values=values):
                pending.extend(values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                pending.append(operand)
            case _ if not _reads(node):
                return True
    return False


def _reads(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id in CONTEXTS for part in nodes_of(node))


def _decided(node: ast.expr) -> bool | None:
    """Return what a condition always is, whatever it reads; None where that depends."""
    match node:
        case ast.BoolOp(op, values):
            stops = isinstance(op, ast.Or)
            found = [_decided(value) for value in values]
            return stops if stops in found else None if None in found else not stops
        case ast.UnaryOp(ast.Not(), operand):
            inner = _decided(operand)
            return None if inner is None else not inner
    if _reads(node):
        return None
    code = ast.unparse(node)
    expression = Expression(code, code)
    try:
        value = evaluate(expression, {}, limits=IN_ENGINE)  # so that a check never looks at the disk
    except (EvaluationError, NeedsWorker):
        return None
    return value if isinstance(value, bool) else None


def _warn(findings: Findings, path: Path, *, is_true: bool) -> None:
    if path[-1] == "until":
        hint = 'one round is made: leave out "repeat"' if is_true else 'all rounds of "max" are made; ask the output'
        findings.warning("FP701", path, f"this condition is always {str(is_true).lower()}", hint=hint)
        return
    hint = "leave it out" if is_true else 'the task never runs; "x-…" keys are free for what is not in use'
    findings.warning("FP701", path, f"this condition is always {str(is_true).lower()}", hint=hint)
