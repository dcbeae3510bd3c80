"""What one attempt prints: kept in its log file up to a limit, and handed on as lines up to a smaller one.

log file   the first 8 MiB, a line that says how much is left out, the last 1 MiB
lines      whole lines while they last, decoded, at most 64 KiB
"""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.point import point

if TYPE_CHECKING:
    from flowpar.core.mask import MaskedStream

HEAD_BYTES = 8 << 20
TAIL_BYTES = 1 << 20
LINES_BYTES = 64 << 10


class PrintedOutput:
    """Takes bytes as they come; the log file is made at the first one."""

    def __init__(self, log_file: str, masked: MaskedStream | None = None) -> None:
        """Know where the log goes; nothing is made yet. What comes goes through `masked` first, where there is one."""
        self._log_file = log_file
        self._masked = masked
        self._log: int | None = None
        self._seen_bytes = 0
        self._tail = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._line = ""
        self._handed_on_bytes = 0
        self.problem: str | None = None

    @property
    def has_log(self) -> bool:
        """Whether there is a log file."""
        return self._log is not None

    def take(self, data: bytes) -> str:
        """Keep `data`; return the lines that it completes, as far as they are handed on."""
        return self._take(data if self._masked is None else self._masked.take(data))

    def _take(self, data: bytes) -> str:
        if not data:
            return ""
        self._keep(data)
        if self._handed_on_bytes >= LINES_BYTES:
            return ""
        if self._decoder is None:  # most attempts print nothing
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = self._line + self._decoder.decode(data[: LINES_BYTES - self._handed_on_bytes])
        self._handed_on_bytes += len(data)
        lines, newline, self._line = text.rpartition("\n")
        return lines + newline

    def finish(self) -> str:
        """Write what is held back, close the log; return the last line where it had no end."""
        rest = "" if self._masked is None else self._take(self._masked.finish())
        if not self._seen_bytes:
            return rest
        del self._tail[:-TAIL_BYTES]
        left_out = self._seen_bytes - HEAD_BYTES - len(self._tail)
        if left_out > 0:
            self._write(f"\n… {left_out} bytes left out by flowpar …\n".encode())
        if self._tail:
            self._write(bytes(self._tail))
        if self._log is not None:
            with suppress(OSError):  # a full disk may say so only now
                os.close(self._log)
        line = self._line + ("" if self._decoder is None else self._decoder.decode(b"", final=True))
        self._line = ""
        return rest + line

    def _keep(self, data: bytes) -> None:
        room = HEAD_BYTES - self._seen_bytes
        self._seen_bytes += len(data)
        if room > 0:
            self._write(data[:room])
        if len(data) > room:
            self._tail += data[max(0, room) :]
            # Cut in one go, not a little at each step.
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]

    def _write(self, data: bytes) -> None:
        if self.problem is not None:
            return
        try:
            if self._log is None:
                point("log.create")
                self._log = _create(self._log_file)
            point("log.write")
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._log, rest) :]
        except OSError as error:
            self.problem = f"its output could not be kept: {error.strerror}"


def _create(file: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(file, flags, 0o600)
    except FileNotFoundError:
        Path(file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(file, flags, 0o600)
