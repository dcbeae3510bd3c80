"""Files of values that nobody will read any more, removed beside the run: the disk may take its time.

    loop ── remove ──► queue ──► one thread ──► the newest are kept, as many as fit ──► older ones are removed

What is kept is there for a resume that runs again what read it. A file that a reader still has mapped stays for it
until it lets go.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.data.store import ValueStore

_END_PATIENCE_S = 10.0


class Removal:
    """Removes files of values; its thread starts with the first of them."""

    def __init__(self, store: ValueStore, *, kept_bytes: int = 0) -> None:
        """Remove what is in `store`, but for the newest `kept_bytes` of it."""
        self._store = store
        self._kept_bytes = kept_bytes
        self._kept: deque[tuple[str, int]] = deque()
        self._size_bytes = 0
        self._waiting: SimpleQueue[Sequence[ValueRef] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def remove(self, values: Sequence[ValueRef]) -> None:
        """Remove the files of values, soon."""
        if self._thread is None:
            thread = Thread(target=self._go_on, name="flowpar-removal", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # a limit of processes counts threads, too
                self._take(values)
                return
            self._thread = thread
        self._waiting.put(values)

    def close(self) -> None:
        """Wait until all is removed, but not for ever."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_END_PATIENCE_S)

    def _go_on(self) -> None:
        while (values := self._waiting.get()) is not None:
            self._take(values)

    def _take(self, values: Sequence[ValueRef]) -> None:
        for value in values:
            with suppress(Exception):  # a damaged or planted file must not end the run
                self._kept += [(path, os.stat(path).st_size) for path in self._store.files(value)]  # noqa: PTH116
        self._size_bytes = sum(size for _, size in self._kept)
        while self._size_bytes > self._kept_bytes:
            path, size = self._kept.popleft()
            self._size_bytes -= size
            with suppress(OSError):  # it is gone, or stays until the run is cleaned
                os.unlink(path)  # noqa: PTH108 - a text
