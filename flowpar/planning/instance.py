"""One go at a sub-workflow, as the task that it is or as one of its items: which inputs are known before the run.

for_each, matrix ─► items, where their lists are known      with ─► values, where no task gives one
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass
from flowpar.core.outcome import TaskFailed
from flowpar.core.part_name import label_of
from flowpar.data.codec import Damaged, decode_plain
from flowpar.data.input_value import DeclaredInput, InputProblem, value_from_data
from flowpar.execute.decide import expand
from flowpar.execute.recipe import Expand
from flowpar.expr.evaluate import IN_ENGINE, EvaluationError, evaluate
from flowpar.expr.references import references
from flowpar.planning.model import Bound
from flowpar.planning.template import ANY_ITEM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked, CheckedFanOut, CheckedTask
    from flowpar.planning.fingerprint import Fingerprints
    from flowpar.planning.settled import Settled


@dataclass(frozen=True, slots=True)
class Instance:
    """A sub-workflow as a task of its document, `train`, or an item of it, `train[2]`, with what that is bound to."""

    id: str
    bound: Bound | None = None


def items_of(
    fan_out: CheckedFanOut, settled: Settled, is_early: Callable[[Template], bool]
) -> list[Bound] | str | None:
    """Return what the items of a sub-workflow are bound to, None where only the run knows, or why there are none."""
    templates = [*fan_out.lists, *([] if fan_out.key is None else [fan_out.key])]
    if not all(map(is_early, templates)):
        return None
    read = (reference for each in templates for reference in references(each))
    if any(reference.context == "inputs" and reference.name not in settled.inputs for reference in read):
        return []  # an input without a default, in a plan for looking at
    recipe = Expand(fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude, key=fan_out.key)
    try:
        found = expand(recipe, settled.contexts, limits=IN_ENGINE)
    except TaskFailed as failed:
        return failed.failure.message
    except NeedsWorker:
        return None
    keys: Sequence[str | float | None] = [None] * found.count if found.keys is None else found.keys
    return [Bound(found.item(index), index, fan_out.is_product, key) for index, key in enumerate(keys)]


def label(bound: Bound) -> str:
    """Return how an item is named: by its key, or by its number."""
    return str(bound.index) if bound.key is None else label_of(bound.key)


@dataclass(frozen=True, slots=True)
class InputValues:
    """What a task gives the sub-workflow that it is."""

    task: CheckedTask
    caller: Checked
    sub: Checked
    settled: Settled
    bound: Bound | None

    def known(
        self,
        declared: Mapping[str, DeclaredInput],
        is_early: Callable[[Template], bool],
        find: Callable[..., None],
    ) -> dict[str, object] | None:
        """Return the inputs where all are known before the run, else None; `find` gets what does not fit."""
        contexts = self._contexts()
        values: dict[str, object] = {}
        for name, model in declared.items():
            template = self.task.call.arguments.get(name)
            value, folder = model.default, self.sub.folder or Path()
            if template is None and not model.has_default:
                continue
            if template is not None:
                if contexts is None or not is_early(template):
                    return None
                try:
                    value, folder = evaluate(template, contexts, limits=IN_ENGINE), self.caller.folder or Path()
                except (EvaluationError, NeedsWorker):
                    return None
            try:
                is_nothing = value is None and model.has_default and model.default is None
                values[name] = None if is_nothing else value_from_data(model, value, folder)
            except InputProblem as problem:
                message = f'input "{name}" of "{self.sub.path}" {problem.message}'
                find((self.task.home, self.task.id, "with", name), message=message)
        return values

    def fingerprint(self, prints: Fingerprints, declared: Mapping[str, DeclaredInput]) -> str:
        """Return the fingerprint of what is given."""
        bound: object = None if self.bound is None else (self.bound.index, self.bound.each)
        if self.bound is not None and self.bound.key is not None:  # wherever it stands
            bound = (self.bound.key, self.bound.each)
        return digest((prints.of(self.task), sorted(map(repr, declared.items())), bound))

    def _contexts(self) -> Mapping[str, object] | None:
        """Return what `with` may read before the run; None where what the item is bound to is no plain data."""
        if self.bound is None:
            return self.settled.contexts
        try:
            values = {name: decode_plain(data) for name, data in self.bound.each.items()}
        except (NeedsWorker, Damaged):
            return None
        # Of an item that only the run knows nothing is known yet.
        index: dict[str, object] = {} if self.bound.index == ANY_ITEM else {"index": self.bound.index}
        if self.bound.key is not None:
            index["key"] = self.bound.key
        item = {"each": index, "matrix": values} if self.bound.is_matrix else {"each": {**index, **values}}
        return {**self.settled.contexts, **item}


def declared_inputs(sub: Checked) -> dict[str, DeclaredInput]:
    """Return what a workflow declares, as a worker may have it."""
    models = {} if sub.workflow is None else sub.workflow.inputs
    return {
        name: DeclaredInput(
            type=model.type,
            items=model.items,
            default=model.default,
            has_default=model.has_default,
            enum=model.enum,
            minimum=model.minimum,
            maximum=model.maximum,
            pattern=model.pattern,
            min_length=model.min_length,
            max_length=model.max_length,
        )
        for name, model in models.items()
    }


def read_by(templates: Mapping[str, Template], context: str) -> set[str]:
    """Return the members of a context that templates read."""
    found = (reference for template in templates.values() for reference in references(template))
    return {reference.name for reference in found if reference.context == context and reference.name is not None}
