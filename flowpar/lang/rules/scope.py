"""What expressions may read at one place of the document, with its static types.

Surroundings   the whole workflow: inputs, secrets, tasks, env
  └─ view      one place: which contexts are there, and why others are not
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.outcome import FailureKind
from flowpar.core.states import RunStatus, TaskState
from flowpar.core.suggest import Names
from flowpar.core.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NONE,
    PATH,
    STR,
    Constant,
    ListOf,
    MapOf,
    Record,
    Spot,
    Type,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from flowpar.expr.parse import DeclaredIds
    from flowpar.lang.model import DefaultsModel, InputModel, TaskModel, Workflow

_RUN: Mapping[str, Type] = {"id": STR, "dir": STR}
_RUN_OVER: Mapping[str, Type] = {
    **_RUN,
    "status": Constant(tuple(status.value for status in RunStatus)),
    "failed": ListOf(STR),
}
_WORKFLOW = {"name": STR, "dir": STR}
_ERROR = Record(
    "error",
    (
        ("kind", Constant(tuple(kind.value for kind in FailureKind))),
        ("type", STR),
        ("message", STR),
        ("attempt", INT),
        ("exit_code", union([INT, NONE])),
        ("traceback", STR),
    ),
)
_STATUS = Constant(tuple(state.value for state in TaskState if state.is_final))
_ENDING: tuple[tuple[str, Type], ...] = (("status", _STATUS), ("error", union([_ERROR, NONE])))
_INPUT_TYPES: dict[str, Type] = {
    "string": STR,
    "integer": INT,
    "number": FLOAT,
    "boolean": BOOL,
    "path": PATH,
    "mapping": MapOf(STR, ANY),
    "any": ANY,
}


def type_of_input(model: InputModel) -> Type:
    """Return the static type of a declared input's value."""
    kind = _INPUT_TYPES.get(model.type, ANY)
    if model.type == "list":
        kind = ListOf(ANY if model.items is None else _INPUT_TYPES.get(model.items, ANY))
    if model.enum and model.type in {"string", "integer", "boolean"}:
        values = [value for value in model.enum if isinstance(value, str | int | bool)]
        kind = Constant(tuple(values)) if len(values) == len(model.enum) else kind
    return union([kind, NONE]) if model.has_default and model.default is None else kind


def type_of_task(output: Type, *, tells_items: bool = False, spot: Spot | None = None) -> Type:
    """Return the static type of `tasks.<id>`; `spot` is where the function is that makes the output."""
    spots = () if spot is None else (("output", spot),)
    items = (("items", ListOf(Record("item", _ENDING))),) if tells_items else ()
    return Record("task", (("output", output), *_ENDING, *items), spots=spots)


def has_gaps(model: TaskModel, defaults: DefaultsModel) -> bool:
    """Whether items of a fan-out may be skipped, or failed and collected, which leaves None in the list."""
    if (model.on_item_error or defaults.on_item_error) == "collect":
        return True
    return isinstance(model.condition, str) and _PER_ITEM.search(model.condition) is not None


_PER_ITEM = re.compile(r"\b(each|matrix)\s*[.\[]")


class TaskTypes(Mapping[str, Type]):
    """The static types of `tasks.<id>`, each worked out when it is first asked for."""

    __slots__ = ("_output_of", "_shared", "_spot_of", "_types", "_workflow", "names")

    def __init__(
        self,
        workflow: Workflow,
        output_of: Callable[[str], Type],
        spot_of: Callable[[str], Spot | None] = lambda _: None,
    ) -> None:
        """Take the type of one output from `output_of`, and where it is made from `spot_of`."""
        self.names = Names(workflow.tasks)
        self._workflow = workflow
        self._output_of = output_of
        self._spot_of = spot_of
        self._types: dict[str, Type] = {}
        self._shared: dict[tuple[object, ...], tuple[Type, Type]] = {}

    def __getitem__(self, task: str) -> Type:
        """Return the type of `tasks.<task>`; those that call the same have the very same."""
        found = self._types.get(task)
        if found is None:
            model = self._workflow.tasks[task]
            output, spot = self._output_of(task), self._spot_of(task)
            has_items = model.for_each is not None or model.matrix is not None
            has_none = has_items and has_gaps(model, self._workflow.defaults)
            # Of a sub-workflow each item is tasks of its own, and none of them is known by a number alone.
            tells_items = has_items and model.kind != "workflow"
            key = (id(output), spot, has_items, has_none, tells_items)
            if key not in self._shared:
                whole = ListOf(union([output, NONE]) if has_none else output) if has_items else output
                # Along with it, so that its id is nobody else's.
                self._shared[key] = output, type_of_task(whole, tells_items=tells_items, spot=spot)
            found = self._types[task] = self._shared[key][1]
        return found

    def __contains__(self, task: object) -> bool:
        """Whether there is such a task."""
        return task in self._workflow.tasks

    def __iter__(self) -> Iterator[str]:
        """Give the ids."""
        return iter(self._workflow.tasks)

    def __len__(self) -> int:
        """Count the tasks."""
        return len(self._workflow.tasks)


class AnyText(Mapping[str, Type]):
    """The variables of an environment that nobody knows in full: every name is there, as text."""

    __slots__ = ("_known",)

    def __init__(self, known: Iterable[str]) -> None:
        """Offer `known` where names are listed."""
        self._known = dict.fromkeys(known, STR)

    def __getitem__(self, name: str) -> Type:
        """Return text."""
        return STR

    def __contains__(self, name: object) -> bool:
        """Any name may be set."""
        return True

    def __iter__(self) -> Iterator[str]:
        """Give the declared names."""
        return iter(self._known)

    def __len__(self) -> int:
        """Count the declared names."""
        return len(self._known)


@dataclass(frozen=True, slots=True)
class View:
    """The contexts of one place; implements `expr.check.Scope`.

    `present` are the places that a condition proves not to be None.
    """

    contexts: Mapping[str, Mapping[str, Type]]
    absent: Mapping[str, str]
    present: frozenset[str] = frozenset()

    def repeated(self, output: Type) -> View:
        """Return the view of a task that repeats: `previous` is the last round's output."""
        return replace(self, contexts={**self.contexts, "previous": {"": union([output, NONE])}})

    def keyed(self) -> View:
        """Return the view of a task with items whose `key` is known."""
        return replace(self, contexts={**self.contexts, "each": {**self.contexts["each"], "key": ANY}})

    def asking(self, output: Type) -> View:
        """Return the view of the `until` of a task that repeats, which is asked when an attempt is over."""
        contexts = {name: members for name, members in self.contexts.items() if name != "env"}
        absent = {**self.absent, "env": '"until" is asked after the task'}
        return replace(self, contexts={**contexts, "output": {"": output}}, absent=absent)

    @property
    def ids(self) -> DeclaredIds:
        """The ids that a parser must know."""
        return self.contexts

    def member(self, context: str, name: str) -> Type | None:
        """Return the type of a member, or None where there is none."""
        members: Mapping[str, Type] = self.contexts.get(context, {})
        return members.get(name)

    def members(self, context: str) -> Collection[str]:
        """Return the names of a context's members."""
        members: Mapping[str, Type] = self.contexts.get(context, {})
        return members.names if isinstance(members, TaskTypes) else members

    def why_absent(self, context: str) -> str | None:
        """Return why a context is not to be had here, or None."""
        if context in self.contexts:
            return None
        return self.absent.get(context) or _ABSENT.get(context) or "it is not known here"


_ABSENT = {
    "each": 'the task has no "for_each"',
    "matrix": 'the task has no "matrix"',
    "output": 'it belongs to the "until" of a "repeat"',
    "previous": 'the task has no "repeat"',
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the whole workflow offers to its expressions."""

    inputs: Mapping[str, Type]
    tasks: TaskTypes
    env: Mapping[str, Type]
    secrets: Mapping[str, Type]
    run: Mapping[str, Type] = field(default_factory=lambda: _RUN)

    def over(self) -> Surroundings:
        """Return what there is when all tasks are over."""
        return replace(self, run=_RUN_OVER)

    def settled(self, what: str) -> View:
        """Return the view of a value that is settled before the run."""
        late = f"{what} is settled before the run"
        contexts = {"inputs": self.inputs, "env": self.env, "secrets": self.secrets, "workflow": _WORKFLOW}
        return View(contexts, {"tasks": late, "run": late, "each": late, "matrix": late})

    def running(self) -> View:
        """Return the view of a value without items, such as the workflow's outputs."""
        return View(self._common(), {})

    def without_items(self) -> View:
        """Return the view of a task whose `for_each` or `matrix` has a finding of its own."""
        return View(self._common(), {"each": 'its "for_each" is wrong', "matrix": 'its "matrix" is wrong'})

    def spreading(self) -> View:
        """Return the view of the lists of a fan-out, which come before any item."""
        early = "it is what this list makes"
        return View(self._common(), {"each": early, "matrix": early})

    def top_env(self) -> View:
        """Return the view of the top-level `env`, which all tasks share."""
        shared = 'the top-level "env" is the same for all tasks'
        contexts = {name: members for name, members in self._common().items() if name != "tasks"}
        return View(contexts, {"tasks": shared, "each": shared, "matrix": shared})

    def of_items(self, context: str, names: Mapping[str, Type]) -> View:
        """Return the view of a task with items: `each` or `matrix` has their names."""
        index = {"index": INT}
        contexts = {**self._common(), "each": index, context: {**names, **index} if context == "each" else names}
        return View(contexts, {})

    def _common(self) -> dict[str, Mapping[str, Type]]:
        return {
            "inputs": self.inputs,
            "tasks": self.tasks,
            "env": self.env,
            "secrets": self.secrets,
            "run": self.run,
            "workflow": _WORKFLOW,
        }
