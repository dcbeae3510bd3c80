"""What is wrong with sub-workflows as parts of one plan, told where their files or their callers say it; each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Diagnostics, Label
from flowpar.core.frozen import dataclass, replace
from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.planning.graph import build_graph, find_cycles
from flowpar.planning.warm import executor_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.core.source import Span
    from flowpar.execute.recipe import Scope
    from flowpar.lang.checked import Checked, CheckedTask
    from flowpar.planning.model import PlannedTask


@dataclass(frozen=True, slots=True)
class SubFindings:
    """Finds what is wrong in one document, and adds it to what was found in all."""

    checked: Checked
    diagnostics: Diagnostics

    def add(self, found: Iterable[Diagnostic]) -> None:
        """Add findings that were not made before: a file may be there many times."""
        self.diagnostics.extend(each for each in found if each not in self.diagnostics.found)

    def find(
        self,
        path: tuple[str, ...],
        code: str,
        message: str,
        *,
        hint: str | None = None,
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Add a finding at a place of the document, or at what is around it."""
        document = self.checked.document
        if document is None:
            return
        while document.node(path) is None and len(path) > 1:
            path = path[:-1]
        self.add([Diagnostic(code, message, document.source.path, document.span(path), hint=hint, labels=labels)])

    def find_too_many(self, task: CheckedTask) -> None:
        """Find items of a sub-workflow that have too many tasks."""
        message = f'the items of task "{task.id}" have over {MOST_PART_TASKS:,} tasks together'
        self.find((task.home, task.id), "FP252", message, hint="let a for_each in its file go over them")

    def find_cycles(self, sub: Checked) -> None:
        """Find tasks of a sub-workflow that wait for each other."""
        needs: dict[str, Mapping[str, Span]] = {task.id: task.needs for task in sub.tasks.values()}
        self.add(find_cycles(build_graph(needs), needs, sub.path))

    def join_limits(self, limits: dict[str, float], task: CheckedTask, sub: Checked) -> None:
        """Let the run have the pools that a sub-workflow declares; one of the same name is the same."""
        for name, size in ({} if sub.workflow is None else sub.workflow.limits).items():
            known = limits.setdefault(name, size)
            if known != size:
                message = f'the limit "{name}" is {known:g} in this run, and {size:g} in "{sub.path}"'
                labels = _label(sub, ("limits", name), f"here it is {size:g}")
                hint = "give it the same number in both files"
                self.find((task.home, task.id, "workflow"), "FP259", message, hint=hint, labels=labels)

    def find_shared(
        self, found: CheckedTask, task: PlannedTask, scope: Scope, home: tuple[str, tuple[str, ...]]
    ) -> PlannedTask:
        """Find a task that would share a process with those of a workflow that has other surroundings.

        `home` are the folder and `python_path` of the run; returns the task as it is to run.
        """
        is_shared = task.executor in {"thread", "inline"}
        if is_shared and (scope.workflow_dir != home[0] or scope.env or scope.env_file):
            how = f'by "executor: {task.executor}", and its file has another folder or an environment of its own'
            message = f'task "{found.id}" shares a process with tasks of other workflows {how}'
            hint = 'give it "executor: process"'
            self.find((found.home, found.id, "executor"), "FP259", message, hint=hint)
        return replace(task, executor=executor_within(task.executor, scope, home))


def _label(sub: Checked, path: tuple[str, ...], text: str) -> tuple[Label, ...]:
    if sub.document is None or sub.document.node(path) is None:
        return ()
    return (Label(sub.path, sub.document.span(path), text),)
