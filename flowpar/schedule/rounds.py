"""The rounds of a repeat: a task, or an item of it, runs again until its `until` holds.

    round over ─┬─ `until` holds ─────────────► its output is the task's
                ├─ not, and there may be more ► the next round, after a delay; `previous` is this one's output
                └─ not, and that was the last ► a failure, or under `on_max: succeed` its output

Where the run is stopping, a round that is over is kept for the run that goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.schedule.start import Round

if TYPE_CHECKING:
    from flowpar.core.outcome import Outcome
    from flowpar.schedule.attempt import Ready


def note_round(ready: Ready, outcome: Success) -> None:
    """Keep what a round gave, as the next one's `previous`."""
    record = ready.record
    last = record.rounds.get(ready.item)
    record.rounds[ready.item] = Round(ready.round, outcome.value, base=last.base if last is not None else 0)


def after_round(ready: Ready, outcome: Success) -> Outcome | None:
    """Return what becomes of a task after a round whose `until` does not hold, None where another round follows."""
    repeat = ready.record.task.repeat
    if repeat is None or ready.round - _base(ready) < repeat.rounds:
        return None
    if repeat.takes_last:
        return Success(outcome.value)
    return out_of_rounds(repeat.rounds)


def out_of_rounds(rounds: int) -> Failure:
    """Return what becomes of a repeat that came to its `max`."""
    made = "1 round was" if rounds == 1 else f"{rounds} rounds were"
    return Failure(FailureKind.ROUNDS, "", f'{made} made, the most that "max" allows, and "until" never held')


def tried_before(ready: Ready) -> int:
    """Return how many attempts of a round were made before the run went on."""
    tried = ready.record.begun.tried.get(ready.item)
    return tried.attempts if tried is not None and tried.round == ready.round else 0


def is_first_round(ready: Ready) -> bool:
    """Whether a round is the one with which a task, or an item of it, begins in this run, or goes on."""
    last = ready.record.begun.rounds.get(ready.item)
    return ready.round == (0 if ready.record.task.repeat is None else 1 if last is None else last.number + 1)


def _base(ready: Ready) -> int:
    last = ready.record.rounds.get(ready.item)
    return 0 if last is None else last.base
