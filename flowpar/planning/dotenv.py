r"""Dotenv files: `NAME=value` lines, `#` comments, quotes.

    export NAME=value   # the word export is allowed
    NAME='as it is'     NAME="with \n, \t, \" and \\"

A quoted value may go over several lines. Nothing is substituted in values.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.lang.checked import Checked

WRONG_ENV_FILE = "FP223"
_LARGEST_BYTES = 1 << 20
_ENTRY = re.compile(
    r"""
    [ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>[^'"\s\#][^\n]*?)? )
    (?:[ \t]+\#[^\n]*|[ \t]*)(?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"[ \t]*(?:\#[^\n]*)?(?:\n|\Z)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class DotenvProblem(Exception):  # noqa: N818 - it says what is wrong
    """A dotenv file cannot be read; the text is for the user."""


@dataclass(frozen=True, slots=True)
class EnvFiles:
    """The variables of all env files, later ones winning, and what is wrong with them."""

    variables: dict[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()


def read_env_files(checked: Checked) -> EnvFiles:
    """Read the env files of a workflow, relative to its folder."""
    variables: dict[str, str] = {}
    found: list[Diagnostic] = []
    if checked.workflow is None or checked.document is None or checked.folder is None:
        return EnvFiles(variables)
    for file in checked.workflow.env_file:
        try:
            variables |= parse_dotenv(_text_of(Path(checked.folder, file)))
        except DotenvProblem as problem:
            span = checked.document.span(("env_file",))
            found.append(Diagnostic(WRONG_ENV_FILE, f'env file "{file}" {problem}', checked.document.source.path, span))
    return EnvFiles(variables, tuple(found))


def read_variables(folder: str, files: Sequence[str]) -> dict[str, str]:
    """Return the variables of env files, later ones winning; raises DotenvProblem."""
    variables: dict[str, str] = {}
    for file in files:
        variables |= parse_dotenv(_text_of(Path(folder, file)))
    return variables


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the variables of a dotenv text; raises DotenvProblem with the line that is none."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        line = _NOTHING.match(text, place) or _ENTRY.match(text, place)
        if line is None:
            raise DotenvProblem(f"has no NAME=value at line {text.count(chr(10), 0, place) + 1}")
        if line.re is _ENTRY:
            found[line["name"]] = _value(line)
        place = line.end()
    return found


def _value(entry: re.Match[str]) -> str:
    if entry["single"] is not None:
        return entry["single"]
    if entry["double"] is not None:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), entry["double"], flags=re.DOTALL)
    return (entry["bare"] or "").rstrip(" \t")


def _text_of(path: Path) -> str:
    try:
        if not path.is_file():
            raise DotenvProblem("does not exist" if not path.exists() else "is not a file")
        if path.stat().st_size > _LARGEST_BYTES:
            raise DotenvProblem("is larger than 1 MiB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DotenvProblem(f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise DotenvProblem("is not UTF-8 text") from error
    if "\0" in text:
        raise DotenvProblem("holds a zero character")
    return text
