"""What of its own identity an attempt may look at: where its text or its code names that, it is a part of the key.

    shell: echo "$FLOWPAR_ITEM"            ─► the place of the item counts
    def run(context: TaskContext): …       ─► what the module reads of it: `.item`, `.key`, `.task`

Nobody else's item or name counts. Modules are searched as text, so what is named there counts though it is not read.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from flowpar.expr.template import Constant, ListTemplate, MapTemplate, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.execute.recipe import Bindings
    from flowpar.expr.template import Template
    from flowpar.planning.model import PlannedTask

_NAMES = {"item": rb"FLOWPAR_ITEM\b", "task": rb"FLOWPAR_TASK\b"}
_FIELDS = {"item": rb"\.item\b", "task": rb"\.task\b"}
_CONTEXT = b"TaskContext"


class Identities:
    """Finds what tasks look at; each file is searched once."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._of_task: dict[str, frozenset[str]] = {}
        self._of_file: dict[str, frozenset[str]] = {}

    def of(self, task: PlannedTask, bindings: Bindings, folders: tuple[str, ...]) -> dict[str, object]:
        """Return what counts of an attempt's own identity; modules are below `folders`."""
        names = self._of_task.get(task.id)
        if names is None:
            names = self._of_task[task.id] = frozenset(self._names(task, folders))
        told: dict[str, object] = {"item": bindings.index, "task": task.id}
        return {name: told[name] for name in sorted(names)}

    def _names(self, task: PlannedTask, folders: tuple[str, ...]) -> Iterator[str]:
        call, caching = task.call, task.cache
        templates = [*call.arguments.values(), *call.env.values(), *([] if call.cwd is None else [call.cwd])]
        text = "\n".join(each for template in templates for each in _texts(template)).encode("utf-8", "replace")
        yield from _named(text)
        paths = () if caching is None or caching.reached is None else caching.reached.parts
        for path in dict.fromkeys(part.path for part in paths):
            yield from self._in_file(path, folders)

    def _in_file(self, path: str, folders: tuple[str, ...]) -> frozenset[str]:
        for folder in folders:
            full = os.path.join(folder, path)  # noqa: PTH118 - texts
            if full in self._of_file:
                return self._of_file[full]
            try:
                with open(full, "rb") as stream:  # noqa: PTH123 - the same
                    found = self._of_file[full] = _named(stream.read())
            except OSError:
                continue
            return found
        return frozenset()


def _named(text: bytes) -> frozenset[str]:
    found = {name for name, pattern in _NAMES.items() if re.search(pattern, text)}
    if _CONTEXT in text:
        found |= {name for name, pattern in _FIELDS.items() if re.search(pattern, text)}
    return frozenset(found)


def _texts(template: Template) -> Iterator[str]:
    match template:
        case Constant(value=str(value)):
            yield value
        case Constant(value=list() | tuple() as values):
            yield from (each for each in values if isinstance(each, str))
        case Text(parts):
            yield from (part for part in parts if isinstance(part, str))
        case ListTemplate(items):
            for item in items:
                yield from _texts(item)
        case MapTemplate(entries):
            for _, under in entries:
                yield from _texts(under)
        case _:
            pass
