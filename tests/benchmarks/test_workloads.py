"""Graphs of others: their checksums come out in every executor, and a wrong one is a failure of the benchmark."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks import replay, taskbench
from benchmarks.measure import Failed, LeftOut
from benchmarks.workloads import VARIABLE, workloads

STENCIL = {
    "pattern": "stencil_1d",
    "width": 2,
    "tasks": [
        ["t0_0", 0, 0, []],
        ["t0_1", 0, 1, []],
        ["t1_0", 1, 0, ["t0_0", "t0_1"]],
        ["t1_1", 1, 1, ["t0_0", "t0_1"]],
    ],
    "expected_checksum": 31 * (17 + 2 * 1) + (17 + 1 + 2 * 1),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "work").mkdir()
    return tmp_path


def test_a_pattern_of_task_bench_gives_its_checksum_in_each_executor(folder: Path) -> None:
    (folder / "taskbench").mkdir()
    (folder / "taskbench" / "graphs.json").write_text(json.dumps({"graphs": [STENCIL]}))

    figures = list(taskbench.figures(folder / "work", repeats=1, tiny=True))

    assert [figure.title for figure in figures] == [
        "W8  Task Bench stencil_1d-2x2, process, a task in the engine",
        "W8  Task Bench stencil_1d-2x2, pool, a task in the engine",
    ]


def test_a_wrong_checksum_is_a_failure(folder: Path) -> None:
    (folder / "taskbench").mkdir()
    (folder / "taskbench" / "graphs.json").write_text(json.dumps({"graphs": [STENCIL | {"expected_checksum": 1}]}))

    with pytest.raises(Failed, match="the checksum of stencil_1d-2x2 in process is 609, not 1"):
        list(taskbench.figures(folder / "work", repeats=1, tiny=True))


def test_a_recording_is_replayed_in_its_order(folder: Path) -> None:
    def digest(*lines: str) -> str:
        return sha256("\n".join(lines).encode()).hexdigest()[:16]

    tasks = [{"id": "a", "parents": []}, {"id": "b", "parents": ["a"]}]
    times = [{"id": "a", "runtimeInSeconds": 1.0}, {"id": "b", "runtimeInSeconds": 2.5}]
    recording = {"schemaVersion": "1.5", "workflow": {"specification": {"tasks": tasks}, "execution": {"tasks": times}}}
    manifest = {"file": "two-a.json", "dag_digest": digest(digest("b", digest("a"))), "lower_bound_2cpu_s": 3.5}
    (folder / "wfformat").mkdir()
    (folder / "wfformat" / "two-a.json").write_text(json.dumps(recording))
    (folder / "wfformat" / "MANIFEST.json").write_text(json.dumps([manifest]))

    figures = list(replay.figures(folder / "work", repeats=1, tiny=True))

    assert [figure.title for figure in figures] == [
        "W8  replay two, process / lower bound",
        "W8  replay two, pool / lower bound",
    ]
    assert all(figure.values[0] >= 1 for figure in figures)


def test_without_a_folder_they_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(LeftOut, match="name the folder that has wfformat/ with --workloads"):
        workloads("wfformat")

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(LeftOut, match=f'there is no folder "{tmp_path}/wfformat"'):
        workloads("wfformat")


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"${VARIABLE} names no folder of recorded graphs")
@pytest.mark.parametrize("executor", taskbench.EXECUTORS)
def test_every_published_pattern_gives_its_checksum(executor: str, tmp_path: Path) -> None:
    (tmp_path / "pattern.py").write_text(taskbench.STEPS)
    for file in Path(workloads("taskbench")).glob("*.json"):
        for pattern in taskbench.read(file):
            (tmp_path / "pattern.yaml").write_text(pattern.workflow())

            assert taskbench.run_s(pattern, executor, tmp_path) > 0
