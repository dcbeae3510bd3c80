"""From which names the value of an expression may have its objects, and in which way.

[T]        holds T           T or U     is one of them        T[0], f(T)     a part of T, or what comes of it
len(T)     nothing of T
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.facts import RESULT, Local, Root
from flowpar.code.purity import chain_of
from flowpar.code.scope import (
    Comprehension,
    Scope,
    children_of,
    scope_of_class,
    scope_of_comprehension,
    scope_of_function,
)
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flowpar.code.facts import Key
    from flowpar.code.origin import Way
    from flowpar.code.purity import Kind


@dataclass(frozen=True, slots=True)
class At:
    """Where a walk is."""

    scope: Scope | None = None
    is_late: bool = False


class Sources:
    """Answers for one piece, whose scopes it keeps."""

    def __init__(self, package: str, kind_of: Callable[[Root], Kind | None]) -> None:
        """Ask `kind_of` what is known of a function."""
        self._package = package
        self._kind_of = kind_of
        self._scopes: dict[int, Scope] = {}

    def scope(self, node: ast.AST, parent: Scope | None) -> Scope:
        """Return the scope of a body, the same each time."""
        if id(node) not in self._scopes:
            match node:
                case ast.ClassDef():
                    scope = scope_of_class(node, parent, self._package)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    scope = scope_of_function(node, parent, self._package)
                case _:
                    assert isinstance(node, Comprehension)  # noqa: S101 - nothing else has one
                    scope = scope_of_comprehension(node, parent)
            self._scopes[id(node)] = scope
        return self._scopes[id(node)]

    def named(self, name: str, path: tuple[str, ...], scope: Scope | None) -> list[Key]:
        """Return what a name with attributes stands for."""
        owner = None if scope is None else scope.owner(name)
        if owner is None:
            return [Root(None, (name, *path))]
        keys: list[Key] = [
            Root(imported.module, path if imported.name is None else (imported.name, *path))
            for imported in owner.imported.get(name, ())
        ]
        if owner.kind == "class":  # which looks at the module where it has no such name yet
            keys.append(Root(None, (name, *path)))
        return [*keys, Local(id(owner), name)]

    def keys_of(self, *parts: ast.AST | None, at: At) -> set[Key]:
        """Return all names whose objects may be in the value of an expression."""
        found: set[Key] = set()
        waiting = [(part, at.scope) for part in parts if part is not None]
        while waiting:
            part, scope = waiting.pop()
            inner, attributes = chain_of(part)
            if isinstance(inner, ast.Name):
                found.update(self.named(inner.id, attributes, scope))
            elif isinstance(part, Comprehension):
                waiting += self._within(part, scope)
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                waiting += [(child, self.scope(part, scope)) for child in children_of(part)]
            elif not self._shares_nothing(part, scope):
                if isinstance(part, ast.Call) and self._is_given_function(part.func, scope):
                    found.add(RESULT)
                waiting += [(child, scope) for child in children_of(part)]
        return found

    def _within(self, node: ast.AST, scope: Scope | None) -> Iterator[tuple[ast.AST, Scope | None]]:
        inside = self.scope(node, scope)
        for index, generator in enumerate(getattr(node, "generators", ())):
            yield generator.iter, inside if index else scope
        yield from ((getattr(node, n), inside) for n in ("elt", "key", "value") if getattr(node, n, None) is not None)

    def _shares_nothing(self, part: ast.AST, scope: Scope | None) -> bool:
        match part:
            case ast.Constant() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Compare(ops=ops):
                return all(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops)
            case ast.Call(func=func):
                return self.kind(func, scope) == "atomic"
            case _:
                return False

    def _is_given_function(self, func: ast.AST, scope: Scope | None) -> bool:
        inner, _ = chain_of(func)
        owner = scope.owner(inner.id) if isinstance(inner, ast.Name) and scope is not None else None
        return owner is not None and owner.kind == "function"

    def kind(self, func: ast.AST, scope: Scope | None) -> Kind | None:
        """Return what is known of what is called."""
        inner, attributes = chain_of(func)
        keys = self.named(inner.id, attributes, scope) if isinstance(inner, ast.Name) else []
        known = {self._kind_of(key) if isinstance(key, Root) else None for key in keys}
        return known.pop() if len(known) == 1 else None

    def sources(self, value: ast.AST | None, at: At) -> dict[Key, Way]:
        """Return all names whose objects may be in the value of an expression, and in which way."""
        found: dict[Key, Way] = {}
        waiting: list[ast.AST | None] = [value]
        while waiting:
            part = waiting.pop()
            match part:
                case ast.Name(id=name):
                    found |= dict.fromkeys(self.named(name, (), at.scope), "same")
                case ast.IfExp(body=one, orelse=other):
                    waiting += [one, other]
                case ast.BoolOp(values=values):
                    waiting += values
                case ast.NamedExpr(value=inner):
                    waiting.append(inner)
                case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                    found |= {key: found.get(key, "held") for key in self._held(parts, at)}
                case ast.Dict(keys=keys, values=parts):
                    found |= {key: found.get(key, "held") for key in self._held([*keys, *parts], at)}
                case _:
                    found |= dict.fromkeys(self.keys_of(part, at=at), "part")
        return found

    def _held(self, parts: Iterable[ast.AST | None], at: At) -> set[Key]:
        return self.keys_of(*parts, at=at)
