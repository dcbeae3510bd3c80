"""What an attempt was given, to be looked at: worked out without running any code of the user's.

    Again ─► contexts over outlines of values ─► each argument, each variable of `env`, the folder

Objects are outlines of what was written (`data/outline.py`), so a class that is gone is no hindrance. What an
expression does with more than their fields, only a task can say, and then this says so.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

from flowpar.core.checksum import is_checksum_of
from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass, replace
from flowpar.core.outcome import TaskFailed
from flowpar.data.codec import Damaged
from flowpar.data.outline import outline
from flowpar.data.parts import count_parts, parts_in
from flowpar.execute.contexts import build_contexts
from flowpar.execute.decide import item_of
from flowpar.execute.expansion import load_item
from flowpar.execute.surroundings import inherited, lay, told_by_flowpar
from flowpar.expr.convert import to_text
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.template import Expression
from flowpar.record.folder import open_inside
from flowpar.report.wording import size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from flowpar.core.outcome import ValueRef
    from flowpar.engine.again import Again
    from flowpar.execute.base import Job
    from flowpar.execute.contexts import OutputKey
    from flowpar.execute.recipe import Bindings, Call, Expand, Shared
    from flowpar.expr.template import Template

_LARGEST_BYTES = 16 << 20
_INTERNAL = "flowpar.tasks.script:"


@dataclass(frozen=True, slots=True)
class Shown:
    """A value, or why there is none to be shown; `origin` is the expression that it comes from, "" for none."""

    value: object = None
    problem: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What an attempt was given: arguments by name, its own variables, and the folder."""

    arguments: Mapping[str, Shown]
    env: Mapping[str, Shown]
    folder: Shown


class Outlines:
    """Reads the values of a run, each as an outline; what is too large is told and not read."""

    def __init__(self, run_dir: Path) -> None:
        """Read nothing yet."""
        self._run_dir = run_dir

    def load(self, ref: ValueRef) -> object:
        """Return what a value looks like; raises NeedsWorker with why there is nothing to be seen."""
        try:
            data = self._data(ref)
            if count_parts(data) is None:
                return outline(data)
            return [self.load(part) for part in parts_in(data)]
        except Damaged as error:
            raise NeedsWorker(str(error)) from None

    def _data(self, ref: ValueRef) -> bytes:
        if ref.inline is not None:
            return ref.inline
        file = self._run_dir / (ref.file or "")
        if ref.size_bytes > _LARGEST_BYTES:
            raise NeedsWorker(f"{size(ref.size_bytes)}, too large to be shown: it is in {file}")
        try:
            with os.fdopen(open_inside(self._run_dir, ref.file or ""), "rb") as stream:
                data = stream.read(ref.size_bytes + 1)
        except OSError as error:
            raise NeedsWorker(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from None
        if len(data) != ref.size_bytes or not is_checksum_of([data], ref.checksum):
            raise NeedsWorker(f"{file} is not what was written: its checksum does not match")
        return data


def given(found: Again, outlines: Outlines) -> Given:
    """Work out what an attempt was given; a problem with one part of it is told in its place."""
    call: Call = pickle.loads(found.job.recipe)
    looking = _Looking(found, outlines)
    arguments = {name: looking.shown(template) for name, template in call.arguments.items()}
    if call.target.startswith(_INTERNAL):
        arguments = {name: shown for name, shown in arguments.items() if not name.startswith("__")}
    env = {name: looking.shown(template) for name, template in call.env.items()}
    folder = Shown(looking.folder) if call.cwd is None else looking.below(looking.shown(call.cwd))
    return Given(arguments, env, folder)


class _Looking:
    """Evaluates templates of one attempt in this process, where only outlines of values are met."""

    def __init__(self, found: Again, outlines: Outlines) -> None:
        self._load: Callable[[ValueRef], object] = outlines.load
        self._problem = ""
        self._contexts = self._worked_out(found)

    def shown(self, template: Template) -> Shown:
        origin = f"${{{{ {template.text.strip()} }}}}" if isinstance(template, Expression) else ""
        if self._problem:
            return Shown(problem=self._problem, origin=origin)
        try:
            return Shown(evaluate(template, self._contexts), origin=origin)
        except (EvaluationError, NeedsWorker) as error:
            return Shown(problem=str(error), origin=origin)
        except (MemoryError, RecursionError):
            return Shown(problem="it takes too much memory to be shown", origin=origin)

    @property
    def folder(self) -> str:
        workflow: Any = self._contexts["workflow"]
        return str(workflow["dir"])

    def below(self, found: Shown) -> Shown:
        """Return a folder that is relative to that of the workflow."""
        return found if found.problem else replace(found, value=os.path.join(self.folder, str(found.value)))  # noqa: PTH118

    def _worked_out(self, found: Again) -> Mapping[str, object]:
        bindings: Bindings = pickle.loads(found.job.bindings)
        environment = self._environment(found.job, bindings)
        contexts = self._of(found.job, bindings, environment)
        if found.expand is None and not found.fed:
            return contexts
        each: dict[str, object] = {"index": bindings.index}
        try:
            each |= {name: load_item(data, self._load) for name, data in found.fed.items()}
            if found.expand is not None:
                recipe: Expand = pickle.loads(found.expand.recipe)
                lists = self._of(found.expand, pickle.loads(found.expand.bindings), environment)
                item, key = item_of(recipe, lists, bindings.index or 0)
                each |= item if key is None else {**item, "key": key}
        except (EvaluationError, NeedsWorker, TaskFailed) as error:
            self._problem = f"what the item is bound to is not known: {error}"
        return {**contexts, "matrix" if bindings.is_matrix else "each": each}

    def _environment(self, job: Job, bindings: Bindings) -> Mapping[str, str]:
        """Return the environment that expressions see, as far as it can be had here."""
        shared = _shared_of(job, bindings)
        told = told_by_flowpar(job, shared, None, lap=bindings.round)
        environment = inherited()
        lay(environment, {**dict.fromkeys(shared.hidden), **shared.env_file, **told})
        contexts = self._of(job, bindings, environment)
        for name, template in shared.env.items():
            try:
                value = evaluate(template, contexts)
                environment[name] = str(value).lower() if isinstance(value, bool) else to_text(value)
            except (EvaluationError, NeedsWorker):  # whoever reads it is told that it is not there
                environment.pop(name, None)
        return environment

    def _of(self, job: Job, bindings: Bindings, environment: Mapping[str, str]) -> Mapping[str, object]:
        shared = _shared_of(job, bindings)
        return build_contexts(shared, bindings, load=self._load, fetch=_nothing, environment=environment)


def _shared_of(job: Job, bindings: Bindings) -> Shared:
    shared: Shared = pickle.loads(job.shared)
    return shared if bindings.scope is None else bindings.scope.within(shared)


def _nothing(keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
    return [None] * len(keys)
