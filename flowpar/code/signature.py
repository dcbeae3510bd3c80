"""What a target asks for and gives, read from its source: `signature_of("steps.words:count", search_path)`.

    Signatures(search_path)              remembers what it has read; one for each command
      └─ of("module:function")           ─► Signature | TargetProblem

Nothing is imported. A name that is made at run time, or hangs on a condition, is known to be there but
has an unknown signature.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from flowpar.code.annotation import Annotations
from flowpar.code.callable import Reader
from flowpar.code.library import Broken, Defined, Library, Module
from flowpar.code.module import NotFound
from flowpar.code.names import names_of
from flowpar.code.parameter import Parameter as Parameter  # noqa: PLC0414 - callers need it along with signatures
from flowpar.code.parameter import Signature as Signature  # noqa: PLC0414 - the same
from flowpar.code.problem import TargetProblem, broken, malformed, no_function, no_module, not_callable

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from flowpar.code.library import Resolved
    from flowpar.code.looked import Looked

_MOST_ALIASES = 16
TARGET_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def signature_of(target: str, search_path: Iterable[str | os.PathLike[str]]) -> Signature | TargetProblem:
    """Read one signature; for many, keep a `Signatures`."""
    return Signatures(search_path).of(target)


class Signatures:
    """Reads signatures on one search path, each target and each file once."""

    def __init__(self, search_path: Iterable[str | os.PathLike[str]]) -> None:
        """Start with nothing read."""
        self._library = Library(search_path)
        self._reader = Reader(self._library, Annotations(self._library))
        self._read: dict[str, Signature | TargetProblem] = {}

    @property
    def looked(self) -> Looked:
        """Return what was asked of the disk so far."""
        return self._library.looked

    @property
    def library(self) -> Library:
        """Return the modules that it reads."""
        return self._library

    def of(self, target: str) -> Signature | TargetProblem:
        """Read the signature of "module:function", where the function may be nested ("module:Class.method")."""
        if target not in self._read:
            self._read[target] = self._look_up(target)
        return self._read[target]

    def _look_up(self, target: str) -> Signature | TargetProblem:
        if TARGET_FORM.fullmatch(target) is None:
            return malformed(target)
        module_name, _, path = target.partition(":")
        module = self._library.read(module_name)
        if isinstance(module, NotFound):
            return no_module(module)
        if isinstance(module, Broken):
            return broken(module)
        first, *inner = path.split(".")
        found = self._library.resolve(module, first)
        if found is None:
            return no_function(module_name, first, module.names)
        owner = None
        for name in inner:
            owner = found
            step = self._inside(target, found, name)
            if isinstance(step, Signature | TargetProblem):
                return step
            found = step
        return self._described(target, found, owner=owner)

    def _inside(self, target: str, owner: Resolved, name: str) -> Resolved | Signature | TargetProblem:
        """Go into a module or class for the next name."""
        if isinstance(owner, Module):
            return self._library.resolve(owner, name)
        if not isinstance(owner, Defined) or not isinstance(owner.binding.value, ast.ClassDef):
            return _unknown(target)
        node = owner.binding.value
        names = names_of(node.body, package=owner.module.source.package)
        if name in names.bindings:
            return Defined(owner.module, name, names.bindings[name])
        is_whole = not (node.bases or node.keywords or node.decorator_list or names.is_open)
        if is_whole:
            return no_function(target.rpartition(".")[0], name, names)
        return self._inherited(owner.module, node, name, _MOST_ALIASES) or _unknown(target)

    def _inherited(self, module: Module, node: ast.ClassDef, name: str, depth: int) -> Defined | None:
        """Find what a class has from the one class of the project's that it is based on."""
        base = self._library.meaning(module, node.bases[0]) if len(node.bases) == 1 and depth else None
        if not isinstance(base, Defined) or not isinstance(base.binding.value, ast.ClassDef):
            return None
        names = names_of(base.binding.value.body, package=base.module.source.package)
        if name in names.bindings:
            return Defined(base.module, name, names.bindings[name])
        return self._inherited(base.module, base.binding.value, name, depth - 1)

    def _described(self, target: str, found: Resolved, *, owner: Resolved = None) -> Signature | TargetProblem:
        for _ in range(_MOST_ALIASES):
            if isinstance(found, Broken):
                return broken(found)
            if isinstance(found, Module):
                return not_callable(target, "a module")
            if not isinstance(found, Defined) or not found.binding.is_certain:
                return _unknown(target)
            value = found.binding.value
            if not isinstance(value, ast.Name | ast.Attribute):
                return self._defined(target, found, owner=owner)
            owner = None
            found = self._library.meaning(found.module, value, everywhere=True)
        return _unknown(target)

    def _defined(self, target: str, found: Defined, *, owner: Resolved) -> Signature | TargetProblem:
        module, value = found.module, found.binding.value
        match value:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._reader.function(module, value, owner=_as_class(owner))
            case ast.ClassDef():
                return self._reader.class_(module, value)
            case ast.Lambda():
                return self._reader.lambda_(module, found.name, value)
            case ast.Constant() | ast.List() | ast.Dict() | ast.Set() | ast.Tuple() | ast.JoinedStr():
                return not_callable(target, _described_value(value), file=module.source.file, node=value)
            case _:
                return _unknown(target)


def _as_class(owner: Resolved) -> tuple[Module, ast.ClassDef] | None:
    if not isinstance(owner, Defined) or not isinstance(owner.binding.value, ast.ClassDef):
        return None
    return owner.module, owner.binding.value


def _unknown(target: str) -> Signature:
    return Signature(target.rpartition(":")[2].rpartition(".")[2], is_known=False)


def _described_value(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else f"a value of type {type(node.value).__name__}"
    kinds: Sequence[tuple[type[ast.expr], str]] = (
        (ast.List, "a list"),
        (ast.Dict, "a dict"),
        (ast.Set, "a set"),
        (ast.Tuple, "a tuple"),
    )
    return next((word for kind, word in kinds if isinstance(node, kind)), "a text")
