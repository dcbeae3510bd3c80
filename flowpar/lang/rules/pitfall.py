"""What YAML and other tools' habits do to expressions, explained where it happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.expr.scan import stretches
from flowpar.lang.checked import Place
from flowpar.lang.node import ScalarNode

if TYPE_CHECKING:
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.scope import View

_CONTEXTS = "inputs|tasks|env|each|matrix|secrets|run|workflow"
_BARE = re.compile(
    rf"(?<!\$)\{{\{{-?\s*(?=(?:{_CONTEXTS}|item|params|vars)\b)[^{{}}]*\}}\}}|\$\{{\s*(?:{_CONTEXTS})\.[^{{}}]*\}}"
)
_PATH = re.compile(
    r"(?P<context>inputs|tasks|each|matrix|secrets)\.(?P<name>[\w-]+)(?P<field>(?:[.\[][\w.\[\]\"'-]*)?)"
)


def find_cut_expression(findings: Findings, text: str, path: Path) -> bool:
    """Find an expression that ends early because YAML takes ` #` for a comment; returns whether there is one."""
    node = findings.document.node(path)
    start = text.rfind("${{")
    if not isinstance(node, ScalarNode) or not node.is_plain or start < 0 or "}}" in text[start:]:
        return False
    rest = findings.document.source.text[node.start + node.length :].partition("\n")[0]
    if not rest.lstrip().startswith("#") or "}}" not in rest:
        return False
    place = Place(path, start, len(text))
    message = 'a comment begins inside this expression: to YAML, " #" ends a value without quotes'
    findings.text_error("FP207", place, message, hint='put the whole value in quotes, or take the "#" out')
    return True


def find_bare_reference(findings: Findings, text: str, path: Path, view: View) -> None:
    """Find a text that is nothing but the name of something that is there, as `tasks.load.output`."""
    found = _PATH.fullmatch(text)
    if found is None or view.member(found["context"], found["name"]) is None:
        return
    if (found["context"] == "tasks") is bool(found["field"]):
        message = f'"{text[:60]}" is plain text here'
        findings.text_warning("FP703", Place(path, 0, len(text)), message, hint=f'write "${{{{ {text} }}}}"')


def find_bare_braces(findings: Findings, text: str, path: Path) -> None:
    """Find the first `{{ inputs.x }}` or `${inputs.x}`, an expression to other tools and text to flowpar."""
    inside = stretches(text) if "${{" in text else ()
    for found in _BARE.finditer(text):
        if any(each.start <= found.start() < each.end for each in inside):
            continue  # it is meant as text there
        place = Place(path, found.start(), found.end())
        message = f'"{found.group()[:60]}" is plain text here'
        findings.text_warning("FP703", place, message, hint='an expression is written "${{ … }}"')
        return
