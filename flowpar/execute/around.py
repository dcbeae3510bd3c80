"""What lies around the tasks of a run, laid around a template before it imports: packages look at it as they load.

Not what a task has of its own: such a task is not forked from a template.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.core.outcome import TaskFailed
from flowpar.data.store import ValueStore
from flowpar.execute import surroundings
from flowpar.execute.contexts import build_contexts
from flowpar.execute.recipe import Bindings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.contexts import OutputKey
    from flowpar.execute.recipe import Shared


def lay_around(shared: bytes) -> None:
    """Lay the environment and the folder of the run around this process, as far as they can be had."""
    opened: Shared = pickle.loads(shared)
    surroundings.lay(os.environ, {**dict.fromkeys(opened.hidden), **opened.env_file})
    if opened.env:
        load = ValueStore(opened.run_dir).get
        contexts = build_contexts(opened, Bindings(), load=load, fetch=_nothing, environment=dict(os.environ))
        with suppress(TaskFailed):  # the tasks will say so
            surroundings.lay(os.environ, surroundings.variables(opened.env, contexts))
    with suppress(OSError):
        os.chdir(opened.workflow_dir)


def _nothing(keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
    return [None] * len(keys)
