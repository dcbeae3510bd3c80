"""Values that were made on another machine, taken from its memory by dask's own way between workers.

    maker ── file in the run folder, in the memory of its machine ─┬─► readers on the same machine map it
                                                                   └─ serve ◄── fetch ── a reader's dask worker
                                                                        └─► a copy on the reader's machine, mapped

The file in the run folder is there all the while, so nothing is lost with a worker: where the maker does not answer, it
is read from there. Copies are bounded, go when the run folder's file goes, and end with the station.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
from distributed.protocol.serialize import to_serialize

from flowpar_dask.bundle import boot

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALUE = re.compile(r"values/[\w.-]+\.val")
_PIECE_BYTES = 16 << 20
_LIMIT_BYTES = 2 << 30
_AT_ONCE = 4
_PATIENCE_S = 60.0
_PIECE_PATIENCE_S = 5.0
_RUNS = "_flowpar_runs"
_AS_FRAME: Any = to_serialize  # its signature has no types


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made a value: a dask worker, by its address, on a machine."""

    address: str
    machine: str


def machine() -> str:
    """Return the name of the machine whose memory this process shares: that of its boot, or as dask is configured."""
    return str(dask.config.get("flowpar.machine", "") or boot())


@dataclass(slots=True)
class Near:
    """The copies that a dask worker fetched for one run, oldest first; used by the threads of its dask tasks.

    `folder` is for all workers on the machine, `own` for this one alone, with the scratch folders of its attempts.
    A maker that does not give a piece within `patience_s` is asked no more.
    """

    run: str
    run_dir: str
    folder: str
    own: str
    limit_bytes: int
    patience_s: float = _PIECE_PATIENCE_S
    _sizes: dict[str, int] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, run: str, run_dir: str, worker: Any, *, number: int = 0) -> Near:
        """Return none yet, and let other workers ask this one for values of the run.

        `number` tells the stations apart that a worker has for a run: one that ends later removes what is its own.
        """
        home = dask.config.get("flowpar.near", "") or str(Path(worker.local_directory).parent)
        limit_bytes = int(dask.config.get("flowpar.near-limit", _LIMIT_BYTES))
        vars(worker).setdefault(_RUNS, {})[run] = run_dir
        worker.handlers.setdefault("flowpar_value", _serving(worker))
        own = f"{worker.local_directory}/flowpar-{run}-{number}"
        return cls(run, run_dir, f"{home}/flowpar-near-{run}", own, limit_bytes)

    def fetch(self, makers: Mapping[str, Maker], worker: Any) -> None:
        """Have values here that others made elsewhere; those that can't be had are read from the run folder."""
        wanted = [(file, maker) for file, maker in makers.items() if maker.machine != machine() and self._lacks(file)]
        if not wanted or not self.limit_bytes:
            return
        self._tidy()
        Path(self.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = asyncio.run_coroutine_threadsafe(self._fetch_all(wanted, worker), worker.loop.asyncio_loop)
        with suppress(Exception):  # dask raises many things, and the run folder has it all
            asked.result(_PATIENCE_S)
        asked.cancel()

    def close(self) -> None:
        """Remove all copies; who has one mapped keeps it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.own, ignore_errors=True)

    def _path(self, file: str) -> str:
        return f"{self.folder}/{Path(file).name}"

    def _lacks(self, file: str) -> bool:
        return not Path(self._path(file)).exists()

    async def _fetch_all(self, wanted: list[tuple[str, Maker]], worker: Any) -> None:
        room = asyncio.Semaphore(_AT_ONCE)

        async def fetch(file: str, maker: Maker) -> None:
            async with room:
                if maker.address in self._silent:
                    return
                try:
                    await self._fetch(file, maker, worker)
                except Exception:  # noqa: BLE001 - the same; whoever is not reached once is asked no more
                    self._silent.add(maker.address)

        await asyncio.gather(*(fetch(file, maker) for file, maker in wanted))

    async def _fetch(self, file: str, maker: Maker, worker: Any) -> None:
        draft = f"{self._path(file)}.{secrets.token_hex(4)}"
        ask, place = worker.rpc(maker.address).flowpar_value, 0
        try:
            with open(draft, "wb") as copy:  # noqa: ASYNC230, PTH123 - it goes to memory
                most = min(_PIECE_BYTES, self.limit_bytes)
                while piece := await asyncio.wait_for(
                    ask(run=self.run, file=file, start=place, most=most), self.patience_s
                ):
                    place += copy.write(piece)
                    if place > self.limit_bytes:
                        return
            if place:
                os.replace(draft, self._path(file))  # noqa: PTH105 - texts
                self._sizes[file] = place
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft)  # noqa: PTH108 - the same

    def _tidy(self) -> None:
        """Remove what nobody reads any more, which the run has removed, and the oldest where there is too much."""
        for file in [file for file in list(self._sizes) if not Path(self.run_dir, file).exists()]:
            self._drop(file)
        while sum(self._sizes.values()) > self.limit_bytes:
            self._drop(next(iter(self._sizes)))

    def _drop(self, file: str) -> None:
        if self._sizes.pop(file, None) is not None:
            Path(self._path(file)).unlink(missing_ok=True)


def serve_no_more(run: str, worker: Any) -> None:
    """Tell others nothing of a run any more."""
    vars(worker).get(_RUNS, {}).pop(run, None)


def _serving(worker: Any) -> Any:
    """Return what answers other workers: a piece of a value of a run that is made here, b"" where there is none."""

    async def serve(run: str, file: str, start: int, most: int) -> Any:
        run_dir = vars(worker).get(_RUNS, {}).get(run)
        if run_dir is None or not _VALUE.fullmatch(file):
            return b""
        found = await asyncio.to_thread(_read, f"{run_dir}/{file}", start, min(most, _PIECE_BYTES))
        return _AS_FRAME(found) if found else b""  # by a frame of its own, which is not copied

    return serve


def _read(path: str, start: int, most: int) -> bytes:
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        return os.pread(number, most, start)
    finally:
        os.close(number)
