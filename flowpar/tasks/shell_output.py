"""What a command gives: what it printed, as text, lines or JSON, and the lines that it wrote to `$FLOWPAR_OUTPUT`.

name=value            an output
name<<END             one of several lines, up to a line that is END
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING, Final, Literal

from flowpar.core.outcome import Failure, FailureKind, TaskFailed

if TYPE_CHECKING:
    from pathlib import Path

Capture = Literal["text", "json", "lines"]

MAX_FILE_BYTES: Final = 1 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_SHOWN = 60
_AROUND = 20


def captured(stdout: bytes, capture: Capture) -> object:
    """Return what was printed as the output itself; raises TaskFailed where it is not what was asked for."""
    text = _decoded(stdout, "what it printed")
    match capture:
        case "text":
            return text.rstrip("\n")  # as $(…) does
        case "lines":
            return text.removesuffix("\n").split("\n") if text else []
        case "json":
            return _parsed(text)


def _parsed(text: str) -> object:
    if not text.strip():
        raise _failed('it printed nothing, and "capture: json" wants JSON')
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - _AROUND) : error.pos + _AROUND]
        message = f"what it printed is not JSON: line {error.lineno}, column {error.colno}: {_lower(error.msg)}"
        if error.msg == "Extra data":
            message = f'it printed more than one JSON value, the second in line {error.lineno}; take "capture: lines"'
            raise _failed(f"{message} and from_json(…) of each") from None
        raise _failed(f"{message}, near {_quoted(near)}") from None
    except RecursionError:
        raise _failed("what it printed is JSON that is nested too deeply") from None
    except ValueError as error:  # a number of too many digits
        raise _failed(f"what it printed can't be read as JSON: {_lower(str(error))}") from None


def read_outputs(file: Path) -> dict[str, str]:
    """Return what a command wrote to its file of outputs, nothing where there is none; raises TaskFailed."""
    try:
        number = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _failed(f"$FLOWPAR_OUTPUT can't be read: {error.strerror}") from None
    with os.fdopen(number, "rb") as stream:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise _failed("$FLOWPAR_OUTPUT is no file any more")
        if status.st_size > MAX_FILE_BYTES:
            raise _failed("$FLOWPAR_OUTPUT is larger than 1 MiB; write to a file of your own and give its path")
        return parse_outputs(_decoded(stream.read(MAX_FILE_BYTES), "$FLOWPAR_OUTPUT"))


def parse_outputs(text: str) -> dict[str, str]:
    """Return the outputs by name, the last of a name; raises TaskFailed at the first line that is none."""
    found: dict[str, str] = {}
    lines = text.removesuffix("\n").split("\n") if text else []
    at = 0
    while at < len(lines):
        line = lines[at].removesuffix("\r")
        at += 1
        if not line.strip():
            continue
        name, sign, value = _divided(line)
        if not sign or not _NAME.fullmatch(name):
            message = f'line {at} of $FLOWPAR_OUTPUT is no "name=value": {_quoted(line)}'
            raise _failed(f"{message}; a name has letters, digits, _ and -")
        if sign == "=":
            found[name] = value
            continue
        end = next((place for place in range(at, len(lines)) if lines[place].removesuffix("\r") == value), None)
        if end is None or not value:
            raise _failed(
                f"line {at} of $FLOWPAR_OUTPUT begins {_quoted(line)}, and no line after it is {_quoted(value)}"
            )
        found[name] = "\n".join(lines[at:end])
        at = end + 1
    return found


def _divided(line: str) -> tuple[str, str, str]:
    """Return name, sign and value of a line, by the sign that stands first."""
    signs = [(place, sign) for sign in ("=", "<<") if (place := line.find(sign)) >= 0]
    if not signs:
        return line, "", ""
    place, sign = min(signs)
    return line[:place], sign, line[place + len(sign) :]


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _failed(f"{what} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}") from None


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…", ensure_ascii=False)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _failed(message: str) -> TaskFailed:
    return TaskFailed(Failure(FailureKind.OUTPUT, "", message))
