"""What a run with `--audit` ends with: what its tasks reached that they do not declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.model import Plan
    from flowpar.report.screen import Screen


def tell_audit(screen: Screen, run_dir: Path, plan: Plan | None, *, is_audited: bool) -> None:
    """Tell what nobody declares, on stderr, where the run was audited."""
    if not is_audited or plan is None:
        return
    # Late: nobody else pays for it.
    from flowpar.engine.audit import undeclared, was_seen

    found = undeclared(run_dir, plan.workflow_dir)
    for each in found:
        for line in each.lines():
            screen.tell(line)
    if not found and not was_seen(run_dir):
        screen.tell("audit: no attempt was made, so nothing could be seen; with --no-cache all are made")
    elif not found:
        screen.tell("audit: nothing was seen that is not declared")
