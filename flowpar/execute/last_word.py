"""What the guard says in the engine's stead when that was killed, and how the engine lets it know.

    engine ── leave ──► memory that both share ── tell ──► stderr, by the guard, once all is over

Memory and not a pipe: it takes no descriptor, of which a machine may give few.
"""

from __future__ import annotations

import mmap
import os
import select
from contextlib import suppress

_STDERR = 2
_PATIENCE_S = 1.0
_MOST_BYTES = 4096  # a pipe that can be written to takes as much without blocking


class LastWord:
    """How to go on, as the engine left it; made before the engine is forked."""

    def __init__(self) -> None:
        """Know of nothing that could go on."""
        self._memory = mmap.mmap(-1, _MOST_BYTES)

    def leave(self, way_on: str) -> None:
        """Let the guard know what to say of how to go on."""
        self._memory[:] = way_on.encode(errors="replace")[:_MOST_BYTES].ljust(_MOST_BYTES, b"\0")

    def tell(self, why: str) -> None:
        """Say on stderr why the run is over; a reader who does not read is not waited for."""
        way_on = self._memory[:].rstrip(b"\0").decode(errors="replace").strip() or "no task was started"
        line = f"flowpar: {why}; {way_on}\n".encode(errors="replace")
        with suppress(OSError):
            if select.select([], [_STDERR], [], _PATIENCE_S)[1]:
                os.write(_STDERR, line[:_MOST_BYTES])
