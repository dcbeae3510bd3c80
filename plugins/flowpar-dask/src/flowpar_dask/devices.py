"""The devices of a dask worker, as `gpu` shares them out: each attempt that asks sees the ids of its own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flowpar.execute.machine import gpu_devices

if TYPE_CHECKING:
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Bindings


@dataclass(slots=True)
class Devices:
    """Which are free, and who has which; asked of the machine when the first attempt asks."""

    free: list[str] | None = None
    total: int = 0
    _held: dict[int, list[str]] = field(default_factory=dict)

    def lack(self, job: Job) -> str:
        """Return why no device will ever do for a job, "" where they will."""
        asked = _asked_by(job)
        if not asked:
            return ""
        if self.free is None:
            self.free = list(gpu_devices())
            self.total = len(self.free)
        return f'"gpu: {asked}" is more than the {self.total} devices' if asked > self.total else ""

    def has_room(self, job: Job) -> bool:
        """Whether enough of them are free."""
        return not _asked_by(job) or len(self.free or ()) >= (_asked_by(job) or 0)

    def take(self, job: Job) -> Job:
        """Return the job with the ids of its devices; none where it asks for 0, and as it is where it does not ask."""
        asked = _asked_by(job)
        if asked is None:
            return job
        free = self.free or []
        held, free[:asked] = free[:asked], []
        if held:
            self._held[job.number] = held
        bindings: Bindings = pickle.loads(job.bindings)
        return replace(job, bindings=pickle.dumps(replace(bindings, devices=tuple(held)), pickle.HIGHEST_PROTOCOL))

    def give_back(self, job: int) -> None:
        """Let others have what a job had."""
        if self.free is not None:
            self.free += self._held.pop(job, [])


def _asked_by(job: Job) -> int | None:
    asked = dict(job.resources).get("gpu")
    return None if asked is None else int(asked)
