"""The text of `python: {script: …}`: it must be Python, and its variables are those of `with`."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from flowpar.core.variables import SCRIPT_PLACE, SCRIPT_TEXT
from flowpar.expr.parse import find_expressions
from flowpar.expr.scan import unescape
from flowpar.expr.syntax import nodes_of
from flowpar.expr.template import Constant
from flowpar.lang.checked import CheckedCall, Place
from flowpar.lang.node import ScalarNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowpar.lang.checked import Mention
    from flowpar.lang.model import Workflow
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Read

SCRIPT_TARGET: Final = "flowpar.tasks.script:run_script"
_OUTPUT = "output"
# What may read or set any variable.
_ALL_NAMES = frozenset({"globals", "locals", "vars", "exec", "eval", "dir"})
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def read_script(findings: Findings, task: Path, text: str, arguments: Mapping[str, Read]) -> CheckedCall:
    """Check a script and return the call that runs it; `arguments` are those of `with`."""
    path: Path = (*task, "python", "script")
    names_fit = _check_names(findings, (*task, "with"), arguments)
    read = _names_read_by(findings, path, text)
    if read is None or not names_fit:
        return CheckedCall(SCRIPT_TARGET)
    _warn_of_unread(findings, (*task, "with"), read, arguments)
    given = {name: read.template for name, read in arguments.items() if read.template is not None}
    place = (str(FilePath(findings.document.source.path).absolute()), _lines(findings, path, text))
    return CheckedCall(SCRIPT_TARGET, {SCRIPT_TEXT: Constant(unescape(text)), SCRIPT_PLACE: Constant(place), **given})


def _check_names(findings: Findings, path: Path, names: Iterable[str]) -> bool:
    wrong = [name for name in names if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__")]
    for name in wrong:
        message = f'"{name}" can\'t be a variable of the script'
        hint = f'write "{name.replace("-", "_")}"' if name.replace("-", "_").isidentifier() else None
        findings.key_error("FP433", (*path, name), message, hint=None if keyword.iskeyword(name) else hint)
    return not wrong


def _names_read_by(findings: Findings, path: Path, text: str) -> frozenset[str] | None:
    """Return the names that a script reads, or None with what is wrong with it."""
    found = find_expressions(text)
    for start, end, inner_start, inner_end in found:
        inner = " ".join(text[inner_start:inner_end].split())
        message = "an expression can't stand in a script, which is Python itself"
        hint = f'give it a name below "with" and use that: with: {{value: "${{{{ {inner} }}}}"}}'
        findings.text_error("FP432", Place(path, start, end), message, hint=hint)
    if found:
        return None
    plain = unescape(text)
    read = _names_read(_WHOLE_NUMBER.sub("0", plain))
    if read is None:
        read = _names_read(plain)
    if read is None:
        _find_problem(findings, path, plain)
    return read


# Scripts that differ in such numbers read the same names, and are right or not together.
_WHOLE_NUMBER = re.compile(r"(?<![\w.])[1-9][0-9]{0,8}(?![\w.])")


@lru_cache(maxsize=512)
def _names_read(text: str) -> frozenset[str] | None:
    """Return the names that a script reads, None where it is not right."""
    try:
        nodes = nodes_of(_compiled(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, _READS))


_READS = ast.Load | ast.Del


def _compiled(text: str) -> ast.Module:
    """Return the tree of a script that can be run; raises what Python has to say of any other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        compile(tree, "script", "exec", dont_inherit=True)  # finds what the grammar allows, as `return` outside
    return tree


def _find_problem(findings: Findings, path: Path, text: str) -> None:
    try:
        _compiled(text)
    except SyntaxError as error:
        start = _offset(text, error.lineno or 1, error.offset or 1)
        end = _offset(text, error.end_lineno or error.lineno or 1, error.end_offset or 0)
        message = f"the script is not Python: {error.msg}"
        findings.text_error("FP431", Place(path, start, max(end, start + 1)), message)
    except (ValueError, RecursionError, MemoryError) as error:
        what = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        findings.error("FP431", path, f"the script is not Python: {what}")


def _offset(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column, both from 1."""
    lines = text.split("\n")
    before = sum(len(one) + 1 for one in lines[: line - 1])
    return min(before + max(column, 1) - 1, max(len(text) - 1, 0))


def _lines(findings: Findings, path: Path, text: str) -> tuple[int, ...]:
    """Return for each line of a script the line of the file that it stands in."""
    node = findings.document.node(path)
    if not isinstance(node, ScalarNode):
        return tuple(range(1, text.count("\n") + 2))
    if node.style == "|":
        first = node.lines.place(node.start)[0] + 1  # below the mark
        return tuple(range(first, first + text.count("\n") + 1))
    offsets = [0]
    offsets += [place + 1 for place, letter in enumerate(text) if letter == "\n"]
    return tuple(node.span_of(min(offset, len(text) - 1), offset + 1).line for offset in offsets)


def _warn_of_unread(findings: Findings, path: Path, read: frozenset[str], names: Iterable[str]) -> None:
    """Find variables that the script never reads."""
    if read & _ALL_NAMES:
        return
    for name in names:
        if name not in read and name != _OUTPUT:
            message = f'the script never reads "{name}"'
            findings.warning("FP726", (*path, name), message, hint="leave it out", of_key=True)


def warn_of_unset_outputs(findings: Findings, workflow: Workflow, readers: Mapping[str, Iterable[Mention]]) -> None:
    """Find scripts that set no output although somebody reads it; `readers` has what each task mentions."""
    scripts = {
        task: model.body["script"]
        for task, model in workflow.tasks.items()
        if model.kind == "python" and isinstance(model.body, dict)
    }
    if not scripts:
        return
    for reader, mentions in readers.items():
        for mention in mentions:
            task, field = mention.reference.name or "", mention.reference.field
            if field == _OUTPUT and task in scripts:
                _warn_of_unset(findings, task, scripts.pop(task), reader)


def _warn_of_unset(findings: Findings, task: str, text: str, reader: str) -> None:
    try:
        tree = ast.parse(unescape(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # it has a finding
    names = {node.id for node in nodes_of(tree) if isinstance(node, ast.Name)}
    if names & _ALL_NAMES or _OUTPUT in _set_by(tree):
        return
    who = f'task "{reader}" reads' if reader else "the workflow reads"
    message = f'{who} the output of this script, which never sets "{_OUTPUT}"'
    findings.warning("FP725", ("tasks", task, "python", "script"), message, hint="write output = …", of_key=True)


def _set_by(tree: ast.Module) -> set[str]:
    """Return the names that a module may set, those that a function declares global among them."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in _of_module(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=short):
                found.add(_OUTPUT if name == "*" else short or name.partition(".")[0])
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
            case _:
                pass
    return found


def _of_module(node: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a module that are in no function or class."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        # What a comprehension loops over by is its own.
        children = [node.iter, *node.ifs] if isinstance(node, ast.comprehension) else ast.iter_child_nodes(node)
        for child in children:
            if isinstance(child, _SCOPES):
                yield child
            else:
                waiting.append(child)
