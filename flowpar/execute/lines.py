"""The launcher's lines to the engine and to the guard; the end of either is `Over`.

    engine ── control socket ──┐
    guard ─── life pipe ───────┴─ launcher     (a byte: swept; the end: the guard is dead)

Nothing else that fails in the launcher is taken for the end of a line.
"""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

from flowpar.core.point import point
from flowpar.execute import tree

if TYPE_CHECKING:
    from flowpar.execute.control import Word
    from flowpar.execute.wire import Channel, Frame

_SWEEP_DEADLINE_S = 5.0


class Over(Exception):  # noqa: N818  # it ends the launcher's loop and is no error
    """The engine or the guard is gone."""


class Lines:
    """Owns the control socket's far end and the read end of the life pipe."""

    def __init__(self, channel: Channel, *, life: int, guard: int) -> None:
        """Take the ends of the channels that lead to the engine and to the guard.

        Without a `guard` (0) this process is a subreaper, and orphans of its children come to itself.
        """
        self.control = channel.fileno()
        self.life = life
        self._channel = channel
        self._guard = guard

    @property
    def has_unsent(self) -> bool:
        """Whether `flush` is to be called when the control socket takes more."""
        return self._channel.has_unsent

    def hear_life(self) -> None:
        """Read the life pipe, which has something to read."""
        if not os.read(self.life, 64):
            raise Over

    def received(self) -> list[Frame]:
        """Read what the engine says, which has said something."""
        try:
            return self._channel.receive()
        except (EOFError, ConnectionError):
            raise Over from None

    def tell(self, word: Word, body: bytes) -> None:
        """Say something to the engine, never blocking."""
        try:
            self._channel.post(word, body)
        except ConnectionError:
            raise Over from None

    def flush(self) -> None:
        """Send what did not fit before."""
        try:
            self._channel.flush()
        except ConnectionError:
            raise Over from None

    def sweep(self, spare: frozenset[int]) -> None:
        """Have the guard end the orphans that came to it, and wait until it has; `spare` are our own children."""
        point("orphans.sweep")
        if not self._guard:
            tree.kill_descendants(spare=spare)
            return
        tree.send(self._guard, signal.SIGUSR1)
        if select.select([self.life], [], [], _SWEEP_DEADLINE_S)[0]:
            self.hear_life()
