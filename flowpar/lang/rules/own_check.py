"""What task types find by themselves in the arguments of their tasks, brought to its place.

Their checks are code, so they run in a process of their own; those of a workflow's own files only
when the workflow is about to run, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Severity
from flowpar.expr.template import Constant, ListTemplate, MapTemplate, is_constant
from flowpar.lang.rules.findings import Findings
from flowpar.plugin.precheck import CheckRequest, run_checks
from flowpar.plugin.spec import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.expr.template import Template
    from flowpar.lang.checked import CheckedTask
    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.lang.rules.findings import Path
    from flowpar.plugin.registry import TaskTypeSource
    from flowpar.plugin.spec import Finding

OWN_FINDING = "FP608"


def check_own(
    workflow: Workflow,
    document: Document,
    tasks: Mapping[str, CheckedTask],
    asked: Mapping[str, TaskTypeSource],
    *,
    python_path: Sequence[str],
    so_far: Iterable[Diagnostic],
) -> tuple[Diagnostic, ...]:
    """Ask the task types `asked`, by kind, about their tasks, but for those with an error `so_far`.

    Raises PluginError where a check itself fails.
    """
    if not asked:
        return ()
    wrong = [found.span.line for found in so_far if found.severity is Severity.ERROR]
    candidates = [task for task in tasks.values() if task.kind in asked and not _holds(document, task, wrong)]
    requests = [CheckRequest(asked[task.kind], _known(task.call.arguments)) for task in candidates]
    findings = Findings(document)
    for task, found in zip(candidates, run_checks(requests, python_path=python_path), strict=True):
        for finding in found:
            _report(findings, task, workflow.tasks[task.id].body, finding)
    return tuple(findings.found)


def _holds(document: Document, task: CheckedTask, lines: Iterable[int]) -> bool:
    span = document.span((task.home, task.id))
    first = document.span((task.home, task.id), of_key=True).line
    return any(first <= line <= span.end_line for line in lines)


def _known(arguments: Mapping[str, Template]) -> dict[str, object]:
    return {name: _value(template) if is_constant(template) else UNKNOWN for name, template in arguments.items()}


def _value(template: Template) -> object:
    match template:
        case Constant(value):
            return value
        case ListTemplate(items):
            return [_value(item) for item in items]
        case MapTemplate(items):
            return {key: _value(item) for key, item in items}
        case _:
            return UNKNOWN


def _report(findings: Findings, task: CheckedTask, body: object, finding: Finding) -> None:
    home: Path = (task.home, task.id, task.kind)
    is_written = isinstance(body, dict) and finding.argument in body
    path = (*home, finding.argument) if is_written and finding.argument is not None else home
    of_key = isinstance(body, dict) and not is_written
    if finding.severity == "warning":
        findings.warning(OWN_FINDING, path, finding.message, hint=finding.hint, of_key=of_key)
    elif of_key:
        findings.key_error(OWN_FINDING, path, finding.message, hint=finding.hint)
    else:
        findings.error(OWN_FINDING, path, finding.message, hint=finding.hint)
