"""What a process says that took the place of a command: to streams that may be closed, or have lost their reader."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.report.terminal import strip_controls

if TYPE_CHECKING:
    from typing import NoReturn

_LONGEST_SHOWN = 100


def open_streams() -> None:
    """Give the process the streams that it was not given, with nobody at their other end."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as it lives
        elif mode == "w":
            getattr(sys, name).reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Write lines to stderr, after all that went to stdout; nobody is told where that fails."""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(f"{strip_controls(text)}\n")
        sys.stderr.flush()


def tell(message: str) -> None:
    """Say something of ours."""
    say(f"flowpar: {message}")


def shown(value: object) -> str:
    """Return a value on one line, whatever its class does."""
    try:
        text = strip_controls(" ".join(repr(value).split()))
    except Exception:  # noqa: BLE001 - the user's class may do anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def is_reader_gone() -> bool:
    """Whether nobody reads any more what goes to stdout."""
    poll = select.poll()
    poll.register(1, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def end(code: int) -> NoReturn:
    """End the process, in spite of what its streams have to say to that."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the stream goes there
    sys.exit(code)
