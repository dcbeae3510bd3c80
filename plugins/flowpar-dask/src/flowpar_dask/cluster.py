"""A dask cluster to work on: the one at an address, or one of our own on this machine.

    address ──► Client ──► the user's scheduler and workers
    none    ──► python -m flowpar_dask.local ──► scheduler and workers, a process group of their own ──► Client

Our own cluster is not in the process of the run: what it costs, and what becomes of it, is its own affair. It ends
when the run does, however that ends: its standard input comes to an end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client
from distributed.comm.core import CommClosedError
from flowpar.core.errors import MachineError

from flowpar_dask.bundle import differences, own_versions
from flowpar_dask.calls import tell_versions
from flowpar_dask.patience import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CONNECT_S = 10.0
_START_S = 60.0
_END_S = 5.0
_MOST_SAID = 2_000
_LOUD = ("distributed", "tornado")
# How long what waits for dask may take beyond the time that dask was given.
_SPARE_S = 2.0
_ASK_S = 10.0
_OF_AN_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx")
_LARGEST_PORT = 65_535
_HOW_WRITTEN = "write it as tcp://host:8786, the address that the dask scheduler prints"
_OF_AUTHORITY, _OF_CLIENT = "distributed.comm.tls.ca-file", "distributed.comm.tls.client.cert"
_HOW_TLS = "name them in dask's configuration, DASK_DISTRIBUTED__COMM__TLS__CA_FILE and …__TLS__CLIENT__CERT"


class LocalCluster:
    """Owns the process group of a scheduler and its workers."""

    def __init__(self, workers: int, folder: Path) -> None:
        """Start it; raises MachineError where it does not come."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flowpar_dask.local", str(workers), os.fspath(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            process_group=0,  # a Ctrl-C of the terminal is for the run, which ends it
        )
        self.address = self._await_address()

    def _await_address(self) -> str:
        told = self._process.stdout
        ready = told is not None and bool(select.select([told], [], [], _START_S)[0])
        line = told.readline() if told is not None and ready else b""
        try:
            address: str = json.loads(line)["address"]
        except ValueError:
            said = self._last_words()
            self.close()
            reason = said or ("it ended" if ready else f"nothing was heard of it for {_START_S:g} s")
            raise MachineError(f"the local dask cluster did not start: {reason}") from None
        return address

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read()[-_MOST_SAID:].decode(errors="replace").strip().splitlines()
        errors = [line for line in lines if _OF_AN_ERROR.match(line)]
        return (errors or lines or [""])[-1]

    @property
    def pid(self) -> int:
        """The process of the scheduler, which leads the group."""
        return self._process.pid

    def close(self) -> None:
        """End all of it: it does so when its standard input ends, and is made to where it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_END_S)
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                stream.close()


def connect(address: str, *, within_s: float = _CONNECT_S) -> Any:
    """Return a client of the scheduler at an address; raises MachineError where nobody answers in time."""
    _be_quiet()
    client = _client_of(address, within_s)
    try:
        _prove_versions(client)
    except BaseException:
        _leave(client)
        raise
    return client


def workers_of(client: Any) -> Mapping[str, Any]:
    """Return what the scheduler knows of each worker, by address; some versions of dask tell of five if not asked."""
    found: Mapping[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return found


def _prove_written(address: str) -> None:
    """Raise MachineError where an address can't be one."""
    scheme, sign, place = address.rpartition("://")
    port = place.rpartition(":")[2] if ":" in place else ""
    wrong = ""
    if sign and scheme not in _SCHEMES:
        wrong = f'"{scheme}" is none of {", ".join(_SCHEMES)}'
    elif not port.isascii() or not port.isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        wrong = "it does not end with a port" if not port.isdecimal() else f"{port} is no port"
    elif not place.rpartition(":")[0]:
        wrong = "it names no host"
    if wrong:
        raise MachineError(f'"{address}" is no address of a dask scheduler: {wrong}', hint=_HOW_WRITTEN)
    if scheme == "tls" and not (dask.config.get(_OF_AUTHORITY, None) and dask.config.get(_OF_CLIENT, None)):
        raise MachineError(f"there are no certificates for {address}", hint=_HOW_TLS)


def _client_of(address: str, within_s: float) -> Any:
    _prove_written(address)
    make: Any = Client  # its signature has no types
    silence = f"what is at {address} does not answer as a dask scheduler"
    try:
        return within(lambda: make(address, timeout=within_s, set_as_default=False), within_s + _SPARE_S, silence)
    except (ValueError, TypeError, RuntimeError) as error:
        raise MachineError(f'"{address}" is no address of a dask scheduler: {error}', hint=_HOW_WRITTEN) from error
    except (OSError, TimeoutError, CommClosedError) as error:
        reason = f"no dask scheduler answers at {address} within {within_s:g} s"
        raise MachineError(reason, hint='start one with "dask scheduler", or leave the address out') from error
    except (ImportError, MemoryError) as error:  # what is no dask may say anything, an impossible size among it
        raise MachineError(f"what is at {address} is no dask scheduler: {error}", hint=_HOW_WRITTEN) from error


def _leave(client: Any) -> None:
    """Close a client that is not wanted, as far as that goes at once."""
    with suppress(Exception):  # it is the end; dask raises many things
        within(lambda: client.close(timeout=1), 2.0, "it does not end")


def _prove_versions(client: Any) -> None:
    """Raise MachineError where a worker can't do what is asked of it; those that come later say so themselves."""
    told: dict[str, Any] = {}
    try:
        silence = "the dask scheduler does not tell its workers"
        workers = within(lambda: sorted(workers_of(client)), _ASK_S, silence)
        within(lambda: _ask_each(client, workers, told), _ASK_S + _SPARE_S, "the dask workers do not answer")
    except MachineError:
        raise
    except Exception as error:  # foreign code runs
        raise MachineError(f"the dask workers can't be asked: {error}") from error
    for address in workers:
        if isinstance(told.get(address, OSError()), OSError):
            hint = "dask forgets it by itself after a while; end it where it hangs"
            raise MachineError(f"the dask worker {address} does not answer within {_ASK_S:g} s", hint=hint)
    _compare(told)


def _ask_each(client: Any, workers: Sequence[str], told: dict[str, Any]) -> None:
    """Ask all at once, and wait for none longer than for another."""

    async def ask(address: str) -> None:
        answer = client.run(tell_versions, workers=[address], on_error="return", asynchronous=True)
        told.update(await asyncio.wait_for(answer, _ASK_S))

    async def ask_all() -> None:
        await asyncio.gather(*map(ask, workers), return_exceptions=True)

    asyncio.run_coroutine_threadsafe(ask_all(), client.loop.asyncio_loop).result()


def _compare(found: Mapping[str, Any]) -> None:
    for address, theirs in found.items():
        if isinstance(theirs, BaseException):
            hint = f"install flowpar-dask {own_versions()['flowpar-dask']} where the dask workers are"
            raise MachineError(f"the dask worker {address} can't import flowpar_dask: {theirs}", hint=hint)
        if different := differences(theirs):
            hint = "give the workers the same environment as this machine"
            raise MachineError(f"the dask worker {address} has other versions: {different}", hint=hint)


def _be_quiet() -> None:
    """Keep dask's own log from stderr: what matters of it the run says itself."""
    for name in ["asyncio", *(name for name in logging.root.manager.loggerDict if name.startswith(_LOUD))]:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
