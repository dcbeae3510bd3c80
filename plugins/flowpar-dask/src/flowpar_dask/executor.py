"""The executor `dask` on the side of the run: jobs wait here, travel in bundles, and what becomes of them comes back.

    submit ─► waiting ─► sender thread ── Bundle ──► scheduler ──► dask worker
    wait ◄── notices ◄── hearer thread ◄── Word ──── events, results, and how each dask task ended

Dask decides which worker makes a bundle; what is tried again, and when, flowpar decides. A bundle whose worker is lost
has failed where it was begun, and waits again where it was not.
"""

from __future__ import annotations

import asyncio
import pickle
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import MachineError
from flowpar.core.outcome import FailureKind
from flowpar.execute.base import Completion

from flowpar_dask.bundle import CLAIMS, begun_of, unpack_word
from flowpar_dask.cluster import LocalCluster, connect
from flowpar_dask.desk import Desk
from flowpar_dask.ending import file_of, lost, told_late
from flowpar_dask.environment import compare
from flowpar_dask.errand import cancel_jobs, close_station, keep_shared, stub, topic_of
from flowpar_dask.lookup import bindings_of, looked_up
from flowpar_dask.patience import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import ExecutorTerms, Job, Notice

    from flowpar_dask.desk import Flight

_LOOK_EVERY_S = 2.0
_CLOSE_S = 2.0
# An attempt that a worker was told to kill, and of which nothing was heard since.
_GIVEN_UP_S = 8.0
_LONELY_S = 10.0
_LARGEST_SHARED = 64 << 10


class DaskExecutor:
    """Owns the client, both threads and, without an address, a cluster; `_changed` guards what is between them."""

    api = 1

    def __init__(self, terms: ExecutorTerms) -> None:
        """Connect, or start a cluster of as many workers as there are to be."""
        self._terms = terms
        self._run = secrets.token_hex(8)
        claims = Path(terms.run_dir, CLAIMS)
        claims.mkdir(parents=True, exist_ok=True)
        self._cluster = None if terms.address else LocalCluster(terms.workers, claims / "cluster")
        self._address = terms.address or (self._cluster.address if self._cluster else "")
        self._changed = threading.Condition()
        self._desk = Desk(str(claims / self._run))
        self._notices: list[Notice] = []
        self._remarks: list[str] = []
        self._error: MachineError | None = None
        self._is_closing = False
        self._is_compared = False
        self._calls: list[Callable[[], None]] = []
        self._given_up: dict[int, float] = {}
        self._shared: dict[str, bytes] = {}
        self._stub = stub()
        self._client: Any = None
        self._heard: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        try:
            self._client = connect(self._address)
            self._look()
        except Interrupted:
            return  # the run ends, and asks for nothing but that
        except BaseException:
            if self._cluster is not None:
                self._cluster.close()
            raise
        self._client.subscribe_topic(topic_of(self._run), self._note_event)
        for name, work in (("send", self._send), ("hear", self._hear)):
            self._threads.append(threading.Thread(target=work, name=f"flowpar-dask-{name}", daemon=True))
            self._threads[-1].start()

    # What the run asks for.

    @property
    def capacity(self) -> int:
        """How many jobs it may hold: what is under way, and what is bundled next meanwhile."""
        with self._changed:
            return self._desk.capacity

    def submit(self, job: Job) -> None:
        """Take a job."""
        keys = looked_up(bindings_of(job))
        found = dict(zip(keys, self._terms.find_outputs(keys), strict=True)) if keys else {}
        with self._changed:
            self._desk.add(job, {key: ref for key, ref in found.items() if ref is not None})
            self._changed.notify_all()

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened or the time is over; raises MachineError once the cluster is lost."""
        with self._changed:
            self._changed.wait_for(lambda: self._notices or self._remarks or self._error, timeout_s)
            notices, self._notices = self._notices, []
            remarks, self._remarks = self._remarks, []
            error = self._error
        for remark in remarks:
            self._terms.tell(remark)
        if error is not None and not notices:
            raise error
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt; one that nobody has begun does not begin."""
        with self._changed:
            flight = self._desk.flight_of(job)
            if self._desk.drop(job) or (flight is not None and self._withdraw(flight, without=job)):
                self._settle(job, "cancelled before it started", FailureKind.CANCELLED)
            elif flight is not None:
                self._calls.append(lambda: self._on_workers(cancel_jobs, self._run, [job], force=force))
                if force:
                    self._given_up[job] = time.monotonic() + _GIVEN_UP_S
            self._changed.notify_all()

    def close(self) -> None:
        """End everything that is left."""
        with self._changed:
            if self._is_closing:
                return
            self._is_closing = True
            self._changed.notify_all()
        self._heard.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_S)
        with suppress(Exception):  # it is the end; dask raises many things
            if self._client is not None and self._cluster is None and self._client.status == "running":
                self._on_workers(close_station, self._run).result(_CLOSE_S)
            if self._client is not None:
                self._client.close(timeout=_CLOSE_S)
        if self._cluster is not None:
            self._cluster.close()

    # The sender: everything that waits for dask, but for what it says.

    def _send(self) -> None:
        looked = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, _LOOK_EVERY_S if self._desk.is_busy else None)
                if self._is_closing or self._error is not None:
                    return
                calls, self._calls = self._calls, []
                flights = self._desk.take_off()
                self._give_up()
            try:
                for call in calls:
                    call()
                for flight in flights:
                    self._launch(flight)
                if flights and not self._is_compared:
                    self._compare(flights[0].shared)
                if time.monotonic() - looked > _LOOK_EVERY_S:
                    looked = time.monotonic()
                    self._look()
            except Exception as error:  # noqa: BLE001 - dask raises many things where its scheduler is lost
                self._lose(error)

    def _has_work(self) -> bool:
        return bool(self._is_closing or self._error or self._calls or self._desk.can_take_off)

    def _launch(self, flight: Flight) -> None:
        with self._changed:
            bundle = flight.bundle(self._run, self._desk.makers_for(flight))
        digest, is_large = self._digest(flight.shared), len(flight.shared) > _LARGEST_SHARED
        flight.future = self._client.submit(
            self._stub,
            bundle.pack(),
            digest,
            b"" if is_large else flight.shared,
            key=f"flowpar-{self._run}-{flight.number}",
            pure=False,
            retries=0,
            resources=flight.resources or None,
        )
        flight.future.add_done_callback(lambda _: self._heard.put(lambda: self._note_end(flight)))

    def _digest(self, shared: bytes) -> str:
        """Return by what a worker knows what jobs share: what is large goes to each once."""
        for digest, known in self._shared.items():
            if known is shared:
                return digest
        digest = secrets.token_hex(8)
        self._shared[digest] = shared
        return digest

    def _send_shared(self, digest: str, address: str) -> None:
        self._on_workers(keep_shared, self._run, digest, self._shared[digest], workers=[address])

    def _compare(self, shared: bytes) -> None:
        """Let a person know, beside the run, which versions differ; a cluster of our own has this environment."""
        self._is_compared = True
        if self._cluster is None:
            threading.Thread(target=self._tell_versions, args=(shared,), name="flowpar-dask-look", daemon=True).start()

    def _tell_versions(self, shared: bytes) -> None:
        with suppress(Exception):  # it is no failure, and dask raises many things at its end
            told = compare(self._client, pickle.loads(shared))
            if told:
                with self._changed:
                    self._remarks.append(f"{told}; what tasks give each other may not be readable there")
                    self._terms.wake()

    def _look(self) -> None:
        """See how many workers there are and what they have."""
        found = self._client.scheduler_info()["workers"]
        with self._changed:
            self._desk.see(found, least=self._terms.workers)
            if not found and self._desk.is_lonely(_LONELY_S):
                self._remarks.append(f"the dask cluster at {self._address} has no worker yet; its tasks wait for one")
                self._terms.wake()
            for asked in self._desk.lacking():
                self._remarks.append(f"no dask worker at {self._address} has {asked}; tasks that ask for it wait")
                self._terms.wake()

    def _on_workers(self, function: Callable[..., None], *arguments: object, **named: object) -> Any:
        """Have all workers call a function, and wait for none."""
        asked = self._client.run(function, *arguments, on_error="ignore", asynchronous=True, **named)
        return asyncio.run_coroutine_threadsafe(_awaited(asked), self._client.loop.asyncio_loop)

    def _give_up(self) -> None:
        now = time.monotonic()
        for job in [job for job, due in self._given_up.items() if due < now]:
            self._settle(job, "cancelled; its dask worker did not say that it has ended", FailureKind.CANCELLED)

    # The hearer: what comes back.

    def _note_event(self, event: tuple[float, bytes]) -> None:
        self._heard.put(lambda: self._note_word(event[1]))

    def _hear(self) -> None:
        while (call := self._heard.get()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the same: nobody else would say so
                self._lose(error)

    def _note_word(self, content: bytes) -> None:
        word = unpack_word(content)
        with self._changed:
            if word.refusal:
                self._fail(MachineError(word.refusal, hint=_HINT))
                return
            flight = self._desk.flights.get(word.number)
            if flight is None:
                return
            if word.lacks and word.maker is not None:
                address = word.maker.address
                self._calls.append(lambda: self._send_shared(word.lacks, address))
                self._changed.notify_all()
                return
            for notice in flight.timed(word):
                file = file_of(notice)
                if file is not None and word.maker is not None:
                    self._desk.made(file, word.maker)
                self._pass_on(notice)
            for job in word.unbegun:
                self._desk.put_back(flight, [job])
            if word.is_last and word.was_begun:
                self._lose_worker(flight)
            elif word.is_last:
                self._land(flight, "its dask worker forgot it")
            self._changed.notify_all()

    def _note_end(self, flight: Flight) -> None:
        """Take in how a dask task ended, where its last word has not come by an event."""
        if flight.number not in self._desk.flights or self._is_closing:
            return
        status = flight.future.status
        if status == "finished":
            content = flight.future.result()
            if content.startswith(b"!"):
                text = f"a dask worker can't import flowpar_dask: {content[1:].decode(errors='replace')}"
                self._fail(MachineError(text, hint=_HINT))
                return
            if content:
                self._note_word(content)
                return
            with self._changed:  # its word came before; or it went by a scheduler that forgot it
                if flight.number in self._desk.flights:
                    self._lose_worker(flight)
            return
        error = flight.future.exception() if status == "error" else None
        if error is None and not flight.is_withdrawn and self._client.status == "running":
            with self._changed:  # dask was told to drop what it has: somebody restarted the cluster
                if not self._withdraw(flight):
                    self._lose_worker(flight)
        elif error is None:
            if not flight.is_withdrawn:
                self._lose(None)
        elif type(error).__name__ == "KilledWorker":
            with self._changed:
                if not self._withdraw(flight):
                    self._lose_worker(flight)
        else:
            hint = "is the same flowpar-dask installed there?"
            self._fail(MachineError(f"dask can't make attempts: {type(error).__name__}: {error}", hint=hint))

    # Both.

    def _withdraw(self, flight: Flight, *, without: int | None = None) -> bool:
        """Let the jobs of a bundle wait again, but for one of them; return whether nobody had begun it."""
        if not flight.claim():
            return False
        self._desk.put_back(flight, [job for job in flight.jobs if job != without])
        self._desk.land(flight)
        return True

    def _lose_worker(self, flight: Flight) -> None:
        """Take a bundle for lost: what was being made failed, what was over counts, what had not begun waits again."""
        begun = begun_of(flight.file)
        if begun is not None:
            for job, (pid, done) in begun.over.items():
                if job in flight.jobs:
                    self._pass_on(told_late(done, pid))
            self._desk.put_back(flight, [job for job in flight.jobs if job not in begun.jobs])
        self._land(flight, "its dask worker was lost")

    def _land(self, flight: Flight, reason: str) -> None:
        for job in list(flight.jobs):
            self._settle(job, reason)
        self._desk.land(flight)
        self._changed.notify_all()

    def _settle(self, job: int, message: str, kind: FailureKind = FailureKind.DIED) -> None:
        self._pass_on(lost(job, message, kind))

    def _pass_on(self, notice: Notice) -> None:
        if isinstance(notice, Completion):
            self._given_up.pop(notice.job, None)
            self._desk.note(notice)
        self._notices.append(notice)
        self._terms.wake()

    def _lose(self, error: BaseException | None) -> None:
        reason = f": {error}" if error is not None else ""
        self._fail(MachineError(f"the dask scheduler at {self._address} is lost{reason}", hint=_RESUME))

    def _fail(self, error: MachineError) -> None:
        with self._changed:
            if not self._is_closing:
                self._error = self._error or error
                self._terms.wake()
            self._changed.notify_all()


_HINT = "the README of flowpar-dask says what a dask worker needs"
_RESUME = "nothing that is recorded is lost: flowpar resume, with another --executor where you like"


async def _awaited(asked: Any) -> Any:
    return await asked
