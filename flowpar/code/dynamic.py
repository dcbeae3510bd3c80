"""Code that reading can't follow: names made at run time, and modules named by values."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from flowpar.code.names import absolute_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece

_LONGEST_NAME = 200
_IMPORT = re.compile(r"\s*(?:from\s+(?P<home>[.\w]+)\s+import\b|import\s+(?P<names>[\w., ]+))")
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
        "from_callable",
        "getmembers",
        "getmembers_static",
        "getclosurevars",
        "__code__",
        "f_code",
        "f_locals",
        "co_consts",
        "co_varnames",
        "co_freevars",
        "co_cellvars",
        "singledispatch",
        "singledispatchmethod",
        "validate_call",
        "validate_arguments",
        "TypeAdapter",
        "typechecked",
        "beartype",
    }
)

# Who calls these sees the names of local variables.
SEEING_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe", "stack"})
# These look at the text of the source itself, and at its lines.
LOOKING_AT_TEXT = frozenset(
    {"getsource", "getsourcelines", "findsource", "getcomments", "linecache", "co_firstlineno", "f_lineno"}
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
        yield from _imported_by_text(lookup, outline, call) if called in {"exec", "eval", "compile"} else ()
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


def _imported_by_text(lookup: Lookup, outline: Outline, call: ast.Call) -> Iterator[tuple[str, str]]:
    """Give the modules that a text imports which is run."""
    text = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    try:
        tree = ast.parse(text) if isinstance(text, str) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in () if tree is None else ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [absolute_module(node, outline.package)] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if lookup.standing(name) == "ours":
                yield f"{name}:*", f'{call.lineno}: module "{name}" is imported by a text, so all of it counts'
            elif lookup.standing(name) == "installed":
                yield f"!{name}", f'{call.lineno}: module "{name}" is imported by a text'


def named_modules(lookup: Lookup, outline: Outline, node: str) -> Iterator[str]:
    """Give the modules that a module may mean which asks for modules by their names: those that it names or imports."""
    if node.startswith("~builtins.") and node != "~builtins.__import__":
        return
    tree = outline.module.tree
    texts = {part.value for part in ast.walk(tree) if isinstance(part, ast.Constant)} if tree is not None else set()
    names = {_absolute(text, outline.package) for text in texts if isinstance(text, str) and _is_dotted(text)}
    names |= {f"{outline.package}.{name}" for name in names if outline.package and "." not in name}
    names |= {imported.module for piece in outline.pieces for imported in piece.imports}
    for name in sorted(names):
        is_open = name.endswith(".") or not node.startswith("~sys.")  # `import_module(f"lib.{name}")`
        yield from all_of(lookup, name.rstrip("."), is_open=is_open)


def all_of(lookup: Lookup, module: str, *, is_open: bool = True) -> Iterator[str]:
    """Give all of a module of the project, and where it `is_open` of those in it."""
    if module and lookup.standing(module) == "ours":
        yield f"{module}:*"
        if is_open:
            yield from (f"{module}.{inner}:*" for inner in lookup.library.inside(module))


def modules_in(lines: Iterable[str], package: str) -> Iterator[str]:
    """Give the modules that lines import which nobody can read as Python."""
    for line in lines:
        match = _IMPORT.match(line)
        if match:
            names = (part.split()[0] for part in match["names"].split(",") if part.strip()) if match["names"] else ()
            yield from (name for name in names if _is_dotted(name))
            yield from (_absolute(match["home"], package),) if match["home"] else ()


def _is_dotted(text: str) -> bool:
    return len(text) < _LONGEST_NAME and all(part.isidentifier() for part in text.strip(".").split("."))


def _absolute(name: str, package: str) -> str:
    inner = name.lstrip(".")
    level = len(name) - len(inner)
    if not level:
        return name
    base = package.split(".")
    return ".".join([*base[: len(base) - level + 1], inner])
