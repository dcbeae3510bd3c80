"""The normal forms of what has a body, and names, of its own: functions, classes and comprehensions.

normal_form(piece, …) ─► Normal, walked: its tokens, and all that it noted
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.code.dynamic import SEEING_LOCALS
from flowpar.code.effect import Shown
from flowpar.code.form import (
    does_something,
    is_built_in,
    names_given,
    of_annotated,
    of_attribute,
    of_call,
    of_constant,
    of_declared,
    of_handler,
    of_import,
    of_joined,
    of_name,
    of_subscript,
    postponed,
)
from flowpar.code.names import Definition
from flowpar.code.normal import Form, Manner, Normal, Place
from flowpar.code.scope import (
    Comprehension,
    arguments_of,
    children_of,
    scope_of_class,
    scope_of_comprehension,
    scope_of_function,
)
from flowpar.code.token import name_token, text_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.code.normal import Item

_PUTTING = frozenset({"append", "appendleft", "insert", "extend"})
# These look up names that stand in a text among the caller's variables, as duckdb, pandas and numexpr do.
_READ_TEXTS = frozenset({"sql", "query", "execute", "evaluate", "sqldf", "from_query", "SQLContext"})


def normal_form(node: ast.AST, manner: Manner) -> tuple[bytes, Normal]:
    """Return the form of a piece of a module, and what was noted on the way."""
    parts = _parts(node)
    keeps = _kept_names(parts) if not manner.is_strict else lambda _: True
    normal = Normal(manner, FORMS, keeps, told=_given_inside(node, parts))
    return normal.tokens(node), normal


def _of_comprehension(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    assert isinstance(node, Comprehension)  # noqa: S101 - by the table
    inside = replace(place, scope=normal.opened(scope_of_comprehension(node, place.scope)))
    items: list[Item] = [b"(" + type(node).__name__.encode()]
    for index, part in enumerate(node.generators):
        items += [b"async" if part.is_async else b"for", (part.target, inside)]
        items += [(part.iter, inside if index else place), *((test, inside) for test in part.ifs), b"|"]
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    return [*items, *((result, inside) for result in results), b")"]


def _of_function(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)  # noqa: S101 - by the table
    inside = Place(normal.opened(scope_of_function(node, place.scope, normal.manner.package)), is_late=True)
    items: list[Item] = [b"(" + type(node).__name__.encode()]
    shown = normal.shown(node)
    items += _parameters(normal, node.args, place, is_told=bool(shown))
    if isinstance(node, ast.Lambda):
        return [*items, (node.body, inside), b")"]
    for decorator in node.decorator_list:
        normal.give(_called(decorator), [ast.Name(node.name)], place)
    items += [name_token(b"d", node.name), *_all(node.decorator_list, place), *_doc(node, shown)]
    items += _when(normal, node, shown, node.returns, *(part.annotation for part in arguments_of(node.args)))
    items += _all(_type_parameters(node), inside) if shown else []
    if node.returns is not None and (shown or does_something(node.returns)):
        items += [b"->", (node.returns, place.in_annotation())]
    return [*items, *normal.value(node.body, inside), b")"]


def _parameters(normal: Normal, arguments: ast.arguments, place: Place, *, is_told: bool) -> list[Item]:
    groups: tuple[Sequence[ast.arg | None], ...] = (
        arguments.posonlyargs,
        arguments.args,
        [arguments.vararg],
        arguments.kwonlyargs,
        [arguments.kwarg],
    )
    items: list[Item] = []
    for mark, group in zip((b"/", b",", b"*", b"k", b"**"), groups, strict=True):
        for parameter in group:
            if parameter is None:
                continue
            items += [mark, name_token(b"p", parameter.arg)]
            is_counted = is_told or does_something(parameter.annotation)
            if is_counted and parameter.annotation is not None:
                items.append((parameter.annotation, place.in_annotation()))
    return [*items, b"d", *_all(arguments.defaults, place), *normal.value(arguments.kw_defaults, place)]


def _of_class(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    assert isinstance(node, ast.ClassDef)  # noqa: S101 - by the table
    scope = normal.opened(scope_of_class(node, place.scope, normal.manner.package))
    shown = normal.shown(node)
    scope.counts_annotations = bool(shown)
    inside = Place(scope, place.is_late)
    for called in [*map(_called, node.decorator_list), *(_called(keyword.value) for keyword in node.keywords)]:
        normal.give(called, [ast.Name(node.name)], place)
    if shown is Shown.DOCSTRING:
        normal.told |= {id(part) for part in node.body}
    items: list[Item] = [b"(class", name_token(b"d", node.name), *_all(node.decorator_list, place), *_doc(node, shown)]
    items += _when(normal, node, shown)
    items += [b"(", *_all([*node.bases, *node.keywords], place), b")", *_all(_type_parameters(node), inside)]
    return [*items, *normal.value(node.body, inside), b")"]


def _type_parameters(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = getattr(node, "type_params", [])  # new in Python 3.12
    return found


def _all(nodes: Iterable[ast.AST], place: Place) -> list[Item]:
    return [b"[", *((node, place) for node in nodes), b"]"]


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _doc(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, shown: Shown) -> list[Item]:
    """Return the docstring, where somebody may read it."""
    text = ast.get_docstring(node, clean=False) if shown is Shown.DOCSTRING else None
    return [] if text is None else [b"doc", text_token(text)]


def _when(normal: Normal, node: ast.AST, shown: Shown, *annotations: ast.AST | None) -> list[Item]:
    """Say whether what stands in annotations is there at run time, or only their text."""
    told = annotations if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else (node,)
    is_seen = normal.manner.is_postponed and shown >= Shown.ANNOTATIONS and any(told)
    return [b"later"] if is_seen else postponed(normal, *annotations)


def _parts(piece: ast.AST) -> list[ast.AST]:
    parts: list[ast.AST] = [piece]
    for part in parts:  # which grows on the way
        parts += children_of(part)
    return parts


def _given_inside(piece: ast.AST, parts: Iterable[ast.AST]) -> set[int]:
    """Return the definitions in a piece whose names are given to something that is called there."""
    inner = [part for part in parts if isinstance(part, Definition) and part is not piece]
    calls = [part for part in parts if isinstance(part, ast.Call) and not _only_keeps(part.func)] if inner else []
    given = {name.id for call in calls for name in names_given(call) if isinstance(name, ast.Name)}
    return {id(part) for part in inner if part.name in given}


def _only_keeps(func: ast.expr) -> bool:
    """Whether what is called is Python's, or puts what it is given into a list."""
    return is_built_in(func) or getattr(func, "attr", "") in _PUTTING


def _kept_names(parts: Iterable[ast.AST]) -> Callable[[str], bool]:
    """Return which local names of a piece must stay what they are: those that somebody looks up by their text."""
    called = {getattr(part, "id", getattr(part, "attr", None)) for part in parts}
    if not called.isdisjoint(SEEING_LOCALS):
        return lambda _: True
    if called.isdisjoint(_READ_TEXTS):
        return lambda _: False
    idle = {id(part.value) for part in parts if isinstance(part, ast.Expr)}
    texts = (part.value for part in parts if isinstance(part, ast.Constant) and id(part) not in idle)
    return "\n".join(text for text in texts if isinstance(text, str)).__contains__


FORMS: Mapping[type[ast.AST], Form] = {
    ast.Name: of_name,
    ast.Attribute: of_attribute,
    ast.Subscript: of_subscript,
    ast.Import: of_import,
    ast.ImportFrom: of_import,
    ast.Constant: of_constant,
    ast.Call: of_call,
    ast.JoinedStr: of_joined,
    ast.AnnAssign: of_annotated,
    ast.Global: of_declared,
    ast.Nonlocal: of_declared,
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping), of_handler),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _of_comprehension),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), _of_function),
    ast.ClassDef: _of_class,
}
