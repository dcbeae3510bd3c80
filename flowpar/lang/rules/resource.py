"""What tasks ask for: known pools, declared limits, and the wishes of task types below the task's own.

Whether this machine and its workers have as much is a matter of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.diagnostics import Label
from flowpar.core.errors import PluginError
from flowpar.core.suggest import nearest
from flowpar.expr.template import Constant
from flowpar.lang.amount import amount_of, amount_text, wanted_of
from flowpar.lang.node import MappingNode
from flowpar.lang.vocabulary import BUILT_IN_LIMITS
from flowpar.lang.wording import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.lang.node import Document
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.plugin.registry import TaskTypeSource

PREFIX = "resources."


def check_pools(
    findings: Findings, path: Path, asked: Mapping[str, Any], limits: Mapping[str, float], *, place: Path | None = None
) -> None:
    """Find pools that nobody declared, and more than there is of one; `place` is where, if not at each pool."""
    declared = _declared(findings.document)
    for pool, amount in asked.items():
        if pool not in BUILT_IN_LIMITS and pool not in declared and pool not in findings.pools:
            near = nearest(pool, [*declared, *sorted(BUILT_IN_LIMITS)])
            hint = f'did you mean "{near}"?' if near else f'declare it at the top: "limits: {{{pool}: 1}}"'
            message = f'{_owner(path)} asks for "{pool}", which is no pool'
            findings.key_error("FP230", place or (*path, "resources", pool), message, hint=hint)
        elif isinstance(amount, int | float) and amount > limits.get(pool, amount):
            where = place or (*path, "resources", pool)
            message = over_limit(_owner(path), pool, amount, limits[pool])
            findings.error("FP231", where, message, hint=LIMIT_HINT, labels=(limit_label(findings.document, pool),))


LIMIT_HINT = "such an attempt could never start; ask for less, or raise the limit"


def over_limit(owner: str, pool: str, amount: float, limit: float) -> str:
    """Say that somebody asks for more than there is."""
    return f'{owner} asks for {amount_text(pool, amount)} of "{pool}", and its limit is {limit:g}'


def limit_label(document: Document, pool: str) -> Label:
    """Point to where a limit is declared."""
    return Label(document.source.path, document.span(("limits", pool)), "the limit")


def resources_of_kind(source: TaskTypeSource | None) -> dict[str, Constant]:
    """Return what a task type asks for by itself, as settings; raises PluginError where that can't be asked for."""
    found: dict[str, Constant] = {}
    for pool, value in (source.options.resources if source is not None else {}).items():
        amount = amount_of(pool, value)
        if source is not None and amount is None:
            message = f'"resources" of task type "{source.kind}" of {source.origin} are wrong: "{pool}" wants'
            raise PluginError(f"{message} {wanted_of(pool)}, found {value!r}")
        found[PREFIX + pool] = Constant(amount)
    return found


def _declared(document: Document) -> list[str]:
    """Return the pools of `limits`, those with a wrong size, too."""
    node = document.root.get("limits")
    return [key.text for key in node.keys] if isinstance(node, MappingNode) else []


def _owner(path: Path) -> str:
    return '"defaults"' if path[0] == "defaults" else name_of(path)
