"""Keys before the run: what of them is known while no task has come to anything.

template ─┬─ reads only inputs, items, the environment ─► digest, as the run will take it
          └─ reads tasks, secrets or the run            ─► LATE
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.execute.decide import expand
from flowpar.execute.recipe import INPUTS, Bindings
from flowpar.expr.evaluate import IN_ENGINE
from flowpar.expr.references import references
from flowpar.planning.model import Caching
from flowpar.schedule.job import bindings_of
from flowpar.schedule.keying import Key, KeyMaker
from flowpar.schedule.opening import expansion_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.expr.template import Template
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.declared import FilesRead
    from flowpar.schedule.keying import Keyed

LATE = "late"
_LATE = frozenset({"tasks", "secrets", "run", "previous", "output"})
_OF_ITEMS = frozenset({"each", "matrix"})
# Of so many items it is said one by one whether they would be made.
MOST_ITEMS = 1_000


class ForetoldKeys(KeyMaker):
    """Makes keys in which what only the run knows is LATE."""

    def _key(self, task: PlannedTask, caching: Caching, bindings: Bindings) -> Key:
        return _Foretold(self, task, caching, bindings)

    def bound(self, task: PlannedTask) -> Iterator[Bindings]:
        """Give what is bound for each attempt: once, or for each item where the items are known."""
        bare, fan_out = bindings_of(task, {}, {}), task.fan_out
        if fan_out is None:
            yield bare
            return
        recipe, found = expansion_of(task, fan_out), _Foretold(self, task, task.cache or Caching(), bare)
        lists = [*fan_out.lists, *([] if recipe.condition is None else [recipe.condition])]
        if task.decides_on or any(found.is_late(each, allows_items=True) for each in lists):
            yield bare
            return
        items = expand(recipe, found.contexts, limits=IN_ENGINE)
        if items.count > MOST_ITEMS:
            yield bare
            return
        for index in range(items.count):
            if items.verdicts is None or items.verdicts[index]:
                key = None if items.keys is None else items.keys[index]
                each, is_matrix = items.item(index), fan_out.is_product
                yield Bindings({}, each, index, is_matrix, scope=task.scope, key=key)


class _Foretold(Key):
    """Makes one key as far as it is known."""

    def __init__(self, maker: KeyMaker, task: PlannedTask, caching: Caching, bindings: Bindings) -> None:
        """Read what is bound for an attempt at `task`, and leave out the globs that only the run knows."""
        self._bindings, self._task = bindings, task
        globs = {"files": caching.files, "outputs": caching.outputs}
        self._unknown = [name for name, each in globs.items() if each is not None and self.is_late(each)]
        files = None if "files" in self._unknown else caching.files
        outputs = None if "outputs" in self._unknown else caching.outputs
        super().__init__(maker, task, replace(caching, files=files, outputs=outputs), bindings)

    def made(self, read: FilesRead) -> Keyed:
        """Return it, with what only the run knows as LATE."""
        keyed = super().made(read)
        if not self._unknown:
            return keyed
        parts = {**keyed.keeping.parts, **dict.fromkeys(self._unknown, LATE)}
        return replace(keyed, keeping=replace(keyed.keeping, parts=parts))

    def is_late(self, template: Template, *, allows_items: bool = False) -> bool:
        """Whether only the run knows what a template comes to; `allows_items` where items are not bound yet."""
        read = {reference.context for reference in references(template)}
        scope, bindings = self._bindings.scope, self._bindings
        late = _LATE if bindings.each or bindings.index is not None or allows_items else _LATE | _OF_ITEMS
        if "inputs" in read and scope is not None and scope.has_entry and scope.prefix + INPUTS in self._task.reads:
            return True
        return not read.isdisjoint(late)

    def _part(self, template: Template) -> str:
        return LATE if self.is_late(template) else super()._part(template)

    def _source(self, template: Template) -> str:
        return LATE if self.is_late(template) else super()._source(template)
