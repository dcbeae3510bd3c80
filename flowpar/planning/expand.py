"""How many items a fan-out has, where that is known before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.core.outcome import TaskFailed
from flowpar.execute.decide import expand
from flowpar.execute.recipe import Expand
from flowpar.expr.evaluate import IN_ENGINE

if TYPE_CHECKING:
    from flowpar.lang.checked import CheckedFanOut
    from flowpar.planning.settled import Settled


def count_items(fan_out: CheckedFanOut, settled: Settled) -> int | None:
    """Return the number of items, or None where it depends on the run or is not worth working out.

    What cannot be expanded is None, too: the run says why.
    """
    if not all(map(settled.covers, fan_out.lists)):
        return None
    recipe = Expand(fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude)
    try:
        return expand(recipe, settled.contexts, limits=IN_ENGINE).count
    except (TaskFailed, NeedsWorker):
        return None
