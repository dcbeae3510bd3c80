"""A job that behaves: what a task process finds, does and gives, by every start method."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind
from flowpar.execute import tree
from flowpar.execute.base import Completion, Printed, Started
from flowpar.execute.printed import HEAD_BYTES, TAIL_BYTES

if TYPE_CHECKING:
    from tests.execute.conftest import Rig

HEAVY = {"pydantic", "networkx", "rich", "click", "structlog", "yaml", "orjson", "psutil"}


def test_a_job_starts_ends_and_gives_its_value(any_rig: Rig) -> None:
    end = any_rig.run("echo", "hello")

    (started,) = any_rig.told(end.job, Started)
    assert any_rig.value_of(end) == "hello"
    assert started.pid == end.pid != os.getpid()
    assert end.started <= end.ended
    assert any_rig.log(end.job).read_text() == "hello\nhello\n"
    assert "".join(notice.text for notice in any_rig.told(end.job, Printed)) == "hello\nhello\n"


def test_the_notices_of_a_job_come_in_order(rig: Rig) -> None:
    end = rig.run("echo", "hello")

    kinds = [type(notice) for notice in rig.notices if notice.job == end.job]
    assert kinds[0] is Started
    assert kinds[-1] is Completion
    assert len(kinds) - kinds.count(Printed) == 2


def test_cpu_time_and_peak_memory_are_known(rig: Rig) -> None:
    end = rig.run("hold_memory", str(64 << 20))

    assert end.max_rss_bytes is not None
    assert end.max_rss_bytes > 64 << 20
    assert end.cpu_s is not None
    assert end.cpu_s > 0


def test_warnings_of_the_attempt_arrive(rig: Rig) -> None:
    assert rig.run("warned").warnings == ("a warning",)


def test_a_task_finds_a_process_as_python_starts_with(any_rig: Rig) -> None:
    found = any_rig.value_of(any_rig.run("surroundings"))

    assert found["session"] == found["pid"]
    assert found["signals"]["SIGHUP"] == found["signals"]["SIGCHLD"] == str(signal.SIG_DFL)
    assert "default_int_handler" in found["signals"]["SIGINT"]
    assert found["blocked"] == []
    assert found["collects"]
    assert found["stdin"] == ""
    assert found["start_method"] is None
    assert not found["daemon"]
    assert found["threads"] == 1
    assert found["main"] is None


def test_a_forked_task_has_no_low_descriptors_but_the_standard_ones(rig: Rig) -> None:
    found = rig.value_of(rig.run("surroundings"))

    assert [number for number in found["descriptors"] if number <= 100] == [0, 1, 2]


def test_a_task_process_is_weightless(any_rig: Rig) -> None:
    found = any_rig.value_of(any_rig.run("surroundings"))

    assert not HEAVY.intersection(found["modules"])


def test_two_slots_run_two_jobs_at_once(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "meeting"
    folder.mkdir()
    jobs = [rig.submit("meet", folder) for _ in range(2)]

    (first_began, first_met), (second_began, second_met) = (rig.value_of(rig.finish(job)) for job in jobs)

    assert max(first_began, second_began) <= min(first_met, second_met)


def test_a_job_ahead_of_the_slots_waits_for_one(rig: Rig, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = [rig.submit("wait_for", gate) for _ in range(2)]
    ahead = rig.submit("noop")
    rig.until(lambda: all(rig.told(job, Started) for job in running))
    assert not rig.told(ahead, Started)

    gate.touch()

    ends = [rig.finish(job) for job in (*running, ahead)]
    assert ends[2].started >= min(end.ended for end in ends[:2])


def test_an_attempt_begins_once_the_one_before_it_is_recorded(rig: Rig, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = [rig.submit("wait_for", gate) for _ in range(2)]
    ahead = rig.submit("now")
    gate.touch()
    rig.serve_unrecorded(lambda: bool(rig.told(ahead, Started)))
    (started,) = rig.told(ahead, Started)
    # It has its name when it has done all but begin.
    rig.serve_unrecorded(lambda: tree.name_of(started.pid) == "task-now" and is_asleep(started.pid))

    recorded = time.monotonic()
    begun = rig.value_of(rig.finish(ahead))

    assert begun > recorded
    assert all(rig.value_of(rig.finish(job)) is None for job in running)


def test_an_attempt_that_waits_for_leave_can_be_cancelled(rig: Rig, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = [rig.submit("wait_for", gate) for _ in range(2)]
    ahead = rig.submit("now")
    gate.touch()
    rig.serve_unrecorded(lambda: bool(rig.told(ahead, Started)))

    rig.executor.cancel(ahead)
    rig.serve_unrecorded(lambda: bool(rig.told(ahead, Completion)))

    assert rig.failure_of(rig.finish(ahead)).message in {"ended by SIGTERM", "killed by SIGTERM"}
    assert rig.value_of(rig.run("echo", "after")) == "after"
    assert all(rig.value_of(rig.finish(job)) is None for job in running)


def is_asleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"S"


def test_a_job_that_waits_can_be_cancelled(rig: Rig, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = [rig.submit("wait_for", gate) for _ in range(2)]
    ahead = rig.submit("noop")

    rig.executor.cancel(ahead)

    end = rig.finish(ahead)
    assert rig.failure_of(end).kind is FailureKind.CANCELLED
    assert end.pid == 0
    gate.touch()
    assert all(rig.value_of(rig.finish(job)) is None for job in running)


def test_a_silent_job_has_no_log_file(rig: Rig) -> None:
    end = rig.run("noop")

    assert not end.has_log
    assert not rig.log(end.job).exists()


def test_a_log_file_is_for_its_owner_only(rig: Rig) -> None:
    end = rig.run("echo", "x")

    assert end.has_log
    assert stat.S_IMODE(rig.log(end.job).stat().st_mode) == 0o600


def test_a_flood_is_cut_in_the_middle(rig: Rig) -> None:
    end = rig.run("flood", str(64 << 10))

    kept = rig.log(end.job).read_bytes()
    assert rig.value_of(end) is None
    assert len(kept) < HEAD_BYTES + TAIL_BYTES + 200
    assert b"left out" in kept
    assert kept.endswith(b"the end\n")


def test_what_is_posted_without_outputs_goes_nowhere(rig: Rig) -> None:
    assert rig.value_of(rig.run("post", "3")) == "3"


def test_many_jobs_all_come_to_an_end(rig: Rig) -> None:
    jobs: list[int] = []
    for _ in range(60):
        rig.until(lambda: rig.executor.held < rig.executor.capacity)
        jobs.append(rig.submit("noop"))

    pids = {rig.finish(job).pid for job in jobs}

    assert len(pids) == 60
