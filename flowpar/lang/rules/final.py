"""Tasks of `finally`: they run when all others are over, so none of the others can wait for them or read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowpar.lang.checked import Mention
    from flowpar.lang.model import Workflow
    from flowpar.lang.rules.findings import Findings, Path

TOO_EARLY = "FP241"
NO_NEED = "FP242"


def is_in_reach(findings: Findings, workflow: Workflow, edge: tuple[str, str], path: Path) -> bool:
    """Whether the first task of an edge may name the second in `needs`; otherwise that is found."""
    task, need = edge
    is_final, needs_final = workflow.tasks[task].in_finally, workflow.tasks[need].in_finally
    if is_final == needs_final:
        return True
    if needs_final:
        message = f'task "{task}" needs "{need}", which stands in finally and runs after all tasks'
        findings.error(TOO_EARLY, path, message, hint=f'take it out, or move "{task}" into finally, too')
    else:
        message = f'task "{task}" stands in finally, so it runs after "{need}" anyway, however that ended'
        findings.error(NO_NEED, path, message, hint=f"take it out; tasks.{need}.status says how it ended")
    return False


def is_final(workflow: Workflow, mention: Mention) -> bool:
    """Whether a task of finally is read."""
    name = mention.reference.name
    return mention.reference.context == "tasks" and name in workflow.tasks and workflow.tasks[name].in_finally


def find_too_early(findings: Findings, reader: str, mention: Mention) -> None:
    """Find where something that comes before `finally` reads a task of it."""
    name = mention.reference.name
    message = f'{reader} reads task "{name}", which stands in finally and runs after all tasks'
    findings.text_error(TOO_EARLY, mention.place(), message, hint="move what is read out of finally")
