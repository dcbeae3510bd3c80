"""What a run knows of the dask workers: how many there are, what they have, and which values they made; pure."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.execute.base import Job

    from flowpar_dask.near import Maker

    Asked = tuple[tuple[str, float], ...]

_LONELY_S = 10.0
_MOST_MAKERS = 100_000
# How many threads a worker has, among what it has by name.
_THREADS = ""


@dataclass(slots=True)
class Workers:
    """As they were when somebody last looked; `slots` are their threads, or how many are to come."""

    slots: int = 1
    _have: list[Mapping[str, float]] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    _told_lacking: set[Asked] = field(default_factory=set)
    _lonely_since: float | None = None
    _addresses: frozenset[str] = frozenset()
    _makers: dict[str, Maker] = field(default_factory=dict)

    def see(self, found: Mapping[str, Any], *, least: int) -> None:
        """Know them as dask tells of them, by address; where there are none yet, bundles for `least` ask for some."""
        self._addresses = frozenset(found)
        self._have = [{**each["resources"], _THREADS: each["nthreads"]} for each in found.values()]
        self._names = {name.casefold(): name for each in found.values() for name in each["resources"]}
        threads = sum(each["nthreads"] for each in found.values())
        self.slots = threads or max(1, least)
        if threads:
            self._lonely_since = None

    def asked_by(self, job: Job) -> Asked:
        """Return what a job asks for, of what workers say that they have."""
        amounts = {"cpu": job.cpu_milli / 1000, **dict(job.resources)}
        found = {self._names[name.casefold()]: each for name, each in amounts.items() if name.casefold() in self._names}
        return tuple(sorted((name, amount) for name, amount in found.items() if amount))

    def places(self, asked: Asked) -> int:
        """Return how many jobs that ask for so much they make at once, all together."""
        return sum(
            int(min(each[_THREADS], *(each.get(name, 0.0) // amount for name, amount in asked))) for each in self._have
        )

    def lacking(self, wanted: Iterable[Asked]) -> list[str]:
        """Return what is wanted and none of them has, each once."""
        if not self._have:
            return []
        lacking = [asked for asked in wanted if asked and asked not in self._told_lacking and not self.places(asked)]
        self._told_lacking.update(lacking)
        return [" and ".join(f"{name}={amount:g}" for name, amount in asked) for asked in lacking]

    def is_lonely(self, *, is_busy: bool) -> bool:
        """Whether jobs have waited for long with no worker there; says so once."""
        if self._have:
            return False
        moment = time.monotonic()
        if self._lonely_since is None:
            self._lonely_since = moment
        if not is_busy or moment - self._lonely_since < _LONELY_S:
            return False
        self._lonely_since = float("inf")
        return True

    def made(self, file: str, maker: Maker) -> None:
        """Know who made a value; of so many only the newest are known."""
        self._makers[file] = maker
        if len(self._makers) > _MOST_MAKERS:
            del self._makers[next(iter(self._makers))]

    def makers_of(self, files: Iterable[str]) -> dict[str, Maker]:
        """Return who made the values in files, of those who are still there."""
        found = {file: self._makers[file] for file in files if file in self._makers} if self._makers else {}
        return {file: maker for file, maker in found.items() if maker.address in self._addresses}
