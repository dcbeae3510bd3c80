"""The far side of `pool`: a process that stays, and makes one attempt after another at whatever it is given.

As in `inline`, what an attempt changes in its process is put back, here to what it was before the first one; what
stays are imported modules and their variables. A process that is worn asks for no more.
"""

from __future__ import annotations

import socket

from flowpar.execute.attempt import hide_sources
from flowpar.execute.inline_worker import Before, InlineWorker
from flowpar.execute.wear import Wear
from flowpar.execute.wire import Channel


def serve(outputs_address: str | None, outputs_key: bytes, control: int) -> None:
    """Make attempts until the engine hangs up."""
    PoolWorker(Channel(socket.socket(fileno=control)), outputs_address, outputs_key).run()


class PoolWorker(InlineWorker):
    """Owns the channel; everything happens in the main thread."""

    def __init__(self, channel: Channel, outputs_address: str | None, outputs_key: bytes) -> None:
        """Know nothing of the run yet."""
        super().__init__(channel, outputs_address, outputs_key)
        self._wear = Wear()
        self._first: Before | None = None

    def _before(self) -> Before:
        if self._first is None:
            hide_sources(self._shared)
            self._first = Before.now()
        return self._first

    def _has_had_enough(self) -> bool:
        return self._wear.is_worn()
