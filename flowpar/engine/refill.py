"""What the table of outputs must hold, from the journal: for a process of the outputs that takes a lost one's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.core.outcome import ValueRef
    from flowpar.record.journal import Journal

    OutputKey = tuple[str, int | None]


def recorded_outputs(journal: Journal, run_dir: Path) -> Iterator[tuple[OutputKey, ValueRef]]:
    """Give each output of the run so far and where it lives, those included that are not on disk yet."""
    from flowpar.record.resume import read_settled  # late: only after the process of the outputs was lost

    journal.commit()
    settled, _ = read_settled(run_dir)
    for name, task in settled.tasks.items():
        if task.standing.value is not None:
            yield (name, None), task.standing.value
        for item, standing in task.items.items():
            if standing.value is not None:
                yield (name, item), standing.value
