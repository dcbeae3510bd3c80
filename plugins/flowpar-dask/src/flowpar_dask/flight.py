"""A bundle that is under way, as the run sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flowpar.execute.base import Completion, Started

from flowpar_dask.bundle import Bundle, begun_of, boot, claim, now
from flowpar_dask.lookup import bindings_of, files_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice, OutputKey
    from flowpar.execute.begun import Begun

    from flowpar_dask.bundle import Word
    from flowpar_dask.near import Maker
    from flowpar_dask.workers import Asked


@dataclass(slots=True, eq=False)
class Flight:
    """Owned by the desk; `jobs` are those of which no end was told, and `future` is dask's own of it.

    `file` is the file whose maker takes it, `asked` what of the workers' resources each of its jobs asks for.
    """

    number: int
    file: str
    jobs: dict[int, Job]
    shared: bytes
    outputs: dict[OutputKey, ValueRef]
    asked: Asked
    future: Any = None

    def bundle(self, run: str, makers: Mapping[str, Maker]) -> Bundle:
        """Return what travels; `makers` says who made the values that are read."""
        jobs = tuple(replace(job, shared=b"", ticket=b"") for job in self.jobs.values())
        return Bundle(run, self.number, self.file, jobs, self.outputs, boot(), makers)

    def files_read(self) -> Iterator[str]:
        """Give the files with values that its jobs may read."""
        for job in self.jobs.values():
            yield from files_read(bindings_of(job), self.outputs.values())

    def claim(self) -> bool:
        """Keep anybody from beginning it; return whether nobody had."""
        return claim(self.file)

    def begun(self) -> Begun | None:
        """Let nothing of it begin any more, and return what had; None where nobody can say."""
        return begun_of(self.file)

    def timed(self, word: Word) -> Iterator[Notice]:
        """Give what was said of its jobs, by the clock of this machine."""
        shift = 0.0 if word.boot and word.boot == boot() else now() - word.clock
        for notice in word.notices:
            if notice.job not in self.jobs:
                continue
            if isinstance(notice, Started):
                yield replace(notice, monotonic=notice.monotonic + shift)
            elif isinstance(notice, Completion):
                yield replace(notice, started=notice.started + shift, ended=notice.ended + shift)
            else:
                yield notice
