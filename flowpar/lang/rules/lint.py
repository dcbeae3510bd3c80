"""What is allowed and probably not meant: warnings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from flowpar.lang.checked import Mention
    from flowpar.lang.model import TaskModel, Workflow
    from flowpar.lang.rules.findings import Findings, Path


def warn_of_item_keys(findings: Findings, path: Path, model: TaskModel) -> None:
    """Find keys about items on a task without items."""
    if model.for_each is not None or model.matrix is not None:
        return
    for key in ("max_parallel", "batch", "on_item_error"):
        if getattr(model, key) is not None:
            message = f'"{key}" has no effect: the task has neither "for_each" nor "matrix"'
            findings.warning("FP702", (*path, key), message, hint="leave it out", of_key=True)


def warn_of_implied_needs(findings: Findings, path: Path, model: TaskModel, mentions: Iterable[Mention]) -> None:
    """Find needs that the task's own expressions say already."""
    if not model.needs:
        return
    read = {mention.reference.name for mention in mentions if mention.reference.context == "tasks"}
    for position, need in enumerate(model.needs):
        if need in read:
            message = f'an expression of the task reads "{need}", so it is needed anyway'
            findings.warning("FP727", (*path, "needs", position), message, hint="leave it out")


def warn_of_unused_inputs(findings: Findings, workflow: Workflow, used: Collection[str]) -> None:
    """Find declared inputs that nothing reads."""
    if all(name in used for name in workflow.inputs):
        return
    # An expression with an error of its own mentions nothing, so what its text names counts, too.
    written = set(_written_names(findings.document.source.text))
    for name in workflow.inputs:
        if name not in used and name not in written:
            hint = f"read it by ${{{{ inputs.{name} }}}}, or take it out"
            findings.warning("FP704", ("inputs", name), f'nothing reads input "{name}"', hint=hint, of_key=True)


def _written_names(text: str) -> Iterator[str]:
    """Give every name that stands after `inputs.`, also as far as each of its hyphens."""
    for found in _INPUT.finditer(text):
        parts = found.group(1).split("-")
        yield from ("-".join(parts[:length]) for length in range(1, min(len(parts), _MOST_PARTS) + 1))


_MOST_PARTS = 16
_INPUT = re.compile(r"""inputs\s*(?:\.\s*|\[\s*['"])([\w-]+)""")


def warn_of_variables(
    findings: Findings, mentions: Iterable[Mention], declared: Collection[str], present: Collection[str]
) -> None:
    """Find `env.X` that nobody declares or sets, where a declared name is near."""
    for mention in mentions:
        name = mention.reference.name
        if mention.reference.context != "env" or name is None or name in declared or name in present:
            continue
        near = nearest(name, declared)
        if near is not None:
            message = f'the variable "{name}" is neither declared nor set'
            findings.text_warning("FP706", mention.place(), message, hint=f'did you mean "{near}"?')
