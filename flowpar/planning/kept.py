"""Frozen plans as bytes and back; opening them calls nothing but classes of ours.

    given, Grounds │ findings, Plan without env_file  ──pack──►  bytes  ──Packed──►  the same, or None

What is packed names its classes, and only those of a table here are ever looked up; each is made by a call
with all its fields. Values of env files are secrets: they are left out, and read again.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.code.looked import Looked
from flowpar.code.module import ModuleSource
from flowpar.code.reached import Part, Reached
from flowpar.core.collector import collector_paused
from flowpar.core.diagnostics import Diagnostic, Label, Severity
from flowpar.core.source import Span
from flowpar.data.input_value import DeclaredInput
from flowpar.execute.recipe import Call, Expand, Scope
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text
from flowpar.planning.env_values import without_values
from flowpar.planning.grounds import Grounds
from flowpar.planning.model import Bound, Bounds, Caching, FanOut, Plan, PlannedTask, Repeat, Retry
from flowpar.planning.rounds import Rounds
from flowpar.planning.secret import SecretSource
from flowpar.planning.template import Template as TaskTemplate
from flowpar.plugin.registry import TaskTypeSource
from flowpar.plugin.source import DeclaredOptions
from flowpar.plugin.used import UsedKinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.planning.prepared import Prepared

_OF_PLANS = (
    Plan,
    PlannedTask,
    Retry,
    Repeat,
    FanOut,
    Bound,
    Bounds,
    Caching,
    Reached,
    Part,
    SecretSource,
    TaskTemplate,
    Rounds,
    DeclaredInput,
    Call,
    Expand,
    Scope,
    Constant,
    Expression,
    Text,
    ListTemplate,
    MapTemplate,
)
_OF_GROUNDS = (Grounds, Looked, ModuleSource, UsedKinds, TaskTypeSource, DeclaredOptions)
_OF_FINDINGS = (Diagnostic, Label, Span)
_PATH = type(Path())
# All that a damaged pickle is known to raise.
_NOT_READABLE = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, MemoryError)
_ILL_MADE = (TypeError, ValueError, RecursionError, OverflowError)


def pack(prepared: Prepared) -> bytes | None:
    """Return a plan as bytes; None where it stands on nothing that can be asked, or has a secret in it."""
    if prepared.plan is None or prepared.grounds is None:
        return None
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, protocol=5)
    pickler.dispatch_table = _TAKEN_APART
    try:
        with collector_paused():
            # In this order: where the first does not hold, the second is not read.
            pickler.dump((prepared.given, prepared.grounds))
            pickler.dump((tuple(prepared.diagnostics.found), without_values(prepared.plan)))
    except (pickle.PicklingError, AttributeError, *_ILL_MADE):
        return None
    content = stream.getvalue()
    return None if prepared.secrets.masker.holds([content]) else content


class Packed:
    """A plan as it was kept; read in two parts, as the second is the larger one."""

    def __init__(self, content: bytes) -> None:
        """Read nothing yet."""
        self._reader = _Reader(io.BytesIO(content))

    def head(self) -> tuple[str, Grounds] | None:
        """Read what was given and what the plan stands on, first; None where that cannot be read."""
        match self._load():
            case (str() as given, Grounds() as grounds):
                return given, grounds
        return None

    def rest(self) -> tuple[tuple[Diagnostic, ...], Plan] | None:
        """Read the findings and the plan, after the head."""
        match self._load():
            case (tuple() as findings, Plan() as plan):
                return findings, plan
        return None

    def _load(self) -> object:
        try:
            with collector_paused():
                return self._reader.load()
        except (*_NOT_READABLE, *_ILL_MADE):
            return None


class _Reader(pickle.Unpickler):
    """Opens what was packed here; any other name in it is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what makes one of the classes of the table."""
        return _MAKERS[module, name]


def _taken_apart(value: Any) -> tuple[type[Any], tuple[object, ...]]:
    return type(value), tuple([getattr(value, name) for name in type(value).__slots__])


def _taken_apart_path(value: Path) -> tuple[type[Path], tuple[str]]:
    return _PATH, (str(value),)


def _taken_apart_severity(value: Severity) -> tuple[type[Severity], tuple[str]]:
    return Severity, (value.value,)


def _maker(made: Callable[..., object]) -> Callable[..., object]:
    # Not the class itself: a pickle can set attributes of what it has found.
    def make(*values: object) -> object:
        return made(*values)

    return make


_KNOWN: tuple[type[Any], ...] = (*_OF_PLANS, *_OF_GROUNDS, *_OF_FINDINGS)
_TAKEN_APART: dict[type[Any], Callable[[Any], Any]] = {
    **dict.fromkeys(_KNOWN, _taken_apart),
    _PATH: _taken_apart_path,
    Severity: _taken_apart_severity,
}
_MAKERS = {(made.__module__, made.__qualname__): _maker(made) for made in _TAKEN_APART}
