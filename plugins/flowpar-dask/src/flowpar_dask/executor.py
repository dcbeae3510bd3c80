"""The executor `dask` as the run sees it: it takes jobs and tells what became of them; two threads talk to dask.

    submit ─► desk ── sender thread ── Bundle ──► link ──► scheduler ──► dask worker
    wait ◄─── desk ◄── hearer thread ◄── Word ─── link ◄── events, results, and how each dask task ended

Dask decides which worker makes a bundle; what is tried again, and when, flowpar decides. A bundle whose worker is lost
has failed where it was begun, and waits again where it was not.
"""

from __future__ import annotations

import pickle
import secrets
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from distributed import KilledWorker
from flowpar.core.errors import MachineError

from flowpar_dask.bundle import mark_of, unpack_word
from flowpar_dask.calls import cancel_jobs
from flowpar_dask.cluster import LocalCluster
from flowpar_dask.desk import Desk
from flowpar_dask.environment import compare
from flowpar_dask.link import Link
from flowpar_dask.lookup import bindings_of, looked_up
from flowpar_dask.patience import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import ExecutorTerms, Job, Notice

    from flowpar_dask.flight import Flight

_LOOK_EVERY_S = 2.0
_CLOSE_S = 2.0
_WHAT_IT_NEEDS = "the README of flowpar-dask says what a dask worker needs"
_RESUME = "nothing that is recorded is lost: flowpar resume, with another --executor where you like"


class DaskExecutor:
    """Owns the link, both threads and, without an address, a cluster; `_changed` guards what is between them."""

    api = 1

    def __init__(self, terms: ExecutorTerms) -> None:
        """Connect, or start a cluster of as many workers as there are to be; raises MachineError."""
        self._terms = terms
        self._run = secrets.token_hex(8)
        mark = mark_of(terms.run_dir, self._run)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        self._changed = threading.Condition()
        self._desk = Desk(str(mark), terms.wake)
        self._remarks: list[str] = []
        self._error: MachineError | None = None
        self._is_closing = False
        self._calls: list[Callable[[Link], object]] = []
        self._heard: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._cluster = None if terms.address else LocalCluster(terms.workers, mark.parent / "cluster")
        self._address = terms.address or (self._cluster.address if self._cluster else "")
        self._link: Link | None = None
        try:
            self._link = Link(self._address, self._run)
            self._look(self._link)
        except Interrupted:
            return  # the run ends, and asks for nothing but that
        except BaseException:
            self.close()
            raise
        self._link.hear(lambda word: self._heard.put(lambda: self._note_word(word)))
        self._start("send", self._send, self._link)
        self._start("hear", self._hear)

    def _start(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"flowpar-dask-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    # What the run asks for.

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
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
            self._changed.wait_for(lambda: self._desk.has_notices or self._remarks or self._error, timeout_s)
            notices = self._desk.take_notices()
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
            if self._desk.cancel(job, force=force):
                self._calls.append(lambda link: link.call(cancel_jobs, [job], force=force))
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
        if self._link is not None:
            self._link.close(is_shared=self._cluster is None)
        if self._cluster is not None:
            self._cluster.close()

    # The sender: everything that waits for dask, but for what it says.

    def _send(self, link: Link) -> None:
        looked = time.monotonic()
        is_compared = self._cluster is not None  # a cluster of our own has this environment
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, _LOOK_EVERY_S if self._desk.is_busy else None)
                if self._is_closing or self._error is not None:
                    return
                calls, self._calls = self._calls, []
                flights = self._desk.take_off()
                self._desk.give_up()
            try:
                for call in calls:
                    call(link)
                for flight in flights:
                    self._launch(link, flight)
                if flights and not is_compared:
                    is_compared = True
                    self._compare(link, flights[0].shared)
                if time.monotonic() - looked > _LOOK_EVERY_S:
                    looked = time.monotonic()
                    self._look(link)
            except Exception as error:  # noqa: BLE001 - dask raises many things where its scheduler is lost
                self._lose(error)

    def _has_work(self) -> bool:
        return bool(self._is_closing or self._error or self._calls or self._desk.can_take_off)

    def _launch(self, link: Link, flight: Flight) -> None:
        with self._changed:
            bundle = flight.bundle(self._run, self._desk.workers.makers_of(flight.files_read()))
        link.launch(flight, bundle, ended=lambda: self._heard.put(lambda: self._note_end(flight, link)))

    def _look(self, link: Link) -> None:
        """See how many workers there are and what they have."""
        found = link.workers()
        with self._changed:
            self._desk.workers.see(found, least=self._terms.workers)
            if self._desk.workers.is_lonely(is_busy=self._desk.is_busy):
                self._remark(f"the dask cluster at {self._address} has no worker yet; its tasks wait for one")
            for asked in self._desk.lacking():
                self._remark(f"no dask worker at {self._address} has {asked}; tasks that ask for it wait")

    def _compare(self, link: Link, shared: bytes) -> None:
        """Let a person know, beside the run, which versions differ."""

        def look() -> None:
            with suppress(Exception):  # it is no failure, and dask raises many things at its end
                told = compare(link.client, pickle.loads(shared))
                if told:
                    with self._changed:
                        self._remark(f"{told}; what tasks give each other may not be readable there")

        threading.Thread(target=look, name="flowpar-dask-look", daemon=True).start()

    def _remark(self, text: str) -> None:
        self._remarks.append(text)
        self._terms.wake()

    # The hearer: what comes back.

    def _hear(self) -> None:
        while (call := self._heard.get()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the same: nobody else would say so
                self._lose(error)

    def _note_word(self, content: bytes) -> None:
        word = unpack_word(content)
        with self._changed:
            flight = self._desk.flights.get(word.number)
            if word.refusal:
                self._fail(MachineError(word.refusal, hint=_WHAT_IT_NEEDS))
            elif flight is not None and word.lacks and word.maker is not None:
                address = word.maker.address
                self._calls.append(lambda link: link.send_shared(word.lacks, address))
            elif flight is not None:
                self._desk.hear(flight, word)
            self._changed.notify_all()

    def _note_end(self, flight: Flight, link: Link) -> None:
        """Take in how a dask task ended, where its last word has not come by an event."""
        if flight.number not in self._desk.flights or self._is_closing:
            return
        status = flight.future.status
        error = flight.future.exception() if status == "error" else None
        if status == "finished":
            self._note_result(flight, flight.future.result())
        elif error is not None and not isinstance(error, KilledWorker):
            hint = "is the same flowpar-dask installed there?"
            self._fail(MachineError(f"dask can't make attempts: {type(error).__name__}: {error}", hint=hint))
        elif error is None and not link.is_up:
            self._lose(None)
        else:  # its workers were killed; or somebody restarted the cluster, and dask dropped what it had
            self._lose_flight(flight)

    def _note_result(self, flight: Flight, content: bytes) -> None:
        if content.startswith(b"!"):
            text = f"a dask worker can't import flowpar_dask: {content[1:].decode(errors='replace')}"
            self._fail(MachineError(text, hint=_WHAT_IT_NEEDS))
        elif content:
            self._note_word(content)
        else:  # its word came before; or it went by a scheduler that forgot it
            self._lose_flight(flight)

    def _lose_flight(self, flight: Flight) -> None:
        with self._changed:
            self._desk.lose(flight)
            self._changed.notify_all()

    # Both: the end of it.

    def _lose(self, error: BaseException | None) -> None:
        reason = f": {error}" if error is not None else ""
        self._fail(MachineError(f"the dask scheduler at {self._address} is lost{reason}", hint=_RESUME))

    def _fail(self, error: MachineError) -> None:
        with self._changed:
            if not self._is_closing:
                self._error = self._error or error
                self._terms.wake()
            self._changed.notify_all()
