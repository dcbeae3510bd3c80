"""Which objects one piece of a module may change, and from which names its names may have got theirs.

    for row in TABLE: row["p"] = 1     row ◄─ TABLE     store row          so TABLE changes
    def fill(x): x.append(T)           x ◄─► T          change x           late: when somebody calls it
    X = add([T], 1)                    X ◄─ add, T      call add, given T

Names are followed through all kinds of binding, without regard to order: what may have flowed, has.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.facts import RESULT, Facts, Local, Root, Use
from flowpar.code.purity import FILLING, READING, chain_of
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
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from flowpar.code.facts import How, Key
    from flowpar.code.origin import Way
    from flowpar.code.purity import Kind
    from flowpar.code.scope import Function

    Visit = Callable[["Walk", ast.AST, "At"], None]


@dataclass(frozen=True, slots=True)
class At:
    """Where the walk is."""

    scope: Scope | None = None
    is_late: bool = False


class Walk:
    """Goes through one piece; no depth of it is too deep."""

    def __init__(
        self,
        package: str,
        kind_of: Callable[[Root], Kind | None],
        visits: Mapping[type[ast.AST], Visit],
        *,
        is_whole: bool,
    ) -> None:
        """Go on by `visits`; unless it `is_whole`, not into functions."""
        self.is_whole = is_whole
        self.now, self.late = Facts(), Facts()
        self._package = package
        self._visits = visits
        self._kind_of = kind_of
        self._scopes: dict[int, Scope] = {}
        self._waiting: list[tuple[ast.AST, At]] = []

    def run(self, node: ast.AST) -> None:
        """Read a piece."""
        self._waiting.append((node, At()))
        while self._waiting:
            part, at = self._waiting.pop()
            visit = self._visits.get(type(part))
            if visit is None:
                self.go_on(children_of(part), at)
            else:
                visit(self, part, at)

    def go_on(self, parts: Iterable[ast.AST | None], at: At) -> None:
        """Visit what is inside."""
        self._waiting += [(part, at) for part in parts if part is not None]

    def facts(self, at: At) -> Facts:
        """Return what a place adds to."""
        return self.late if at.is_late else self.now

    def use(self, how: How, keys: Iterable[Key], at: At, *, word: str = "", is_deep: bool = True) -> None:
        """Note what is done."""
        kept = frozenset(keys)
        if kept:
            self.facts(at).uses.append(Use(how, kept, word, is_deep))

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

    def bind(self, target: ast.AST, sources: Mapping[Key, Way], at: At) -> None:
        """Let objects get a name, or become a part of another object."""
        waiting = [(target, sources)]
        while waiting:
            part, given = waiting.pop()
            match part:
                case ast.Name(id=name):
                    keys = self.named(name, (), at.scope)
                    if at.is_late and isinstance(keys[0], Root):  # `global x`
                        self.use("store", keys, at, is_deep=False)
                    self._flow(keys, given, at)
                case ast.Attribute() | ast.Subscript():
                    self._put(part, given, at)
                case ast.Tuple(elts=parts) | ast.List(elts=parts):
                    self.use("iterate", given, at)
                    waiting += [(each, dict.fromkeys(given, "part")) for each in parts]
                case ast.Starred(value=value):
                    waiting.append((value, given))

    def _put(self, target: ast.Attribute | ast.Subscript, sources: Mapping[Key, Way], at: At) -> None:
        """Let objects become a part of another one; `lib.RATE = 1` is a name of the module's."""
        is_whole = isinstance(target, ast.Attribute) and isinstance(chain_of(target)[0], ast.Name)
        keys = self.keys_of(target if is_whole else target.value, at=at)
        self.use("store", keys, at, is_deep=not isinstance(target.value, ast.Name))
        self._flow(keys, dict.fromkeys(sources, "held"), at)
        self.go_on([target.value, getattr(target, "slice", None)], at)

    def _flow(self, keys: Iterable[Key], sources: Mapping[Key, Way], at: At) -> None:
        for key in keys:
            for source, way in sources.items():
                self.facts(at).origins.add(key, [source], way)

    def call(self, func: ast.AST, arguments: Sequence[ast.AST], given: set[Key], at: At) -> None:
        """Let something be called with what may be changed then, of which some has a name only."""
        kind, word = self.kind(func, at.scope), func.attr if isinstance(func, ast.Attribute) else ""
        receiver = self.keys_of(func.value, at=at) if isinstance(func, ast.Attribute) else set()
        if kind in {"consuming", "settled"} and self._are_plain(arguments, at):
            self.use("iterate", self.keys_of(*arguments, at=at) | given, at)
        elif word in READING:
            self.use("reading", receiver, at, word=word)
            self.use("iterate", self.keys_of(*arguments, at=at) | given, at)
        elif word in FILLING and isinstance(func, ast.Attribute):
            self.use("filling", receiver, at, word=word, is_deep=not isinstance(func.value, ast.Name))
            inside = self.keys_of(*arguments, at=at) | given
            self.use("iterate", inside, at)
            self._flow(receiver, dict.fromkeys(inside, "held"), at)
        else:
            self._call_unknown(func, arguments, given, at)

    def _call_unknown(self, func: ast.AST, arguments: Sequence[ast.AST], given: set[Key], at: At) -> None:
        inner, attributes = chain_of(func)
        if isinstance(inner, ast.Name):
            called = set(self.named(inner.id, attributes, at.scope))
            is_method = bool(attributes) and any(isinstance(key, Local) for key in called)
            self.use("change" if is_method else "call", called, at)
        else:
            called = self.keys_of(func.value if isinstance(func, ast.Attribute) else func, at=at)
            self.use("made" if isinstance(func, ast.Call) else "change", called, at)
        for argument in arguments:
            keys = self.keys_of(argument, at=at)
            self.use("given" if _is_named(argument) else "change", keys, at)
            given = given | keys
        self.use("given", given, at)
        self._mix(called | given, at, id(func))

    def _mix(self, keys: set[Key], at: At, number: int) -> None:
        """Let each of some objects hold the others from now on."""
        if len(keys) > 1:
            origins, all_of_them = self.facts(at).origins, Local(number, "call")
            origins.add(all_of_them, keys, "part")
            for key in keys:
                origins.add(key, [all_of_them], "part")

    def _are_plain(self, arguments: Iterable[ast.AST], at: At) -> bool:
        """Whether no function among arguments may do anything: `sorted(rows, key=f)`."""
        return not any(self._is_function(argument, at) for argument in arguments)

    def _is_function(self, argument: ast.AST, at: At) -> bool:
        if isinstance(argument, ast.Lambda):
            return any(isinstance(part, ast.Call) for part in ast.walk(argument))
        inner, attributes = chain_of(argument)
        if not isinstance(inner, ast.Name) or self.kind(argument, at.scope) is not None:
            return False
        return any(
            isinstance(key, Local) or self._may_be_function(key) for key in self.named(inner.id, attributes, at.scope)
        )

    def _may_be_function(self, key: Root) -> bool:
        return self._kind_of(key) is None

    def define(self, node: Function | ast.ClassDef, at: At) -> None:
        """Let a definition be made: decorators are called with it, and it holds its defaults."""
        decorators = getattr(node, "decorator_list", [])
        name = getattr(node, "name", "")
        keys = set(self.named(name, (), at.scope)) if name else set()
        for decorator in decorators:
            self.call(decorator, [], keys, at)
        self.go_on(decorators, at)
        held = self.keys_of(*decorators, at=at)
        if at.scope is not None:
            held |= self.keys_of(node, at=at)
        self._flow(keys, dict.fromkeys(held - keys, "part"), at)


def _is_named(argument: ast.AST) -> bool:
    """Whether an argument holds nothing that is made only now: `[T, f]`, but not `f()`."""
    made = (ast.Call, ast.Lambda, *Comprehension.__args__, ast.Await, ast.BinOp)
    return not any(isinstance(part, made) for part in ast.walk(argument))
