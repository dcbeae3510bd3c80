"""What a report of a run shows, as frozen values: whoever reads the run fills them, `html` makes a page of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.report.past import Past
    from flowpar.report.preview import Preview

Tone = Literal["good", "bad", "busy", "odd"]


@dataclass(frozen=True, slots=True)
class Head:
    """The run as a whole; `notices` say what is odd about it, `way_on` is the command that goes on."""

    run_id: str
    workflow: str
    file: str
    status: str
    tone: Tone
    started: str
    took_s: float | None
    exit_code: int | None
    workers: int
    resumes: int
    way_on: str
    stopping: str
    notices: tuple[str, ...]
    made: str


@dataclass(frozen=True, slots=True)
class FailureView:
    """One failure: `traceback` has the user's frames only, `tail` the end of what was printed."""

    name: str
    verb: str
    reason: str
    attempt: int
    is_tolerated: bool
    traceback: str
    tail: tuple[str, ...]
    log: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueView:
    """A value under its name."""

    name: str
    size_bytes: int | None
    preview: Preview


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task of the plan, with the items of a sub-workflow put together; `counts` maps states to attempts and ends.

    `needs` are names of other tasks that are shown; `names` are the tasks of the run that it stands for. `because` says
    why it ran or did not, where a cache knows it.
    """

    name: str
    kind: str
    needs: tuple[str, ...]
    names: tuple[str, ...]
    state: str = "pending"
    counts: Mapping[str, int] = field(default_factory=dict)
    is_fan_out: bool = False
    is_conditional: bool = False
    is_last: bool = False
    reason: str = ""
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """All of a report; `knows_needs` is False where nobody knows any more which task needs which."""

    head: Head
    description: str
    past: Past
    tasks: tuple[TaskView, ...]
    knows_needs: bool
    failures: tuple[FailureView, ...]
    more_failures: int
    inputs: tuple[ValueView, ...]
    outputs: tuple[ValueView, ...] | None
    task_outputs: tuple[ValueView, ...]
    more_outputs: int
    environment: tuple[tuple[str, str], ...]
