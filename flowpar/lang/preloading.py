"""What tasks would have imported for them before they start, and what `preload` asks for that can't be.

auto   the installed packages that a task's module imports at top level, and what its task type declares
none   nothing
list   these modules, for every task that runs Python
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.code.imported import ImportedPackages
from flowpar.core.frozen import dataclass, replace
from flowpar.core.variables import SCRIPT_TEXT
from flowpar.expr.template import Constant
from flowpar.lang.rules.script import SCRIPT_TARGET
from flowpar.lang.wording import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.code.signature import Signatures
    from flowpar.core.diagnostics import Diagnostic
    from flowpar.lang.checked import CheckedTask
    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.plugin.registry import TaskTypeSource

_WITHOUT_PYTHON = frozenset({"shell", "workflow"})


@dataclass(frozen=True, slots=True)
class Preloading:
    """Reads one workflow; `used` are the task types of its plugins."""

    workflow: Workflow
    signatures: Signatures
    used: Mapping[str, TaskTypeSource]

    def added(self, tasks: Mapping[str, CheckedTask]) -> Mapping[str, CheckedTask]:
        """Return tasks with what is to be imported for them."""
        if self.workflow.preload == "none":
            return tasks
        packages = ImportedPackages(self.signatures.library)
        found = {task.id: self._of(task, packages) for task in tasks.values() if task.kind not in _WITHOUT_PYTHON}
        if not any(found.values()):
            return tasks
        return {
            name: replace(task, preload=modules) if (modules := found.get(name)) else task
            for name, task in tasks.items()
        }

    def findings(self, document: Document) -> Iterator[Diagnostic]:
        """Find modules of the list that are the project's own, or nobody's."""
        asked = self.workflow.preload
        if isinstance(asked, str):
            return
        packages = ImportedPackages(self.signatures.library)
        for index, module in enumerate(asked):
            is_own = packages.is_of_project(module)
            if is_own is None:
                message = f'"{module}" can\'t be preloaded: there is no such module'
                hint = "install it, or leave it out; its name is that of its import, not of its distribution"
            elif is_own:
                message = f'"{module}" can\'t be preloaded: it is a module of this project'
                hint = "only what is installed stays the same for all tasks; name the packages that it imports"
            else:
                continue
            yield finding(document, ("preload", index), message, code="FP415", hint=hint)

    def _of(self, task: CheckedTask, packages: ImportedPackages) -> tuple[str, ...]:
        if not isinstance(self.workflow.preload, str):
            return self.workflow.preload
        call = task.call
        if call.target == SCRIPT_TARGET:
            match call.arguments.get(SCRIPT_TEXT):
                case Constant(value=str(text)):
                    return packages.of_text(text)
            return ()
        found = packages.of(call.target.partition(":")[0]) if call.target else ()
        source = self.used.get(task.kind)
        if source is None or not source.options.preload:
            return found
        declared = (each for each in source.options.preload if packages.is_of_project(each) is False)
        return tuple(dict.fromkeys((*found, *declared)))
