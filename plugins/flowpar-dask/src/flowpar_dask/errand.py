"""The jobs of one bundle at a station, and what is to be said of them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure
from flowpar.execute.base import Completion, Started

from flowpar_dask.bundle import Word, boot, now
from flowpar_dask.near import Maker, machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.execute.base import Notice

    from flowpar_dask.bundle import Bundle


class Errand:
    """Touched by the station's thread; only `over` is for others."""

    def __init__(self, bundle: Bundle, address: str, say: Callable[[Word], None]) -> None:
        """Begin; `say` tells a word while it lasts."""
        self.jobs = bundle.jobs
        self.outputs = bundle.outputs
        self.left = {job.number: None for job in bundle.jobs}
        self.began = time.monotonic()
        self.is_short = True
        self.over = threading.Event()
        self._number = bundle.number
        self._address = address
        self._say = say
        self._notices: list[Notice] = []
        self._starts: dict[int, Started] = {}
        self._unbegun: list[int] = []
        self._told_at = self.began

    def note(self, notice: Notice) -> None:
        """Keep a notice until it is told."""
        if isinstance(notice, Completion):
            self.left.pop(notice.job, None)
            self._starts.pop(notice.job, None)
            notice = self._explained(notice)
        self._notices.append(notice)

    def hold_start(self, start: Started) -> None:
        """Keep a start that is worth telling only where the attempt lasts: its end tells it, too."""
        self._starts[start.job] = start

    def give_back(self, job: int) -> None:
        """Let another worker make a job that has not begun."""
        self.left.pop(job, None)
        self._unbegun.append(job)

    def tell(self, moment: float, *, every_s: float) -> None:
        """Say what is kept, as it lasts already."""
        self.is_short = False
        starts, self._starts = list(self._starts.values()), {}
        self._notices = [*starts, *self._notices]
        if (self._notices or self._unbegun) and moment - self._told_at >= every_s:
            self._told_at = moment
            self._say(self._word())

    def end(self) -> None:
        """Let the dask task end."""
        self.over.set()

    def last_word(self) -> Word:
        """Return what is left to say."""
        return replace(self._word(), is_last=True)

    def _word(self) -> Word:
        notices, self._notices = tuple(self._notices), []
        unbegun, self._unbegun = tuple(self._unbegun), []
        maker = Maker(self._address, machine())
        return Word(self._number, notices, unbegun=unbegun, clock=now(), boot=boot(), maker=maker)

    def _explained(self, completion: Completion) -> Completion:
        """Say where a module is missing."""
        outcome = completion.outcome
        if not isinstance(outcome, Failure) or outcome.type != "ModuleNotFoundError":
            return completion
        text = f"{outcome.message} (on the dask worker {self._address})"
        return replace(completion, outcome=replace(outcome, message=text))
