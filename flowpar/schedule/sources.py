"""What a template reads, as digests of where it comes from, where its value is not to be opened here.

${{ tasks.load.output["price"] }} ─► the expression without the task's name, and the checksum of its output

So two templates have the same sources only where they say the same of values that are the same.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from flowpar.core.checksum import checksum
from flowpar.core.errors import NeedsWorker
from flowpar.core.outcome import ValueRef
from flowpar.data.codec import decode_plain
from flowpar.data.parts import PARTS, parts_in
from flowpar.execute.expansion import Expansion
from flowpar.execute.recipe import INPUTS
from flowpar.expr.member import member_of
from flowpar.expr.references import references_of
from flowpar.expr.syntax import tree_of
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text, expressions_in
from flowpar.schedule.named import NotTold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.data.store import ValueStore
    from flowpar.execute.recipe import Bindings, TaskView
    from flowpar.expr.references import Reference
    from flowpar.expr.template import Template
    from flowpar.schedule.crew import OutputKey

    Fetch = Callable[[Sequence[OutputKey]], Sequence[ValueRef | None]]

_POINTER = b"\x93fpp"
_ABSENT = ("absent",)
_HAS_OUTPUT = frozenset({"succeeded", "cached"})


def asks_the_disk(template: Template) -> bool:
    """Whether the value of a template depends on what is in some folder, beside what it reads."""
    return any("glob" in expression.code and _calls_glob(expression.code) for expression in expressions_in(template))


class Sources:
    """Finds the sources of one attempt's templates."""

    def __init__(
        self, bindings: Bindings, fetch: Fetch, load: Callable[[ValueRef], object], *, store: ValueStore
    ) -> None:
        """Look in `bindings`; `fetch` gives outputs that do not travel, `load` opens what may be opened.

        `store` has the lists that items stand in; `unopened` are the values of which only the checksum was taken.
        """
        self.unopened: list[ValueRef] = []
        self._bindings = bindings
        self._fetch = fetch
        self._load = load
        self._store = store

    def of(self, template: Template, contexts: Mapping[str, object]) -> object:
        """Return plain data that says the same only of the same value; raises NotTold."""
        match template:
            case Constant(value):
                return "constant", value
            case Expression():
                return self._expression(template, contexts)
            case Text(parts):
                return "text", [part if isinstance(part, str) else self._expression(part, contexts) for part in parts]
            case ListTemplate(items):
                return "list", [self.of(item, contexts) for item in items]
            case MapTemplate(entries):
                return "map", [(key, self.of(value, contexts)) for key, value in entries]

    def _expression(self, expression: Expression, contexts: Mapping[str, object]) -> object:
        text, tasks = _without_names(expression.code)
        read: list[object] = [self._task(name, reference_fields(expression.code, name)) for name in tasks]
        for reference, _ in references_of(expression.code):
            if reference.context != "tasks":
                read.append(self._other(reference, contexts))
        return "expression", text, read

    def _task(self, name: str, fields: frozenset[str | None]) -> object:
        scope = self._bindings.scope
        view = self._bindings.tasks.get(name if scope is None else scope.prefix + name)
        if view is None or None in fields:
            raise NotTold(f'of task "{name}" everything is read')
        told: list[object] = []
        if "output" in fields:
            told.append(self._output(name if scope is None else scope.prefix + name, view))
        if fields - {"output"}:
            told.append((view.status, view.error, view.item_states, sorted(view.item_errors.items())))
        return told

    def _output(self, name: str, view: TaskView) -> object:
        if view.item_states is not None:
            refs = view.item_outputs
            if refs is None:
                there = [item for item, state in enumerate(view.item_states) if state in _HAS_OUTPUT]
                found = dict(zip(there, self._fetch([(name, item) for item in there]), strict=True))
                refs = tuple(found.get(item) for item in range(len(view.item_states)))
            return [None if ref is None else self._ref(ref) for ref in refs]
        ref = view.output if not view.is_managed else self._fetch([(name, None)])[0]
        return None if ref is None else self._ref(ref)

    def _ref(self, ref: ValueRef) -> object:
        if ref.inline is not None and ref.inline.startswith(PARTS):
            return [self._ref(part) for part in parts_in(ref.inline)]
        if ref.inline is not None:
            try:
                return "value", self._load(ref)
            except NeedsWorker:
                self.unopened.append(ref)
                return "checksum", ref.checksum
        self.unopened.append(ref)
        if not ref.checksum.startswith("blake2b:"):
            raise NotTold("a large value has a short checksum, as it was made by a run without a cache")
        return "checksum", ref.checksum

    def _other(self, reference: Reference, contexts: Mapping[str, object]) -> object:
        context, name = reference.context, reference.name
        if context == "previous":
            return None if self._bindings.previous is None else self._ref(self._bindings.previous)
        if context == "output":  # what an `until` is asked of: that is made of all the other parts
            return _ABSENT
        if name is None:
            raise NotTold(f'everything in "{context}" is read')
        if context in {"each", "matrix"} and name in self._bindings.each:
            return self._item(self._bindings.each[name])
        entry = "" if self._bindings.scope is None else self._bindings.scope.prefix + INPUTS
        if context == "inputs" and entry in self._bindings.tasks:
            return name, self._output(entry, self._bindings.tasks[entry])
        held = contexts.get(context)
        # Lists and mappings of ours, with plain data; whatever is in them that is not has no digest.
        try:
            return held[name] if hasattr(held, "__getitem__") else getattr(held, name)
        except (KeyError, AttributeError):
            return _ABSENT  # `default(env.X, …)` may read it all the same

    def _item(self, data: bytes) -> object:
        if not data.startswith(_POINTER):
            return self._ref(ValueRef(len(data), checksum([data]), is_plain=False, inline=data))
        place, name, index = cast("tuple[tuple[Any, ...], str | None, int]", decode_plain(data[len(_POINTER) :]))
        if name is None:
            return self._ref(ValueRef(*place))
        # A large item of a list: of all that a key is made of this alone is read, as nobody took its checksum.
        view = Expansion.read(self._store, ValueRef(*place)).columns[name].view(index)
        return self._ref(ValueRef(len(view), checksum([view]), is_plain=False, inline=bytes(view)))


def reference_fields(code: str, name: str) -> frozenset[str | None]:
    """Return what an expression reads of a task."""
    found = (reference for reference, _ in references_of(code) if reference.context == "tasks")
    return frozenset(reference.field for reference in found if reference.name == name)


@lru_cache(maxsize=2048)
def _without_names(code: str) -> tuple[str, tuple[str, ...]]:
    """Return an expression in which tasks have numbers in place of their names, and these."""
    tree, names = tree_of(code), _Names()
    text = ast.dump(names.visit(ast.parse(ast.unparse(tree), mode="eval")))
    return text, tuple(names.found)


class _Names(ast.NodeTransformer):
    """Puts numbers in the place of tasks."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        member = member_of(node) if isinstance(node, ast.Attribute | ast.Subscript) else None
        if member is not None and member.context == "tasks" and member.name is not None:
            number = self.found.setdefault(member.name, len(self.found))
            return ast.Name(f"task {number}", ast.Load())
        return super().generic_visit(node)


@lru_cache(maxsize=2048)
def _calls_glob(code: str) -> bool:
    calls = (node for node in ast.walk(tree_of(code)) if isinstance(node, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == "glob" for call in calls)
