"""Shape errors in words: which key of what, what it wants, and what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.diagnostics import Diagnostic
from flowpar.core.suggest import nearest
from flowpar.lang.node import Document, MappingNode, ScalarNode, SequenceNode
from flowpar.lang.plain import is_null
from flowpar.lang.scalars import NumberTooLongError, resolve
from flowpar.lang.vocabulary import FOREIGN_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.lang.node import Node

Path = tuple[str | int, ...]

_MAPPING = "a mapping"
_WANTED = {
    "string_type": "text",
    "dict_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "list_type": "a list",
}
_OWNERS = {"tasks": "task", "finally": "task", "inputs": "input", "secrets": "secret"}
_MOST_BESIDE = 8
_LONGEST = 40


def describe_error(document: Document, path: Path, error: Any) -> Diagnostic:
    """Return the finding for one error of pydantic below `path`."""
    context = error.get("ctx", {})
    where = (*path, *error["loc"], *context.get("within", ()))
    hint = context.get("hint") or None
    code = context.get("code", "FP124")
    kind = error["type"]
    if code != "FP124":
        return finding(document, where, context["wanted"], code=code, hint=hint)
    if kind == "literal_error":
        wanted, hint = _one_of(context["expected"], document.node(where))
    else:
        wanted = context.get("wanted") or _WANTED.get(kind) or str(error["msg"]).lower()
    if kind == "string_type" and hint is None:
        hint = _quoted(document.node(where))
    return wrong_type(document, where, wanted, hint=hint)


def wrong_type(document: Document, where: Path, wanted: str, *, hint: str | None = None) -> Diagnostic:
    """Return the finding that what stands at a path is not what is wanted."""
    if wanted == _MAPPING:
        hint = hint or _mapping_meant(str(where[-1]), document.node(where))
    return finding(
        document, where, f"{name_of(where)} wants {wanted}, found {found_at(document.node(where))}", hint=hint
    )


def _mapping_meant(key: str, node: Node | None) -> str | None:
    """Return what to write where names and values were meant, and are not written as a mapping."""
    if node is None or (isinstance(node, ScalarNode) and node.is_plain and is_null(node)):
        return f'indent what belongs to "{key}" deeper than it, or leave it out'
    if isinstance(node, SequenceNode):
        return 'write each entry as "name: value", without "-" or brackets'
    name, sign, value = node.text.partition("=") if isinstance(node, ScalarNode) else ("", "", "")
    is_pair = sign and name.isidentifier() and '"' not in value and len(value) <= _LONGEST
    return f'write {{{name}: "{value}"}}' if is_pair else None


def finding(
    document: Document, where: Path, message: str, *, code: str = "FP124", hint: str | None = None, of_key: bool = False
) -> Diagnostic:
    """Return a finding at the value (or the key) of a path."""
    return Diagnostic(code, message, document.source.path, document.span(where, of_key=of_key), hint=hint)


def name_of(path: Sequence[str | int]) -> str:
    """Return how messages call a place: `"retry.delay" of task "load"`.

    >>> name_of(("tasks", "load", "retry", "delay"))
    '"retry.delay" of task "load"'
    >>> name_of(("tasks", "load"))
    'task "load"'
    >>> name_of(("plugins", 0))
    '"plugins[0]"'
    """
    owner = _OWNERS.get(str(path[0])) if len(path) > 1 else None
    if owner is None:
        return f'"{dotted(path)}"'
    name = f'{owner} "{short(str(path[1]))}"'
    return f'"{dotted(path[2:])}" of {name}' if len(path) > 2 else name  # noqa: PLR2004 -- what is left


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as expressions would write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{short(step)}"
    return text.lstrip(".")


def found_at(node: Node | None) -> str:
    """Return what stands somewhere, in words."""
    if node is None or (isinstance(node, ScalarNode) and node.is_plain and is_null(node)):
        return "nothing"
    if isinstance(node, MappingNode):
        return "an empty mapping" if node.is_written_empty else "a mapping"
    if isinstance(node, SequenceNode):
        return "a list" if node.items else "an empty list"
    value = _value(node)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{short(node.text)}"' if isinstance(value, str) else f"the number {short(node.text)}"


def short(text: str) -> str:
    """Return a text as it fits into a message: one line, not long."""
    line = "".join(character if character.isprintable() else "·" for character in text[: _LONGEST + 1])
    return line if len(text) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def did_you_mean(word: str, known: Sequence[str], *, also: str = "", foreign: Mapping[str, str] | None = None) -> str:
    """Return "did you mean …?", or what is allowed, both where that is short; `also` says what else is."""
    near = (foreign or {}).get(word) or nearest(word, known)
    allowed = f"allowed: {', '.join(known)} {also}".rstrip()
    if near is None:
        return allowed
    parts = [f'did you mean "{near}"?']
    parts += [allowed] if len(known) <= _MOST_BESIDE else []
    return " ".join(parts)


def _value(node: ScalarNode) -> object:
    if not node.is_plain:
        return node.text
    try:
        return resolve(node.text)
    except NumberTooLongError:
        return 0


def _quoted(node: Node | None) -> str | None:
    if not isinstance(node, ScalarNode) or is_null(node) or len(node.text) > _LONGEST:
        return None
    return f'write "{node.text}" in quotes'


def _one_of(expected: str, node: Node | None) -> tuple[str, str | None]:
    names = [part.strip("' ") for part in expected.replace(" or ", ", ").split(",")]
    wanted = f"one of {', '.join(names)}"
    if not isinstance(node, ScalarNode):
        return wanted, None
    word, bracket, item = node.text.partition("[")
    near = _meant(word, names)
    if near == "list" and bracket and (of := _meant(item.rstrip("]"), names)):
        return wanted, f"write {{type: list, items: {of}}}"
    return wanted, f'did you mean "{near}"?' if near else None


def _meant(word: str, names: Sequence[str]) -> str | None:
    """Return the one of the names that a word of another language stands for, or that is misspelt."""
    foreign = FOREIGN_TYPES.get(word.casefold())
    if word in names or (foreign is not None and foreign in names):
        return word if word in names else foreign
    return nearest(word, names)
