"""A run that is there already, found, locked and read, so that it can go on.

    last, an id, a path ─► folder ─► lock ─► journal ─► EarlierRun ─► values checked ─► Resumption

The lock comes before the first look: what is read is what will be gone on with.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowpar.core.collector import collector_paused
from flowpar.core.errors import StateError
from flowpar.core.frozen import dataclass
from flowpar.engine.resumption import sort_out
from flowpar.record.folder import RunFolder, check_state
from flowpar.record.history import find_run
from flowpar.record.lock import Lock
from flowpar.record.reading import JOURNAL
from flowpar.record.recovery import recover
from flowpar.record.resume import first_free_number, read_settled, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.engine.parts import Named
    from flowpar.engine.resumption import Resumption
    from flowpar.planning.model import Plan
    from flowpar.record.reading import JournalEnd
    from flowpar.record.settled import Settled


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What is there of a run; its lock is held as long as it is open."""

    folder: RunFolder
    settled: Settled
    end: JournalEnd

    @property
    def workflow_file(self) -> str:
        """The workflow's file, as near as it is to the current folder; raises StateError where it is gone."""
        run = self.settled.run
        path = os.path.join(str(run.options.get("folder") or ""), run.file)  # noqa: PTH118 - texts
        if not os.path.exists(path):  # noqa: PTH110 - the same
            raise StateError(
                f'the workflow "{path}" of run {run.run_id} is not there any more',
                hint="put it back: a run goes on with the workflow as it is now",
            )
        try:
            here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - the same
        except FileNotFoundError:  # the current folder was removed
            return path
        return path.removeprefix(here)

    def resumption(self, plan: Plan, redo: Named = ()) -> Resumption:
        """Check the values that were kept, and tell what stands under this plan."""
        path = self.folder.path
        with collector_paused():
            return sort_out(
                plan, verify(self.settled, path), redo=redo, first_job=first_free_number(path, self.settled)
            )


@contextmanager
def earlier_run(
    state_dir: Path, name: str, *, is_salvaged: bool = False, trust_state: bool = False
) -> Iterator[EarlierRun]:
    """Open the run that is meant; raises UsageError where there is none, StateError where it cannot go on."""
    check_state(state_dir, trust_state=trust_state)
    run_dir = find_run(state_dir, name)
    folder = RunFolder.find(run_dir, run_dir.resolve().name, trust_state=trust_state)
    if not (folder.path / JOURNAL).exists():
        raise StateError(f'the run in "{run_dir}" was cut off before it began', hint="run the workflow anew")
    with Lock.take(folder.path):
        recover(folder.path)
        settled, end = read_settled(folder.path, is_salvaged=is_salvaged)
        yield EarlierRun(RunFolder(folder.path, settled.run.run_id), settled, end)
