"""What of a function runs when it is called: not what stands in functions that it only gives back.

def retry(times):                       retry(3)      runs this body
    def wrap(f):                        retry(3)(f)   and this one
        def inner(*given): sleep(1)                   not this: it runs when somebody calls what came of it
        return inner
    return wrap
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from flowpar.code.names import statements_below, statements_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def entered(node: Function, calls: int, is_plain: Callable[[ast.expr], bool]) -> Function:
    """Return a function without what runs only after more `calls`; itself where there is nothing like that.

    `is_plain` says of a decorator that it does not call what it is given.
    """
    idle = set(_idle(node, calls, is_plain))
    return _without(node, idle) if idle else node


def _idle(node: Function, calls: int, is_plain: Callable[[ast.expr], bool]) -> Iterator[int]:
    """Give the ids of the functions in one that do not run."""
    for inner in _given_back(node, is_plain):
        if calls > 1:
            yield from _idle(inner, calls - 1, is_plain)
        else:
            yield id(inner)


def _given_back(node: Function, is_plain: Callable[[ast.expr], bool]) -> Iterator[Function]:
    """Give the functions in one whose names stand nowhere but in what it returns."""
    own = [statement for statement, _ in statements_in(node.body)]
    inner = [statement for statement in own if isinstance(statement, Function)]
    returned = {
        id(part) for statement in own if isinstance(statement, ast.Return) for part in _choices(statement.value)
    }
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)] if inner else []
    declared = {
        name
        for statement in (statements_below(node.body) if inner else ())
        if isinstance(statement, ast.Global | ast.Nonlocal)
        for name in statement.names
    }
    for function in inner:
        is_once = sum(each.name == function.name for each in inner) == 1 and function.name not in declared
        is_returned = all(id(name) in returned for name in names if name.id == function.name)
        if is_once and is_returned and all(map(is_plain, function.decorator_list)):
            yield function


def _choices(value: ast.expr | None) -> Iterator[ast.AST]:
    match value:
        case ast.Name():
            yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from _choices(body)
            yield from _choices(orelse)


def _without(node: Function, idle: set[int]) -> Function:
    emptied = copy.copy(node)
    emptied.body = [_emptied(part, idle) for part in node.body]
    return emptied


def _emptied(node: ast.stmt, idle: set[int]) -> ast.stmt:
    """Return a statement in which some functions do nothing."""
    emptied = copy.copy(node)
    if id(node) in idle and isinstance(emptied, Function):
        emptied.body = [ast.copy_location(ast.Pass(), node)]
        return emptied
    for name in _BLOCKS:
        parts = getattr(node, name, None)
        if isinstance(parts, list):
            setattr(emptied, name, [_emptied(part, idle) for part in parts])
    return emptied
