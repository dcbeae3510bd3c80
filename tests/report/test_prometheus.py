"""The file for node_exporter is in the exposition format, whole at each moment, and readable by others."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.errors import UsageError
from flowpar.core.events import TaskEnded, TaskRetrying, TaskStarted
from flowpar.core.outcome import Success
from flowpar.core.sink import SinkSetting
from flowpar.core.states import RunStatus, TaskState
from flowpar.report.prometheus import Prometheus, open_sink
from flowpar.testing.contracts import SinkContract
from flowpar.testing.events import AT, MEASURE, RAISED, REF, run_finished, run_started, subject

parser = pytest.importorskip("prometheus_client.parser")

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import Event

HOSTILE = 'a"b\\c\nd\udcff'


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def samples(path: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read a file by Prometheus's own parser."""
    families = list(parser.text_string_to_metric_families(path.read_text(encoding="utf-8")))
    assert all(family.type == "gauge" for family in families)
    found: Any = [sample for family in families for sample in family.samples]
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}


def a_run(workflow: str) -> list[Event]:
    again = subject("count", 3, attempt=2)
    return [
        replace(run_started(), workflow=workflow),
        TaskStarted(subject("load"), AT, 4242, 0.25),
        TaskEnded(subject("load"), AT + 1.5, TaskState.SUCCEEDED, Success(REF), MEASURE),
        TaskStarted(subject("count", 3), AT, 4242, 0.25),
        TaskRetrying(subject("count", 3), AT + 1.5, 0.1, RAISED, MEASURE),
        TaskStarted(again, AT + 1.6, 4243, 0.0),
        TaskEnded(again, AT + 3, TaskState.FAILED, RAISED, MEASURE),
        TaskEnded(subject("count", attempt=0), AT + 3, TaskState.FAILED, RAISED, None, items=4),
        run_finished(RunStatus.FAILED, failed=1),
    ]


def test_prometheus_reads_what_a_run_came_to_whatever_it_is_called(tmp_path: Path) -> None:
    sink = Prometheus(tmp_path / "flowpar.prom")
    for event in a_run(HOSTILE):
        sink.emit(event)
        sink.commit()
    sink.close()

    found = samples(tmp_path / "flowpar.prom")
    workflow = ("workflow", 'a"b\\c\nd\\udcff')
    assert found["flowpar_run_exit_code", (workflow,)] == 1
    assert found["flowpar_run_running", (workflow,)] == 0
    assert found["flowpar_run_status", (("status", "failed"), workflow)] == 1
    assert found["flowpar_run_status", (("status", "succeeded"), workflow)] == 0
    assert found["flowpar_tasks", (("state", "failed"), workflow)] == 1
    assert found["flowpar_attempts", (("state", "retried"), workflow)] == 1
    assert found["flowpar_task_attempts", (("task", "count"), workflow)] == 2
    assert found["flowpar_task_duration_seconds", (("task", "count"), workflow)] == 3.0
    assert found["flowpar_task_failed_attempts", (("task", "count"), workflow)] == 1
    assert found["flowpar_task_max_rss_bytes", (("task", "load"), workflow)] == 1024
    assert stat.S_IMODE((tmp_path / "flowpar.prom").stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["flowpar.prom"]


def test_the_file_is_written_at_most_every_five_seconds_and_at_the_end(tmp_path: Path) -> None:
    clock = Clock()
    sink = Prometheus(tmp_path / "x.prom", clock=clock)
    running = ("flowpar_running_attempts", (("workflow", "words"),))
    begun, load, loaded, *_, end = a_run("words")

    sink.emit(begun)
    sink.emit(load)
    assert samples(tmp_path / "x.prom")[running] == 0
    clock.now = 5.0
    sink.emit(loaded)
    sink.emit(load)
    assert samples(tmp_path / "x.prom")["flowpar_tasks", (("state", "succeeded"), ("workflow", "words"))] == 1
    assert samples(tmp_path / "x.prom")[running] == 0
    sink.emit(end)

    assert samples(tmp_path / "x.prom")[running] == 1
    assert samples(tmp_path / "x.prom")["flowpar_run_exit_code", (("workflow", "words"),)] == 1


def test_a_target_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    for target in ("", str(tmp_path), str(tmp_path / "no" / "x.prom")):
        with pytest.raises(UsageError):
            open_sink(target, SinkSetting())


@pytest.mark.parametrize("kind", ["pipe", "link", "lost link"])
def test_what_is_there_and_is_no_regular_file_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.prom"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null" if kind == "link" else tmp_path / "nowhere")

    with pytest.raises(UsageError, match="it is no regular file"):
        open_sink(str(path), SinkSetting())

    assert not path.is_file()


def test_a_run_that_is_killed_leaves_when_it_began_and_that_it_runs(tmp_path: Path) -> None:
    sink = Prometheus(tmp_path / "x.prom")
    for event in a_run("words")[:-1]:
        sink.emit(event)

    found = {name: value for (name, _), value in samples(tmp_path / "x.prom").items()}
    assert found["flowpar_run_running"] == 1
    assert found["flowpar_run_start_time_seconds"] == AT
    assert "flowpar_run_end_time_seconds" not in found


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> Any:
        return Prometheus(tmp_path / "x.prom")
