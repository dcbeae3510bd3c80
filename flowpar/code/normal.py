"""A piece of Python in its normal form: what is left when layout, comments, docstrings and local names are taken away.

    Normal(piece) ─► tokens    the form, as bytes: equal for pieces that mean the same as far as reading can tell
                 └─► reads     the names of the module and of others that it uses, "RATE", "lib.rates.RATE"
                     imports   the modules that it imports, late ones included
                     texts     the constants that may be types which are written as texts: "Row", "list[Row]"

The rule of the form, which no version of Python changes: a node is its class and its fields in alphabetical order, each
with its name; empty fields, places, contexts and type comments are left out. A local variable is its number, in the
order of appearance; `x: T = 1` is `x = 1`; a text in several parts is one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from flowpar.code.effect import Shown
from flowpar.code.purity import chain_of
from flowpar.code.token import constant, name_token
from flowpar.core.frozen import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.code.scope import Scope

_LEFT_OUT = frozenset({"ctx", "type_comment", "kind", "annotation", "returns", "simple", "type_ignores"})


Meaning = tuple[str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Read:
    """A use of `base`'s (the piece's own module where None) name, with the attributes that follow it."""

    base: str | None
    path: tuple[str, ...]
    line: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported when the piece runs or, `is_late`, when a function of it is called."""

    module: str
    line: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk is: the scope, and whether this runs only when a function is called."""

    scope: Scope | None = None
    is_late: bool = False
    is_annotation: bool = False

    def in_annotation(self) -> Place:
        """Return the same place as one where texts are expressions."""
        return replace(self, is_annotation=True)


@dataclass(frozen=True, slots=True)
class Manner:
    """How the pieces of a module are read.

    `shown` says of a definition what of it somebody looks at; if `is_strict`, somebody looks at everything.
    `is_postponed` where annotations are texts at run time (`from __future__ import annotations`).
    """

    package: str
    shown: Callable[[ast.AST], Shown]
    is_strict: bool = False
    is_postponed: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """Names that are given to what is called, each as a base and a path; without `callee` nobody knows to what."""

    callee: tuple[Meaning, ...]
    names: tuple[Meaning, ...]


Item = bytes | tuple[ast.AST, Place]


@dataclass(slots=True)
class Normal:
    """One walk over one piece; `told` are the definitions in it that are given to others, who may look at them."""

    manner: Manner
    forms: Mapping[type[ast.AST], Form]
    keeps: Callable[[str], bool]
    reads: list[Read] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    calls: list[tuple[ast.Call, bool]] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _scopes: list[Scope] = field(default_factory=list)  # keeps their ids from being used again

    def tokens(self, node: ast.AST) -> bytes:
        """Return the form of a piece, and note what it reads; no depth of it is too deep."""
        out: list[bytes] = []
        waiting: list[Item] = [(node, Place())]
        while waiting:
            item = waiting.pop()
            if isinstance(item, bytes):
                out.append(item)
            else:
                waiting.extend(reversed(self._items(*item)))
        return b"".join(out)

    def _items(self, node: ast.AST, place: Place) -> Sequence[Item]:
        special = self.forms.get(type(node))
        return self.plain(node, place) if special is None else special(self, node, place)

    def plain(self, node: ast.AST, place: Place, *, without: frozenset[str] = frozenset()) -> list[Item]:
        """Return the form of a node of which nothing special is known."""
        items: list[Item] = [b"(" + type(node).__name__.encode()]
        for name, mark in _fields_of(node._fields):
            value = getattr(node, name, None)
            if value is None or value == [] or name in without:
                continue
            items.append(mark)
            items += self.value(value, place)
        return [*items, b")"]

    def value(self, value: object, place: Place) -> list[Item]:
        """Return the form of a field, statements that do nothing left out."""
        if isinstance(value, list):
            kept = [part for part in value if not self._is_idle(part)]
            return [b"[", *(item for part in kept for item in self.value(part, place)), b"]"]
        return [(value, place)] if isinstance(value, ast.AST) else [constant(value)]

    def _is_idle(self, part: object) -> bool:
        """Whether a statement does nothing: `pass`, docstrings."""
        match part:
            case ast.Pass():
                return True
            case ast.Expr(value=ast.Constant(value=value)):
                return not (self.manner.is_strict and isinstance(value, str))
            case _:
                return False

    def name(self, name: str, place: Place, line: int, path: tuple[str, ...] = ()) -> bytes:
        """Return the form of a name, which is noted as read where it is no local one."""
        owner = self.owner(name, place)
        self.words.update(path if owner is not None else (name, *path))
        self.reads += [Read(base, full, line, place.is_late) for base, full in self._meant(name, path, owner)]
        return self.local(name, owner)

    @staticmethod
    def _meant(name: str, path: tuple[str, ...], owner: Scope | None) -> list[Meaning]:
        """Return what a name stands for outside of the piece: a module and a path in it; None is the piece's own."""
        if owner is None:
            return [(None, (name, *path))]
        meant: list[Meaning] = [
            (imported.module, path if imported.name is None else (imported.name, *path))
            for imported in owner.imported.get(name, ())
        ]
        # A body of a class looks at the module where it has no such name yet.
        return [*meant, (None, (name, *path))] if owner.kind == "class" else meant

    def give(self, callee: ast.AST, names: Iterable[ast.AST], place: Place) -> None:
        """Note that what some names stand for is given to what is called."""
        inner, attributes = chain_of(callee)
        owner = self.owner(inner.id, place) if isinstance(inner, ast.Name) else None
        called = self._meant(inner.id, attributes, owner) if isinstance(inner, ast.Name) else []
        found = (chain_of(name) for name in names)
        given = [
            meaning
            for root, path in found
            if isinstance(root, ast.Name)
            for meaning in self._meant(root.id, path, self.owner(root.id, place))
        ]
        if given:
            self.given.append(Given(tuple(called), tuple(given)))

    def shown(self, node: ast.AST) -> Shown:
        """Return what of a definition somebody looks at."""
        if id(node) in self.told:
            return Shown.DOCSTRING
        return max(self.manner.shown(node), Shown.ANNOTATIONS if self.manner.is_strict else Shown.NOTHING)

    @staticmethod
    def owner(name: str, place: Place) -> Scope | None:
        """Return the scope that has a name, None for the module."""
        return None if place.scope is None else place.scope.owner(name)

    def local(self, name: str, owner: Scope | None) -> bytes:
        """Return the form of a local name: itself where it shows outside, else a number."""
        if owner is None:
            return name_token(b"g", name)
        number = self._numbers.setdefault((id(owner), name), len(self._numbers))
        return name_token(b"n%d," % number, name) if name in owner.fixed or self.keeps(name) else b"v%d;" % number

    def bound(self, name: str, place: Place) -> bytes:
        """Return the form of a name that is bound where nothing is read."""
        return self.local(name, self.owner(name, place))

    def opened(self, scope: Scope) -> Scope:
        """Keep a scope for as long as the walk takes."""
        self._scopes.append(scope)
        return scope


@lru_cache(maxsize=512)
def _fields_of(names: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, b"." + name.encode()) for name in sorted(names) if name not in _LEFT_OUT)


Form = Callable[[Normal, ast.AST, Place], Sequence[Item]]
