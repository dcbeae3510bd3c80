"""Whether the annotations of a function or class do anything when the program runs, and its docstring.

class Row(NamedTuple): id: int      they are its fields
@dataclass class Row: id: int       the same
class Row: id: int                  nobody looks
@app.command() def run(id: int)     nobody knows what the decorator looks at, so its docstring counts as well
"""

from __future__ import annotations

import ast
import builtins
import sys
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
    """Answers for one library: 0 is none, 1 where annotations count, 2 where the docstring does, too."""

    def __init__(self, library: Library) -> None:
        """Follow names by `library`."""
        self._library = library

    def within(self, module: Module) -> Callable[[ast.AST], int]:
        """Return the question for the definitions of one module."""
        return lambda node: self.of(module, node)

    def of(self, module: Module, node: ast.AST) -> int:
        """Return whether the annotations of a definition count, and its docstring."""
        if isinstance(node, ast.ClassDef):
            return self._of_class(module, node, _MOST_BASES)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return max((self._of_decorator(module, decorator) for decorator in node.decorator_list), default=0)
        return 0

    def _of_class(self, module: Module, node: ast.ClassDef, depth: int) -> int:
        of_bases = (self._of_base(module, base, depth) for base in node.bases)
        of_keywords = (max(1, self._of_decorator(module, keyword.value)) for keyword in node.keywords)
        of_decorators = (self._of_decorator(module, part) for part in node.decorator_list)
        return max((*of_bases, *of_keywords, *of_decorators), default=0)

    def _of_base(self, module: Module, base: ast.expr, depth: int) -> int:
        head = base.value if isinstance(base, ast.Subscript) else base
        meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return _of_foreign(meaning.qualified, _PLAIN_BASES)
        is_class = isinstance(meaning, Defined) and meaning.binding.is_certain and depth > 0
        if not is_class or not isinstance(meaning, Defined) or not isinstance(meaning.binding.value, ast.ClassDef):
            return 2
        return self._of_class(meaning.module, meaning.binding.value, depth - 1)

    def _of_decorator(self, module: Module, decorator: ast.expr) -> int:
        """Return whether a decorator may look; one of the project's own is looked at where it stands."""
        head = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(head, ast.Attribute) and head.attr in {"setter", "getter", "deleter"}:
            return 0
        if isinstance(head, ast.Constant):  # `total=False`
            return 0
        meaning = self._library.meaning(module, head)
        if isinstance(meaning, Foreign):
            return _of_foreign(meaning.qualified, _PLAIN_DECORATORS)
        is_own = isinstance(meaning, Defined) and isinstance(meaning.binding.value, ast.FunctionDef | ast.ClassDef)
        return 0 if is_own else 2


def _of_foreign(qualified: str, plain: frozenset[str]) -> int:
    name = qualified.replace("typing_extensions.", "typing.")
    is_standard = name.partition(".")[0] in {"builtins", *sys.stdlib_module_names}
    return 0 if name in plain else 1 if is_standard else 2
