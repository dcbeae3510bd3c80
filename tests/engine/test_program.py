"""`flowpar.run` for programs: outputs, states and the run folder come back from a child process."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

import flowpar
from flowpar.core.errors import DocumentError, MachineError, UsageError

pytestmark = pytest.mark.timeout(180)

STEPS = """
import time
from pathlib import Path

def double(x: int) -> int:
    return 2 * x

def count(folder: Path, names: list[str]) -> int:
    return len(names) + len(list(folder.iterdir()))

def fail() -> int:
    raise ValueError("no")

def sleep(mark: Path) -> int:
    mark.write_text("here")
    time.sleep(40)
    return 0
"""


def project(folder: Path, body: str) -> Path:
    (folder / "steps.py").write_text(STEPS)
    file = folder / "workflow.yaml"
    file.write_text(f"flowpar: 1\nname: program\n{body}")
    return file


def test_a_run_gives_outputs_states_and_its_folder(tmp_path: Path) -> None:
    file = project(
        tmp_path,
        """
inputs: {x: {type: integer}}
tasks:
  double: {python: "steps:double", with: {x: "${{ inputs.x }}"}}
outputs: {y: "${{ tasks.double.output }}"}
""",
    )

    result = flowpar.run(file, inputs={"x": 21}, state_dir=tmp_path / "state")

    assert result.outputs == {"y": 42}
    assert result.states == {"double": "succeeded"}
    assert (result.status, result.exit_code) == ("succeeded", 0)
    assert result.run_dir.parent == tmp_path / "state" / "runs"
    assert (result.run_dir / "events.jsonl").is_file()


def test_paths_and_lists_are_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one").touch()
    file = project(
        tmp_path,
        """
inputs: {folder: {type: path}, names: {type: list}}
tasks:
  count: {python: "steps:count", with: {folder: "${{ inputs.folder }}", names: "${{ inputs.names }}"}}
outputs: {n: "${{ tasks.count.output }}"}
""",
    )

    result = flowpar.run(file, inputs={"folder": Path("data"), "names": ("a", "b")})

    assert result.outputs == {"n": 3}


def test_a_failed_task_is_a_status_and_no_exception(tmp_path: Path) -> None:
    file = project(
        tmp_path,
        """
tasks:
  fail: {python: "steps:fail"}
  after: {python: "steps:double", with: {x: "${{ tasks.fail.output }}"}}
""",
    )

    result = flowpar.run(file, run_dir=tmp_path / "run")

    assert (result.status, result.exit_code, result.outputs) == ("failed", 1, None)
    assert result.states == {"fail": "failed", "after": "skipped"}
    assert result.run_dir == tmp_path / "run"
    assert "ValueError: no" in result.messages


def test_a_wrong_document_raises_its_findings(tmp_path: Path) -> None:
    file = project(tmp_path, 'tasks:\n  a: {python: "steps:duble", with: {x: 1}}\n')

    with pytest.raises(DocumentError, match=r"error\[FP\d+\].*double"):
        flowpar.run(file, state_dir=tmp_path / "state")


def test_a_missing_input_raises(tmp_path: Path) -> None:
    file = project(tmp_path, "inputs: {x: {type: integer}}\ntasks:\n  a: {shell: echo}\n")

    with pytest.raises(DocumentError, match=r"FP505.*required"):
        flowpar.run(file, state_dir=tmp_path / "state")


def test_messages_are_for_programs(tmp_path: Path) -> None:
    file = project(tmp_path, "inputs: {x: 1}\ntasks:\n  a: {shell: echo}\n")

    with pytest.raises(DocumentError, match=r'input "x", given by inputs, must be a whole number'):
        flowpar.run(file, inputs={"x": "one"}, state_dir=tmp_path / "state")
    with pytest.raises(DocumentError) as caught:
        flowpar.run(file, workers=0, state_dir=tmp_path / "state")

    assert '"0" is not a whole number of at least 1' in str(caught.value)
    assert "--help" not in str(caught.value)


def test_an_input_that_is_no_plain_data_raises_before_anything_starts(tmp_path: Path) -> None:
    file = project(tmp_path, "inputs: {x: {type: any}}\ntasks:\n  a: {shell: echo}\n")

    with pytest.raises(UsageError, match="an input is not plain data"):
        flowpar.run(file, inputs={"x": object()})
    assert not (tmp_path / ".flowpar").exists()


def test_a_state_folder_that_is_a_file_raises(tmp_path: Path) -> None:
    file = project(tmp_path, "tasks:\n  a: {shell: echo}\n")
    (tmp_path / "state").touch()

    with pytest.raises(MachineError, match="is a file"):
        flowpar.run(file, state_dir=tmp_path / "state")


def test_a_killed_engine_raises_what_its_guard_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path, "tasks:\n  a: {shell: echo}\n")
    monkeypatch.setenv("FLOWPAR_CRASH_AT", "1")

    with pytest.raises(MachineError, match=r"^the engine was killed by SIGKILL; no task was started$"):
        flowpar.run(file, state_dir=tmp_path / "s")


def test_a_run_from_a_thread_works(tmp_path: Path) -> None:
    file = project(tmp_path, "tasks:\n  a: {shell: echo hello}\n")
    found: list[str] = []

    thread = threading.Thread(target=lambda: found.append(flowpar.run(file, state_dir=tmp_path / "s").status))
    thread.start()
    thread.join(60)

    assert found == ["succeeded"]


def test_echo_passes_on_what_the_run_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path, "tasks:\n  a: {shell: echo hello}\n")

    result = flowpar.run(file, state_dir=tmp_path / "s", echo=True)

    assert capsys.readouterr().err == result.messages != ""


def test_an_interrupt_stops_the_run_and_is_raised(tmp_path: Path) -> None:
    file = project(
        tmp_path,
        "inputs: {mark: {type: path}}\ntasks:\n  sleep: {python: steps:sleep, with: {mark: '${{ inputs.mark }}'}}\n",
    )
    mark = tmp_path / "mark"
    watcher = threading.Thread(target=interrupt_when_there, args=(mark,), daemon=True)
    watcher.start()

    with pytest.raises(KeyboardInterrupt):
        flowpar.run(file, inputs={"mark": mark}, run_dir=tmp_path / "run")

    watcher.join(60)
    assert '"status":"interrupted"' in (tmp_path / "run" / "events.jsonl").read_text()


def interrupt_when_there(mark: Path) -> None:
    tick = threading.Event()
    while not mark.exists():
        tick.wait(0.02)
    os.kill(os.getpid(), signal.SIGINT)
