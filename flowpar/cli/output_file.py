"""The file of `-o`: written whole or not at all, and never over what somebody else wrote.

nothing, an empty file, an earlier one of ours    replaced in one move, with the mode that it had
a device, a pipe                                  written to
a folder, any other file                          refused
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from flowpar.core.errors import MachineError, UsageError

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_HINT = "give another file with -o"


def write_output(path: Path, content: bytes, *, beginning: bytes, kind: str) -> None:
    """Write a file; what begins with `beginning` was written by us, `kind` is what it is called."""
    try:
        there = _found(path)
        if there is None or stat.S_ISREG(there.st_mode):
            if there is not None and there.st_size and not _begins(path, beginning):
                raise UsageError(f'"{path}" is there already, and is no {kind} of flowpar\'s', hint=_HINT)
            _replace(Path(os.path.realpath(path)), content, None if there is None else stat.S_IMODE(there.st_mode))
        elif stat.S_ISDIR(there.st_mode):
            raise UsageError(f'"{path}" is a folder', hint="give a file in it with -o")
        else:
            with suppress(BrokenPipeError):  # a reader that went away is no failure
                path.write_bytes(content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f'cannot write "{path}": there is no folder "{path.parent}"', hint=_HINT) from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise MachineError(f'cannot write "{path}": {reason}', hint=_HINT) from error


def _found(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _begins(path: Path, beginning: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(beginning)) == beginning


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    draft = path.with_name(f".flowpar-{token_hex(4)}")
    descriptor = os.open(draft, _NEW_FILE, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
