"""What a process of ours prints that is no task: kept up to a limit, to be told in one piece."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowpar.execute.watch import Watch

_MOST_BYTES = 64 << 10
_CHUNK_BYTES = 1 << 16


class Overheard:
    """Owns the read end of a pipe; `end`, which is handed on, is the caller's to close."""

    def __init__(self, watch: Watch) -> None:
        """Open the pipe and read whatever comes; raises OSError where none is to be had."""
        self._pipe, self.end = os.pipe()
        self._watch = watch
        self._kept = bytearray()
        self._left_out = 0
        os.set_blocking(self._pipe, False)
        watch.add(self._pipe, self._read)

    def close(self) -> str:
        """Return what was printed up to now, and hear no more."""
        while self._pipe >= 0 and self._read():
            pass
        self._hang_up()
        text = self._kept.decode("utf-8", "replace")
        return f"{text}\n… {self._left_out} bytes left out by flowpar …\n" if self._left_out else text

    def _read(self) -> int:
        try:
            data = os.read(self._pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return 0
        room = _MOST_BYTES - len(self._kept)
        self._kept += data[:room]
        self._left_out += max(0, len(data) - room)
        if not data:
            self._hang_up()
        return len(data)

    def _hang_up(self) -> None:
        if self._pipe >= 0:
            self._watch.remove(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
