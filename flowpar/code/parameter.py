"""What a callable asks for and gives, as its source says it.

A signature that reading can't tell (C code, a decorator that may change it, a class with an unknown
base) has `is_known=False`: it is there, but nothing may be concluded about its parameters.
"""

from __future__ import annotations

from typing import Literal

from flowpar.core.frozen import dataclass
from flowpar.core.types import ANY, Type, show

_LONGEST_MEANING = 60

ParameterKind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `default` and `annotation` are source text."""

    name: str
    kind: ParameterKind = "positional_or_keyword"
    type: Type = ANY
    is_required: bool = True
    default: str | None = None
    annotation: str | None = None
    is_context: bool = False
    is_alias: bool = False

    @property
    def wanted(self) -> str:
        """What it asks for, as messages write it: its annotation, with what that stands for where it is an alias."""
        if self.annotation is None:
            return show(self.type)
        meaning = show(self.type)
        is_told = self.is_alias and self.type != ANY and len(meaning) <= _LONGEST_MEANING
        return f"{self.annotation} ({meaning})" if is_told else self.annotation


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable; `line` and `column` are where its name stands in `file`, line 0 where that is unknown.

    `context` names the parameter that is a `TaskContext`, which is not among `parameters`; `returns_text` is the
    return annotation as it is written, None where there is none.
    """

    name: str
    file: str = ""
    line: int = 0
    column: int = 1
    parameters: tuple[Parameter, ...] = ()
    returns: Type = ANY
    returns_text: str | None = None
    docstring: str = ""
    context: str | None = None
    is_known: bool = True
    is_generator: bool = False
    is_async: bool = False

    @property
    def takes_any_name(self) -> bool:
        """Whether it has `**kwargs`."""
        return any(parameter.kind == "var_keyword" for parameter in self.parameters)

    @property
    def named(self) -> tuple[Parameter, ...]:
        """The parameters that may be given by name, in order."""
        return tuple(p for p in self.parameters if p.kind in {"positional_or_keyword", "keyword_only"})
