"""Outputs that may not be there: who reads them without `default(…)` would fail, so `check` says so.

What needs a skipped or failed task is skipped itself, unless its `run_if` says otherwise. Two cases more: a task with
`allow_failure`, whose readers run although it failed; and the workflow's `outputs`, which are read at the end
whatever was skipped.
The fields of `tasks.x.error` are missing where the task did not fail.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.run_if import EARLY
from flowpar.expr.syntax import tree_of
from flowpar.lang.rules.outlook import may_fail, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.lang.checked import CheckedTask, Mention
    from flowpar.lang.rules.findings import Findings
    from flowpar.lang.rules.outlook import Outlook


def check_readers(findings: Findings, reader: CheckedTask, mentions: Iterable[Mention], outlook: Outlook) -> None:
    """Find where a task reads an output that may be missing when it runs, or an error that is None."""
    tasks = outlook.tasks
    mentions = [mention for mention in mentions if mention.reference.name in tasks]
    asked = {m.reference.name for m in mentions if _is_condition(m) and m.reference.field in {"status", "error"}}
    for mention in mentions:
        name = mention.reference.name or ""
        if mention.is_guarded or (name in asked and not _is_condition(mention)):
            continue
        if mention.reference.field == "output" and not _asks_first(mention):
            why = _why_missing(reader, tasks[name], outlook)
            if why is not None:
                _find(findings, mention, why)
        _check_error(findings, mention)


def check_outputs(findings: Findings, mentions: Iterable[Mention], outlook: Outlook) -> None:
    """Find where the workflow's `outputs` read what may be missing at the end."""
    for mention in mentions:
        name = mention.reference.name or ""
        if name not in outlook.tasks or mention.is_guarded or outlook.tasks[name].in_finally:
            continue
        _check_error(findings, mention)
        if mention.reference.field != "output" or _asks_first(mention):
            continue
        if may_fail(outlook.tasks[name]):
            _find(findings, mention, _MAY_FAIL.format(name))
        elif name in outlook.skippable:
            _find(findings, mention, f'task "{name}" may have no output: {outlook.why_skipped(name)}')


def _why_missing(reader: CheckedTask, task: CheckedTask, outlook: Outlook) -> str | None:
    """Return why a task may have no output when its reader runs, None where it has one then."""
    if may_fail(task):
        return _MAY_FAIL.format(task.id)
    if reader.in_finally and not task.in_finally:
        return f'task "{task.id}" may have no output: "{reader.id}" stands in finally and runs however it ended'
    rule, is_alone = rule_of(reader), len(reader.needs) == 1
    if rule == "all_success" or (is_alone and rule in {"one_success", "none_failed_min_one_success"}):
        return None
    if rule in {"none_failed", "none_failed_min_one_success"}:
        may_skip = task.id in outlook.skippable
        return f'task "{task.id}" may have no output: {outlook.why_skipped(task.id)}' if may_skip else None
    if rule == "all_failed" or (is_alone and rule == "one_failed"):
        return f'task "{task.id}" has no output when task "{reader.id}" runs, as it failed (run_if: {rule})'
    if rule in EARLY:
        return f'task "{task.id}" may have no output yet: task "{reader.id}" does not wait for it (run_if: {rule})'
    how = "an expression" if rule is None else rule
    return f'task "{task.id}" may have no output: task "{reader.id}" runs however it ended (run_if: {how})'


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
    code = mention.expression.code
    if code.isascii() and "status" not in code and "error" not in code:  # most: without a look at the tree
        return False
    for node in ast.walk(tree_of(code)):
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
