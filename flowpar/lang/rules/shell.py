"""What stands below `shell`: no expression is ever pasted into a text.

echo ${{ x }} "a ${{ y }}"   ─►   echo "${FLOWPAR_VALUE_1}" "a ${FLOWPAR_VALUE_2}"   and two variables
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass, field
from flowpar.core.types import NONE, STR, ListOf, OneOf, Type, show, widen
from flowpar.core.variables import MAX_WORD_BYTES, OUTPUT_FILE, SHELL_VALUE
from flowpar.expr.check import check
from flowpar.expr.parse import find_expressions
from flowpar.expr.template import Constant, Expression, ListTemplate, Text
from flowpar.expr.typing_rules import is_scalar
from flowpar.lang.checked import Place
from flowpar.lang.rules.pitfall import find_bare_braces
from flowpar.lang.rules.reading import Read
from flowpar.lang.shell.cursor import VALUE
from flowpar.lang.shell.scan import places_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.expr.template import Template
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAY_BE_NONE = re.compile(r"\s*(?:None|tasks\.[\w-]+\.output)\s*")
_NO_NAMES = {"output", "outputs", "stdout", "str", "int", "json", "join", "default", "items"}


@dataclass(frozen=True, slots=True)
class ReadShell:
    """What stands below `shell` by the names of its parameters, and the variables that carry values into its text."""

    arguments: Mapping[str, Read]
    values: Mapping[str, Template] = field(default_factory=dict)


def read_shell(reading: Reading, path: Path, body: Any, view: View) -> ReadShell:
    """Read what stands below `shell`; a text or a list by itself is `run`."""
    values: dict[str, Template] = {}
    if not isinstance(body, dict):
        return ReadShell({"run": _run(reading, path, body, view, interpreter="sh", values=values)}, values)
    arguments = {}
    for name, value in body.items():
        place = (*path, name)
        if name == "run":
            interpreter = body.get("shell", "sh")
            arguments[name] = _run(reading, place, value, view, interpreter=interpreter, values=values)
        else:
            arguments[name] = reading.value(value, place, view)
    _check_capture(reading.findings, path, body)
    return ReadShell(arguments, values)


def _check_capture(findings: Findings, path: Path, body: Mapping[str, Any]) -> None:
    """Find a text that writes outputs which nobody could read."""
    run, capture = body.get("run"), body.get("capture")
    if isinstance(run, str) and capture is not None and OUTPUT_FILE in run:
        message = f'with "capture" the output is what the command prints, so nothing can read what is in ${OUTPUT_FILE}'
        findings.key_error("FP430", (*path, "capture"), message, hint='leave "capture" out, and read "output.stdout"')


def _run(
    reading: Reading, path: Path, value: Any, view: View, *, interpreter: Any, values: dict[str, Template]
) -> Read:
    if isinstance(value, str):
        if "${{" in value:
            return _text(reading, path, value, view, interpreter=interpreter, values=values)
        find_bare_braces(reading.findings, value, path)
        return Read(Constant(value), STR)
    read = reading.value(value, path, view)
    if not isinstance(value, list) or not isinstance(read.type, ListOf):
        return read
    _check_words(reading.findings, path, value)
    for index, word in enumerate(read.template.items if isinstance(read.template, ListTemplate) else ()):
        if isinstance(word, Expression) and not _is_word(kind := check(word, view)[0]):
            message = f"each word of a command must be text, this is {show(widen(kind))}"
            reading.findings.error("FP408", (*path, index), message, hint='write json(…) or join(…, " ")')
    return Read(read.template, ListOf(STR))  # numbers and paths among the words become text


def _check_words(findings: Findings, path: Path, words: list[Any]) -> None:
    """Find words that no program can be given, as far as they are written in the file."""
    if not words or words[0] == "":
        message = "a command needs a program as its first word"
        findings.error("FP408", path if not words else (*path, 0), message, hint='write it as in "[ls, -l]"')
    for index, word in enumerate(words):
        if word is None or isinstance(word, list | dict):
            found = "nothing" if word is None else "a list" if isinstance(word, list) else "a mapping"
            hint = 'write "" for an empty word' if word is None else None
            findings.error("FP408", (*path, index), f"each word of a command must be text, this is {found}", hint=hint)


def _is_word(kind: Type) -> bool:
    return all(map(is_scalar, kind.members)) if isinstance(kind, OneOf) else is_scalar(kind)


def _text(
    reading: Reading, path: Path, text: str, view: View, *, interpreter: object, values: dict[str, Template]
) -> Read:
    """Read a text with expressions: each becomes a reference to a variable, where that can be."""
    template = reading.value(text, path, view).template
    if template is None or isinstance(template, Constant):
        return Read(template, STR)
    if isinstance(template, Expression):
        _refuse_whole(reading.findings, path, text)
        return Read(None)
    assert isinstance(template, Text)  # noqa: S101 - a scalar gives nothing else
    whys = _whys(template, interpreter, text)
    found = find_expressions(text)
    for (start, end, inner_start, inner_end), why in zip(found, whys, strict=True):
        if isinstance(why, str):
            _refuse(reading.findings, Place(path, start, end), text[inner_start:inner_end], why)
    if any(isinstance(why, str) for why in whys) or _has_none(reading.findings, path, template, view, found=found):
        return Read(None)
    return Read(Constant(_rewritten(template, whys, values)), STR)


def _whys(template: Text, interpreter: object, text: str) -> list[str | bool]:
    """Return for each expression whether it stands in double quotes, or why it can't stand where it does."""
    count = sum(isinstance(part, Expression) for part in template.parts)
    name = PurePath(interpreter).name if isinstance(interpreter, str) and "${{" not in interpreter else ""
    if name not in {"sh", "bash"}:
        return [f'in a text for "{interpreter}"' if name else "in a text whose shell is an expression"] * count
    if len(text) > MAX_WORD_BYTES:
        return ["in a text of more than 100 KiB"] * count
    marked = "".join(VALUE if isinstance(part, Expression) else part for part in template.parts)
    if marked.count(VALUE) != count:
        return ["in a text that holds zero characters"] * count
    return [place.why_not or place.is_quoted for place in places_of(marked, is_bash=name == "bash")]


def _rewritten(template: Text, is_quoted: list[str | bool], values: dict[str, Template]) -> str:
    written = "".join(part for part in template.parts if isinstance(part, str))
    prefix = SHELL_VALUE
    while prefix in written:  # somebody has variables of this name
        prefix += "_"
    names: dict[str, str] = {}
    quoted = iter(is_quoted)
    pieces = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        name = names.setdefault(part.code, f"{prefix}{len(names) + 1}")
        values[name] = part
        pieces.append(f"${{{name}}}" if next(quoted) else f'"${{{name}}}"')
    return "".join(pieces)


def _has_none(
    findings: Findings, path: Path, template: Text, view: View, *, found: list[tuple[int, int, int, int]]
) -> bool:
    """Find what is always None, which is no word of a command: itself, and outputs of functions that return nothing."""
    expressions = [part for part in template.parts if isinstance(part, Expression)]
    nones = [bool(_MAY_BE_NONE.fullmatch(part.text)) and check(part, view)[0] == NONE for part in expressions]
    for (start, end, _, _), is_none in zip(found, nones, strict=True):
        if is_none:
            message = "None can't stand in a shell text"
            findings.text_error(
                "FP309", Place(path, start, end), message, hint='write default(…, "") for an empty word'
            )
    return any(nones)


def _refuse(findings: Findings, place: Place, expression: str, why: str) -> None:
    name = _variable(expression)
    inner = " ".join(expression.split())
    message = f"an expression can't stand {why}: its value would not arrive there as it is"
    variable = f'env: {{{name}: "${{{{ {inner} }}}}"}}'
    hint = f'add {variable} beside "shell", and write "${name}" where the shell takes it for a word'
    findings.text_error("FP409", place, message, hint="take it out" if why == "in a comment" else hint)


def _refuse_whole(findings: Findings, path: Path, text: str) -> None:
    start, end, _, _ = find_expressions(text)[0]
    message = "a value can't be the whole of a shell text: it would run as a command"
    hint = "write the command here with the value as a word of it, or its words as a list"
    findings.text_error("FP409", Place(path, start, end), message, hint=hint)


def _variable(expression: str) -> str:
    """Return a name for the variable that carries an expression: `tasks.merge.output[0].word` is WORD."""
    words = [word for word in _WORD.findall(expression) if word not in _NO_NAMES]
    return words[-1].upper() if words else "VALUE"
