"""Who looks at the annotations of a function or class when the program runs, and at its docstring.

class Row(NamedTuple): id: int      they are its fields
@dataclass class Row: id: int       the same
class Row: id: int                  nobody looks
@app.command() def run(id: int)     nobody knows what the decorator looks at, so its docstring counts as well
"""

from __future__ import annotations

import ast
import builtins
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

from flowpar.code.library import Defined, Foreign

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.code.library import Library, Module

_MOST_BASES = 16


class Shown(IntEnum):
    """What of a definition somebody looks at, beside what it does; each level has those below it."""

    NOTHING = 0
    SOURCE = 1  # its annotations as they are written, which flowpar holds values against
    ANNOTATIONS = 2  # as they are at run time
    DOCSTRING = 3


_NOTHING = Shown.NOTHING
_READING_DOCSTRINGS = frozenset({"cmd.Cmd", "unittest.TestCase"})
_PLAIN_BASES = frozenset(
    f"{module}.{name}"
    for module, names in {
        "abc": ("ABC",),
        "typing": ("Protocol", "Generic"),
        "enum": ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"),
        "threading": ("Thread",),
    }.items()
    for name in names
) | {f"builtins.{name}" for name, value in vars(builtins).items() if isinstance(value, type)}
_PLAIN_DECORATORS = frozenset(
    {
        *(f"builtins.{name}" for name in ("staticmethod", "classmethod", "property")),
        *(f"functools.{name}" for name in ("wraps", "cache", "lru_cache", "cached_property", "total_ordering")),
        *(f"contextlib.{name}" for name in ("contextmanager", "asynccontextmanager")),
        *(f"abc.{name}" for name in ("abstractmethod", "abstractproperty")),
        *(f"typing.{name}" for name in ("final", "override", "overload", "no_type_check", "runtime_checkable")),
        *(f"enum.{name}" for name in ("unique", "verify")),
    }
)


class AnnotationEffect:
    """Answers for one library."""

    def __init__(self, library: Library) -> None:
        """Follow names by `library`."""
        self._library = library

    def within(self, module: Module) -> Callable[[ast.AST], Shown]:
        """Return the question for the definitions of one module."""
        return lambda node: self.of(module, node)

    def of(self, module: Module, node: ast.AST) -> Shown:
        """Return what somebody looks at."""
        if isinstance(node, ast.ClassDef):
            return self._of_class(module, node, _MOST_BASES)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return max((self._of_decorator(module, decorator) for decorator in node.decorator_list), default=_NOTHING)
        return _NOTHING

    def _of_class(self, module: Module, node: ast.ClassDef, depth: int) -> Shown:
        of_bases = (self._of_base(module, base, depth) for base in node.bases)
        of_keywords = (max(Shown.ANNOTATIONS, self._of_decorator(module, keyword.value)) for keyword in node.keywords)
        of_decorators = (self._of_decorator(module, part) for part in node.decorator_list)
        return max((*of_bases, *of_keywords, *of_decorators), default=_NOTHING)

    def _of_base(self, module: Module, base: ast.expr, depth: int) -> Shown:
        head = base.value if isinstance(base, ast.Subscript) else base
        meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return _of_foreign(meaning.qualified, _PLAIN_BASES)
        is_class = isinstance(meaning, Defined) and meaning.binding.is_certain and depth > 0
        if not is_class or not isinstance(meaning, Defined) or not isinstance(meaning.binding.value, ast.ClassDef):
            return Shown.DOCSTRING
        return self._of_class(meaning.module, meaning.binding.value, depth - 1)

    def _of_decorator(self, module: Module, decorator: ast.expr) -> Shown:
        """Return whether a decorator may look; one of the project's own is looked at where it stands."""
        head = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(head, ast.Attribute) and head.attr in {"setter", "getter", "deleter"}:
            return _NOTHING
        if isinstance(head, ast.Constant):  # `total=False`
            return _NOTHING
        meaning = self._library.meaning(module, head)
        while meaning is None and isinstance(head, ast.Attribute):  # `@REGISTRY.add`
            head = head.value
            meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return _of_foreign(meaning.qualified, _PLAIN_DECORATORS)
        return _NOTHING if isinstance(meaning, Defined) else Shown.DOCSTRING


def _of_foreign(qualified: str, plain: frozenset[str]) -> Shown:
    name = qualified.replace("typing_extensions.", "typing.")
    is_standard = name.partition(".")[0] in {"builtins", *sys.stdlib_module_names}
    if name in plain:
        return _NOTHING
    return Shown.ANNOTATIONS if is_standard and name not in _READING_DOCSTRINGS else Shown.DOCSTRING
