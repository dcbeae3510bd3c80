"""The far side of `precheck`: imports task types and calls their checks, in a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from flowpar.plugin.logger import plain
from flowpar.plugin.spec import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MOST_FINDINGS = 1000


def main() -> None:
    """Answer the requests on stdin; what a plugin prints goes to stderr, so it spoils no answer."""
    answers_to = os.dup(1)
    os.dup2(2, 1)
    requests = pickle.load(sys.stdin.buffer)
    answers = [_answer(target, arguments) for target, arguments in requests]
    with os.fdopen(answers_to, "w", encoding="utf-8") as stream:
        json.dump(answers, stream)


def _answer(target: str, arguments: Mapping[str, object]) -> dict[str, Any]:
    try:
        findings = list(_check(target)(arguments))[:_MOST_FINDINGS]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code runs here and may raise anything
        return {"error": f"{type(error).__name__}: {plain(error)}{_place(error)}"}
    records = [_record(finding) for finding in findings if isinstance(finding, Finding)]
    if len(records) < len(findings):
        return {"error": "it gave something else than a flowpar.plugin.Finding"}
    return {"findings": records}


def _place(error: BaseException) -> str:
    """Return where somebody's check raised; only its author knows what that means."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".py")]
    theirs = [frame for frame in frames if frame.filename != __file__]
    return f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""


def _check(target: str) -> Callable[[Mapping[str, object]], Iterable[object]]:
    module, _, name = target.partition(":")
    check: Callable[[Mapping[str, object]], Iterable[object]] = attrgetter(name)(import_module(module))
    return check


def _record(finding: Finding) -> dict[str, object]:
    return {
        "message": " ".join(str(finding.message).split()),
        "argument": None if finding.argument is None else str(finding.argument),
        "hint": None if finding.hint is None else " ".join(str(finding.hint).split()),
        "severity": "warning" if finding.severity == "warning" else "error",
    }
