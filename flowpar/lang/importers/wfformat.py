"""WfFormat: recorded executions of scientific workflows, as WfCommons gathers them.

    JSON ─► Recording ─► tasks with flowpar's ids ─► workflow.yaml, replay.py
              └── DocumentError         └── DocumentError

Each task of a replay sleeps or computes as long as the recorded one took, at a scale, and passes on a
digest of its name and of what its needs passed on, so the digest of a whole run comes out only where each
task ran after its needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from flowpar.lang.importers.importer import WORKFLOW, Translation
from flowpar.lang.importers.recording import lost_in, read
from flowpar.lang.importers.replay import MODULE, REPLAY, WHOLE, replayed, written

if TYPE_CHECKING:
    from flowpar.core.source import Source


class WfFormat:
    """Reads WfFormat 1.5."""

    name: ClassVar[str] = "wfformat"

    def recognises(self, source: Source) -> bool:
        """Say whether a file speaks of a `schemaVersion` and a `workflow`."""
        return source.text.lstrip()[:1] == "{" and '"schemaVersion"' in source.text and '"workflow"' in source.text

    def translate(self, source: Source) -> Translation:
        """Turn a recording into a workflow that replays it; raises DocumentError."""
        recording = read(source)
        tasks = replayed(recording, source.path)
        renamed = tuple(
            f'task "{task.name}" is called {task.id}: {_why_renamed(task.name)}'
            for task in tasks
            if task.id != task.name
        )
        notes = (*lost_in(recording), *renamed)
        needs = sum(len(task.needs) for task in tasks)
        seconds = sum(task.seconds for task in tasks)
        return Translation(
            {WORKFLOW: written(recording, tasks, notes), f"{MODULE}.py": REPLAY},
            f"{len(tasks)} tasks and {needs} edges, {seconds:,.1f} s of recorded work",
            notes,
            "-i scale=0.001",
        )


def _why_renamed(name: str) -> str:
    if name == WHOLE:
        return "that is what the task is called that makes the digest"
    return "ids have letters, digits, _ and - only, and no two tasks the same"
