"""Which variable a name in a piece of Python means: one of a function around it, or one of the module.

    def rate(rows):             Scope("function")   rows, total
        total = 0
        return [r for r in rows]  └─ Scope("comprehension")   r

A name that no scope around it binds is the module's, or built in.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from flowpar.code.names import Imported, absolute_module
from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Kind = Literal["function", "class", "comprehension"]


@dataclass(slots=True, eq=False)
class Scope:
    """The names that one body binds; `fixed` ones show outside (parameters, definitions), so they stay as they are."""

    kind: Kind
    parent: Scope | None
    bound: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    imported: dict[str, list[Imported]] = field(default_factory=dict)
    of_module: set[str] = field(default_factory=set)
    of_outer: set[str] = field(default_factory=set)
    counts_annotations: bool = False

    def owner(self, name: str) -> Scope | None:
        """Return the scope whose variable a name means here; None for the module's."""
        scope: Scope | None = self
        while scope is not None:
            is_seen = scope is self or scope.kind != "class"
            if is_seen and name in scope.of_module:
                return None
            if is_seen and name in scope.bound and name not in scope.of_outer:
                return scope
            scope = scope.parent
        return None


def scope_of_function(node: Function, parent: Scope | None, package: str) -> Scope:
    """Return the scope of a function's body."""
    scope = Scope("function", parent)
    scope.fixed = {arg.arg for arg in arguments_of(node.args)} | type_parameters(node)
    scope.bound |= scope.fixed
    for part in node.body if isinstance(node.body, list) else [node.body]:
        _collect(scope, part, package)
    return scope


def scope_of_class(node: ast.ClassDef, parent: Scope | None, package: str) -> Scope:
    """Return the scope of a class's body."""
    scope = Scope("class", parent, bound=type_parameters(node))
    for part in node.body:
        _collect(scope, part, package)
    scope.fixed = scope.bound
    return scope


def scope_of_comprehension(node: Comprehension, parent: Scope | None) -> Scope:
    """Return the scope of what stands in a comprehension; its first iterable stands outside."""
    scope = Scope("comprehension", parent)
    for generator in node.generators:
        scope.bound |= {part.id for part in ast.walk(generator.target) if isinstance(part, ast.Name)}
    return scope


def arguments_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Give all parameters."""
    yield from arguments.posonlyargs
    yield from arguments.args
    yield from arguments.kwonlyargs
    yield from (part for part in (arguments.vararg, arguments.kwarg) if part is not None)


def type_parameters(node: Function | ast.ClassDef) -> set[str]:
    """Return the names in `def first[T](…)`, which Python knows from 3.12 on."""
    return {parameter.name for parameter in getattr(node, "type_params", ())}


def _collect(scope: Scope, node: ast.AST, package: str) -> None:
    """Note what a statement or expression binds in its scope, that of inner scopes left out."""
    waiting: list[tuple[ast.AST, bool]] = [(node, False)]
    while waiting:
        part, is_inner = waiting.pop()
        kind = type(part)
        if kind in _BINDING:
            _bind(scope, part, package, is_inner=is_inner)
        if kind in _ENDS:
            continue
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting += [(outer, is_inner) for outer in evaluated_outside(part)]
            continue
        # In a comprehension only `:=` binds a variable of the body around it.
        inner = is_inner or kind in _COMPREHENSIONS
        waiting += [(child, inner) for child in children_of(part)]


def children_of(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below one. `ast.iter_child_nodes` takes three times as long."""
    found = []
    for name in node._fields:
        if name in _OF_NODES:
            continue
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


# Fields with a node that says something of the one which has it, and has nothing in it.
_OF_NODES = frozenset({"ctx", "op", "ops"})


def evaluated_outside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.expr]:
    """Give what of a definition is evaluated where it stands: decorators, defaults, bases."""
    yield from node.decorator_list
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        yield from (keyword.value for keyword in node.keywords)
    else:
        yield from node.args.defaults
        yield from (default for default in node.args.kw_defaults if default is not None)


_ENDS = frozenset({ast.Lambda, ast.Name, ast.Constant})
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})
_BINDING = frozenset(
    {
        *(ast.NamedExpr, ast.Name, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
        *(ast.Global, ast.Nonlocal, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
    }
)


def _bind(scope: Scope, node: ast.AST, package: str, *, is_inner: bool) -> None:
    match node:
        case ast.NamedExpr(target=ast.Name(id=name)):
            scope.bound.add(name)
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if not is_inner:
            scope.bound.add(name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            scope.bound.add(name)
            scope.fixed.add(name)
        case ast.Import() | ast.ImportFrom():
            for name, imported in imported_by(node, package):
                scope.bound.add(name)
                scope.imported.setdefault(name, []).append(imported)
        case ast.Global(names=names):
            scope.of_module.update(names)
        case ast.Nonlocal(names=names):
            scope.of_outer.update(names)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            scope.bound.add(name)
        case ast.MatchMapping(rest=str(name)):
            scope.bound.add(name)


def imported_by(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Imported]]:
    """Give each name that an import binds, with what it stands for; a star binds none that can be seen."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield alias.asname or top, Imported(alias.name if alias.asname else top, None)
        return
    module = absolute_module(node, package)
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or alias.name, Imported(module, alias.name)
