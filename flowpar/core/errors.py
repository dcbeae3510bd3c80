"""The one tree of exceptions; each class knows the exit code of the command that it ends.

    FlowparError
    ├── DocumentError      2   the document, an input or the command line is wrong
    │   └── UsageError     2
    ├── MachineError   3   a plugin, the state folder or the machine is
    │   ├── PluginError    3
    │   └── StateError     3
    └── InternalError     70   a bug of ours

A task that fails is no exception but an outcome (see `outcome`). `NeedsWorker` stands outside the
tree: it ends no command, but sends the work on.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from flowpar.core.diagnostics import Diagnostics


class ExitCode(IntEnum):
    """How a command ended, for the shell."""

    OK = 0
    TASK_FAILED = 1
    USAGE = 2
    ENVIRONMENT = 3
    INTERNAL = 70
    TIMED_OUT = 124
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class FlowparError(Exception):
    """Anything that ends a command; its text is one line for the person who typed it."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the one-line message and what to do instead; `way_on` is the line below it, for what was cut off."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.way_on = ""


class DocumentError(FlowparError):
    """The document has findings; they are printed instead of the message."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None, diagnostics: Diagnostics | None = None) -> None:
        """Keep the findings beside the message."""
        super().__init__(message, hint=hint)
        self.diagnostics = diagnostics


class UsageError(DocumentError):
    """An input, an option or a path on the command line is wrong."""


class MachineError(FlowparError):
    """The machine cannot do what is asked: a full disk, no processes, no descriptors."""

    exit_code = ExitCode.ENVIRONMENT


class PluginError(MachineError):
    """A plugin that the workflow uses is missing, broken or too new."""


class StateError(MachineError):
    """The state folder is not usable: unwritable, foreign, locked or damaged."""


class NeedsWorker(Exception):  # noqa: N818 - a signal between rooms, which ends no command
    """The engine may not do this itself: it needs a user's class, or may take long; a worker can."""


class InternalError(FlowparError):
    """An invariant of ours does not hold."""

    exit_code = ExitCode.INTERNAL
