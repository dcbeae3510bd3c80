"""What a run starts from when it goes on: what ended before and stands, and how often the rest was tried.

    Start ── tasks: {id: Begun ── whole: Ended | None
                              ── items: {index: Ended}, those that stand
                              ── tried: {item | None: attempts that began}
                              ── rounds: {item | None: Round}, the last one of a repeat that is over}

A task whose `whole` is None is opened as if for the first time, and those of its items that stand are
not run again, provided they are bound to what they were bound to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from flowpar.core.outcome import Failure, ValueRef
    from flowpar.core.states import TaskState
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.attempt import Ready

Again = Mapping[str, Sequence[int] | None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task or item ended; `fingerprint` is of its last attempt."""

    state: TaskState
    attempt: int = 0
    value: ValueRef | None = None
    failure: Failure | None = None
    is_tolerated: bool = False
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """A round of a repeat that is over, and what it gave; `base` is how many there were before the run went on.

    A repeat that had come to its `max` begins to count anew when it goes on. `fingerprint` is of the
    round's last attempt.
    """

    number: int
    value: ValueRef
    base: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """How many attempts began of what had not ended; of a repeat, of its last `round`."""

    attempts: int
    round: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a task came; `item_count` is of a fan-out that stands as a whole.

    `marks` are the digests of the keys of items that were tried, where those had keys.
    """

    whole: Ended | None = None
    item_count: int | None = None
    items: Mapping[int, Ended] = field(default_factory=dict)
    tried: Mapping[int | None, Tried] = field(default_factory=dict)
    rounds: Mapping[int | None, Round] = field(default_factory=dict)
    marks: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """From where a run goes on.

    `again` is what does not stand though the journal has it as done, None for a run that begins;
    `first_job` is above the numbers that were given before.
    """

    tasks: Mapping[str, Begun] = field(default_factory=dict)
    again: Again | None = None
    first_job: int = 1

    @property
    def standing(self) -> frozenset[str]:
        """The tasks that stand as they are."""
        return frozenset(task for task, begun in self.tasks.items() if begun.whole is not None)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an attempt's fingerprint says: of the task, of its code, of what the item is bound to, and of its key.

    A part is empty where nothing is known, and then says of no change.
    """

    task: str = ""
    code: str = ""
    item: str = ""
    key: str = ""

    @classmethod
    def of(cls, task: PlannedTask, item: str = "", key: str = "") -> Fingerprint:
        """Return the fingerprint of an attempt at a task, or at an item of it."""
        item = item or ("" if task.bound is None else task.bound.mark)
        return cls(task.fingerprint, task.code, item, key)

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Return what `str` wrote."""
        task, code, item, key = (*text.split(".", 3), "", "", "", "")[:4]
        return cls(task, code, item, key)

    def __str__(self) -> str:
        """Return it as events have it."""
        return f"{self.task}.{self.code}.{self.item}.{self.key}".rstrip(".")

    def is_same_task(self, other: Fingerprint) -> bool:
        """Whether nothing is known to have changed of what the task does."""
        return _is_same(self.task, other.task)

    def is_same_code(self, other: Fingerprint) -> bool:
        """Whether the file of the function is not known to have changed."""
        return _is_same(self.code, other.code)

    def is_same_item(self, other: Fingerprint) -> bool:
        """Whether the item is not known to be bound to something else."""
        return _is_same(self.item, other.item)


def _is_same(one: str, other: str) -> bool:
    return not one or not other or one == other


def fingerprint_of(ready: Ready) -> Fingerprint:
    """Return what an attempt is at: the task, and the item by what it is bound to and by its key."""
    record, item = ready.record, ready.item
    if item is None or record.bound is None or ready.decision is not None:
        return Fingerprint.of(record.task)
    key = record.key_of(item)
    return Fingerprint.of(record.task, record.bound.digest(item), "" if key is None else digest(key))
