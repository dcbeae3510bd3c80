"""The front door of the language: a file in, everything that is to be said about it out.

    path ─ load ─► Document ─ bind ─► Workflow ─ rules ─► Checked

No task runs, nothing of the workflow's is imported, nothing is written. All findings come at once.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.code.signature import Signatures
from flowpar.core.collector import collector_paused
from flowpar.core.diagnostics import Diagnostics
from flowpar.lang.binding import bind
from flowpar.lang.checked import Checked
from flowpar.lang.kinds import kinds_of
from flowpar.lang.loader import load
from flowpar.lang.node import ScalarNode, SequenceNode
from flowpar.lang.preloading import Preloading
from flowpar.lang.reading import label_sources
from flowpar.lang.rules.every import check_workflow
from flowpar.lang.rules.own_check import check_own
from flowpar.lang.rules.target import Targets
from flowpar.lang.sub import Nest, SubWorkflows
from flowpar.plugin.used import UsedKinds

if TYPE_CHECKING:
    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.lang.rules.every import Ruled
    from flowpar.plugin.registry import Registry


def check(path: str | os.PathLike[str], *, registry: Registry, is_strict: bool = False) -> Checked:
    """Read and check a workflow file and those in it, and with `is_strict` tell what can't be checked.

    Raises PluginError for a task type that can't be used.
    """
    name = os.fspath(path)
    nest = Nest.of(name, lambda file, nest: _check(file, registry, nest, is_strict=is_strict))
    checked = _check(name, registry, nest, is_strict=is_strict)
    if not nest.checked:
        return checked
    diagnostics, sources = Diagnostics(list(checked.diagnostics.found)), dict(checked.sources)
    for sub in nest.checked.values():
        diagnostics.extend(sub.diagnostics.found)
        sources = {**sub.sources, **sources}
    return replace(checked, diagnostics=diagnostics, sources={**label_sources(diagnostics), **sources})


def _check(name: str, registry: Registry, nest: Nest, *, is_strict: bool) -> Checked:
    loaded = load(name)
    diagnostics = Diagnostics(list(loaded.diagnostics))
    sources = {} if loaded.source is None else {loaded.source.path: loaded.source}
    if (document := loaded.document) is None:
        return Checked(name, diagnostics, sources)
    folder = Path(name).parent
    python_path = _python_path(document, folder)
    kinds = kinds_of(document, registry, folder, python_path)
    bound = bind(document, kinds=kinds.known, executors=kinds.executors, lacks_kinds=bool(kinds.diagnostics))
    diagnostics.extend([*kinds.diagnostics, *bound.diagnostics])
    used = kinds.used_by(bound.workflow)
    signatures = Signatures([*python_path, *sys.path, *(source.root for source in used.values() if source.root)])
    around, nest.pools = nest.pools, nest.pools.union(bound.workflow.limits)
    targets = Targets(signatures, used, {} if is_strict else None, SubWorkflows(folder, nest), around)
    rules = _ruled(bound.workflow, document, targets)
    nest.pools = around
    preloading = Preloading(bound.workflow, signatures, used)
    diagnostics.extend([*rules.diagnostics, *preloading.findings(document)])
    asked = {kind: source for kind, source in used.items() if registry.checks_itself(source)}
    own = check_own(bound.workflow, document, rules.tasks, asked, python_path=python_path, so_far=diagnostics.found)
    diagnostics.extend(own)
    return Checked(
        name,
        diagnostics,
        {**label_sources(diagnostics), **sources},
        workflow=bound.workflow,
        document=document,
        folder=folder.absolute(),
        python_path=tuple(str(Path(entry).absolute()) for entry in python_path),
        tasks=preloading.added(rules.tasks),
        outputs=rules.outputs,
        output_types=rules.output_types,
        env=rules.env,
        looked=signatures.looked,
        kinds=UsedKinds(kinds.entries, str(folder), python_path, kinds.local, used),
        has_own_checks=bool(asked),
    )


def _ruled(workflow: Workflow, document: Document, targets: Targets) -> Ruled:
    with collector_paused():  # syntax trees of expressions by the thousand: 3.3 s of 20,000 tasks become 2.1 s
        return check_workflow(workflow, document, targets)


def _python_path(document: Document, folder: Path) -> tuple[str, ...]:
    """Return the folders that tasks import from first, as they are shown in messages."""
    node = document.root.get("python_path")
    nodes = node.items if isinstance(node, SequenceNode) else (node,)
    more = [folder / child.text for child in nodes if isinstance(child, ScalarNode) and child.text]
    return tuple(dict.fromkeys(str(entry) for entry in (folder, *more)))
