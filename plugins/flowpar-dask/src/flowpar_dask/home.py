"""What a dask worker has of the runs that work on it: a station each, what their jobs share, what is not wanted.

One for each dask worker; its dask tasks and what runs call use it from several threads.
"""

from __future__ import annotations

import os
import pickle
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.execute.begun import BegunFile

from flowpar_dask.bench import StationTerms
from flowpar_dask.bundle import boot
from flowpar_dask.near import Near
from flowpar_dask.station import Station

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar_dask.bundle import Bundle

_HOME = "_flowpar_home"
_PATIENCE_S = 20.0
_MOST_UNWANTED = 1000


@dataclass(slots=True, eq=False)
class Home:
    """`changed` guards all of it."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    shared: dict[tuple[str, str], bytes] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    unwanted: dict[tuple[str, int], None] = field(default_factory=dict)
    _made: int = 0

    def keep_shared(self, run: str, digest: str, shared: bytes) -> None:
        """Have what jobs of a run share."""
        with self.changed:
            self.shared[run, digest] = shared
            self.changed.notify_all()

    def await_shared(self, run: str, digest: str) -> bytes:
        """Return what jobs of a run share, b"" where it does not come in time."""
        with self.changed:
            self.changed.wait_for(lambda: (run, digest) in self.shared, _PATIENCE_S)
            return self.shared.get((run, digest), b"")

    def station(self, bundle: Bundle, shared: bytes, worker: Any) -> Station:
        """Return the station of a run, another one where it has ended or was taken for lost; raises OSError."""
        with self.changed:
            station = self.stations.get(bundle.run)
            if station is not None and station.is_open and not Path(station.terms.begun.path).exists():
                station.close()  # the run takes what it made for lost; it ends a little later
                station = None
            if station is None or not station.is_open:
                station = self._new_station(bundle, shared, worker)
            return station

    def _new_station(self, bundle: Bundle, shared: bytes, worker: Any) -> Station:
        run = bundle.run
        self._made += 1
        begun = BegunFile(f"{bundle.claim}.{os.getpid()}-{self._made}.begun", is_synced=bundle.boot != boot())
        begun.make()
        near = Near.of(run, pickle.loads(shared).run_dir, worker, number=self._made)
        slots, is_unwanted = worker.state.nthreads, partial(self._is_unwanted, run)
        terms = StationTerms(shared, slots, worker.address, begun, near, is_unwanted)
        self.stations[run] = station = Station(terms, ended=self._ended)
        return station

    def _is_unwanted(self, run: str, job: int) -> bool:
        with self.changed:
            return (run, job) in self.unwanted

    def _ended(self, station: Station) -> None:
        with self.changed:
            for run in [run for run, each in self.stations.items() if each is station]:
                del self.stations[run]

    def cancel(self, run: str, jobs: Sequence[int], *, force: bool) -> None:
        """End attempts, those included that have not come yet: a cancel may overtake them."""
        with self.changed:
            station = self.stations.get(run)
            self.unwanted.update(dict.fromkeys((run, job) for job in jobs))
            while len(self.unwanted) > _MOST_UNWANTED:  # a cancel is for all workers: most never come here
                del self.unwanted[next(iter(self.unwanted))]
        if station is not None:
            station.cancel(jobs, force=force)

    def forget(self, run: str) -> None:
        """End the station of a run and forget all of it."""
        with self.changed:
            station = self.stations.pop(run, None)
            for key in [key for key in self.shared if key[0] == run]:
                del self.shared[key]
            for unwanted in [each for each in self.unwanted if each[0] == run]:
                del self.unwanted[unwanted]
        if station is not None:
            station.close()


def home_of(worker: Any) -> Home:
    """Return what a dask worker has of runs."""
    home: Home = vars(worker).setdefault(_HOME, Home())
    return home
