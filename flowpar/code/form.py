"""The normal forms of names, attributes, constants, calls and imports; all other expressions are their fields."""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

from flowpar.code.names import absolute_module
from flowpar.code.normal import Import, Read
from flowpar.code.purity import chain_of
from flowpar.code.scope import children_of, imported_by
from flowpar.code.token import constant, name_token, text_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.code.normal import Item, Normal, Place


_TYPE = re.compile(r"[A-Za-z_][\w.]*(\[[\w\[\]., |]{,200}\])?( *\| *[\w\[\]., |]{,200})?")


def of_name(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take a name."""
    assert isinstance(node, ast.Name)  # noqa: S101 - by the table
    if isinstance(node.ctx, ast.Load):
        return (normal.name(node.id, place, node.lineno),)
    return (b"=" if isinstance(node.ctx, ast.Store) else b"-", normal.bound(node.id, place))


def of_attribute(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take a chain of attributes as a whole: `lib.rates.RATE` reads that, not all of `lib`."""
    assert isinstance(node, ast.Attribute)  # noqa: S101 - by the table
    inner, attributes = chain_of(node)
    form = b"".join(name_token(b".", attribute) for attribute in attributes)
    mark = b"(" if isinstance(node.ctx, ast.Load) else b"(=" if isinstance(node.ctx, ast.Store) else b"(-"
    normal.words.update(attributes)
    if isinstance(inner, ast.Name):
        return (mark, normal.name(inner.id, place, inner.lineno, attributes), form, b")")
    return (mark, (inner, place), form, b")")


def of_subscript(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take `x[i]`."""
    assert isinstance(node, ast.Subscript)  # noqa: S101 - by the table
    mark = b"" if isinstance(node.ctx, ast.Load) else b"=" if isinstance(node.ctx, ast.Store) else b"-"
    return [mark, *normal.plain(node, place)]


def of_call(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take a call."""
    assert isinstance(node, ast.Call)  # noqa: S101 - by the table
    normal.calls.append((node, place.is_late))
    normal.give(node.func, names_given(node), place)
    return normal.plain(node, place)


def names_given(call: ast.Call) -> list[ast.AST]:
    """Return the names, with their attributes, in what a call is given, those that are called themselves left out."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [*call.args, *call.keywords]
    while waiting:
        part = waiting.pop()
        if isinstance(chain_of(part)[0], ast.Name):
            found.append(part)
        elif isinstance(part, ast.Call):
            waiting += [*part.args, *part.keywords]
        elif not isinstance(part, ast.Lambda):
            waiting += children_of(part)
    return found


def does_something(annotation: ast.AST | None) -> bool:
    """Whether more than names stands in an annotation: `x: f() = 1` calls a function where it stands."""
    calls = ast.Call | ast.NamedExpr | ast.Await
    return annotation is not None and any(isinstance(part, calls) for part in ast.walk(annotation))


def postponed(normal: Normal, *annotations: ast.AST | None) -> list[Item]:
    """Say of annotations that do something whether they do it at once."""
    return [b"later"] if normal.manner.is_postponed and any(map(does_something, annotations)) else []


def is_built_in(func: ast.AST) -> bool:
    """Whether what is called has the name of a function of Python's."""
    return isinstance(func, ast.Name) and hasattr(builtins, func.id)


def of_import(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take an import by the whole names of its modules; what it binds is local or the module's."""
    assert isinstance(node, ast.Import | ast.ImportFrom)  # noqa: S101 - by the table
    module = absolute_module(node, normal.manner.package) if isinstance(node, ast.ImportFrom) else ""
    imported = list(imported_by(node, normal.manner.package))
    bound = [name for name, _ in imported]
    for name, what in imported:
        owner = normal.owner(name, place)
        if owner is not None and owner.kind == "class":  # from then on an attribute, whoever asks for it
            path = () if what.name is None else (what.name,)
            normal.reads.append(Read(what.module, path, node.lineno, place.is_late))
    items: list[Item] = [b"(import", text_token(module)]
    for alias, name in zip(node.names, bound or ["*"], strict=False):
        names = (module, f"{module}.{alias.name}") if module else (alias.name,)
        normal.imports += [Import(name, node.lineno, place.is_late) for name in names]
        normal.words.add(alias.name)
        is_last = not module and alias.asname and "." in alias.name
        items += [text_token(alias.name), b"as" if is_last else b"is", normal.bound(name, place)]
    return [*items, b")"]


def of_constant(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take a constant; in an annotation that counts, a text is also the expression that it holds."""
    assert isinstance(node, ast.Constant)  # noqa: S101 - by the table
    own = constant(node.value)
    if not isinstance(node.value, str):
        return (own,)
    if not place.is_annotation:
        if node.value.startswith("__"):  # `getattr(call, "__annotations__")`
            normal.words.add(node.value)
        elif _TYPE.fullmatch(node.value):
            normal.texts.add(node.value)
        return (own,)
    try:
        inner = ast.parse(node.value.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (own,)
    return (b"(text", own, (inner, place), b")")


def of_joined(_: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Join the parts of an f-string that are text, however it was divided."""
    assert isinstance(node, ast.JoinedStr)  # noqa: S101 - by the table
    parts: list[Item] = [b"(f"]
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        parts += ([text_token(text)] if text else []) + [(value, place)]
        text = ""
    if len(parts) == 1:
        return (constant(text),)
    return [*parts, *([text_token(text)] if text else []), b")"]


def of_annotated(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take `x: T = 1` as `x = 1`, unless the annotations of this body have an effect."""
    assert isinstance(node, ast.AnnAssign)  # noqa: S101 - by the table
    scope = place.scope
    if normal.manner.is_strict or (scope is not None and scope.counts_annotations) or does_something(node.annotation):
        items: list[Item] = [
            b"(annotated",
            *postponed(normal, node.annotation),
            (node.target, place),
            (node.annotation, place.in_annotation()),
        ]
        items += [] if node.value is None else [(node.value, place)]
        return [*items, b")"]
    if node.value is None:
        return ()
    return (b"(Assign.targets[", (node.target, place), b"].value", (node.value, place), b")")


def of_declared(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take `global x`, which must stand before other uses of `x`."""
    assert isinstance(node, ast.Global | ast.Nonlocal)  # noqa: S101 - by the table
    return [b"(declared", *(normal.bound(name, place) for name in node.names), b")"]


def of_handler(normal: Normal, node: ast.AST, place: Place) -> Sequence[Item]:
    """Take what binds a name by a text: `except E as name`, patterns."""
    form: list[Item] = []
    for name in ("name", "rest"):
        value = getattr(node, name, None)
        form += [b"=", normal.bound(value, place)] if isinstance(value, str) else []
    return [*form, *normal.plain(node, place, without=frozenset({"name", "rest"}))]
