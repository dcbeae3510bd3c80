"""One wait for everything the engine waits on: `Watch` calls back for each descriptor that is readable."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch:
    """Descriptors and who is to be called when they can be read or have come to their end."""

    def __init__(self) -> None:
        """Watch nothing."""
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._poller = self._epoll or select.poll()
        self._calls: dict[int, Callable[[], object]] = {}
        self._added: set[int] = set()

    def add(self, number: int, call: Callable[[], object]) -> None:
        """Call `call` when `number` is readable; it must read without blocking."""
        self._poller.register(number, select.POLLIN)
        self._calls[number] = call
        self._added.add(number)

    def remove(self, number: int) -> None:
        """Forget a descriptor, before it is closed."""
        if self._calls.pop(number, None) is not None:
            self._poller.unregister(number)

    def wait(self, timeout_s: float | None) -> bool:
        """Block until something is readable or the time is over, call back; return whether anything was."""
        patience_s = None if timeout_s is None else max(0.0, timeout_s)
        if self._epoll is None and patience_s is not None:
            patience_s *= 1000  # poll, where there is no epoll, counts in milliseconds
        ready = self._poller.poll(patience_s)
        self._added.clear()
        for number, _ in ready:
            # One callback may have ended what another was to read, and its number may be somebody's again.
            if number not in self._added and (call := self._calls.get(number)) is not None:
                call()
        return bool(ready)

    def close(self) -> None:
        """Give the kernel's list back; the descriptors are others'."""
        self._calls.clear()
        if self._epoll is not None:
            self._epoll.close()
