"""The text of a `shell`: no expression is ever pasted into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flowpar.core.types import STR, ListOf, OneOf, Type, show, widen
from flowpar.expr.check import check
from flowpar.expr.parse import find_expressions
from flowpar.expr.template import Expression, ListTemplate
from flowpar.expr.typing_rules import is_scalar
from flowpar.lang.checked import Place
from flowpar.lang.rules.pitfall import find_bare_braces
from flowpar.lang.rules.reading import Read

if TYPE_CHECKING:
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_NAMES = {"output", "outputs", "stdout", "str", "int", "json", "join", "default", "items"}


def read_shell(reading: Reading, path: Path, body: Any, view: View) -> dict[str, Read]:
    """Read what stands below `shell` by the names of its parameters; a text or a list is `run`."""
    if not isinstance(body, dict):
        return {"run": _run(reading, path, body, view)}
    return {
        name: _run(reading, (*path, name), value, view) if name == "run" else reading.value(value, (*path, name), view)
        for name, value in body.items()
    }


def _run(reading: Reading, path: Path, value: Any, view: View) -> Read:
    if isinstance(value, str) and check_shell_text(reading.findings, value, path):
        return Read(None)
    read = reading.value(value, path, view)
    if not isinstance(value, list) or not isinstance(read.type, ListOf):
        return read
    for index, word in enumerate(read.template.items if isinstance(read.template, ListTemplate) else ()):
        if isinstance(word, Expression) and not _is_word(kind := check(word, view)[0]):
            message = f"each word of a command must be text, this is {show(widen(kind))}"
            reading.findings.error("FP408", (*path, index), message, hint='write json(…) or join(…, " ")')
    return Read(read.template, ListOf(STR))  # numbers and paths among the words become text


def _is_word(kind: Type) -> bool:
    return all(map(is_scalar, kind.members)) if isinstance(kind, OneOf) else is_scalar(kind)


def check_shell_text(findings: Findings, text: str, path: Path) -> bool:
    """Find the expressions in a shell text; returns whether there are any."""
    found = find_expressions(text)
    for start, end, inner_start, inner_end in found:
        name = _variable(text[inner_start:inner_end])
        inner = " ".join(text[inner_start:inner_end].split())
        message = "an expression can't stand in a shell text: pasted in, it could become a command"
        hint = (
            f'pass it as a variable: write "${name}" here, and beside "shell" add env: {{{name}: "${{{{ {inner} }}}}"}}'
        )
        findings.text_error("FP409", Place(path, start, end), message, hint=hint)
    if not found:
        find_bare_braces(findings, text, path)
    return bool(found)


def _variable(expression: str) -> str:
    """Return a name for the variable that carries an expression: `tasks.merge.output[0].word` is WORD."""
    words = [word for word in _WORD.findall(expression) if word not in _NO_NAMES]
    return words[-1].upper() if words else "VALUE"
