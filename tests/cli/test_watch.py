"""Who is told that tasks would have run better elsewhere: a person, once, at the end of a good run."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.cli.running import RunArguments
from flowpar.cli.watch import LogFormat, Watch
from flowpar.core.outcome import Spent
from flowpar.core.states import RunStatus
from flowpar.report.progress import Verbosity
from flowpar.report.screen import Screen
from flowpar.testing.events import MEASURE, run_finished, run_started, task_succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from at_work import Desk


def told(folder: Path, form: LogFormat, verbosity: Verbosity, *, has_hints: bool) -> str:
    stderr = io.StringIO()
    watch = Watch(Screen(io.StringIO(), stderr), form, verbosity, tree=None)
    short = replace(task_succeeded(), measure=replace(MEASURE, spent=Spent(0.0, 0.001)))
    sinks: list[Any] = watch.sinks(SimpleNamespace(path=folder))  # type: ignore[arg-type]
    for event in (run_started(), *[short] * 100, run_finished(RunStatus.SUCCEEDED)):
        sinks[-1].emit(event)
    watch.tell_end(is_good=True, has_hints=has_hints)
    return stderr.getvalue()


@pytest.mark.parametrize(
    ("form", "verbosity", "has_hints", "times"),
    [
        (LogFormat.AUTO, Verbosity.NORMAL, True, 1),
        (LogFormat.AUTO, Verbosity.VERBOSE, True, 1),
        (LogFormat.AUTO, Verbosity.NORMAL, False, 0),
        (LogFormat.AUTO, Verbosity.QUIET, True, 0),
        (LogFormat.CONSOLE, Verbosity.NORMAL, True, 0),
        (LogFormat.JSON, Verbosity.NORMAL, True, 0),
    ],
)
def test_a_hint_is_told_at_most_once(
    tmp_path: Path, form: LogFormat, verbosity: Verbosity, times: int, *, has_hints: bool
) -> None:
    assert told(tmp_path, form, verbosity, has_hints=has_hints).count("hint: ") == times


@pytest.mark.parametrize(
    ("is_json", "ci", "expected"),
    [(False, "", True), (False, "false", True), (False, "true", False), (False, "1", False), (True, "", False)],
)
def test_neither_a_program_nor_a_ci_job_is_told(
    monkeypatch: pytest.MonkeyPatch, ci: str, *, is_json: bool, expected: bool
) -> None:
    monkeypatch.setenv("CI", ci)
    given: dict[str, Any] = dict.fromkeys(RunArguments.__slots__)

    assert RunArguments(**{**given, "is_json": is_json}).has_hints is expected


WORKFLOW = """
name: words
tasks:
  load: {python: 'steps:double', with: {n: 1}}
  bad:
    shell: "echo '::error::mine'; echo '::stop-commands::x'; exit 7"
    needs: [load]
"""


def test_in_a_job_of_github_a_failure_is_a_group_an_annotation_and_a_part_of_the_summary(desk: Desk) -> None:
    desk.write(WORKFLOW)
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(desk.folder), "GITHUB_STEP_SUMMARY": "summary.md"}

    done = desk.run("run", "workflow.yaml", **environment)

    begins = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert [line.partition(" ")[0] for line in begins if "stop-commands" not in line and len(line) != 36] == [
        "::group::bad",
        "::endgroup::",
        "::error",
    ]
    assert "::error file=workflow.yaml,title=bad failed::" in done.stderr
    assert "  | ::error::mine" in done.stderr
    assert "words: failed" in (desk.folder / "summary.md").read_text()
