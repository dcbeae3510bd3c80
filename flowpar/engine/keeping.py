"""What a run folder keeps of what was to be run: the document, the plan, and what the code of its tasks is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.planning.ready import keep
from flowpar.planning.template import within

if TYPE_CHECKING:
    from flowpar.planning.model import Plan
    from flowpar.planning.prepared import Prepared
    from flowpar.record.folder import RunFolder


def keep_prepared(folder: RunFolder, prepared: Prepared, plan: Plan) -> None:
    """Keep all of it; `plan` is what of the workflow is run."""
    source = prepared.sources.get(prepared.path)
    if source is not None:
        folder.write("workflow.yaml", prepared.secrets.masker.text(source.text).encode())
    keep(prepared, folder)
    _keep_code(folder, plan)


def _keep_code(folder: RunFolder, plan: Plan) -> None:
    """Keep the parts of the code of tasks with a cache, for whoever asks why they ran."""
    kept = (task.cache for task in within(plan.tasks))
    reached = {each.code: each.reached for each in kept if each is not None and each.reached is not None and each.code}
    if reached:
        # Late: a run without a cache has no use for it.
        from flowpar.record.made import CODE, codes_written

        folder.write(CODE, codes_written(folder.path, reached))
