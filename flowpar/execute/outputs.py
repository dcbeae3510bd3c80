"""The table of outputs as the engine keeps it: its process is started here, and another one when it is lost.

    start   serve ─► ready ─► client
    loss    serve_again ─► ready ─► filled with what the journal says ─► complete ─► on with the request

Whoever reads outputs meanwhile waits. What tasks had said and nobody had heard yet is lost with it.
"""

from __future__ import annotations

import os
import select
import time
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from flowpar.core.errors import MachineError
from flowpar.core.point import point
from flowpar.data.address import OutputsLost
from flowpar.execute.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.data.managed import ManagedOutputs
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch

    OutputKey = tuple[str, int | None]
    Refill = Callable[[], Iterable[tuple[OutputKey, ValueRef]]]

Answer = TypeVar("Answer")

_START_PATIENCE_S = 30.0  # of a busy machine; one that dies is heard at once
_END_PATIENCE_S = 1.0
# One that is lost again and again is lost for a reason.
_MOST_LOSSES = 5
_BATCH = 2_000


class KeptOutputs:
    """Owns the process of the outputs; every request is answered, or `MachineError` says why none can be."""

    def __init__(self, link: Link, watch: Watch, *, address: str, key: bytes) -> None:
        """Have the process started; nobody waits for it before the first request."""
        self._link = link
        self._watch = watch
        self._address = address
        self._key = key
        self._refill: Refill | None = None
        self._tell: Callable[[str], None] = lambda _: None
        self._discarded: set[str] = set()
        self._losses = 0
        self._client: ManagedOutputs | None = None
        self._service, self._service_key, self._ready = self._start("flowpar.data.managed:serve")

    def insure(self, refill: Refill, tell: Callable[[str], None]) -> None:
        """After a loss go on with what `refill` gives, once `tell` was told; without it a loss is final."""
        self._refill, self._tell = refill, tell

    @property
    def is_lost(self) -> bool:
        """Whether the process is known to be gone."""
        return self._service.is_over

    def update(self, refs: Mapping[OutputKey, ValueRef]) -> None:
        """Add outputs."""
        point("outputs.update")
        self._ask(lambda client: client.update(refs))

    def fetch(self, keys: Sequence[OutputKey]) -> list[ValueRef | None]:
        """Return the reference of each key in order, None where there is none."""
        return self._ask(lambda client: client.fetch(keys))

    def discard(self, keys: Iterable[OutputKey]) -> None:
        """Forget outputs that nobody reads any more."""
        unread = list(keys)
        self._discarded.update(task for task, _ in unread)
        point("outputs.discard")
        self._ask(lambda client: client.discard(unread))

    def take_messages(self) -> list[bytes]:
        """Return what was posted, oldest first; it may be only a part of it."""
        return self._ask(lambda client: client.take_messages())

    def mend(self) -> None:
        """Put another process in the place of one that is lost."""
        client = None
        while client is None:
            self._prove_mendable()
            os.close(self._ready)
            self._service, self._service_key, self._ready = self._start("flowpar.data.managed:serve_again")
            client = self._filled()
        self._client = client

    def close(self) -> None:
        """Give the descriptor back; the process ends with the link."""
        os.close(self._ready)

    def _ask(self, ask: Callable[[ManagedOutputs], Answer]) -> Answer:
        while True:
            try:
                self._client = self._client or self._connect()
                return ask(self._client)
            except OutputsLost:
                self.mend()

    def _prove_mendable(self) -> None:
        """Wait until the lost process is over, and say whose end it is that cannot be mended."""
        self._losses += 1
        self._await_end()
        fate = self._service.fate or "does not answer"
        if self._refill is None or self._losses > _MOST_LOSSES or not self._service.pid:
            raise MachineError(f"the process that holds the outputs {fate}; without it no task can run")
        self._tell(f"the process that holds the outputs {fate}; another one takes its place")

    def _await_end(self) -> None:
        for force in (False, True):
            if force and not self._service.is_over:
                self._link.cancel(self._service_key, force=True)
            until = time.monotonic() + _END_PATIENCE_S
            while not self._service.is_over and (left_s := until - time.monotonic()) > 0:
                self._watch.wait(left_s)

    def _filled(self) -> ManagedOutputs | None:
        entries = (entry for entry in (self._refill or tuple)() if entry[0][0] not in self._discarded)
        try:
            client = self._connect()
            while batch := dict(islice(entries, _BATCH)):
                client.update(batch)
            client.complete()
        except OutputsLost:
            return None
        return client

    def _start(self, entry: str) -> tuple[Service, int, int]:
        point("outputs.request")
        service = Service()
        ready, ready_end = os.pipe()
        try:
            key = self._link.serve(
                service, entry, (self._address, self._key), name="flowpar:outputs", descriptors=(ready_end,)
            )
        finally:
            os.close(ready_end)
        return service, key, ready

    def _connect(self) -> ManagedOutputs:
        if not select.select([self._ready], [], [], _START_PATIENCE_S)[0]:
            raise MachineError("the process that holds the outputs did not start")
        if not os.read(self._ready, 1):
            raise OutputsLost("the process that holds the outputs ended before it was ready")
        from flowpar.data.managed import ManagedOutputs  # late: a run that is short asks for nothing

        return ManagedOutputs(self._address, self._key, is_patient=False)
