"""The two streams of a command: stdout for what was asked for, stderr for everything else.

A reader that went away is no failure: what was to be said to it is dropped, and the command goes on.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

from flowpar.core.errors import MachineError
from flowpar.core.mask import Masker
from flowpar.report.terminal import strip_controls
from flowpar.report.tty import Tty

if TYPE_CHECKING:
    from collections.abc import Mapping

_STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[33m", "good": "\x1b[32m", "faint": "\x1b[2m"}
_PLAIN = "\x1b[0m"


class Color(StrEnum):
    """When colours are used; `auto` means on a terminal, unless NO_COLOR is set."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Screen:
    """Writes to both streams; either may be missing, where the caller closed it."""

    def __init__(
        self,
        stdout: TextIO | None,
        stderr: TextIO | None,
        *,
        color: Color = Color.AUTO,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Look at the streams once."""
        self._stdout = stdout
        self._stderr = stderr
        self._masker = Masker()
        self._environment = os.environ if environment is None else environment
        self.is_terminal = _is_terminal(stderr) and self._environment.get("TERM") != "dumb"
        self.has_colors = self._chooses_colors(color, is_terminal=self.is_terminal)
        self.paints_stdout = self._chooses_colors(color, is_terminal=_is_terminal(stdout))
        for stream in (stdout, stderr):
            # A name that the stream's encoding lacks is shown escaped; it must not end the command.
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")

    @property
    def has_stdout(self) -> bool:
        """Whether there is a stdout to write to; `>&-` closes it."""
        return self._stdout is not None

    @property
    def draws_unicode(self) -> bool:
        """Whether stdout takes more than ASCII."""
        return _takes_unicode(self._stdout)

    def hide(self, masker: Masker) -> None:
        """Show no secret from now on."""
        self._masker = masker

    def masked(self, text: str) -> str:
        """Return a text as it may be shown."""
        return self._masker.text(text)

    def show(self, text: str, *, is_safe: bool = False) -> None:
        """Write what was asked for to stdout; text that `is_safe` may have colours of ours."""
        if self._stdout is None:
            return
        text = self.masked(text)
        try:
            self._stdout.write(strip_controls(text) if _is_terminal(self._stdout) and not is_safe else text)
            self._stdout.flush()
        except BrokenPipeError:
            self._leave(self._stdout)
            self._stdout = None
        except OSError as error:
            self._leave(self._stdout)
            self._stdout = None
            raise MachineError(f"cannot write to stdout: {(error.strerror or str(error)).lower()}") from error

    def tell(self, text: str, style: str | None = None) -> None:
        """Write anything else to stderr; nobody is told where that fails."""
        if self._stderr is None or not text:
            return
        text = self.masked(text)
        if style is not None:
            text = self.painted(text, style)
        try:
            self._stderr.write(text if text.endswith("\n") else f"{text}\n")
            self._stderr.flush()
        except OSError:
            self._leave(self._stderr)
            self._stderr = None

    def painted(self, text: str, style: str) -> str:
        """Return `text` in a style, where there are colours."""
        return f"{_STYLES[style]}{text}{_PLAIN}" if self.has_colors else text

    def terminal(self, *, is_stdout: bool = False, is_guarded: bool = False) -> Tty | None:
        """Return stderr, or stdout, as pictures are drawn on it; None where it is no terminal that can."""
        stream = self._stdout if is_stdout else self._stderr
        is_able = _is_terminal(stream) and self._environment.get("TERM") != "dumb"
        return Tty(stream, is_guarded=is_guarded) if stream is not None and is_able else None

    @property
    def tells_unicode(self) -> bool:
        """Whether stderr takes more than ASCII."""
        return _takes_unicode(self._stderr)

    def _chooses_colors(self, color: Color, *, is_terminal: bool) -> bool:
        if color is Color.AUTO:
            is_dumb = self._environment.get("TERM") == "dumb"
            return is_terminal and not is_dumb and not self._environment.get("NO_COLOR")
        return color is Color.ALWAYS

    @staticmethod
    def _leave(stream: TextIO) -> None:
        # What is in the buffer would be written once more when the interpreter ends, and fail again.
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            return


def system_screen(color: Color = Color.AUTO) -> Screen:
    """Return the screen of this process."""
    return Screen(sys.stdout, sys.stderr, color=color)


def _takes_unicode(stream: TextIO | None) -> bool:
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False  # closed
