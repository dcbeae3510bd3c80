"""The terminal of a stream: how large it is now, whether it is ours to draw on, and whether others may have written.

While a command is in the background the terminal belongs to somebody else. When it comes back (`fg`, or SIGCONT after
Ctrl-Z) the shell has written below the picture.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import FrameType

_COLUMNS, _ROWS = 80, 24  # of a terminal that does not say it, as on a serial line


class Tty:
    """Writes to a stream that is a terminal; from the main thread it notices that the process went on after a stop."""

    def __init__(self, stream: TextIO, *, is_guarded: bool = False) -> None:
        """Listen to SIGCONT until `close`; the process group that the shell knows of an engine is that of its guard."""
        self._group = os.getpgid(os.getppid()) if is_guarded else os.getpgrp()
        self._stream = stream
        self._fd = stream.fileno()
        self._was_away = False
        self._is_lost = False
        self._before: object = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGCONT, self._go_on)

    def write(self, text: str) -> None:
        """Write a text as far as the encoding has its characters; a terminal that is gone is left alone."""
        encoding = self._stream.encoding or "ascii"
        if self._is_lost:
            return
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            self._is_lost = True

    def size(self) -> tuple[int, int]:
        """Return columns and rows as they are now."""
        with suppress(OSError):
            columns, rows = os.get_terminal_size(self._fd)
            if columns > 0 and rows > 0:
                return columns, rows
        return _COLUMNS, _ROWS

    def is_ours(self) -> bool:
        """Whether this command is in the foreground of the terminal, or the terminal is not its own."""
        try:
            is_ours = os.tcgetpgrp(self._fd) == self._group
        except OSError:
            return True
        self._was_away = self._was_away or not is_ours
        return is_ours

    def take_return(self) -> bool:
        """Whether others may have written since this was asked last."""
        was_away, self._was_away = self._was_away, False
        return was_away

    def close(self) -> None:
        """Listen no more."""
        if self._before is not None:
            signal.signal(signal.SIGCONT, self._before)  # type: ignore[arg-type]  # it came from signal.signal
            self._before = None

    def _go_on(self, _: int, __: FrameType | None) -> None:
        self._was_away = True
