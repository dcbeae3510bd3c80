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

    from flowpar.core.mask import Masker

_LONGEST_SHOWN = 100
_LONGEST_MASKED = 100_000


def open_streams() -> None:
    """Give the process the streams that it was not given, with nobody at their other end."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as it lives
        elif mode == "w":
            getattr(sys, name).reconfigure(errors="backslashreplace")


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


class Voice:
    """Says things without the secrets that its masker knows."""

    def __init__(self, masker: Masker) -> None:
        """Mask by `masker`."""
        self._masker = masker

    def say(self, text: str) -> None:
        """Write lines to stderr, after all that went to stdout; nobody is told where that fails."""
        text = self._masker.error(strip_controls(self._masker.error(text)))
        with suppress(OSError):
            sys.stdout.flush()
        with suppress(OSError):
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def tell(self, message: str) -> None:
        """Say something of ours."""
        self.say(f"flowpar: {message}")

    def shown(self, value: object) -> str:
        """Return a value on one line, whatever its class does."""
        try:
            text = self._on_one_line(repr(value))
        except Exception:  # noqa: BLE001 - the user's class may do anything
            text = f"<{type(value).__name__}>"
        return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"

    def _on_one_line(self, text: str) -> str:
        # Masked before it is cut to what is shown: in a part of a secret, nothing would be found.
        is_long = len(text) > _LONGEST_MASKED
        text = self._masker.cut(text[:_LONGEST_MASKED]) if is_long else self._masker.text(text)
        return self._masker.text(strip_controls(" ".join(text.split())))
