"""The failures that are told in full: a few of each task, so that one with many items does not hide the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.report.terminal import one_line
from flowpar.report.wording import name_of

if TYPE_CHECKING:
    from flowpar.core.events import TaskEnded

_MOST = 10
_MOST_OF_ONE = 3
_MOST_NAMES = 3
_MOST_GROUPS = 5
_ITEM = re.compile(r"\[[^\[\]]*\](?=/)")  # of a sub-workflow, whose items all have the same tasks


@dataclass(slots=True)
class _Rest:
    names: list[str]
    count: int = 0


class FirstFailures:
    """Takes failures in the order in which they happen; `told` are those to be shown, of the rest the names are."""

    def __init__(self) -> None:
        """Start without any."""
        self.told: list[TaskEnded] = []
        self._told_of: dict[str, int] = {}
        self._rest: dict[str, _Rest] = {}

    def take(self, event: TaskEnded) -> None:
        """Keep one in full, or its name, or count it; tens of thousands of items take no memory."""
        group = _ITEM.sub("[*]", event.subject.task)
        told = self._told_of.get(group, 0)
        if len(self.told) < _MOST and told < _MOST_OF_ONE:
            self._told_of[group] = told + 1
            self.told.append(event)
            return
        rest = self._rest.setdefault(group, _Rest([]))
        rest.count += 1
        if len(rest.names) < _MOST_NAMES:
            rest.names.append(one_line(name_of(event.subject), limit=80))

    def rest(self) -> str:
        """Return how many more there are and of which tasks, as `9 more: 7 of g (g[6], g[8], g[9], …), a, b`."""
        if not self._rest:
            return ""
        groups = [_named(group, rest) for group, rest in self._rest.items()]
        if hidden := len(groups) - _MOST_GROUPS if len(groups) > _MOST_GROUPS + 1 else 0:
            groups[-hidden:] = [f"and {hidden} other tasks"]
        return f"{sum(rest.count for rest in self._rest.values())} more: {', '.join(groups)}"


def _named(group: str, rest: _Rest) -> str:
    if rest.count == 1:
        return rest.names[0]
    names = [*rest.names, "…"] if rest.count > len(rest.names) else rest.names
    return f"{rest.count} of {one_line(group, limit=80)} ({', '.join(names)})"
