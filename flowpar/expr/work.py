"""How much an evaluation may do: `Limits`, and the `Work` that counts it down.

One step is about one Python operation. A list of n items costs n steps to build, a text of
n characters n / 16, so the memory of all results is bounded along with the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass
from flowpar.expr.failure import EvaluationError

_LETTERS_PER_STEP = 16
LARGEST_INT_BITS = 8_192  # about 2,500 digits


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one evaluation.

    With `is_engine` nothing is read from disk and no pattern is searched: `NeedsWorker` is raised for
    that, and for what takes more than `steps`, instead of an error.
    """

    steps: int = 10_000_000
    is_engine: bool = False


IN_WORKER = Limits()
IN_ENGINE = Limits(steps=100_000, is_engine=True)


class Work:
    """Counts the steps of one evaluation; `folder` is where relative file patterns begin."""

    __slots__ = ("_left", "folder", "limits")

    def __init__(self, limits: Limits, folder: str = "") -> None:
        """Begin with all steps left."""
        self.limits = limits
        self.folder = folder
        self._left = limits.steps

    def spend(self, steps: int) -> None:
        """Take steps; raises where there are none left, before the work is done."""
        self._left -= steps
        if self._left < 0:
            if self.limits.is_engine:
                raise NeedsWorker("the expression takes long")
            raise EvaluationError(
                f"the expression takes more than {self.limits.steps:,} steps; do this in a task instead"
            )

    def spend_text(self, length: int) -> None:
        """Take the steps for a text of this length."""
        self.spend(1 + length // _LETTERS_PER_STEP)

    def leave_engine(self, what: str) -> None:
        """Raise NeedsWorker where this is the engine, which must not do `what`."""
        if self.limits.is_engine:
            raise NeedsWorker(what)

    def listed(self, value: Iterable[object]) -> list[object]:
        """Return all items of an iterable, which may be endless, as a list."""
        if isinstance(value, Sized):
            self.spend(1 + len(value))
            return list(value)
        items = []
        for item in value:
            self.spend(1)
            items.append(item)
        return items

    def weigh(self, value: object) -> None:
        """Take the steps that a walk through the whole value needs.

        A list that holds one long list a thousand times weighs a thousand of them, which is what
        comparing, hashing or writing it costs.
        """
        pending = [value]
        while pending:
            part = pending.pop()
            if isinstance(part, str | bytes):
                self.spend_text(len(part))
            elif isinstance(part, Mapping):
                self.spend(1 + len(part))
                pending.extend(part.values())
            elif isinstance(part, list | tuple | set | frozenset):
                self.spend(1 + len(part))
                pending.extend(part)


def type_name(value: object) -> str:
    """Return the type of a value as messages write it."""
    return "None" if value is None else type(value).__name__
