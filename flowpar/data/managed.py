"""The outputs table and the queue of messages, in a multiprocessing manager's process of their own.

    engine ── update, discard ──► ┌ outputs  {(task, item): encoded ValueRef} ┐
    worker ◄── fetch ──────────── │                                           │ one process
    worker ── post ─────────────► └ messages (a bounded queue) ───────────────┘ ──► engine takes

The server sees bytes only: it opens no value and needs no class of the user's. Everything in it can
be made again from the journal, so it may be lost: another one takes its address, gives nothing out before
the engine has filled it, and clients that are patient come back to it.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import threading
import time
from contextlib import suppress
from itertools import islice
from multiprocessing import AuthenticationError, current_process
from multiprocessing.connection import Client
from multiprocessing.managers import BaseManager, BaseProxy, RemoteError, Server, Token, dispatch  # type: ignore[attr-defined]  # not in its stub
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flowpar.core.outcome import NO_THREAD
from flowpar.data.address import SOCKET_NAME, OutputsLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection

    from flowpar.core.outcome import ValueRef

    OutputKey = tuple[str, int | None]

_PROTOCOL = 5
# Enough for bursts; beyond it tasks wait for the engine rather than fill the memory.
_MAX_MESSAGES = 20_000
_MAX_TAKEN = 5_000
_POST_TIMEOUT_S = 5.0
# How long a client waits for the server to start, or for another one after a loss; the engine, which starts
# it, does not wait at all.
_START_PATIENCE_S = 60.0
_REFILL_PATIENCE_S = 60.0
# One request holds the table for about a millisecond.
_BATCH = 2_000
_TYPE = "table"
# How long the server tries to get a thread for a client.
_THREAD_PATIENCE_S = 2.0
_THREAD_NAP_S = 0.02


_LOSSES = (OSError, EOFError, AuthenticationError, RemoteError)


def _loss(error: Exception) -> OutputsLost:
    return OutputsLost(f"the process that holds the outputs is gone ({type(error).__name__})")


class _Table:
    """What the server holds; its methods run in one thread for each client."""

    def __init__(self, *, is_whole: bool) -> None:
        self._refs: dict[OutputKey, bytes] = {}
        self._is_whole = threading.Event()
        if is_whole:
            self._is_whole.set()
        self._messages: queue.Queue[bytes] = queue.Queue(_MAX_MESSAGES)

    def update(self, refs: list[tuple[OutputKey, bytes]]) -> None:
        self._refs.update(refs)

    def complete(self) -> None:
        self._is_whole.set()

    def fetch(self, keys: list[OutputKey]) -> list[bytes | None]:
        if not self._is_whole.wait(_REFILL_PATIENCE_S):
            raise TimeoutError("the outputs did not come back")
        return [self._refs.get(key) for key in keys]

    def discard(self, keys: list[OutputKey]) -> None:
        for key in keys:
            self._refs.pop(key, None)

    def post(self, message: bytes) -> bool:
        try:
            self._messages.put(message, timeout=_POST_TIMEOUT_S)
        except queue.Full:
            return False
        return True

    def take(self) -> list[bytes]:
        taken: list[bytes] = []
        with suppress(queue.Empty):
            while len(taken) < _MAX_TAKEN:
                taken.append(self._messages.get_nowait())
        return taken


_METHODS = ("update", "complete", "fetch", "discard", "post", "take")


class _Manager(BaseManager):
    """Knows the table by name."""


class _Server(Server):
    """The manager's server: its main thread takes clients in, each of which gets a thread of its own."""

    def serve_forever(self) -> NoReturn:
        """Serve until the process is ended, or ends because no thread can be had for a client."""
        self.stop_event = threading.Event()
        current_process()._manager_server = self  # type: ignore[attr-defined]  # noqa: SLF001 - as its base does
        while True:
            try:
                client = self.listener.accept()  # type: ignore[attr-defined]  # not in its stub
            except OSError:
                continue
            self._attend(client)

    def _attend(self, client: Connection) -> None:
        until = time.monotonic() + _THREAD_PATIENCE_S
        while True:
            try:
                threading.Thread(target=self.handle_request, args=(client,), daemon=True).start()
            except RuntimeError:  # a limit of processes counts threads, too
                if time.monotonic() > until:
                    os._exit(NO_THREAD)
                time.sleep(_THREAD_NAP_S)
            else:
                return


def serve(address: str, authkey: bytes, ready_fd: int) -> None:
    """Hold the outputs of a run until the process is ended; a byte on `ready_fd` says that clients may come."""
    _serve(_Table(is_whole=True), address, authkey, ready_fd)


def serve_again(address: str, authkey: bytes, ready_fd: int) -> None:
    """Serve in the place of a server that was lost; what is fetched is given out after `complete`."""
    if not address.startswith("\0"):
        Path(address).unlink(missing_ok=True)  # a socket that nobody listens at stays in its folder
    _serve(_Table(is_whole=False), address, authkey, ready_fd)


def _serve(table: _Table, address: str, authkey: bytes, ready_fd: int) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _Manager.register(_TYPE, callable=lambda: table, exposed=_METHODS)
    server = _Server(_Manager._registry, address, authkey, "pickle")  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        os.write(ready_fd, b"1")
        os.close(ready_fd)
        server.serve_forever()
    except BrokenPipeError:
        return  # the run was over before anybody asked for an output
    finally:
        folder = Path(address).parent if not address.startswith("\0") else None
        if folder is not None and Path(address).name == SOCKET_NAME:
            shutil.rmtree(folder, ignore_errors=True)


class ManagedOutputs:
    """A client of the table: connects at its first use; safe to use from several threads.

    A patient one waits for a server that is just being started, and goes on with another one when
    its server is lost.
    """

    def __init__(self, address: str, authkey: bytes, *, is_patient: bool = True) -> None:
        """Know where the table is."""
        self._address = address
        self._authkey = authkey
        self._is_patient = is_patient
        self._table: BaseProxy | None = None
        self._lock = threading.Lock()

    def update(self, refs: Mapping[OutputKey, ValueRef]) -> None:
        """Add outputs; raises OutputsLost when the server is gone, as all methods do."""
        entries = iter([(key, pickle.dumps(ref, _PROTOCOL)) for key, ref in refs.items()])
        while batch := list(islice(entries, _BATCH)):
            self._call("update", batch)

    def complete(self) -> None:
        """Say that everything is there again, after a loss."""
        self._call("complete")

    def fetch(self, keys: Sequence[OutputKey]) -> list[ValueRef | None]:
        """Return the reference of each key in order, None where there is none."""
        found: list[bytes | None] = []
        for start in range(0, len(keys), _BATCH):
            found += self._call("fetch", list(keys[start : start + _BATCH]))
        return [None if ref is None else pickle.loads(ref) for ref in found]

    def discard(self, keys: Iterable[OutputKey]) -> None:
        """Forget outputs that nobody reads any more."""
        pending = iter(keys)
        while batch := list(islice(pending, _BATCH)):
            self._call("discard", batch)

    def post(self, message: bytes) -> bool:
        """Queue a message for the engine; waits while the queue is full, and says False when it gave up."""
        return bool(self._call("post", message))

    def take_messages(self) -> list[bytes]:
        """Return what was posted, oldest first, never waiting for more; it may be only a part of it."""
        taken: list[bytes] = self._call("take")
        return taken

    def _call(self, method: str, *arguments: object) -> Any:
        # Each request may come twice without harm, but for a message that was posted, which is worth more
        # than its loss.
        table: BaseProxy | None = None
        try:
            table = self._connected()
            return table._callmethod(method, arguments)  # noqa: SLF001 - its documented name
        except _LOSSES as error:
            self._disconnect(table)
            if not self._is_patient or isinstance(error, AuthenticationError):
                raise _loss(error) from error
        try:
            return self._connected()._callmethod(method, arguments)  # noqa: SLF001 - the same
        except _LOSSES as error:
            raise _loss(error) from error

    def _disconnect(self, table: BaseProxy | None) -> None:
        """Forget a server that is lost; proxies of one address share a connection in each thread."""
        if table is None:
            return
        with suppress(AttributeError):
            table._tls.connection.close()  # type: ignore[attr-defined]  # noqa: SLF001 - not in its stub
            del table._tls.connection  # type: ignore[attr-defined]  # noqa: SLF001 - the same
        with self._lock:
            if self._table is table:
                self._table = None

    def _connected(self) -> BaseProxy:
        # What BaseManager.connect() and its proxies do, less the reference counts: two connections
        # and not five, which is a millisecond of a task that logs one line.
        with self._lock:
            if self._table is None:
                with self._dial() as connection:
                    ident, _ = dispatch(connection, None, "create", (_TYPE,))
                token = Token(_TYPE, self._address, ident)
                self._table = BaseProxy(token, "pickle", authkey=self._authkey, exposed=_METHODS, incref=False)
        return self._table

    def _dial(self) -> Connection:
        """Connect; a task may be faster than the server, which starts at the same time as the first of them."""
        until = time.monotonic() + (_START_PATIENCE_S if self._is_patient else 0.0)
        while True:
            try:
                return Client(self._address, authkey=self._authkey)
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)
