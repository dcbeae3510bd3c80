"""The `resources` of a task as they are written: what is asked for of each pool, expressions left as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.lang.amount import amount_of, hint_of, wanted_of
from flowpar.lang.fields import has_expression
from flowpar.lang.node import MappingNode
from flowpar.lang.vocabulary import BUILT_IN_LIMITS

if TYPE_CHECKING:
    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader
    from flowpar.lang.wording import Path


def read_resources(shape: ShapeReader, path: Path, node: Node) -> dict[str, Any] | None:
    """Return the amounts that are right, by pool; what is not is reported."""
    written = shape.plain.value(node)
    if not isinstance(written, dict):
        hint = f"write {{cpu: {written}}}" if amount_of("cpu", written) else None
        shape.find_wrong(path, "a mapping of pools to amounts, such as {cpu: 2, memory: 1GiB}", hint=hint)
        return None
    limits = shape.document.root.get("limits")
    known = (
        {*BUILT_IN_LIMITS, *(key.text for key in limits.keys)} if isinstance(limits, MappingNode) else BUILT_IN_LIMITS
    )
    amounts: dict[str, Any] = {}
    for pool, value in written.items():
        amount = amount_of(pool, value)
        # Of a pool that is not one, no more is to be said than that.
        if amount is not None or pool not in known or has_expression(value):
            amounts[pool] = value if amount is None else amount
        else:
            shape.find_wrong((*path, pool), wanted_of(pool), hint=hint_of(pool, value))
    return amounts
