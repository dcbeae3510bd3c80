"""Walks the syntax tree of an expression, gives each node its type and gathers findings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.types import (
    ANY,
    BOOL,
    FLOAT,
    NONE,
    STR,
    Constant,
    ListOf,
    MapOf,
    Record,
    TupleOf,
    Type,
    show,
    union,
    widen,
    without_none,
)
from flowpar.expr.check_access import AccessChecker, name_in
from flowpar.expr.check_call import CallChecker
from flowpar.expr.check_compare import comparison_problem
from flowpar.expr.finding import ExpressionError
from flowpar.expr.foreign import NAMES as FOREIGN_NAMES
from flowpar.expr.functions import FUNCTIONS
from flowpar.expr.member import CONTEXTS, NAMESPACES, VALUES, Member, member_of
from flowpar.expr.operation import BINARY, COMPARE
from flowpar.expr.presence import place_of, present_when, root_of
from flowpar.expr.signature import Kind, item_of, may_be
from flowpar.expr.syntax import targets
from flowpar.expr.typing_access import meant
from flowpar.expr.typing_rules import arithmetic, members, negated

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.diagnostics import Label
    from flowpar.expr.scope import Scope

    Span = Callable[[ast.AST], tuple[int, int]]

_NOUNS = {"tasks": "task", "inputs": "input", "secrets": "secret", "matrix": "axis", "env": "variable"}
_KNOWN_AT_THE_END = frozenset({"status", "failed"})
_EXAMPLES = {"tasks": "tasks.<id>.output", "inputs": "inputs.<name>", "env": "env.<NAME>", "run": "run.id"}


class Checker:
    """Checks one expression; `errors` is what was found so far."""

    def __init__(self, scope: Scope, span: Span) -> None:
        """Begin without findings and without bound names."""
        self.errors: list[ExpressionError] = []
        self._scope = scope
        self._span = span
        self._bound: dict[str, Type] = {}
        self._present = scope.present
        self._guards = 0  # how many default(…) stand around the node
        self._calls = CallChecker(self)
        self._accesses = AccessChecker(self)

    def report(
        self, node: ast.AST, code: str, message: str, hint: str | None = None, *, labels: tuple[Label, ...] = ()
    ) -> Type:
        """Keep a finding at a node; the type of what is wrong is not known."""
        self.errors.append(ExpressionError(message, *self._span(node), hint=hint, code=code, labels=labels))
        return ANY

    @property
    def is_guarded(self) -> bool:
        """Whether `default(…)` stands around the node."""
        return self._guards > 0

    def is_present(self, place: str | None) -> bool:
        """Whether a condition around the node proves that a place has a value."""
        return place in self._present

    def type_of(self, node: ast.expr) -> Type:
        """Return the type of a node, keeping what is wrong in it."""
        kind = self._type_of(node)
        return without_none(kind) if self._present and self.is_present(place_of(node)) else kind

    def _type_of(self, node: ast.expr) -> Type:
        member = member_of(node)
        if member is not None:
            kind = self.member(node, member)
            if member.context == "tasks" and isinstance(kind, Record):
                message = f"tasks.{member.name} is a task and no value by itself"
                return self.report(node, "FP311", message, f"its output is tasks.{member.name}.output")
            return kind
        match node:
            case ast.Constant(value=value):
                return _literal(value)
            case ast.Name():
                return self._name(node)
            case ast.Attribute() | ast.Subscript():
                return self._accesses.type_of(node)
            case ast.Call():
                return self._calls.type_of(node)
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case ast.List() | ast.Tuple() | ast.Dict():
                return self._display(node)
            case _:
                return self._operation(node)

    def guarded_type_of(self, node: ast.expr) -> Type:
        """Return the type of a node that `default(…)` guards: what may be missing is no finding in it."""
        self._guards += 1
        kind = self.type_of(node)
        self._guards -= 1
        return kind

    def member(self, node: ast.expr, member: Member) -> Type:
        """Return the type of a context's member."""
        reason = self._scope.why_absent(member.context)
        if reason is not None:
            return self.report(node, "FP305", f'"{member.context}" is not available here: {reason}')
        kind = self._scope.member(member.context, member.name or "")
        if kind is not None:
            return kind
        noun = _NOUNS.get(member.context)
        message = f'there is no {noun} "{member.name}"' if noun else f'"{member.context}" has no "{member.name}"'
        if member.context == "run" and member.name in _KNOWN_AT_THE_END:
            return self.report(node, "FP304", message, "how the run went is known in the tasks of finally only")
        known = self._scope.members(member.context)
        place = name_in(node) if isinstance(node, ast.Attribute | ast.Subscript) else node
        hint = meant(member.name or "", known, "there is")
        if (member.context, member.name) == ("each", "key"):
            hint = 'it is there in a task with a "key"'
        if member.context == "secrets" and not known:
            hint = f"declare it: secrets: {{{member.name}: {{env: {member.name}}}}}"
        return self.report(place, "FP304", message, hint)

    def _name(self, node: ast.Name) -> Type:
        name = node.id
        if name in self._bound:
            return self._bound[name]
        if name in NAMESPACES:
            reason = self._scope.why_absent(name)
            if reason is not None:
                return self.report(node, "FP305", f'"{name}" is not available here: {reason}')
            example = _EXAMPLES.get(name, f"{name}.<name>")
            return self.report(node, "FP311", f'"{name}" is no value by itself', f"read one of its members: {example}")
        if name in FUNCTIONS:
            return self.report(node, "FP303", f'"{name}" is a function', f"call it: {FUNCTIONS[name]}")
        return self.report(node, "FP303", f'there is no name "{name}"', self._meant(name))

    def _meant(self, name: str) -> str:
        if name in FOREIGN_NAMES:
            return f"write {FOREIGN_NAMES[name]}"
        for context in ("inputs", "tasks", "each", "matrix"):
            if self._scope.why_absent(context) is None and name in self._scope.members(context):
                field = ".output" if context == "tasks" else ""
                return f"write {context}.{name}{field}, or put text in quotes"
        near = meant(name, [*CONTEXTS - VALUES, *self._bound], "")
        return near if near and near.startswith("did") else "put text in quotes"

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Type:
        loop = node.generators[0]
        items = self.type_of(loop.iter)
        if not may_be(Kind.ITEMS, items):
            self.report(loop.iter, "FP307", f"a loop needs a list, not {show(widen(items))}")
        outer = self._bound, self._present
        bound = self._bound_by(loop.target, item_of(items))
        self._bound = self._bound | bound
        self._present = frozenset(place for place in self._present if root_of(place) not in bound)
        for test in loop.ifs:
            self.type_of(test)
            self._present |= present_when(test, is_true=True)
        if isinstance(node, ast.DictComp):
            kind: Type = MapOf(widen(self.type_of(node.key)), widen(self.type_of(node.value)))
        else:
            kind = ListOf(widen(self.type_of(node.elt)))
        self._bound, self._present = outer
        return kind

    def _bound_by(self, target: ast.expr, item: Type) -> dict[str, Type]:
        names = [name.id for name in targets(target) if isinstance(name, ast.Name)]
        if not isinstance(target, ast.Tuple):
            return dict.fromkeys(names, item)
        if isinstance(item, TupleOf) and len(item.items) == len(names):
            return dict(zip(names, item.items, strict=True))
        if isinstance(item, TupleOf) or not any(may_be(Kind.ITEMS, part) for part in members(item)):
            self.report(target, "FP307", f"{show(item)} cannot be divided among {len(names)} names")
        return dict.fromkeys(names, item_of(item))

    def _display(self, node: ast.List | ast.Tuple | ast.Dict) -> Type:
        if isinstance(node, ast.List):
            return ListOf(union(widen(self.type_of(item)) for item in node.elts))
        if isinstance(node, ast.Tuple):
            return TupleOf(tuple(widen(self.type_of(item)) for item in node.elts))
        keys = [self.type_of(key) for key in node.keys if key is not None]
        values = [self.type_of(value) for value in node.values]
        names = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        if len(names) == len(keys):
            return Record("dict", tuple(dict(zip(names, values, strict=True)).items()), is_mapping=True)
        return MapOf(union(map(widen, keys)), union(map(widen, values)))

    def _operation(self, node: ast.expr) -> Type:
        match node:
            case ast.BoolOp(op=op, values=values):
                is_or = isinstance(op, ast.Or)
                kinds = self._in_turn(values, is_or=is_or)
                return union(part for kind in kinds for part in _decided(kind, is_last=kind is kinds[-1] or not is_or))
            case ast.IfExp():
                self.type_of(node.test)
                body = self._after(node.test, node.body, is_true=True)
                return union((body, self._after(node.test, node.orelse, is_true=False)))
            case ast.UnaryOp(op=ast.Not()):
                self.type_of(node.operand)
                return BOOL
            case ast.UnaryOp():
                kind = self.type_of(node.operand)
                found = negated(kind)
                return found or self.report(node, "FP307", f'"-" does not work on {show(widen(kind))}')
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._compare(node)
            case _:
                return ANY

    def _in_turn(self, values: list[ast.expr], *, is_or: bool) -> list[Type]:
        """Return the types of operands, each of which is reached only after those before it."""
        before = self._present
        kinds = []
        for value in values:
            kinds.append(self.type_of(value))
            self._present |= present_when(value, is_true=not is_or)
        self._present = before
        return kinds

    def _after(self, test: ast.expr, node: ast.expr, *, is_true: bool) -> Type:
        before = self._present
        self._present |= present_when(test, is_true=is_true)
        kind = self.type_of(node)
        self._present = before
        return kind

    def _arithmetic(self, node: ast.BinOp) -> Type:
        sign = BINARY[type(node.op)]
        left, right = self.type_of(node.left), self.type_of(node.right)
        found = arithmetic(sign, left, right)
        if found is not None:
            return found
        left, right = widen(left), widen(right)
        hint = None
        if STR in (left, right) and sign == "+":
            hint = "make both text with str(…), or put text around expressions"
        elif STR in (left, right) and sign == "%":
            hint = "put text around expressions"
        elif STR in (left, right):
            hint = "make a number of the text with int(…) or float(…)"
        return self.report(node, "FP307", f'"{sign}" does not work between {show(left)} and {show(right)}', hint)

    def _compare(self, node: ast.Compare) -> Type:
        nodes = [node.left, *node.comparators]
        kinds = [self.type_of(part) for part in nodes]
        for index, op in enumerate(node.ops):
            pair = (nodes[index], nodes[index + 1])
            problem = comparison_problem(COMPARE[type(op)], pair, (kinds[index], kinds[index + 1]))
            if problem is not None:
                whole = node if len(node.ops) == 1 else pair[1]
                self.report(whole, "FP307", problem.message, problem.hint, labels=problem.labels)
        return BOOL


def _literal(value: object) -> Type:
    if value is None:
        return NONE
    return Constant((value,)) if isinstance(value, str | int) else FLOAT


def _decided(kind: Type, *, is_last: bool) -> tuple[Type, ...]:
    """Return the types that an operand of `or` leaves behind: None goes on to the next one."""
    return tuple(part for part in members(kind) if is_last or part != NONE)
