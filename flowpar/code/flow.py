"""Which objects one piece of a module may change, and from which names its names may have got theirs.

    for row in TABLE: row["p"] = 1     row ◄─ TABLE     store row          so TABLE changes
    def fill(x): x.append(T)           x ◄─► T          change x           late: when somebody calls it
    X = add([T], 1)                    X ◄─ add, T      call add, given T

Names are followed through all kinds of binding, without regard to order: what may have flowed, has.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.facts import Facts, Local, Root, Use
from flowpar.code.purity import FILLING, READING, chain_of
from flowpar.code.scope import Comprehension, children_of
from flowpar.code.sources import At, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.code.facts import How, Key
    from flowpar.code.origin import Way
    from flowpar.code.purity import Kind
    from flowpar.code.scope import Function

    Visit = Callable[["Walk", ast.AST, "At"], None]

# Methods that call what they are given: `rows.sort(key=f)`, `PATTERN.sub(f, text)`.
_CALLING = frozenset({"sort", "sub"})


class Walk(Sources):
    """Goes through one piece; no depth of it is too deep."""

    def __init__(
        self,
        package: str,
        kind_of: Callable[[Root], Kind | None],
        visits: Mapping[type[ast.AST], Visit],
        is_quiet: Callable[[Key], bool],
        *,
        is_whole: bool,
    ) -> None:
        """Go on by `visits`; unless it `is_whole`, not into functions."""
        super().__init__(package, kind_of)
        self._is_quiet = is_quiet
        self.is_whole = is_whole
        self.now, self.late = Facts(), Facts()
        self._visits = visits
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

    def use(
        self,
        how: How,
        keys: Iterable[Key],
        at: At,
        *,
        word: str = "",
        is_deep: bool = True,
        makers: Iterable[Key] = (),
    ) -> None:
        """Note what is done."""
        kept = frozenset(keys)
        if kept:
            self.facts(at).uses.append(Use(how, kept, word, is_deep, frozenset(makers)))

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
        # `T["a"]` may be what a call gave: `T = {"a": make()}`.
        made = [part for one in arguments for part in ast.walk(one) if isinstance(part, ast.Call | ast.Subscript)]
        if kind in {"consuming", "settled"} and self._are_plain(arguments, at):
            self.use("iterate", self.keys_of(*arguments, at=at) | given, at)
            self.use("run", self.keys_of(*made, at=at), at)  # `map(make(), rows)`
        elif word in _CALLING and (made or not self._are_plain(arguments, at)):
            self._call_unknown(func, arguments, given, at)
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
            maker = chain_of(func.func) if isinstance(func, ast.Call) else (func, ())
            makers = self.named(maker[0].id, maker[1], at.scope) if isinstance(maker[0], ast.Name) else ()
            self.use("made" if isinstance(func, ast.Call) else "change", called, at, makers=makers)
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
        if isinstance(argument, ast.IfExp | ast.BoolOp | ast.NamedExpr | ast.Subscript):
            return any(self._is_function(part, at) for part in ast.iter_child_nodes(argument))
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
            if decorator is not decorators[-1] or not self._decorate(node, decorator, keys, at):
                self.call(decorator, [], keys, at)
        self.go_on(decorators, at)
        held = self.keys_of(*decorators, at=at)
        if at.scope is not None:
            held |= self.keys_of(node, at=at)
        self._flow(keys, dict.fromkeys(held - keys, "part"), at)

    def _decorate(self, node: Function | ast.ClassDef, decorator: ast.expr, keys: set[Key], at: At) -> bool:
        """Let a function be given to one of the project's that keeps nothing; False where it is anything else."""
        inner, attributes = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
        roots = self.named(inner.id, attributes, at.scope) if isinstance(inner, ast.Name) else []
        # In the body of a class the name of a function is no name of the module's.
        is_method = at.scope is not None and at.scope.kind == "class"
        if is_method or isinstance(node, ast.ClassDef) or not roots or not all(map(self._is_quiet, roots)):
            return False
        defaults = (*node.args.defaults, *(part for part in node.args.kw_defaults if part is not None))
        if not all(isinstance(part, ast.Constant) for part in defaults):
            return False
        self.use("decorate", keys, at, word="()" if isinstance(decorator, ast.Call) else "", makers=roots)
        return True


def _is_named(argument: ast.AST) -> bool:
    """Whether an argument holds nothing that is made only now: `[T, f]`, but not `f()`."""
    made = (ast.Call, ast.Lambda, *Comprehension.__args__, ast.Await, ast.BinOp)
    return not any(isinstance(part, made) for part in ast.walk(argument))
