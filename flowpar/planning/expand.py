"""How many items a fan-out has, where that is known before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.core.outcome import TaskFailed
from flowpar.execute.decide import expand
from flowpar.execute.recipe import Expand
from flowpar.expr.evaluate import IN_ENGINE
from flowpar.expr.references import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.lang.checked import CheckedFanOut

_SETTLED = frozenset({"inputs", "workflow"})


def count_items(fan_out: CheckedFanOut, contexts: Mapping[str, object] | None) -> int | None:
    """Return the number of items, or None where it depends on the run or is not worth working out.

    `contexts` has what is settled before the run, None where not even the inputs are. What cannot be
    expanded is None, too: the run says why.
    """
    known = _SETTLED if contexts is not None else frozenset[str]()
    read = {reference.context for template in fan_out.names.values() for reference in references(template)}
    if not read <= known:
        return None
    recipe = Expand(fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude)
    try:
        return expand(recipe, contexts or {}, limits=IN_ENGINE).count
    except (TaskFailed, NeedsWorker):
        return None
