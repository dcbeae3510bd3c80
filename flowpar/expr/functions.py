"""All built-in functions by name; `default` is among them, though evaluation itself makes it lazy."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from flowpar.core.types import NONE, OneOf, union, widen
from flowpar.expr import builtin_file, builtin_item, builtin_text
from flowpar.expr.signature import Function, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.types import Type
    from flowpar.expr.work import Work


def _default(work: Work, value: object, fallback: object) -> object:
    del work
    return fallback if value is None else value


def _defaulted(kinds: Sequence[Type]) -> Type:
    members = [part for kind in kinds[:1] for part in (kind.members if isinstance(kind, OneOf) else (kind,))]
    return union(widen(part) for part in (*members, *kinds[1:]) if part != NONE or part in kinds[1:])


DEFAULT = Function("default", (Parameter("value"), Parameter("fallback")), _defaulted, _default)

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.name: function
        for function in (*builtin_item.FUNCTIONS, *builtin_text.FUNCTIONS, *builtin_file.FUNCTIONS, DEFAULT)
    }
)
