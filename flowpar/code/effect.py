"""Whether the annotations of a function or class do anything when the program runs.

class Row(NamedTuple): id: int      they are its fields
@dataclass class Row: id: int       the same
class Row: id: int                  nobody looks
@app.command() def run(id: int)     nobody knows what the decorator looks at
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from flowpar.code.library import Defined, Foreign

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.code.library import Library, Module

_MOST_BASES = 16
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

    def within(self, module: Module) -> Callable[[ast.AST], bool]:
        """Return the question for the definitions of one module."""
        return lambda node: self.has(module, node)

    def has(self, module: Module, node: ast.AST) -> bool:
        """Return whether the annotations of a definition count."""
        if isinstance(node, ast.ClassDef):
            return not self._is_plain(module, node, _MOST_BASES)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return not all(self._is_plain_decorator(module, decorator) for decorator in node.decorator_list)
        return False

    def _is_plain(self, module: Module, node: ast.ClassDef, depth: int) -> bool:
        if node.keywords or not all(self._is_plain_decorator(module, part) for part in node.decorator_list):
            return False
        return all(self._is_plain_base(module, base, depth) for base in node.bases)

    def _is_plain_base(self, module: Module, base: ast.expr, depth: int) -> bool:
        head = base.value if isinstance(base, ast.Subscript) else base
        meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return meaning.qualified.replace("typing_extensions.", "typing.") in _PLAIN_BASES
        is_class = isinstance(meaning, Defined) and meaning.binding.is_certain and depth > 0
        if not is_class or not isinstance(meaning, Defined) or not isinstance(meaning.binding.value, ast.ClassDef):
            return False
        return self._is_plain(meaning.module, meaning.binding.value, depth - 1)

    def _is_plain_decorator(self, module: Module, decorator: ast.expr) -> bool:
        """Whether a decorator is known not to look; one of the project's own is looked at where it stands."""
        head = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(head, ast.Attribute) and head.attr in {"setter", "getter", "deleter"}:
            return True
        meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return meaning.qualified.replace("typing_extensions.", "typing.") in _PLAIN_DECORATORS
        return isinstance(meaning, Defined) and isinstance(meaning.binding.value, ast.FunctionDef)
