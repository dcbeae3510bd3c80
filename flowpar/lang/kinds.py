"""Which kinds a document may use: the built-in ones, those of its own `plugins:`, and installed ones where needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Label
from flowpar.core.executors import EXECUTORS
from flowpar.core.frozen import dataclass
from flowpar.core.source import Span
from flowpar.lang.binding import plugins_of
from flowpar.lang.node import MappingNode, ScalarNode
from flowpar.lang.vocabulary import BUILT_IN_KINDS
from flowpar.plugin.local import read_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.plugin.local import LocalProblem
    from flowpar.plugin.registry import Registry, TaskTypeSource


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds and executors that a document may name, and what is wrong with the plugins that it names."""

    registry: Registry
    known: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]
    entries: tuple[str, ...] = ()
    local: tuple[TaskTypeSource, ...] = ()
    executors: tuple[str, ...] = EXECUTORS

    def used_by(self, workflow: Workflow) -> dict[str, TaskTypeSource]:
        """Return the task types that a workflow uses, but `python`; raises PluginError for one that is unusable."""
        used = dict.fromkeys(task.kind for task in workflow.tasks.values())
        found = {kind: self.registry.find(kind) for kind in used if kind not in {"", "python", "workflow"}}
        return {kind: source for kind, source in found.items() if source is not None}


def kinds_of(document: Document, registry: Registry, folder: Path, python_path: Sequence[str]) -> Kinds:
    """Find the kinds and executors of a document; installed ones are only looked for where others are named."""
    diagnostics: tuple[Diagnostic, ...] = ()
    entries = plugins_of(document) if registry.allows_plugins else ()
    local: tuple[TaskTypeSource, ...] = ()
    if entries:
        plugins = read_local(entries, workflow_dir=folder, python_path=python_path)
        local = plugins.sources
        registry = registry.with_local(local)
        diagnostics = tuple(_diagnostic(document, problem) for problem in plugins.problems)
    known = BUILT_IN_KINDS | {source.kind for source in local}
    if _has_other_kinds(document, known):
        known |= set(registry.kinds())
    has_others = any(name not in EXECUTORS for name in _executors_named(document))
    executors = (*EXECUTORS, *registry.executors.names) if has_others else EXECUTORS
    return Kinds(registry, known, diagnostics, entries, local, executors)


def _has_other_kinds(document: Document, known: frozenset[str]) -> bool:
    return any(not any(key.text in known for key in task.keys) for task in _tasks(document))


def _executors_named(document: Document) -> Iterator[str]:
    defaults = document.root.get("defaults")
    for home in (*_tasks(document), *([defaults] if isinstance(defaults, MappingNode) else [])):
        node = home.get("executor")
        if isinstance(node, ScalarNode):
            yield node.text


def _tasks(document: Document) -> Iterator[MappingNode]:
    homes = (document.root.get("tasks"), document.root.get("finally"))
    tasks = (task for home in homes if isinstance(home, MappingNode) for task in home.values)
    return (task for task in tasks if isinstance(task, MappingNode))


def _diagnostic(document: Document, problem: LocalProblem) -> Diagnostic:
    path = ("plugins", problem.index)
    span = document.span(path if document.node(path) is not None else ("plugins",))
    labels: tuple[Label, ...] = ()
    if problem.file and problem.line:
        labels = (Label(problem.file, Span.at(problem.line, problem.column), "here"),)
    return Diagnostic(problem.code, problem.message, document.source.path, span, hint=problem.hint, labels=labels)
