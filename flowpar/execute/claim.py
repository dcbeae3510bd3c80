"""Who begins a job that was handed over ahead: a pipe holds a byte for each, and the job is whose who reads it first.

    engine ── grant ──► ▢ ▢ ▢ ▢ ── claim ──────► worker: it makes the next attempt
                                └─ take_back ──► engine: it gives the last ones to somebody else

So the engine knows exactly what has begun, whatever becomes of the worker, and neither waits for the other. A byte
says which bundle it belongs to: one of a later bundle is kept for that.
"""

from __future__ import annotations

import os

_BUNDLES = 256
_MOST = 4096


class Grants:
    """The engine's side; owns both ends, and the worker has a copy of `claims`."""

    def __init__(self) -> None:
        """Open the pipe; raises OSError where there is none to be had."""
        self.claims, self._end = os.pipe()
        os.set_blocking(self.claims, False)
        os.set_blocking(self._end, False)
        self.bundle = 0

    def grant(self, count: int) -> None:
        """Let so many jobs of a new bundle begin."""
        self.bundle = (self.bundle + 1) % _BUNDLES
        os.write(self._end, bytes([self.bundle]) * count)

    def take_back(self, most: int | None = None) -> int:
        """Return how many jobs, from the last on, have not begun; from now on they never will."""
        return len(_read(self.claims, _MOST if most is None else most))

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self.claims)
        os.close(self._end)


class Claims:
    """The worker's side."""

    def __init__(self, number: int) -> None:
        """Own the descriptor."""
        self._number = number
        self._kept = b""

    def claim(self, bundle: int) -> bool:
        """Whether the next job of a bundle is to begin; once it is not, no other of it is."""
        self._kept = self._kept or _read(self._number, 1)
        if self._kept != bytes([bundle]):
            return False
        self._kept = b""
        return True


def _read(number: int, most: int) -> bytes:
    try:
        return os.read(number, most)
    except BlockingIOError:
        return b""
