"""The code of an expression as a tree of closures, made once per process."""

from __future__ import annotations

import ast
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, TypeAlias

from flowpar.expr.access import read_field, read_item, read_member
from flowpar.expr.failure import EvaluationError, Missing
from flowpar.expr.functions import DEFAULT, FUNCTIONS
from flowpar.expr.member import CONTEXTS, member_of, path_of
from flowpar.expr.operation import BINARY, COMPARE, binary, compare, negative
from flowpar.expr.signature import Kind, is_of
from flowpar.expr.syntax import TooDeepError, targets, tree_of
from flowpar.expr.work import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flowpar.expr.work import Work

Closure: TypeAlias = "Callable[[Frame], Any]"


class Frame:
    """One evaluation: the contexts, the names that comprehensions bind, and the work that is left."""

    __slots__ = ("bound", "contexts", "work")

    def __init__(self, contexts: Mapping[str, object], work: Work) -> None:
        """Begin with no name bound."""
        self.contexts = contexts
        self.work = work
        self.bound: dict[str, object] = {}

    def context(self, name: str) -> object:
        """Return a context, or raise where there is none here."""
        try:
            return self.contexts[name]
        except KeyError:
            raise EvaluationError(f'"{name}" is not available here') from None


@lru_cache(maxsize=2048)
def closure_of(code: str) -> Closure:
    """Return the closure of an expression's code; one that the parser would refuse raises EvaluationError."""
    try:
        if (path := path_of(code)) is None:  # a parser would be most of a fresh process's work
            return _closure(tree_of(code))
    except (SyntaxError, TooDeepError):
        raise EvaluationError("the expression cannot be read") from None
    return reduce(_of_field, path[2], _of_member(*path[:2]))


def _closure(node: ast.expr) -> Closure:
    member = member_of(node)
    if member is not None:
        return _of_member(member.context, member.name)
    make = _MAKERS.get(type(node))
    if make is None:
        raise EvaluationError("the expression holds what is not allowed in one")
    return make(node)


def _of_member(context: str, name: str | None) -> Closure:
    if name is None:
        return lambda frame: frame.context(context)
    return lambda frame: read_member(frame.context(context), context, name)


def _constant(node: ast.Constant) -> Closure:
    value = node.value
    return lambda _: value


def _name(node: ast.Name) -> Closure:
    name = node.id
    if name in CONTEXTS:
        raise EvaluationError(f'"{name}" is no value by itself')

    def read(frame: Frame) -> object:
        try:
            return frame.bound[name]
        except KeyError:
            raise EvaluationError(f'there is no name "{name}"') from None

    return read


def _attribute(node: ast.Attribute) -> Closure:
    return _of_field(_closure(node.value), node.attr)


def _of_field(of: Closure, name: str) -> Closure:
    return lambda frame: read_field(of(frame), name)


def _subscript(node: ast.Subscript) -> Closure:
    of, key = _closure(node.value), _closure(node.slice)
    if not isinstance(node.slice, ast.Slice):
        return lambda frame: read_item(of(frame), key(frame))

    def cut(frame: Frame) -> object:
        part = read_item(of(frame), key(frame))
        frame.work.spend(len(part) if isinstance(part, list | tuple) else 1)
        return part

    return cut


def _slice(node: ast.Slice) -> Closure:
    start, stop, step = [_closure(part) if part else None for part in (node.lower, node.upper, node.step)]
    return lambda frame: slice(start and start(frame), stop and stop(frame), step and step(frame))


def _list(node: ast.List) -> Closure:
    items = [_closure(item) for item in node.elts]
    return lambda frame: [item(frame) for item in items]


def _tuple(node: ast.Tuple) -> Closure:
    items = [_closure(item) for item in node.elts]
    return lambda frame: tuple(item(frame) for item in items)


def _dict(node: ast.Dict) -> Closure:
    pairs = [(_closure(key), _closure(value)) for key, value in zip(node.keys, node.values, strict=True) if key]
    return lambda frame: {_hashable(key(frame), frame): value(frame) for key, value in pairs}


def _hashable(key: object, frame: Frame) -> object:
    frame.work.weigh(key)
    try:
        hash(key)
    except TypeError:
        raise EvaluationError(f"a {type_name(key)} cannot be the key of a mapping") from None
    return key


def _boolean(node: ast.BoolOp) -> Closure:
    parts = [_closure(part) for part in node.values]
    is_or = isinstance(node.op, ast.Or)

    def decide(frame: Frame) -> object:
        value: object = None
        for part in parts:
            value = part(frame)
            if bool(value) is is_or:
                break
        return value

    return decide


def _unary(node: ast.UnaryOp) -> Closure:
    of = _closure(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda frame: not of(frame)
    if isinstance(node.op, ast.USub):
        return lambda frame: negative(of(frame))
    raise EvaluationError("the expression holds an operator that is not allowed in one")


def _binary(node: ast.BinOp) -> Closure:
    sign = BINARY.get(type(node.op))
    if sign is None:
        raise EvaluationError("the expression holds an operator that is not allowed in one")
    left, right = _closure(node.left), _closure(node.right)
    return lambda frame: binary(sign, left(frame), right(frame), frame.work)


def _compare(node: ast.Compare) -> Closure:
    first = _closure(node.left)
    rest = [(COMPARE[type(op)], _closure(right)) for op, right in zip(node.ops, node.comparators, strict=True)]

    def decide(frame: Frame) -> object:
        left = first(frame)
        result: object = True
        for sign, closure in rest:
            right = closure(frame)
            result = compare(sign, left, right, frame.work)
            if not result:
                break
            left = right
        return result

    return decide


def _if(node: ast.IfExp) -> Closure:
    test, body, orelse = _closure(node.test), _closure(node.body), _closure(node.orelse)
    return lambda frame: body(frame) if test(frame) else orelse(frame)


def _call(node: ast.Call) -> Closure:
    function = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
    names = [keyword.arg or "" for keyword in node.keywords]
    if function is None:
        raise EvaluationError("the expression calls what is no function")
    misfit = function.misfit(len(node.args), names)
    if misfit is not None:
        raise EvaluationError(misfit)
    positional = [_closure(arg) for arg in node.args]
    named = {name: _closure(keyword.value) for name, keyword in zip(names, node.keywords, strict=True)}
    if function is DEFAULT:
        return _default(*positional, **named)

    def call(frame: Frame) -> object:
        args = [arg(frame) for arg in positional]
        kwargs = {name: arg(frame) for name, arg in named.items()}
        misuse = function.misuse(args, kwargs)
        if misuse is not None:
            raise EvaluationError(misuse)
        return function.run(frame.work, *args, **kwargs)

    return call


def _default(value: Closure, fallback: Closure) -> Closure:
    def choose(frame: Frame) -> object:
        bound = frame.bound
        try:
            found = value(frame)
        except Missing:
            frame.bound = bound  # a loop may have been left in the middle
            found = None
        return fallback(frame) if found is None else found

    return choose


def _comprehension(node: ast.ListComp | ast.GeneratorExp) -> Closure:
    rounds, element = _rounds(node), _closure(node.elt)
    return lambda frame: [element(frame) for _ in rounds(frame)]


def _dict_comprehension(node: ast.DictComp) -> Closure:
    rounds, key, value = _rounds(node), _closure(node.key), _closure(node.value)
    return lambda frame: {_hashable(key(frame), frame): value(frame) for _ in rounds(frame)}


def _rounds(node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Callable[[Frame], Iterator[None]]:
    """Return what goes round a loop, with its names bound, once for each item that passes the `if`s."""
    loop = node.generators[0]
    names = [name.id for name in targets(loop.target) if isinstance(name, ast.Name)]
    is_pair = isinstance(loop.target, ast.Tuple)
    items_of, tests = _closure(loop.iter), [_closure(test) for test in loop.ifs]
    cost = sum(1 for _ in ast.walk(node))

    def go(frame: Frame) -> Iterator[None]:
        items = _listed(items_of(frame), frame)
        outer = frame.bound
        frame.bound = dict(outer)
        try:
            for item in items:
                frame.work.spend(cost)
                frame.bound.update(zip(names, _parts(item, len(names)) if is_pair else (item,), strict=True))
                if all(test(frame) for test in tests):
                    yield
        finally:
            frame.bound = outer

    return go


def _listed(value: object, frame: Frame) -> list[object]:
    if not is_of(Kind.ITEMS, value):
        raise EvaluationError(f"a loop needs a list, not {type_name(value)}")
    return frame.work.listed(value)  # type: ignore[arg-type]


def _parts(item: object, count: int) -> list[object]:
    """Return the parts of an item that a loop divides among its names."""
    parts = list(item) if isinstance(item, list | tuple) else []
    if len(parts) != count:
        what = f"{len(parts)} parts" if parts else f"a {type_name(item)}"
        raise EvaluationError(f"the loop divides each item among {count} names, but one is {what}")
    return parts


_MAKERS: dict[type[ast.expr], Callable[[Any], Closure]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Dict: _dict,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.IfExp: _if,
    ast.Call: _call,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}
