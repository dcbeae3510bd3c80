"""`flowpar plan` with what earlier runs took: by journals that a run in virtual time wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flowpar.cli.main import main
from flowpar.record.journal import Journal
from flowpar.record.reading import JOURNAL
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import plan_of, planned, play, value

WORKFLOW = """flowpar: 1
name: words
tasks:
  a: {shell: "true"}
  b: {needs: [a], shell: "true"}
  c: {needs: [a], shell: "true"}
  d: {needs: [b, c], shell: "true"}
"""
SECONDS = {"a": 1.0, "b": 4.0, "c": 3.0}


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("words.yaml").write_text(WORKFLOW)
    return tmp_path


def ran(workflow: str = "words") -> None:
    folder = Path(".flowpar/runs/20261122-101500-words-k3f")
    folder.mkdir(parents=True, mode=0o700)
    plan = plan_of([planned("a"), planned("b", "a"), planned("c", "a")])
    journal = Journal(folder / JOURNAL, is_synced=False)
    play(replace(plan, workflow=workflow), lambda job: Scripted(value(), SECONDS[job.task]), sink=journal)
    journal.close()


def test_a_run_is_predicted_by_what_tasks_took(capsys: pytest.CaptureFixture[str]) -> None:
    ran()

    assert main(["plan", "words.yaml", "-w", "2"]) == 0

    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "words: 4 tasks in 3 layers",
        "",
        "layer  task  kind   executor  takes         starts  needs",
        "-----  ----  -----  --------  ------------  ------  -----",
        "    0  a     shell  process   1.00 s        0 ms",
        "    1  b     shell  process   4.00 s        1.00 s  a",
        "    1  c     shell  process   3.00 s        1.00 s  a",
        "    2  d     shell  process   about 3.00 s  5.00 s  b, c",
        "",
        "longest path: a -> b -> d (8.00 s)",
        "predicted: 8.00 s on 2 workers, by what tasks took in earlier runs; all their work is 11.0 s",
        "in no earlier run: d; taken to be as long as others are, 3.00 s",
    ]
    assert err == ""


@pytest.mark.parametrize(("workers", "makespan_s"), [(1, 11.0), (2, 8.0), (9, 8.0)])
def test_a_prediction_for_programs_is_json(workers: int, makespan_s: float, capsys: pytest.CaptureFixture[str]) -> None:
    ran()

    assert main(["plan", "words.yaml", "--json", "-w", str(workers)]) == 0

    found = json.loads(capsys.readouterr().out)["prediction"]
    assert (found["workers"], found["makespan_s"], found["longest_path_s"]) == (workers, makespan_s, 8.0)
    assert found["unknown"] == ["d"]
    assert found["tasks"][0] == {"id": "a", "attempt_s": 1.0, "is_known": True, "starts_s": 0.0, "ends_s": 1.0}


@pytest.mark.parametrize("workflow", ["others", None])
def test_nothing_is_predicted_without_a_run_of_that_workflow(
    workflow: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if workflow is not None:
        ran(workflow)

    assert main(["plan", "words.yaml", "-w", "2"]) == 0
    out, err = capsys.readouterr()
    assert "longest path: a -> b -> d\n" in out
    assert err == 'flowpar: no earlier run of "words" is known, so none is predicted\n'
    assert main(["plan", "words.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prediction"] is None
    assert Path(".flowpar").exists() == (workflow is not None)


def test_too_many_attempts_are_not_gone_through(capsys: pytest.CaptureFixture[str]) -> None:
    ran()
    text = '  e: {needs: [b], for_each: "${{ range(20001) }}", shell: "true"}\n'
    Path("words.yaml").write_text(WORKFLOW + text)

    assert main(["plan", "words.yaml", "-w", "2"]) == 0

    assert "not predicted: a run has over 20,000 attempts" in capsys.readouterr().out
