"""`run_if` where it can't hold, or makes no difference: warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.core.run_if import WANTS_ONE
from flowpar.lang.rules.outlook import rule_of

if TYPE_CHECKING:
    from flowpar.lang.checked import CheckedTask
    from flowpar.lang.model import Workflow
    from flowpar.lang.rules.findings import Findings
    from flowpar.lang.rules.outlook import Outlook

NEVER_RUNS = "FP720"
NO_EFFECT = "FP721"


def warn_of_run_ifs(findings: Findings, workflow: Workflow, outlook: Outlook) -> None:
    """Find what a `run_if` of a task's own makes of it, where that is surely not meant."""
    for name, model in workflow.tasks.items():
        if model.run_if is None:
            continue
        path = (model.home, name, "run_if")
        why = _why_never(outlook.tasks[name], outlook)
        if why is not None:
            message = f'task "{name}" never runs: its run_if is {model.run_if}, and {why.reason}'
            findings.warning(NEVER_RUNS, path, message, hint=why.instead)
        elif not outlook.tasks[name].needs:
            message = '"run_if" has no effect: the task needs nothing'
            findings.warning(NO_EFFECT, path, message, hint="leave it out, or name in needs what it waits for")


@dataclass(frozen=True, slots=True)
class _Why:
    """Why a task never runs, and what to write instead."""

    reason: str
    instead: str


def _why_never(task: CheckedTask, outlook: Outlook) -> _Why | None:
    rule = rule_of(task)
    if rule in WANTS_ONE and not task.needs:
        return _Why("it needs nothing", "name in needs the tasks that it is about, or leave run_if out")
    sound = [need for need in task.needs if need not in outlook.can_fail]
    if sound and (rule == "all_failed" or (rule == "one_failed" and len(sound) == len(task.needs))):
        reason = f'task "{sound[0]}" counts as succeeded when it fails (allow_failure)'
        return _Why(reason, f"ask for its error: if: tasks.{sound[0]}.error is not None")
    return None
