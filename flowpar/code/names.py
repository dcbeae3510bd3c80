"""What a module or class body binds to each name, read from its syntax tree.

    bindings    name -> Binding: a definition, an assigned expression, or an import
    stars       modules of `from m import *`
    is_open     names may come from elsewhere: `__getattr__`, `globals()[…] = …`, `exec`

A name that is bound in more than one way, of which one hangs on a condition (`try: import fast`), is
not certain: whoever asks must not conclude anything from it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Imported:
    """`import module` (name is None) or `from module import name`; the module is absolute."""

    module: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Binding:
    """What one name stands for; without `value` it is bound to something that reading can't tell.

    `stars` are the modules of which everything was imported afterwards, and which may have the name, too.
    """

    value: Definition | ast.expr | Imported | None
    annotation: ast.expr | None = None
    is_certain: bool = True
    stars: tuple[str, ...] = ()


@dataclass(slots=True)
class Names:
    """The names of one body, in the order in which they were first bound."""

    bindings: dict[str, Binding] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    is_open: bool = False

    @property
    def public(self) -> frozenset[str] | None:
        """The names in `__all__`, None where there is none or reading can't tell."""
        listed = self.bindings.get("__all__")
        if listed is None or not listed.is_certain or not isinstance(listed.value, ast.List | ast.Tuple):
            return None
        parts = listed.value.elts
        names = frozenset(str(part.value) for part in parts if isinstance(part, ast.Constant))
        return names if all(isinstance(part, ast.Constant) for part in parts) else None


def names_of(body: Sequence[ast.stmt], *, package: str) -> Names:
    """Collect the names that a module or class body binds; `package` is where relative imports start."""
    names = Names()
    for statement, is_conditional in statements_in(body):
        for name, binding in _bound_by(statement, package):
            names.bindings[name] = _merged(names.bindings.get(name), binding, is_conditional=is_conditional)
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            star = absolute_module(statement, package)
            names.stars.append(star)
            for name, binding in names.bindings.items():  # what came before may be replaced
                stars = () if is_conditional else (*binding.stars, star)
                certain = binding.is_certain and not is_conditional
                names.bindings[name] = replace(binding, stars=stars, is_certain=certain)
        names.is_open = names.is_open or _opens(statement)
    return names


def _merged(earlier: Binding | None, later: Binding, *, is_conditional: bool) -> Binding:
    if earlier is None:
        return later
    if is_conditional or not earlier.is_certain:
        return Binding(later.value, later.annotation, is_certain=False, stars=earlier.stars)
    if isinstance(later.value, ast.expr) and later.annotation is None and earlier.annotation is not None:
        return Binding(later.value, earlier.annotation)
    return later


def statements_in(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """Give the statements that run with the body, those of `if`, `try`, `with` and loops included."""
    waiting = [(statement, False) for statement in reversed(list(body))]
    while waiting:
        statement, is_conditional = waiting.pop()
        yield statement, is_conditional
        if isinstance(statement, Definition):
            continue
        is_branch = not isinstance(statement, ast.With) and not _is_for_types(statement)
        inner = [part for part in _blocks(statement) if isinstance(part, ast.stmt)]
        waiting.extend((part, is_conditional or is_branch) for part in reversed(inner))


def _blocks(statement: ast.AST) -> Iterator[ast.AST]:
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for part in getattr(statement, name, ()):
            yield from part.body if isinstance(part, ast.ExceptHandler | ast.match_case) else (part,)


def _is_for_types(statement: ast.stmt) -> bool:
    """Whether this is `if TYPE_CHECKING:`, whose names annotations may use."""
    if not isinstance(statement, ast.If):
        return False
    test = statement.test
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


def _bound_by(statement: ast.stmt, package: str) -> Iterator[tuple[str, Binding]]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, Binding(statement)
            yield from ((name, Binding(None)) for name in _declared_global(statement))
        case ast.Import():
            for alias in statement.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or top, Binding(Imported(top, None))
        case ast.ImportFrom():
            module = absolute_module(statement, package)
            for alias in statement.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, Binding(Imported(module, alias.name))
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, Binding(value)
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name, Binding(statement.value, statement.annotation)
        case _:
            yield from ((name, Binding(value)) for name, value in _otherwise(statement))


def _otherwise(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """Give names bound by unpacking, loops, `with`, `:=` and `type X = …`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and _names_all(statement):
        yield "__all__", None  # `__all__.extend(…)`
    alias = getattr(ast, "TypeAlias", None)  # new in Python 3.12
    if alias is not None and isinstance(statement, alias):
        yield statement.name.id, statement.value
        return
    blocks = set(map(id, _blocks(statement)))
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, None
        if isinstance(node, ast.ExceptHandler | ast.match_case | ast.Lambda):
            continue
        waiting.extend(child for child in ast.iter_child_nodes(node) if id(child) not in blocks)


def definitions_in(node: ast.stmt) -> set[int]:
    """Return the ids of what a statement defines, and of the methods where that is a class."""
    outer = [inner for inner, _ in statements_in([node]) if isinstance(inner, Definition)]
    bodies = [node.body if isinstance(node, ast.ClassDef) else [] for node in outer]
    return {id(node) for node in [*outer, *(part for body in bodies for part in body)]}


def _names_all(statement: ast.stmt) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "__all__" for part in ast.walk(statement))


def _declared_global(definition: Definition) -> Iterator[str]:
    for statement in statements_below([definition]):
        if isinstance(statement, ast.Global):
            yield from statement.names


def statements_below(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Give all statements, those in definitions included; expressions are left out, of which there are far more."""
    waiting = list(body)
    while waiting:
        statement = waiting.pop()
        yield statement
        waiting += _blocks(statement)


def absolute_module(statement: ast.ImportFrom, package: str) -> str:
    """Return the module that a `from` import names; `package` is where relative ones start."""
    if not statement.level:
        return statement.module or ""
    base = package.split(".") if package else []
    base = base[: len(base) - (statement.level - 1)]
    return ".".join([*base, statement.module] if statement.module else base)


_OPENERS = {"exec", "globals", "vars", "setattr", "locals"}


def _opens(statement: ast.stmt) -> bool:
    """Whether names may appear that no statement shows."""
    if isinstance(statement, Definition):
        return statement.name == "__getattr__"
    own = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]
    calls = (node for part in own for node in ast.walk(part) if isinstance(node, ast.Call))
    return any(getattr(call.func, "id", None) in _OPENERS for call in calls)
