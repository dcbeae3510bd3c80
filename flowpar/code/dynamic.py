"""Code that reading can't follow: names made at run time, and modules named by values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece

_BUILTINS = frozenset({"eval", "exec", "globals", "__import__", "__builtins__", "__loader__"})
_MODULES = frozenset({"importlib", "runpy", "pkgutil", "imp", "zipimport"})
# These look at what the source says beside what it does.
LOOKING_AT_SOURCE = frozenset(
    {
        "__doc__",
        "__annotations__",
        "getdoc",
        "get_annotations",
        "get_type_hints",
        "getfullargspec",
        "signature",
        "getsource",
        "getsourcelines",
        "findsource",
        "singledispatch",
        "singledispatchmethod",
        "validate_call",
        "validate_arguments",
        "TypeAdapter",
        "typechecked",
        "beartype",
    }
)


def is_dynamic(node: str) -> bool:
    """Whether a node of the standard library's may reach any name of the module that uses it."""
    if node[0] != "~":
        return False
    module, _, name = node[1:].partition(".")
    if module == "builtins":
        return name in _BUILTINS
    is_data = node.startswith(("~importlib.resources", "~importlib.metadata"))
    return node == "~sys.modules" or (module in _MODULES and not is_data)


def is_clock(node: str, path: tuple[str, ...]) -> bool:
    """Whether a name of the standard library's tells the time of day."""
    is_of_class = node in {"~datetime.datetime", "~datetime.date"} and path[-1] in {"now", "today", "utcnow"}
    return is_of_class or node in {"~time.time", "~time.time_ns", "~time.localtime", "~time.gmtime", "~time.ctime"}


def dynamic_imports(lookup: Lookup, outline: Outline, piece: Piece) -> Iterator[tuple[str, str]]:
    """Give the modules that a piece imports by a text, and the reason why all of each counts."""
    for call, _ in piece.calls:
        called = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if called not in {"import_module", "__import__"} or not call.args:
            continue
        argument = call.args[0]
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            continue
        name = _absolute(argument.value, outline.package)
        standing = lookup.standing(name) if all(part.isidentifier() for part in name.split(".")) else "absent"
        if standing == "ours":
            yield f"{name}:*", f'{call.lineno}: module "{name}" is imported by its name, so all of it counts'
        elif standing == "installed":
            yield f"!{name}", f'{call.lineno}: module "{name}" is imported by its name'


def _absolute(name: str, package: str) -> str:
    inner = name.lstrip(".")
    level = len(name) - len(inner)
    if not level:
        return name
    base = package.split(".")
    return ".".join([*base[: len(base) - level + 1], inner])
