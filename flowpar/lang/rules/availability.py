"""Outputs that may not be there: who reads them without `default(…)` would fail, so `check` says so.

What needs a skipped or failed task is skipped itself, so two cases are left: a task with `allow_failure`,
whose readers run although it failed; and the workflow's `outputs`, which are read at the end whatever was skipped.
The fields of `tasks.x.error` are missing where the task did not fail.
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
    """Find where a task reads an output that is missing once the other task has failed, or an error that is None."""
    mentions = [mention for mention in mentions if mention.reference.name in tasks]
    asked = {m.reference.name for m in mentions if _is_condition(m) and m.reference.field in {"status", "error"}}
    for mention in mentions:
        name = mention.reference.name or ""
        if mention.is_guarded or (name in asked and not _is_condition(mention)):
            continue
        if mention.reference.field == "output" and may_fail(tasks[name]) and not _asks_first(mention):
            _find(findings, mention, _MAY_FAIL.format(name))
        _check_error(findings, mention)


def check_outputs(findings: Findings, mentions: Iterable[Mention], tasks: Mapping[str, CheckedTask]) -> None:
    """Find where the workflow's `outputs` read what may be missing at the end."""
    mentions = [mention for mention in mentions if mention.reference.name in tasks and not mention.is_guarded]
    may_skip = skippable(tasks) if mentions else {}
    for mention in mentions:
        name = mention.reference.name or ""
        _check_error(findings, mention)
        if mention.reference.field != "output" or _asks_first(mention):
            continue
        if may_fail(tasks[name]):
            _find(findings, mention, _MAY_FAIL.format(name))
        elif name in may_skip:
            cause = may_skip[name]
            why = 'its "if" may skip it' if cause == name else f'the "if" of task "{cause}" may skip it'
            _find(findings, mention, f'task "{name}" may have no output: {why}')


_MAY_FAIL = 'task "{}" may fail (allow_failure), and then it has no output'


def _check_error(findings: Findings, mention: Mention) -> None:
    """Find a field of `tasks.x.error` that is read without asking whether there is an error."""
    name = mention.reference.name or ""
    if mention.reference.field != "error" or _asks_first(mention):
        return
    for node in ast.walk(tree_of(mention.expression.code)):
        if isinstance(node, ast.Attribute) and _is_error(node.value, name):
            message = f'task "{name}" has no error unless it has failed, and then there is no "{node.attr}"'
            _find(findings, mention, message)
            return


def _is_error(node: ast.expr, task: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "error" and _is_task(node.value, task)


def _is_condition(mention: Mention) -> bool:
    return mention.path[2:3] == ("if",)


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
    what = "error.message" if mention.reference.field == "error" else "output"
    hint = f"say what to take instead: default(tasks.{mention.reference.name}.{what}, …)"
    findings.text_error("FP202", mention.place(), message, hint=hint)
