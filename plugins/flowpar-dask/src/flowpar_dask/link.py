"""All that a run asks of dask: to hand over a bundle, to call a function on the workers, to say which there are.

    executor ── launch ──► Client ──► scheduler ──► stub ─► make_bundle, on a dask worker
    executor ── call ────► Client ──► scheduler ──► a function of `errand`, on all dask workers

What jobs share goes with their bundle where it is small. What is large goes to each worker once, when that asks for it.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flowpar_dask.calls import close_station, keep_shared, stub, topic_of
from flowpar_dask.cluster import connect, workers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from flowpar_dask.bundle import Bundle
    from flowpar_dask.flight import Flight

_LARGEST_SHARED = 64 << 10
_CLOSE_S = 2.0


class Link:
    """Owns the client; dask raises many things where its scheduler is lost, and they are raised as they come."""

    def __init__(self, address: str, run: str) -> None:
        """Connect; raises MachineError where that can't be, and Interrupted where a signal came first."""
        self.client: Any = connect(address)
        self._run = run
        self._stub = stub()
        self._shared: dict[str, bytes] = {}

    @property
    def is_up(self) -> bool:
        """Whether the scheduler is there, as far as the client knows."""
        return bool(self.client.status == "running")

    def workers(self) -> Mapping[str, Any]:
        """Return what the scheduler knows of each worker, by address."""
        return workers_of(self.client)

    def hear(self, note: Callable[[bytes], None]) -> None:
        """Have a function called with each word that is told of this run, in a thread of dask's."""
        self.client.subscribe_topic(topic_of(self._run), lambda event: note(event[1]))

    def launch(self, flight: Flight, bundle: Bundle, *, ended: Callable[[], None]) -> None:
        """Hand a bundle over; `ended` is called, in a thread of dask's, when its dask task has ended somehow."""
        is_large = len(flight.shared) > _LARGEST_SHARED
        flight.future = self.client.submit(
            self._stub,
            bundle.pack(),
            self._digest(flight.shared),
            b"" if is_large else flight.shared,
            key=f"flowpar-{self._run}-{flight.number}",
            pure=False,
            retries=0,
            resources=dict(flight.asked) or None,
        )
        flight.future.add_done_callback(lambda _: ended())

    def _digest(self, shared: bytes) -> str:
        """Return by what a worker knows what jobs share."""
        for digest, known in self._shared.items():
            if known is shared:
                return digest
        digest = secrets.token_hex(8)
        self._shared[digest] = shared
        return digest

    def send_shared(self, digest: str, address: str) -> None:
        """Send a worker what jobs share, as it asked for it."""
        self.call(keep_shared, digest, self._shared[digest], workers=[address])

    def call(self, function: Callable[..., None], *arguments: object, **named: object) -> Future[object]:
        """Have workers call a function with the run and its arguments; waits for none of them."""
        asked = self.client.run(function, self._run, *arguments, on_error="ignore", asynchronous=True, **named)
        return asyncio.run_coroutine_threadsafe(_awaited(asked), self.client.loop.asyncio_loop)

    def close(self, *, is_shared: bool) -> None:
        """End the stations of the run where the cluster stays, being shared with others, and leave it."""
        with suppress(Exception):  # it is the end; dask raises many things
            if is_shared and self.is_up:
                self.call(close_station).result(_CLOSE_S)
            self.client.close(timeout=_CLOSE_S)


async def _awaited(asked: Any) -> object:
    return await asked
