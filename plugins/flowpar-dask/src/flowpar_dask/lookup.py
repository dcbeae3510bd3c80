"""Which outputs and files a job reads, so that they can be sent along, or be fetched before it begins."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from flowpar.execute.expansion import pointed_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, OutputKey
    from flowpar.execute.recipe import Bindings

_HAS_OUTPUT = frozenset({"succeeded", "cached"})


def bindings_of(job: Job) -> Bindings:
    """Return what is bound for a job."""
    bindings: Bindings = pickle.loads(job.bindings)
    return bindings


def looked_up(bindings: Bindings) -> list[OutputKey]:
    """Return the keys of the outputs that do not travel with a job, those of a fan-out item by item.

    Its worker can't ask the run for them, so they are sent along.
    """
    keys: list[OutputKey] = []
    for name, view in bindings.tasks.items():
        if not view.is_managed or view.output is not None or view.item_outputs is not None:
            continue
        if view.item_states is None:
            keys.append((name, None))
        else:
            keys += [(name, index) for index, state in enumerate(view.item_states) if state in _HAS_OUTPUT]
    return keys


def files_read(bindings: Bindings, found: Iterable[ValueRef]) -> set[str]:
    """Return the files of the run folder in which the values are that a job may read; `found` was looked up."""
    return {ref.file for ref in (*found, *_bound(bindings)) if ref is not None and ref.file is not None}


def _bound(bindings: Bindings) -> Iterator[ValueRef | None]:
    for view in bindings.tasks.values():
        yield view.output
        yield from view.item_outputs or ()
    yield bindings.previous
    for data in bindings.each.values():
        yield pointed_to(data)
