from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks.workloads import VARIABLE, workloads
from flowpar.cli.main import main

RECORDING = {
    "name": "two tasks",
    "schemaVersion": "1.5",
    "workflow": {
        "specification": {"tasks": [{"id": "first", "children": ["then"]}, {"id": "then", "parents": ["first"]}]},
        "execution": {
            "tasks": [{"id": "first", "runtimeInSeconds": 1.5}, {"id": "then", "runtimeInSeconds": 2, "command": {}}]
        },
    },
}


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(RECORDING))
    return file


def test_a_recording_becomes_a_folder_that_checks(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", trace.name]) == 0

    out, err = capsys.readouterr()
    assert out == "trace/workflow.yaml\ntrace/replay.py\n"
    assert err == (
        "2 tasks and 1 edges, 3.5 s of recorded work\n"
        "note: a replayed task runs no command (1 of 2)\n"
        "next: flowpar run trace/workflow.yaml -i scale=0.001\n"
    )
    assert main(["check", "--strict", "trace/workflow.yaml"]) == 0


def test_nothing_is_written_over(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = trace.parent / "kept"
    kept.mkdir()
    (kept / "replay.py").write_text("precious\n")

    assert main(["import", trace.name, "-o", "kept"]) == 2

    assert '"kept/replay.py" is there already; choose an empty folder' in capsys.readouterr().err
    assert [path.name for path in kept.iterdir()] == ["replay.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "trace.json: the file can't be read: no such file or directory"),
        ("", '"trace.json" is empty'),
        ('{"schemaVersion": "1.5", "workflow": 1' + "0" * 5000 + "}", "trace.json: a number in it has too many digits"),
        ("tasks: {}\n", '"trace.json" is no file of a system that is known here; known are wfformat'),
        ('{"schemaVersion": "1.5", "workflow"', "trace.json:1:36: this is not JSON"),
    ],
)
def test_what_cannot_be_read_is_said(
    trace: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    if text is None:
        trace.unlink()
    else:
        trace.write_text(text)

    assert main(["import", trace.name]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (trace.parent / "trace").exists()


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"${VARIABLE} names no folder of recorded graphs")
def test_published_recordings_check_and_replay_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(workloads("wfformat"))
    for entry in json.loads((folder / "MANIFEST.json").read_text()):
        made = Path(entry["file"]).stem

        assert main(["import", str(folder / entry["file"])]) == 0
        assert main(["check", "--strict", f"{made}/workflow.yaml"]) == 0
        capfd.readouterr()
        assert main(["run", f"{made}/workflow.yaml", "-q", "--executor", "pool", "-i", "scale=0"]) == 0
        assert capfd.readouterr().out == f"{entry['dag_digest']}\n"
