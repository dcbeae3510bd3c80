"""The allow-list: which parts of Python an expression may consist of, and what to write instead of the others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.expr.finding import ExpressionError
from flowpar.expr.foreign import CONSTANTS, METHODS
from flowpar.expr.member import CONTEXTS
from flowpar.expr.syntax import children, targets
from flowpar.expr.work import LARGEST_INT_BITS

if TYPE_CHECKING:
    from collections.abc import Callable

    Span = Callable[[ast.AST], tuple[int, int]]

_PLAIN = (
    ast.Expr,
    ast.BoolOp,
    ast.IfExp,
    ast.List,
    ast.Tuple,
    ast.Slice,
    ast.comprehension,
    ast.expr_context,
    ast.boolop,
    ast.keyword,
    ast.Subscript,
)
_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_UNARY = (ast.Not, ast.USub)

_REFUSED = {
    ast.Lambda: ("a lambda", "use a comprehension: [f(x) for x in items]"),
    ast.NamedExpr: ('":="', "write the value where it is used"),
    ast.JoinedStr: ("an f-string", 'put text around expressions, or join parts by "+" and str(x)'),
    ast.Await: ('"await"', "do this in a task"),
    ast.Yield: ('"yield"', "do this in a task"),
    ast.YieldFrom: ('"yield"', "do this in a task"),
    ast.Set: ("a set", "write a list: [a, b]"),
    ast.SetComp: ("a set", "write unique([… for x in items])"),
    ast.Starred: ('"*"', "add lists with +, or use flatten([a, b])"),
    ast.Pow: ('"**"', "use x * x, or compute it in a task"),
    ast.MatMult: ('"@"', "compute it in a task"),
    ast.BitOr: ('"|"', 'use "or"; for a filter write f(x)'),
    ast.BitAnd: ('"&"', 'use "and"'),
    ast.BitXor: ('"^"', 'use "!="'),
    ast.LShift: ('"<<"', "compute it in a task"),
    ast.RShift: ('">>"', "compute it in a task"),
    ast.Invert: ('"~"', 'use "not"'),
    ast.UAdd: ('a leading "+"', "leave it out"),
}


def refusals(tree: ast.expr, span: Span) -> list[ExpressionError]:
    """Return a finding for each part that an expression may not hold, in the order of the text."""
    errors = _unbracketed(tree, span)
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        found = _refusal(node)
        if found is None:
            pending.extend(children(node))
            continue
        message, hint = found
        errors.append(ExpressionError(message, *span(node), hint=hint, code="FP302"))
    return sorted(errors, key=lambda error: (error.start, error.end))


def _unbracketed(tree: ast.expr, span: Span) -> list[ExpressionError]:
    """Refuse what only the brackets around our code made whole: `a, b` and `x for x in y`."""
    if tree.lineno > 1 or not isinstance(tree, ast.Tuple | ast.GeneratorExp):
        return []
    start, _ = span(tree)
    hint = "write it in square brackets"
    return [ExpressionError("this is a list without brackets", start, start + 1, hint=hint, code="FP302")]


def _refusal(node: ast.AST) -> tuple[str, str] | None:
    """Return (message, hint) where a node itself is refused; its parts are judged by themselves."""
    match node:
        case ast.BinOp(op=op) if not isinstance(op, _BINARY):
            return _not_allowed(op)
        case ast.UnaryOp(op=op) if not isinstance(op, _UNARY):
            return _not_allowed(op)
        case ast.Compare():
            return _of_compare(node)
        case ast.Name(id=name):
            return _of_name(name)
        case ast.Attribute(attr=name):
            return _underscore(name) if name.startswith("_") else None
        case ast.Constant(value=value):
            return _of_constant(value)
        case ast.Call():
            return _of_call(node)
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
            return _of_comprehension(node.generators)
        case ast.Dict(keys=keys):
            return ('"**" is not allowed in an expression', "name the keys one by one") if None in keys else None
        case ast.BinOp() | ast.UnaryOp() | ast.operator() | ast.unaryop() | ast.cmpop():
            return None
        case _:
            return None if isinstance(node, _PLAIN) else _not_allowed(node)


def _not_allowed(node: ast.AST) -> tuple[str, str]:
    what, hint = _REFUSED.get(type(node), (f"a Python {type(node).__name__}", "compute it in a task"))
    return f"{what} is not allowed in an expression", hint


def _of_compare(node: ast.Compare) -> tuple[str, str] | None:
    for op, right in zip(node.ops, node.comparators, strict=True):
        is_none = isinstance(right, ast.Constant) and right.value is None
        if isinstance(op, ast.Is | ast.IsNot) and not is_none:
            sign = "==" if isinstance(op, ast.Is) else "!="
            return '"is" compares with None only', f'use "{sign}"'
    return None


def _of_name(name: str) -> tuple[str, str] | None:
    if name in CONSTANTS:
        return f'"{name}" is not a name here', f'write "{CONSTANTS[name]}"'
    return _underscore(name) if name.startswith("_") else None


def _underscore(name: str) -> tuple[str, str]:
    hint = "only public fields of data can be read" if name.startswith("__") else "choose a name without it"
    return f'"{name}" begins with an underscore, which is not allowed in an expression', hint


def _of_constant(value: object) -> tuple[str, str] | None:
    if value is Ellipsis:
        return '"..." is not allowed in an expression', "write the value"
    if isinstance(value, bytes):
        return "bytes are not allowed in an expression", 'write text: "abc"'
    if isinstance(value, complex):
        return "complex numbers are not allowed in an expression", "compute it in a task"
    if isinstance(value, int) and value.bit_length() > LARGEST_INT_BITS:
        return "this number is too large", "compute it in a task"
    return None


def _of_call(node: ast.Call) -> tuple[str, str] | None:
    match node.func:
        case ast.Name():
            pass
        case ast.Attribute(attr=name) if name.startswith("_"):
            return None  # the name is refused by itself
        case ast.Attribute(attr=name):
            hint = f"write {METHODS[name]}" if name in METHODS else "only the built-in functions can be called"
            return f'methods such as ".{name}()" are not allowed in an expression', hint
        case _:
            return "only the built-in functions can be called", 'write a name, such as "len", before the bracket'
    if any(keyword.arg is None for keyword in node.keywords):
        return '"**" is not allowed in an expression', "give the arguments one by one"
    return None


def _of_comprehension(generators: list[ast.comprehension]) -> tuple[str, str] | None:
    if len(generators) > 1:
        return 'a comprehension may have one "for" only', "use flatten([[… for x in y] for y in z])"
    first = generators[0]
    if first.is_async:
        return '"async" is not allowed in an expression', "leave it out"
    for target in targets(first.target):
        if not isinstance(target, ast.Name):
            return "a comprehension binds plain names only", "write [… for x in items] or [… for a, b in pairs]"
        if target.id in CONTEXTS:
            return f'"{target.id}" is a context and cannot be bound by a comprehension', "choose another name"
    return None
