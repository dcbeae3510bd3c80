"""Call a task function as a worker does, in a test: `run_task(function, **arguments)`.

test ── arguments ──► function ── output ──► encoded and decoded, as on its way to another task
test ◄── Recorded ── what the function logged and how far it said it was
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass, field
from flowpar.data.codec import decode, encode
from flowpar.execute.binding import bind, prove
from flowpar.execute.recipe import Call
from flowpar.plugin.logger import TaskLogger
from flowpar.plugin.spec import TaskContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(slots=True)
class Recorded:
    """What an attempt told: log lines and progress, each as the mapping that would cross the border."""

    lines: list[Mapping[str, object]] = field(default_factory=list)
    progress: list[Mapping[str, object]] = field(default_factory=list)

    def __call__(self, kind: str, body: Mapping[str, object]) -> None:
        """Keep one report."""
        (self.lines if kind == "log" else self.progress).append(body)

    @property
    def messages(self) -> list[object]:
        """Return the texts of the log lines."""
        return [line["message"] for line in self.lines]


def fake_context(
    *,
    scratch: Path,
    recorded: Recorded | None = None,
    item: int | None = None,
    attempt: int = 1,
    env: Mapping[str, str] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> TaskContext:
    """Return a context for one call; give `recorded` to look at what was told."""
    post = Recorded() if recorded is None else recorded
    return TaskContext(
        run_id="test",
        task="task",
        item=item,
        attempt=attempt,
        idempotency_key="test/task" if item is None else f"test/task[{item}]",
        scratch=scratch,
        cwd=Path.cwd(),
        env=dict(env or {}),
        logger=TaskLogger(post),
        post=post,
        is_cancelled=is_cancelled,
    )


def run_task(function: Callable[..., Any], /, **arguments: Any) -> Any:
    """Call a task function and return its output as another task would get it.

    Arguments are converted as they are on their way from YAML (text for a `Path` becomes one). A
    parameter that is annotated `TaskContext` gets one unless an argument of its name is given. What
    the function raises is raised; an argument or output that contradicts its annotation raises `TaskFailed`,
    an output that cannot be passed on `NotEncodable`.
    """
    name = getattr(function, "__qualname__", "?")
    with TemporaryDirectory(prefix="flowpar-test-") as scratch:
        context = fake_context(scratch=Path(scratch))
        positional, named = bind(function, arguments, lambda: context, call=Call(name, {}))
        output = function(*positional, **named)
        output = prove(function, output, target=name)
        return decode(encode(output).join())
