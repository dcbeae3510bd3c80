"""Checks `.name`, `[…]` and slices: what is not there, and what may not be there (None, a key that may be missing)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

from flowpar.core.types import ANY, NONE, OneOf, Record, show, widen, without_none
from flowpar.expr.member import member_of
from flowpar.expr.presence import place_of
from flowpar.expr.signature import Kind, may_be
from flowpar.expr.typing_access import Problem, field_of, item_at, label_of, labels_of, part_of

if TYPE_CHECKING:
    from flowpar.core.diagnostics import Label
    from flowpar.core.types import Type
    from flowpar.expr.member import Member

    Access = ast.Attribute | ast.Subscript

_LONGEST_SHOWN = 40


class Reporter(Protocol):
    """Who gives types to what is read from, and keeps findings."""

    @property
    def is_guarded(self) -> bool:
        """Whether `default(…)` stands around the node."""
        ...

    def type_of(self, node: ast.expr) -> Type:
        """Return the type of a node."""
        ...

    def member(self, node: ast.expr, member: Member) -> Type:
        """Return the type of a context's member."""
        ...

    def is_present(self, place: str | None) -> bool:
        """Whether a condition around the node proves that a place has a value."""
        ...

    def report(
        self, node: ast.AST, code: str, message: str, hint: str | None = None, *, labels: tuple[Label, ...] = ()
    ) -> Type:
        """Keep a finding."""
        ...


class AccessChecker:
    """Checks the fields and items that one expression reads."""

    def __init__(self, checker: Reporter) -> None:
        """Report to the checker of the whole expression."""
        self._checker = checker
        self._owners: dict[ast.expr, Type] = {}

    def type_of(self, node: Access) -> Type:
        """Return the type of what is read."""
        owner = member_of(node.value)
        is_task = owner is not None and owner.context == "tasks"
        kind = self._checker.type_of(node.value) if owner is None else self._checker.member(node.value, owner)
        self._owners[node] = kind
        if isinstance(kind, OneOf) and NONE in kind.members:
            kind = self._not_none(node, kind)
        found = self._accessed(node, kind)
        if not isinstance(found, Problem):
            self._check_optional(node, kind)
            return found
        if found.is_missing and self._checker.is_guarded:
            return ANY
        message, labels = found.message, found.labels
        if is_task and owner is not None and isinstance(node, ast.Attribute):
            message, labels = f'tasks.{owner.name} has no "{node.attr}"', ()
        return self._checker.report(name_in(node), "FP308", message, found.hint, labels=labels)

    def _accessed(self, node: Access, kind: Type) -> Type | Problem:
        if isinstance(node, ast.Attribute):
            return field_of(kind, node.attr)
        if not isinstance(node.slice, ast.Slice):
            return item_at(kind, self._checker.type_of(node.slice))
        for bound in (node.slice.lower, node.slice.upper, node.slice.step):
            if bound is not None:
                self._want_number(bound)
        return part_of(kind)

    def _want_number(self, bound: ast.expr) -> None:
        given = self._checker.type_of(bound)
        if not may_be(Kind.INT, given) and given != NONE:
            message = f"a bound of a slice must be {Kind.INT.value}, not {show(widen(given))}"
            self._checker.report(bound, "FP307", message)

    def _not_none(self, node: Access, kind: OneOf) -> Type:
        """Find a read from what may be None; a task's `error` is left to the evaluation: its status may settle it."""
        rest = without_none(kind)
        place = place_of(node.value)
        is_error = isinstance(rest, Record) and rest.name == "error" and not rest.line
        if self._checker.is_guarded or is_error or self._checker.is_present(place):
            return rest
        shown = _shown(node.value)
        what = f'field "{node.attr}"' if isinstance(node, ast.Attribute) else "item"
        hint = f"write default({_shown(node)}, …), or ask first: {shown} is not None"
        message = f"{shown} may be None, which has no {what}"
        self._checker.report(name_in(node), "FP413", message, hint, labels=self._origin(node.value))
        return rest

    def _origin(self, node: ast.expr) -> tuple[Label, ...]:
        """Return the place of the field, or of the task's function, that a value was read from."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            owner, key = self._owners.get(node), _key_of(node)
            spot = dict(owner.spots).get(key) if isinstance(owner, Record) and key else None
            if spot is not None:
                return (label_of(spot, key),)
            node = node.value
        return ()

    def _check_optional(self, node: Access, kind: Type) -> None:
        """Find a key that a TypedDict need not have."""
        key = _key_of(node)
        if not isinstance(kind, Record) or key not in kind.optional or self._checker.is_guarded:
            return
        if self._checker.is_present(place_of(node)):
            return
        hint = f'write default({_shown(node)}, …), or ask first: "{key}" in {_shown(node.value)}'
        message = f'the key "{key}" of {kind.name} may be missing'
        self._checker.report(name_in(node), "FP414", message, hint, labels=labels_of(kind, key, is_exact=True))


def name_in(node: Access) -> ast.AST:
    """Return a node that spans only the name or the index, not all that stands before it."""
    if isinstance(node, ast.Subscript):
        return node.slice
    end = node.end_col_offset or 0
    place = ast.Name(node.attr, ast.Load())
    place.lineno = place.end_lineno = node.end_lineno or 0
    place.col_offset, place.end_col_offset = end - len(node.attr.encode()), end
    return place


def _key_of(node: Access) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else ""


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST_SHOWN else "…"
