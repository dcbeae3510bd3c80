"""Which names of a `for_each` are fed by another task item by item, so that nothing waits for the whole of it.

A name is fed where its list is just `tasks.<id>.output`, that task has items of its own, and nothing else of
the task is read: whoever reads its whole output, its status or its items, waits for its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.expr.references import sole_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowpar.expr.template import Template
    from flowpar.lang.checked import Mention


def feeds_of(
    names: Mapping[str, Template], mentions: Iterable[Mention], gives_items: Callable[[str], bool]
) -> dict[str, str]:
    """Return for each name that is fed the task that does so; `mentions` are all that the task reads."""
    found = {name: task for name, template in names.items() if (task := _source(template)) is not None}
    if not found:
        return {}
    times: dict[str | None, int] = {}
    for mention in mentions:
        if mention.reference.context == "tasks":
            times[mention.reference.name] = times.get(mention.reference.name, 0) + 1
    if None in times:  # all tasks at once
        return {}
    sources = list(found.values())
    whole = {task for task in sources if times.get(task, 0) > sources.count(task)}
    return {name: task for name, task in found.items() if task not in whole and gives_items(task)}


def _source(template: Template) -> str | None:
    reference = sole_reference(template)
    if reference is None or reference.context != "tasks" or reference.field != "output":
        return None
    return reference.name
