"""How an attempt ended: `Success | Failure`; and where a value lives: `ValueRef`.

Exceptions of the user's code never cross a process border as objects (they may not unpickle):
they cross as the text of a `Failure`.
"""

from __future__ import annotations

from enum import StrEnum

from flowpar.core.frozen import dataclass, field
from flowpar.core.packed import Packed

# How a process of ours that stays ends where it can get no thread: a limit of processes counts threads, too.
NO_THREAD = 218


class FailureKind(StrEnum):
    """Why an attempt failed, in the words that `tasks.x.error.kind` and `retry.on` use."""

    EXCEPTION = "exception"  # the user's code raised
    EXIT = "exit"  # it exited by itself, with a code
    DIED = "died"  # a signal ended it, or it left without a result
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    EXPRESSION = "expression"  # a ${{ … }} of the task could not be evaluated
    OUTPUT = "output"  # what it returned cannot be passed on
    ITEMS = "items"  # a fan-out of which items failed
    TASKS = "tasks"  # a sub-workflow of which tasks failed
    ROUNDS = "rounds"  # a repeat that came to its `max` before its `until` held


@dataclass(frozen=True, slots=True)
class ValueRef(Packed):
    """Where an encoded value lives: inline as bytes, or in a file of the run folder.

    `file` is relative to the run folder; `is_plain` says that only numbers, text, lists and
    mappings are in it, so the engine may decode it; `checksum` is "<algorithm>:<hex>" over all bytes.
    `stamp` is the inode and time of change of the file when it was written: while they hold, the
    checksum need not be taken again.
    """

    size_bytes: int
    checksum: str
    is_plain: bool
    inline: bytes | None = None
    file: str | None = None
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """Where the time of an attempt that called a function went, beside starting and ending: import and call."""

    import_s: float
    call_s: float


@dataclass(frozen=True, slots=True)
class Success:
    """The task returned; `value` names where its output now lives.

    `is_last` is False where the task repeats and its `until` does not hold yet. `spent` is for hints, and not kept.
    """

    value: ValueRef
    is_last: bool = True
    spent: Spent | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """The attempt failed; everything is text.

    `traceback` holds the user's frames only; `bases` are the classes above `type`, the nearest first,
    by which `retry.on` knows it, too.
    """

    kind: FailureKind
    type: str
    message: str
    exit_code: int | None = None
    traceback: str = ""
    bases: tuple[str, ...] = field(default=(), compare=False)


Outcome = Success | Failure


class TaskFailed(Exception):  # noqa: N818 - it reads as what it says
    """Raised by a task type to fail with more than a text: an exit code, or a signal's name."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure that the attempt ends with."""
        super().__init__(failure.message)
        self.failure = failure
