"""What a plugin author may use: `TaskContext`, `task_type`, `Finding` and `API_VERSION`.

    author ── @task_type ──► TaskOptions on the function, read from its source before the run
    author ◄── TaskContext ── worker, for a parameter that is annotated with it
    author ── check(arguments) ──► Finding*, before the run

A task type is a typed function; all of this is optional. Only the standard library is imported
here: each worker pays for it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from flowpar.core.outcome import Failure
    from flowpar.plugin.logger import TaskLogger

API_VERSION: Final = 1
"""The version of this contract; a plugin that needs a newer one says so with `api=`."""

OPTIONS_ATTRIBUTE: Final = "__flowpar_task_type__"

F = TypeVar("F", bound="Callable[..., Any]")


class Unknown(Enum):
    """What `check` gets for an argument whose value the run will make."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the arguments of a task, found before the run.

    `argument` names the key below the kind key that is to blame, None the task as a whole;
    `message` says what is wrong on one line, `hint` what to write instead.
    """

    message: str
    argument: str | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """What a signature cannot say about a task type.

    `executor` is used where the task, the command line and `defaults` name none; `secrets` are
    parameters that carry secrets; `preload` are modules worth importing once for many tasks;
    `streams` says that it yields its items; `resources` are defaults of the task's; `api` is the
    oldest `API_VERSION` that it works with; `files` are parameters that name files or folders which it
    reads, and whose content counts where the task has a cache.
    """

    executor: str | None = None
    secrets: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    streams: bool = False
    resources: Mapping[str, float | str] = field(default_factory=dict)
    check: Callable[[Mapping[str, object]], Iterable[Finding]] | None = None
    api: int = 1
    files: tuple[str, ...] = ()


@overload
def task_type(function: F, /) -> F: ...
@overload
def task_type(
    *,
    executor: str | None = None,
    secrets: tuple[str, ...] = (),
    preload: tuple[str, ...] = (),
    streams: bool = False,
    resources: Mapping[str, float | str] | None = None,
    check: Callable[[Mapping[str, object]], Iterable[Finding]] | None = None,
    api: int = 1,
    files: tuple[str, ...] = (),
) -> Callable[[F], F]: ...
def task_type(function: F | None = None, /, **options: Any) -> F | Callable[[F], F]:
    """Mark a function as a task type and say what its signature cannot.

    The options are read from the source text before a run, so write them as literals, and `check`
    as the name of a function. The marked function itself is returned unchanged.
    """
    settled = TaskOptions(**{name: value for name, value in options.items() if value is not None})

    def mark(target: F) -> F:
        setattr(target, OPTIONS_ATTRIBUTE, settled)
        return target

    return mark if function is None else mark(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """The attempt that a task function is called for; annotate a parameter with it to get it.

    `item` is None without a fan-out; `attempt` counts from 1; `idempotency_key` is the same for
    every attempt at this task or item of this run, so a service that gets it twice can tell;
    `scratch` is an empty folder, removed after the attempt; `env` and `cwd` stand in for
    `os.environ` and `os.getcwd()` in the `thread` executor, where they cannot be set for one task.
    `mask` returns a text without the secrets of the run; what is printed, logged or raised is masked anyway.
    """

    run_id: str
    task: str
    item: int | None
    attempt: int
    idempotency_key: str
    scratch: Path
    cwd: Path
    env: Mapping[str, str]
    logger: TaskLogger
    post: Callable[[str, Mapping[str, object]], None] = field(repr=False)
    is_cancelled: Callable[[], bool] = field(repr=False)
    end_if_over: Callable[[int], Failure | None] = field(repr=False, default=lambda _: None)
    mask: Callable[[str], str] = field(default=str, repr=False)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tell how far the attempt is; cheap enough for a loop's body when called some times a second."""
        self.post(
            "progress",
            {"done": float(done), "total": None if total is None else float(total), "note": str(note)},
        )

    def cancelled(self) -> bool:
        """Whether the run wants this attempt to end; worth asking in a long loop under `thread`."""
        return self.is_cancelled()
