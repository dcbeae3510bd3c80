"""The text of a `shell`: no expression is ever pasted into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flowpar.expr.parse import find_expressions
from flowpar.lang.checked import Place
from flowpar.lang.rules.pitfall import find_bare_braces

if TYPE_CHECKING:
    from flowpar.lang.rules.findings import Findings, Path

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_NAMES = {"output", "outputs", "stdout", "str", "int", "json", "join", "default", "items"}


def text_of(body: Any, path: Path) -> tuple[str, Path] | None:
    """Return the text that a shell reads and where it stands, None for a program without a shell."""
    if isinstance(body, str):
        return body, path
    run = body.get("run") if isinstance(body, dict) else None
    return (run, (*path, "run")) if isinstance(run, str) else None


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
