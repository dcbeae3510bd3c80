"""Which outputs a job looks up that do not travel with it: its worker can't ask the run, so they are sent along."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowpar.execute.base import Job, OutputKey
    from flowpar.execute.recipe import Bindings

_HAS_OUTPUT = frozenset({"succeeded", "cached"})


def looked_up(job: Job) -> list[OutputKey]:
    """Return the keys of the outputs, those of a fan-out item by item."""
    bindings: Bindings = pickle.loads(job.bindings)
    keys: list[OutputKey] = []
    for name, view in bindings.tasks.items():
        if not view.is_managed or view.output is not None or view.item_outputs is not None:
            continue
        if view.item_states is None:
            keys.append((name, None))
        else:
            keys += [(name, index) for index, state in enumerate(view.item_states) if state in _HAS_OUTPUT]
    return keys
