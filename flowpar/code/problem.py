"""Why a target ("module:function") is not to be had, in words for the person who wrote it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Label
from flowpar.core.frozen import dataclass
from flowpar.core.source import Span
from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    import ast

    from flowpar.code.library import Broken
    from flowpar.code.module import NotFound
    from flowpar.code.names import Names


class ProblemKind(Enum):
    """What part of the target is wrong."""

    FORM = auto()
    MODULE = auto()
    FUNCTION = auto()
    NOT_CALLABLE = auto()
    BROKEN = auto()
    NO_SOURCE = auto()


@dataclass(frozen=True, slots=True)
class TargetProblem:
    """The target can't be called; `label` points into the Python file where there is a place."""

    kind: ProblemKind
    message: str
    hint: str | None = None
    label: Label | None = None


def malformed(target: str) -> TargetProblem:
    """Refuse a text that is not "module:function"."""
    shown = target if len(target) <= _LONGEST_SHOWN else target[:_LONGEST_SHOWN] + "…"
    hint = "a target can't be an expression" if "${{" in target else None
    module, dot, function = target.rpartition(".")
    file, _, name = target.partition(":")
    if dot and ":" not in target and all(part.isidentifier() for part in target.split(".")):
        hint = f'did you mean "{module}:{function}"?'
    elif file.endswith(".py"):
        dotted = file.removeprefix("./").removesuffix(".py").replace("/", ".")
        hint = f'a module is named as an import names it: "{dotted}:{name or "function"}"'
    return TargetProblem(ProblemKind.FORM, f'"{shown}" is not of the form "module:function"', hint)


_LONGEST_SHOWN = 100


def no_module(absent: NotFound) -> TargetProblem:
    """Name the first part of a module's name that is not there."""
    package, _, tail = absent.missing.rpartition(".")
    place = f'in package "{package}"' if package else "beside the workflow or among the installed packages"
    if package and tail == "py":
        named = f'a module is named as an import names it: "{package}:function"'
        return TargetProblem(ProblemKind.MODULE, f'there is no module "{absent.missing}"', named)
    near = nearest(tail, absent.known)
    hint: str | None = None
    if near is not None:
        hint = f'did you mean "{f"{package}.{near}" if package else near}"?'
    elif absent.below:
        hint = f'it is in "{absent.below}"; write "python_path: {absent.below}" at the top of the workflow'
    elif not package:
        hint = "install it where flowpar is, or name its folder by python_path"
    return TargetProblem(ProblemKind.MODULE, f'there is no module "{absent.missing}" {place}', hint)


def no_function(owner: str, name: str, names: Names) -> TargetProblem:
    """Say that a module or class has no such name."""
    known = [known for known in names.bindings if not known.startswith("_")]
    near = nearest(name, known)
    hint = None if near is None else f'did you mean "{near}"?'
    if hint is None and not known:
        hint = "nothing is defined there"
    return TargetProblem(ProblemKind.FUNCTION, f'"{owner}" has no function "{name}"', hint)


def not_callable(target: str, what: str, *, file: str = "", node: ast.expr | None = None) -> TargetProblem:
    """Say what the target is instead of a function."""
    label = None
    if node is not None:
        end = node.end_col_offset if node.end_lineno == node.lineno and node.end_col_offset else node.col_offset + 1
        span = Span.at(node.lineno, node.col_offset + 1, length=end - node.col_offset)
        label = Label(file, span, "it is defined here")
    return TargetProblem(ProblemKind.NOT_CALLABLE, f'"{target}" is {what}, not a function', None, label)


def without_source(target: str) -> TargetProblem:
    """Say that a function is made at run time, so that nobody can read what it does."""
    return TargetProblem(
        ProblemKind.NO_SOURCE,
        f'"{target}" is made at run time, so its code can\'t be read',
        'write it as a "def", or let "cache.version" stand for its code',
    )


def broken(module: Broken) -> TargetProblem:
    """Say why a module's source can't be read; the label is the place of a syntax error."""
    label = None
    if module.line:
        label = Label(module.source.file, Span.at(module.line, module.column), module.message)
    what = f'module "{module.source.name}" does not parse' if label else f'module "{module.source.name}" can\'t be read'
    return TargetProblem(ProblemKind.BROKEN, f"{what}: {module.message}", None, label)
