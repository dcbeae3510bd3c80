"""What a runner of GitHub Actions reads of a run: it obeys what flowpar says, and nothing that a task says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import RunStatus
from flowpar.report.github import Actions, harmless
from flowpar.report.summary import SummarySink
from flowpar.testing.events import run_finished, run_started, task_failed, task_succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import Event

EVIL = (
    "::error::mine\n  ::set-output name=a::b\r\n::stop-commands::x\n::x::\n##[add-mask]y\n\x1b[2J</pre>\n\n# *h* `x`\n"
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a,b.py").write_text("x")
    (tmp_path / "words.yaml").write_text("x")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "1").write_text(EVIL)
    return tmp_path


def actions(repository: Path) -> Actions:
    found = Actions.around(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(repository),
            "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        }
    )
    assert found is not None
    return found


def summary_of(repository: Path, *events: Event) -> SummarySink:
    sink = SummarySink()
    for event in (run_started(["load"], run_dir=str(repository)), *events, run_finished(failed=1)):
        sink.emit(event)
    return sink


def raised(repository: Path) -> Failure:
    frames = f'File "{repository}/lib/a,b.py", line 3, in count\n  File "/usr/lib/python/json.py", line 9, in loads\n'
    return Failure(FailureKind.EXCEPTION, "ValueError", f"100% bad\n{EVIL}", None, frames)


def obeyed(text: str) -> list[str]:
    """Return the lines that a runner obeys, as it reads them."""
    stopped: str | None = None
    found = []
    for line in text.splitlines():
        command = re.match(r"\s*::(?P<name>[a-z-]+|[0-9a-f]{32})(?: [^:]*)?::(?P<value>.*)", line)
        if stopped is not None:
            stopped = None if command is not None and command["name"] == stopped else stopped
            continue
        assert "##[" not in line
        if command is None:
            continue
        if command["name"] == "stop-commands":
            stopped = command["value"]
        else:
            found.append(line)
    assert stopped is None
    return found


def test_a_failure_is_a_group_and_an_annotation_and_nothing_of_the_tasks_is_obeyed(repository: Path) -> None:
    failed = replace(task_failed("load", 3, failure=raised(repository)), log_file="logs/1")

    text = actions(repository).told(summary_of(repository, failed))

    group, end, error = obeyed(text)
    assert group.startswith("::group::load[3] failed: ValueError: 100%25 bad ::error::mine")
    assert end == "::endgroup::"
    assert error.startswith("::error file=lib/a%2Cb.py,line=3,title=load[3] failed::ValueError: 100%25 bad")
    assert "  |   ::set-output name=a::b" in text
    assert "\x1b" not in text
    assert text.splitlines()[-1].startswith("continue with: flowpar resume")


def test_a_failure_without_a_frame_is_shown_at_the_workflow(repository: Path) -> None:
    failed = task_failed(failure=Failure(FailureKind.EXIT, "exit", "ended with code 7", 7, ""))

    *_, error = obeyed(actions(repository).told(summary_of(repository, failed)))

    assert error == "::error file=words.yaml,title=load failed::ended with code 7"


def test_plain_lines_are_harmless() -> None:
    assert obeyed(harmless(EVIL)) == []
    assert harmless("load: failed: a::b") == "load: failed: a::b"


def test_the_summary_of_the_job_has_failures_as_mere_text(repository: Path) -> None:
    failed = replace(task_failed(failure=raised(repository)), log_file="logs/1")
    job = actions(repository)

    complaint = job.keep(summary_of(repository, task_succeeded("a"), failed))

    text = (repository / "summary.md").read_text()
    assert complaint == ""
    assert text.startswith("### words: failed\n\n1 failed in 3.00 s, run <code>")
    assert text.count("</pre>") == text.count("<details>") == 1
    inside = text[text.index("<pre>") : text.index("</pre>")]
    assert "\n" not in inside
    assert "`" not in text
    assert "\x1b" not in text


def test_a_good_run_is_one_line_in_the_summary(repository: Path) -> None:
    sink = SummarySink()
    for event in (run_started(), run_finished(RunStatus.SUCCEEDED, succeeded=2)):
        sink.emit(event)
    job = actions(repository)

    job.keep(sink)
    job.keep(sink)

    assert (repository / "summary.md").read_text().count("### words: succeeded") == 2
    assert obeyed(job.told(sink)) == []


def test_a_summary_that_cannot_be_written_is_said(repository: Path) -> None:
    (repository / "summary.md").mkdir()

    assert "is a directory" in actions(repository).keep(summary_of(repository))


@pytest.mark.parametrize("value", ["", "false", "1"])
def test_elsewhere_there_is_no_job(value: str) -> None:
    assert Actions.around({"GITHUB_ACTIONS": value}) is None
    assert Actions.around({}) is None
