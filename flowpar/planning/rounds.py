"""Sub-workflows that repeat: the first round is in the plan, and each further one joins the run after the one before.

    refine@1/(inputs) ─► refine@1/… ─► refine@1 ─► refine@1/(until) ─┬─ holds ────────► refine
                                                                     └─ not ─► refine@2/…

The tasks of a further round are planned once, with `refine@*` in front of their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, replace
from flowpar.execute.recipe import Call
from flowpar.expr.template import Expression
from flowpar.planning.template import GIVE_ON, renamed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.planning.model import PlannedTask, Repeat

UNTIL = "(until)"
ANY_LAP = -1


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often a sub-workflow may run again, and the tasks of a further round; `whole` has the outputs of the last."""

    whole: str
    repeat: Repeat
    tasks: tuple[PlannedTask, ...]

    def exit_of(self, lap: int) -> str:
        """Return the id of the task that has the outputs of one round."""
        return f"{self.whole}@{lap}"

    def until_of(self, lap: int) -> str:
        """Return the id of the task that decides whether another round follows."""
        return f"{self.whole}@{lap}/{UNTIL}"

    def instance(self, lap: int) -> Iterator[PlannedTask]:
        """Give the tasks of a further round, in plan order."""
        before = self.exit_of(lap - 1)
        for task in self.tasks:
            made = renamed(task, f"{self.whole}@*", self.exit_of(lap))
            if task.lap == ANY_LAP:
                rounds = self if made.id == self.until_of(lap) else None
                made = replace(made, lap=lap, previous=before, reads=made.reads | {before}, rounds=rounds)
            yield made


def passed_on(whole: PlannedTask, prefix: str, exits: list[str]) -> PlannedTask:
    """Return the task of a whole that has the outputs of the first of `exits`, and waits for all of them."""
    text = f'tasks["{exits[0].removeprefix(prefix)}"].output'
    call = Call(GIVE_ON, {"outputs": Expression(text, text)})
    return replace(whole, call=call, needs=(*whole.needs, *exits), reads=whole.reads.union(exits))
