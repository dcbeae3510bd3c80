"""A module as the pieces that run when it is imported, each in its normal form, and the names that they bind.

    RATE = 3            Piece(bound RATE)
    def rate(): …       Piece(bound rate)
    TABLE["a"] = RATE   Piece(binds nothing, writes TABLE)
    setup()             Piece(acts: nobody knows on what)

What stands under `if TYPE_CHECKING:` and, but for scripts, `if __name__ == "__main__":` never runs in a worker. A
statement with a body (`if`, `try`, a loop) is one piece, so whatever it binds hangs on all of it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from flowpar.code.body import normal_form
from flowpar.code.dynamic import SEEING_LOCALS
from flowpar.code.names import Definition, Imported, absolute_module, names_of, statements_below, statements_in
from flowpar.code.normal import Manner
from flowpar.code.purity import chain_of
from flowpar.code.scope import children_of, imported_by
from flowpar.code.script import is_script
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from flowpar.code.effect import Shown
    from flowpar.code.library import Module
    from flowpar.code.normal import Given, Import, Read

_BUILT_IN = frozenset({"locals", "vars", "dir", "eval", "exec"})
_TYPING = frozenset({"typing", "typing_extensions"})
PartKind = Literal["function", "class", "constant", "module"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement; `acts` are the roots of what it calls as a statement, "" where that has no name."""

    index: int
    node: ast.stmt
    form: bytes
    bound: Mapping[str, int]
    reads: tuple[Read, ...]
    imports: tuple[Import, ...]
    words: frozenset[str]
    calls: tuple[tuple[ast.Call, bool], ...]
    acts: tuple[str, ...]
    given: tuple[Given, ...] = ()
    texts: frozenset[str] = frozenset()

    @property
    def is_import(self) -> bool:
        """Whether it does nothing but import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def calls_now(self) -> bool:
        """Whether code of others runs along with it."""
        is_decorated = isinstance(self.node, Definition) and bool(self.node.decorator_list)
        has_keywords = isinstance(self.node, ast.ClassDef) and bool(self.node.keywords)
        return is_decorated or has_keywords or any(not is_late for _, is_late in self.calls)


@dataclass(frozen=True, slots=True)
class Outline:
    """A module's pieces; `bound` are the names with the pieces that bind them, `variables` those not imported alone.

    `rebound` are those that a function may bind anew: `global x`.
    """

    module: Module
    manner: Manner
    pieces: tuple[Piece, ...]
    bound: Mapping[str, tuple[Piece, ...]]
    variables: Mapping[str, tuple[Piece, ...]]
    imports: Mapping[str, tuple[Imported, ...]]
    rebound: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module.name

    @property
    def package(self) -> str:
        """Where its relative imports start."""
        return self.module.source.package

    def stars_after(self, name: str) -> tuple[str, ...]:
        """Return the modules whose `import *` may bind a name: those after another binding, or all."""
        if not self.module.names.stars or name not in self.bound:
            return tuple(self.module.names.stars)
        later = self.pieces[self.bound[name][0].index :]
        return tuple(star for piece in later for star in _stars_in(piece.node, self.package))

    def imported_by(self, piece: Piece, name: str) -> str:
        """Return what an import binds a name to."""
        found = (imported for bound, imported in _imports_in(piece.node, self.package) if bound == name)
        return "|".join(f"{imported.module}:{imported.name or ''}" for imported in found)

    def words_in(self, pieces: Iterable[Piece]) -> set[str]:
        """Return the names in pieces, those that stand for others among them."""
        words = {word for piece in pieces for word in piece.words}
        meant = {
            part.name or part.module for word in words & self.imports.keys() for part in self.imports[word]
        } - words
        others = {name.rpartition(".")[2] for name in meant}
        values = {getattr(getattr(piece.node, "value", None), "id", "") for piece in pieces} & _BUILT_IN  # `L = locals`
        # Under another name nobody sees in a function that its variables are looked at.
        return words | others | ({"__annotations__"} if (others | values) & SEEING_LOCALS else set())

    def mentions(self, piece: Piece) -> bool:
        """Whether a module mentions what a piece binds, be it in an annotation."""
        nodes = [] if self.module.tree is None else ast.walk(self.module.tree)
        return any(isinstance(node, ast.Name) and node.id in piece.bound for node in nodes)

    def is_mutable(self, name: str) -> bool:
        """Whether a variable may hold an object that changes: no definition, no plain constant."""
        return any(not isinstance(_value(piece.node), Definition | ast.Constant) for piece in self.variables[name])

    def kind_of(self, name: str) -> PartKind:
        """Return what a variable is."""
        values = [_value(piece.node) for piece in self.variables[name]]
        if all(isinstance(value, ast.ClassDef) for value in values):
            return "class"
        is_function = all(isinstance(v, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) for v in values)
        return "function" if is_function else "constant"


def outline_of(module: Module, shown: Callable[[ast.AST], Shown], *, is_strict: bool = False) -> Outline:
    """Read the pieces of a module that has a tree."""
    body = [] if module.tree is None else module.tree.body
    package = module.source.package
    manner = Manner(package, shown, is_strict, is_postponed=any(map(_postpones, body)))
    running = _documented(body) if is_strict else list(body)
    pieces = tuple(piece_of(index, statement, manner) for index, statement in enumerate(_running(running, module)))
    bound: dict[str, tuple[Piece, ...]] = {}
    variables: dict[str, tuple[Piece, ...]] = {}
    imports: dict[str, tuple[Imported, ...]] = {}
    for piece in pieces:
        for name, imported in _imports_in(piece.node, package):
            imports[name] = (*imports.get(name, ()), imported)
        for name in piece.bound:
            bound[name] = (*bound.get(name, ()), piece)
            if not piece.is_import:
                variables[name] = (*variables.get(name, ()), piece)
    rebound = frozenset(name for part in statements_below(body) if isinstance(part, ast.Global) for name in part.names)
    return Outline(module, manner, pieces, bound, variables, imports, rebound)


def piece_of(index: int, node: ast.stmt, manner: Manner) -> Piece:
    """Read one statement."""
    form, noted = normal_form(node, manner)
    return Piece(
        index,
        node,
        form,
        _bound_by(node, manner.package),
        tuple(noted.reads),
        tuple(noted.imports),
        frozenset(noted.words),
        tuple(noted.calls),
        tuple(_acts(node)),
        tuple(noted.given),
        frozenset(noted.texts),
    )


def _postpones(statement: ast.stmt) -> bool:
    match statement:
        case ast.ImportFrom(module="__future__", names=names):
            return any(alias.name == "annotations" for alias in names)
        case _:
            return False


def _running(body: Iterable[ast.stmt], module: Module) -> Iterator[ast.stmt]:
    """Give the statements of a module that may run in a worker."""
    for statement in body:
        if isinstance(statement, ast.If) and _never(statement.test, module):
            yield from _running(statement.orelse, module)
        elif not isinstance(statement, ast.Pass) and not _is_text(statement):
            yield statement


def _never(test: ast.expr, module: Module) -> bool:
    """Whether a condition is known to be false in a worker."""
    match test:
        case ast.Name(id="TYPE_CHECKING" as name) | ast.Attribute(value=ast.Name(id=name), attr="TYPE_CHECKING"):
            binding = module.names.bindings.get(name)
            return binding is not None and isinstance(binding.value, Imported) and binding.value.module in _TYPING
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return not is_script(module.name)
        case ast.Constant(value=value):
            return not value
        case _:
            return False


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _documented(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Let a module's docstring be the value of `__doc__`."""
    if not body or not isinstance(body[0], ast.Expr) or not _is_text(body[0]):
        return list(body)
    text = ast.Assign([ast.Name("__doc__", ast.Store())], body[0].value)
    return [ast.fix_missing_locations(ast.copy_location(text, body[0])), *body[1:]]


def _bound_by(node: ast.stmt, package: str) -> dict[str, int]:
    """Return the names that a statement binds, with their lines."""
    if isinstance(node, Definition):
        return {node.name: node.lineno, **_bound_inside(node)}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return dict.fromkeys((name for name, _ in imported_by(node, package)), node.lineno)
    bindings = names_of([node], package=package).bindings
    has_body = hasattr(node, "body")
    deleted = (inner.targets for inner, _ in statements_in([node]) if isinstance(inner, ast.Delete))
    gone = {part.id: part.lineno for parts in deleted for part in parts if isinstance(part, ast.Name)}
    gone |= _bound_inside(node)
    return gone | {n: getattr(b.value, "lineno", node.lineno) if has_body else node.lineno for n, b in bindings.items()}


def _bound_inside(node: ast.stmt) -> dict[str, int]:
    """Return what patterns and `:=` bind wherever they stand, and bodies of classes by `global`."""
    found: dict[str, int] = {}
    waiting: list[tuple[ast.AST, bool]] = [(node, False)]
    while waiting:
        part, is_inner = waiting.pop()
        match part:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found |= {} if is_inner else {name: part.lineno}
            case ast.NamedExpr(target=ast.Name(id=name)):
                found |= {} if is_inner else {name: part.lineno}
            case ast.Global(names=names):
                found |= dict.fromkeys(names, part.lineno)
            case ast.Lambda():
                waiting += [(default, is_inner) for default in children_of(part.args)]
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                outside = [*part.decorator_list, *children_of(part.args), *([part.returns] if part.returns else [])]
                waiting += [(each, is_inner) for each in outside]
                continue
            case ast.ClassDef():
                waiting += [(each, is_inner) for each in (*part.decorator_list, *part.bases, *part.keywords)]
                waiting += [(each, True) for each in part.body]
                continue
        waiting += [(child, is_inner) for child in children_of(part)]
    return found


def _imports_in(node: ast.stmt, package: str) -> Iterator[tuple[str, Imported]]:
    for statement, _ in statements_in([node]):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imported_by(statement, package)
        elif isinstance(statement, Definition):
            yield from _imports_for_all(statement, package)


def _imports_for_all(node: ast.stmt, package: str) -> Iterator[tuple[str, Imported]]:
    """Give what functions import for the module: `global lib; import lib`."""
    parts = list(statements_below([node]))
    names = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
    for part in parts if names else ():
        if isinstance(part, ast.Import | ast.ImportFrom):
            yield from (each for each in imported_by(part, package) if each[0] in names)


def _stars_in(node: ast.stmt, package: str) -> Iterator[str]:
    for statement, _ in statements_in([node]):
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            yield absolute_module(statement, package)


def _acts(node: ast.stmt) -> Iterator[str]:
    """Give the roots of the methods that run for their effect alone; "" for functions, assertions and the like."""
    for statement, _ in statements_in([node]):
        match statement:
            case ast.ClassDef(body=body):
                for part in body:
                    yield from (() if isinstance(part, Definition) else _acts(part))
            case ast.Assert() | ast.Raise():
                yield ""
            case ast.Expr(value=value) if any(isinstance(part, ast.Call) for part in ast.walk(value)):
                inner = chain_of(value.func)[0] if isinstance(value, ast.Call) else None
                is_method = isinstance(inner, ast.Name) and isinstance(getattr(value, "func", None), ast.Attribute)
                yield inner.id if is_method and isinstance(inner, ast.Name) else ""


def _value(node: ast.stmt) -> ast.AST | None:
    return getattr(node, "value", None) if isinstance(node, ast.Assign | ast.AnnAssign) else node
