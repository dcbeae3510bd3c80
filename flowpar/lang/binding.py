"""From nodes to a `Workflow`: every finding about shape, and what is right all the same.

    Document ─► plain values ─► strict models ─► Workflow
                    │                │
                    └── warnings     └── errors, each brought back to its place by its path

A part that has a finding is left out or as if it had not been written, so that what follows can go on
and report the rest; only a document with errors stays unplanned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.collector import collector_paused
from flowpar.core.diagnostics import Diagnostic, Severity
from flowpar.core.executors import EXECUTORS
from flowpar.core.frozen import dataclass
from flowpar.lang.fields import ID, ID_FORM
from flowpar.lang.input_binding import bind_inputs
from flowpar.lang.model import DefaultsModel, TaskModel, Workflow
from flowpar.lang.node import Document, MappingNode, ScalarNode, SequenceNode
from flowpar.lang.plain import PlainReader
from flowpar.lang.secret_binding import bind_secrets
from flowpar.lang.shape import ShapeReader, keys_of
from flowpar.lang.task_binding import TaskBinder
from flowpar.lang.variables import read_variables
from flowpar.lang.vocabulary import (
    BUILT_IN_KINDS,
    BUILT_IN_LIMITS,
    FOREIGN_TOP_KEYS,
    NOT_IN_DEFAULTS,
)
from flowpar.lang.wording import short

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_TOP_KEYS = keys_of(Workflow)
_PARTS = frozenset({"flowpar", "inputs", "secrets", "defaults", "tasks", "finally", "env", "limits"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A document and what it says; `workflow` is whole only where no diagnostic is an error."""

    workflow: Workflow
    document: Document
    diagnostics: tuple[Diagnostic, ...]


def plugins_of(document: Document) -> tuple[str, ...]:
    """Return the plugins that a document names, before anything is bound; ill-formed ones are left out."""
    node = document.root.get("plugins")
    nodes = node.items if isinstance(node, SequenceNode) else (node,)
    return tuple(child.text for child in nodes if isinstance(child, ScalarNode) and child.text)


def bind(
    document: Document,
    *,
    kinds: Collection[str] = BUILT_IN_KINDS,
    executors: Sequence[str] = EXECUTORS,
    lacks_kinds: bool = False,
) -> Bound:
    """Bind a document to the models; `kinds` are the kind keys that exist, `executors` the names of those.

    `lacks_kinds` says that there would be more, were its plugins in order.
    """
    with collector_paused():
        shape = ShapeReader(document, PlainReader(document))
        return _bind(shape, TaskBinder(shape, kinds, lacks_kinds=lacks_kinds, executors=executors))


def _bind(shape: ShapeReader, binder: TaskBinder) -> Bound:
    document = shape.document
    parts = _top_level(shape)
    tasks = _tasks(shape, binder)
    parts["tasks"] = {**tasks, **_final_tasks(shape, binder, tasks)}
    parts["inputs"] = bind_inputs(shape)
    parts["secrets"] = bind_secrets(shape)
    parts["defaults"] = _defaults(shape, binder)
    parts["limits"] = _limits(shape)
    if (env := document.root.get("env")) is not None:
        parts["env"] = read_variables(shape, ("env",), env)
    _check_version(shape)
    workflow = shape.model(Workflow, (), parts) or Workflow()
    return Bound(workflow, document, _in_place(shape))


def _top_level(shape: ShapeReader) -> dict[str, Any]:
    """Read the keys that stand for themselves and refuse those that are not ours."""
    parts: dict[str, Any] = {}
    for key, node in shape.document.root.items():
        name = key.text
        if name.startswith("x-") or name in _PARTS:
            continue
        if name in _TOP_KEYS:
            parts[name] = shape.plain.value(node)
        else:
            hint = FOREIGN_TOP_KEYS.get(name) or _key_of_tasks(name)
            shape.find_unknown((name,), "this workflow", sorted(_TOP_KEYS), hint=hint, also="and x-* for notes")
    return parts


def _key_of_tasks(name: str) -> str | None:
    if name in BUILT_IN_KINDS or name in keys_of(TaskModel):
        in_defaults = name not in BUILT_IN_KINDS | NOT_IN_DEFAULTS
        return "it belongs to a task" + (', or below "defaults" for all of them' if in_defaults else "")
    return None


def _tasks(shape: ShapeReader, binder: TaskBinder) -> dict[str, Any]:
    node = shape.document.root.get("tasks")
    key = shape.document.root.key("tasks")
    if node is None:
        message = "the workflow has no tasks: the key tasks is missing"
        shape.find(("tasks",), message, code="FP120", hint='add "tasks:" and below it a key for each task')
        return {}
    if isinstance(node, MappingNode) and node.keys:
        return {task.text: binder.bind(task.text, value) for task, value in node.items()}
    if isinstance(node, MappingNode) or (isinstance(node, ScalarNode) and not node.text):
        shape.find(
            ("tasks",), "the workflow has no tasks", code="FP120", hint="each task is a key below tasks", of_key=True
        )
    else:
        hint = 'write the id of each task as a key: "load:" instead of "- load"' if key else None
        shape.find_wrong(("tasks",), "a mapping of task ids to tasks", hint=hint, code="FP120")
    return {}


def _final_tasks(shape: ShapeReader, binder: TaskBinder, others: Collection[str]) -> dict[str, Any]:
    node = shape.document.root.get("finally")
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        hint = 'write the id of each task as a key: "tidy:" instead of "- tidy"'
        shape.find_wrong(("finally",), "a mapping of task ids to tasks", hint=hint)
        return {}
    for task in node.keys:
        if task.text in others:
            message = f'"{short(task.text)}" is a task already; those of finally have ids of their own'
            shape.find_key(("finally", task.text), message, code="FP240", hint="give it another id")
    return {
        task.text: binder.bind(task.text, value, home="finally")
        for task, value in node.items()
        if task.text not in others
    }


def _defaults(shape: ShapeReader, binder: TaskBinder) -> DefaultsModel:
    node = shape.document.root.get("defaults")
    if node is None:
        return DefaultsModel()
    if not isinstance(node, MappingNode):
        shape.find_wrong(("defaults",), "a mapping of task keys")
        return DefaultsModel()
    parts = {}
    for key, value in node.items():
        if key.text in NOT_IN_DEFAULTS or key.text in BUILT_IN_KINDS:
            shape.find_key(("defaults", key.text), f'"{key.text}" belongs to one task, not to defaults', code="FP129")
        elif binder.is_common(("defaults",), key.text, keys_of(DefaultsModel)):
            parts[key.text] = binder.read(("defaults", key.text), value)
    return shape.model(DefaultsModel, ("defaults",), parts) or DefaultsModel()


def _limits(shape: ShapeReader) -> Any:
    node = shape.document.root.get("limits")
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        shape.find_wrong(("limits",), "a mapping of names to numbers")
        return {}
    found = {}
    for key, value in node.items():
        if key.text in BUILT_IN_LIMITS:
            message = f'the limit "{key.text}" is built in and can\'t be declared'
            hint = '"-w" sets how many tasks run at once' if key.text == "cpu" else "it is what this machine has"
            shape.find_key(("limits", key.text), message, code="FP129", hint=hint)
        elif check_id(shape, ("limits", key.text), "limit"):
            found[key.text] = shape.plain.value(value)
    return found


def check_id(shape: ShapeReader, path: tuple[str, ...], what: str) -> bool:
    """Find an id that breaks the grammar; returns whether it is right."""
    if ID.fullmatch(path[-1]):
        return True
    name = f'"{short(path[-1])}" is no {what} id' if path[-1] else f"this {what} has an empty id"
    shape.find_key(path, name, code="FP128", hint=f"ids are {ID_FORM}")
    return False


def _check_version(shape: ShapeReader) -> None:
    node = shape.document.root.get("flowpar")
    hint = 'write "flowpar: 1"'
    if node is None:
        shape.find(
            ("flowpar",), "the version of the language is missing", code="FP125", hint=f"{hint} as the first line"
        )
    elif shape.plain.value(node) != 1 or not isinstance(node, ScalarNode) or node.text != "1" or not node.is_plain:
        shape.find_wrong(("flowpar",), "the number 1, the version of the language", code="FP125", hint=hint)


def _in_place(shape: ShapeReader) -> tuple[Diagnostic, ...]:
    """Return the findings; a place with an error needs no warning about how its value reads."""
    errors = {d.span for d in shape.findings if d.severity is Severity.ERROR}
    warnings = (d for d in shape.plain.findings if d.severity is Severity.ERROR or d.span not in errors)
    return (*shape.findings, *warnings)
