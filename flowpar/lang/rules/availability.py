"""Outputs that may not be there: who reads them without `default(…)` would fail, so `check` says so.

What needs a skipped or failed task is skipped itself, so two cases are left: a task with `allow_failure`,
whose readers run although it failed; and the workflow's `outputs`, which are read at the end whatever was skipped.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.expr.syntax import tree_of
from flowpar.expr.template import Constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.lang.checked import CheckedTask, Mention
    from flowpar.lang.rules.findings import Findings


def may_fail(task: CheckedTask) -> bool:
    """Whether readers of a task run even if it failed."""
    setting = task.settings.get("allow_failure")
    return setting is not None and setting != Constant(value=False)


def skippable(tasks: Mapping[str, CheckedTask]) -> dict[str, str]:
    """Return the tasks that an `if` may skip, each with the task that has it: itself or one above."""
    needed_by: dict[str, list[str]] = {}
    for task in tasks.values():
        for need in task.needs:
            needed_by.setdefault(need, []).append(task.id)
    found = {
        task.id: task.id for task in tasks.values() if task.condition is not None and not task.condition_is_per_item
    }
    waiting = list(found)
    while waiting:
        task_id = waiting.pop()
        for below in needed_by.get(task_id, ()):
            if below not in found:
                found[below] = found[task_id]
                waiting.append(below)
    return found


def check_readers(findings: Findings, mentions: Iterable[Mention], tasks: Mapping[str, CheckedTask]) -> None:
    """Find where a task reads an output that is missing once the other task has failed."""
    mentions = list(mentions)
    asked = {m.reference.name for m in mentions if m.path[2:3] == ("if",) and m.reference.field in {"status", "error"}}
    for mention in mentions:
        name = mention.reference.name or ""
        if not _needs_output(mention) or name not in tasks or name in asked or not may_fail(tasks[name]):
            continue
        if not _asks_first(mention):
            message = f'task "{name}" may fail (allow_failure), and then it has no output'
            _find(findings, mention, message)


def check_outputs(findings: Findings, mentions: Iterable[Mention], tasks: Mapping[str, CheckedTask]) -> None:
    """Find where the workflow's `outputs` read what may be missing at the end."""
    mentions = [mention for mention in mentions if _needs_output(mention) and mention.reference.name in tasks]
    may_skip = skippable(tasks) if mentions else {}
    for mention in mentions:
        name = mention.reference.name or ""
        if _asks_first(mention):
            continue
        if may_fail(tasks[name]):
            _find(findings, mention, f'task "{name}" may fail (allow_failure), and then it has no output')
        elif name in may_skip:
            cause = may_skip[name]
            why = 'its "if" may skip it' if cause == name else f'the "if" of task "{cause}" may skip it'
            _find(findings, mention, f'task "{name}" may have no output: {why}')


def _needs_output(mention: Mention) -> bool:
    reference = mention.reference
    return reference.context == "tasks" and reference.field == "output" and not mention.is_guarded


def _asks_first(mention: Mention) -> bool:
    """Whether the expression looks at the task's status or error before it reads the output."""
    for node in ast.walk(tree_of(mention.expression.code)):
        tests = [node.test] if isinstance(node, ast.IfExp) else node.values if isinstance(node, ast.BoolOp) else []
        if any(_reads_status(test, mention.reference.name or "") for test in tests):
            return True
    return False


def _reads_status(test: ast.expr, task: str) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and node.attr in {"status", "error"} and _is_task(node.value, task):
            return True
    return False


def _is_task(node: ast.expr, task: str) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="tasks"), attr=name):
            return name == task
        case ast.Subscript(value=ast.Name(id="tasks"), slice=ast.Constant(value=name)):
            return name == task
        case _:
            return False


def _find(findings: Findings, mention: Mention, message: str) -> None:
    hint = f"say what to take instead: default(tasks.{mention.reference.name}.output, …)"
    findings.text_error("FP202", mention.place(), message, hint=hint)
