"""How a running attempt says something while it runs: through the managed Queue, then a notice on its pipe.

The engine looks into the Queue only after a notice, and never waits there: a task killed half-way
through a message can't hold it up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flowpar.execute.report_pipe import ReportKind, ReportPipe

if TYPE_CHECKING:
    from collections.abc import Mapping


class Post:
    """Takes messages of one attempt; the first one connects to the managed outputs (about 1 ms)."""

    def __init__(self, job: int, pipe: ReportPipe, address: str | None, key: str) -> None:
        """Know where to connect; without an address messages go nowhere."""
        self._job = job
        self._pipe = pipe
        self._address = address
        self._key = key
        self._outputs: Any = None

    def __call__(self, kind: str, body: Mapping[str, object]) -> None:
        """Send "progress" or "log" with its fields; what is not plain goes as its repr."""
        if self._address is None:
            return
        if self._outputs is None:
            # Late: most tasks never post, and the client brings multiprocessing's managers along.
            from flowpar.data.managed import ManagedOutputs

            self._outputs = ManagedOutputs(self._address, bytes.fromhex(self._key))
        self._outputs.post(json.dumps([self._job, kind, body], default=repr, skipkeys=True).encode())
        self._pipe.send(ReportKind.POSTED, b"")
