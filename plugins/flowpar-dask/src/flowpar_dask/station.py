"""What makes attempts inside a dask worker: flowpar's own warm workers and processes, as on one machine.

    dask task ── errand ──► inbox ──► bench ── jobs ──► crew ──► pool │ process ──► launcher ──► workers
    dask task ◄─ word ─── errand ◄─── bench ◄─ notices ─ crew

A station has one thread, which alone touches bench and crew; there is one for each run in a dask worker. It ends with
the run, with the dask worker, or when it has had nothing to do for a while.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowpar.core.errors import FlowparError
from flowpar.execute.crew import Crew
from flowpar.execute.opened import masker_of

from flowpar_dask.bench import TOLD_EVERY_S, Bench
from flowpar_dask.ending import lost
from flowpar_dask.errand import Errand
from flowpar_dask.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar_dask.bench import StationTerms

_IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Cancel:
    """The message that attempts are to end."""

    jobs: Sequence[int]
    force: bool


class Station:
    """Owns the thread and the inbox; its crew and its bench are there as long as the thread works."""

    def __init__(self, terms: StationTerms, *, ended: Callable[[Station], None]) -> None:
        """Start the thread; `ended` is called in it when the station is no more."""
        self.terms = terms
        self._ended = ended
        self._inbox: Inbox[Errand | Cancel] = Inbox()
        self._bench: Bench | None = None
        threading.Thread(target=self._serve, name="flowpar-station", daemon=True).start()

    # Called from other threads.

    @property
    def is_open(self) -> bool:
        """Whether it still takes jobs."""
        return self._inbox.is_open

    def take(self, errand: Errand) -> bool:
        """Take jobs; return whether it did: one that has ended does not."""
        return self._inbox.put(errand)

    def cancel(self, jobs: Sequence[int], *, force: bool) -> None:
        """End attempts, of those that came here."""
        self._inbox.put(Cancel(jobs, force))

    def close(self) -> None:
        """End everything, a little later."""
        self._inbox.close()

    # All that follows happens in the station's thread.

    def _serve(self) -> None:
        reason = ""
        try:
            self._work()
        except FlowparError as error:
            reason = error.message
        except Exception as error:  # noqa: BLE001  # nobody else would end what it holds
            reason = f"{type(error).__name__}: {error}"
        self._inbox.close()
        self._end(reason)
        self._inbox.release()
        self.terms.near.close()
        self._ended(self)

    def _work(self) -> None:
        terms, wake_fd = self.terms, self._inbox.wake_fd
        crew = Crew.open(tree=None, workers=terms.slots, wake_fd=wake_fd, masker=masker_of(terms.shared))
        with closing(crew), closing(Bench(crew, terms)) as bench:
            self._bench = bench
            idle_since = time.monotonic()
            while True:
                self._obey(bench)
                if not self._inbox.is_open or not bench.fill():
                    return
                for notice in crew.wait(TOLD_EVERY_S if bench.errands else _IDLE_S):
                    bench.hear(notice)
                bench.tell()
                if bench.errands:
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > _IDLE_S:
                    return  # whoever asked for it may be no more

    def _obey(self, bench: Bench) -> None:
        for message in self._inbox.take():
            if isinstance(message, Errand):
                bench.begin(message)
            else:
                bench.cancel(message.jobs, force=message.force)

    def _end(self, reason: str) -> None:
        """End the errands that are left: what the crew had is lost with it, and where it failed the rest is, too."""
        came_late = [message for message in self._inbox.take() if isinstance(message, Errand)]
        begun = [] if self._bench is None else self._bench.errands
        given = () if self._bench is None else self._bench.given
        why = f"{reason or 'its station ended'} (on the dask worker {self.terms.address})"
        for errand in [*begun, *came_late]:
            for job in list(errand.left):
                if reason or job in given:
                    errand.note(lost(job, why))
                else:  # let another one make it
                    errand.give_back(job)
            errand.end()
