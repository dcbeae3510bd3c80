"""Standard streams of a worker whose threads each have an output of their own.

print() in an attempt's thread ─► sys.stdout ─► the output of that attempt
anything else                  ─► descriptors 1 and 2: the output of the attempt that began last
"""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from contextvars import Token


class Outlet:
    """The output of one attempt, as both standard streams."""

    def __init__(self, number: int) -> None:
        """Own the descriptor; the streams are made when something is printed, which most attempts never do."""
        self.number = number
        self._lock = threading.Lock()
        self._streams: tuple[io.TextIOWrapper, io.TextIOWrapper] | None = None
        self._is_open = True

    @property
    def stdout(self) -> io.TextIOWrapper:
        """What the attempt has as `sys.stdout`."""
        return self._opened()[0]

    @property
    def stderr(self) -> io.TextIOWrapper:
        """What the attempt has as `sys.stderr`."""
        return self._opened()[1]

    def _opened(self) -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
        with self._lock:
            if self._streams is None:
                if not self._is_open:
                    raise ValueError("I/O operation on closed file")
                binary = io.BufferedWriter(io.FileIO(self.number, "wb"))
                self._streams = _text(binary), _text(binary)
            return self._streams

    def finish(self) -> None:
        """Write what is held back; a thread that the attempt left behind opens no stream any more."""
        with self._lock:
            self._is_open = False
        for stream in self._streams or ():
            with suppress(OSError, ValueError):
                stream.flush()

    def close(self) -> None:
        """Close the descriptor, and with it the streams."""
        with suppress(OSError, ValueError):  # the task may have closed it
            if self._streams is None:
                os.close(self.number)
            else:
                self._streams[0].buffer.close()


def _text(binary: io.BufferedWriter[io.FileIO]) -> io.TextIOWrapper:
    return io.TextIOWrapper(binary, "utf-8", "backslashreplace", line_buffering=True)


_CURRENT: ContextVar[Outlet | None] = ContextVar("flowpar_outlet", default=None)


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr`: whichever outlet belongs to the thread that writes."""

    def __init__(self, name: str, fallback: io.TextIOWrapper) -> None:
        super().__init__()
        self.name = f"<{name}>"
        self._attribute = name
        self._fallback = fallback

    @property
    def _here(self) -> io.TextIOWrapper:
        outlet = _CURRENT.get()
        return self._fallback if outlet is None else cast("io.TextIOWrapper", getattr(outlet, self._attribute))

    @property
    def buffer(self) -> BinaryIO:
        return cast("BinaryIO", self._here.buffer)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the stub
        return "utf-8"

    def write(self, text: str) -> int:
        return self._here.write(text)

    def flush(self) -> None:
        self._here.flush()

    def fileno(self) -> int:
        return self._here.fileno()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class Outlets:
    """All outlets of the process; keeps descriptors 1 and 2 on one that is open."""

    def __init__(self) -> None:
        """Take over the standard streams, so that nothing of a task reaches those of the command."""
        self._lock = threading.Lock()
        self._open: list[Outlet] = []
        self._null = os.open(os.devnull, os.O_WRONLY)
        self._direct()
        for name, number in (("stdout", 1), ("stderr", 2)):
            binary = io.BufferedWriter(io.FileIO(number, "wb", closefd=False))
            setattr(sys, name, _Stream(name, _text(binary)))

    def enter(self, number: int) -> tuple[Outlet, Token[Outlet | None]]:
        """Let this thread write to a descriptor, which is owned from now on."""
        outlet = Outlet(number)
        with self._lock:
            self._open.append(outlet)
            self._direct()
        return outlet, _CURRENT.set(outlet)

    def leave(self, outlet: Outlet, token: Token[Outlet | None]) -> None:
        """Let nothing be written any more to what `enter` gave; it is the caller's to close."""
        _CURRENT.reset(token)
        with self._lock:
            self._open.remove(outlet)
            self._direct()
        outlet.finish()

    def _direct(self) -> None:
        target = self._open[-1].number if self._open else self._null
        os.dup2(target, 1)
        os.dup2(target, 2)
