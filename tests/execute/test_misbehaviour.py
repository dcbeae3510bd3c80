"""Tasks that leave by the back door, leave somebody behind or break what they were given."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import MachineError
from flowpar.core.outcome import FailureKind
from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.execute.conftest import Rig


@pytest.mark.parametrize(
    ("code", "kind"),
    [("0", FailureKind.DIED), ("7", FailureKind.EXIT)],
)
def test_a_hard_exit_is_an_exit_without_a_result(any_rig: Rig, code: str, kind: FailureKind) -> None:
    failure = any_rig.failure_of(any_rig.run("exit_hard", code))

    assert failure.kind is kind
    assert failure.message == f"exited without a result (exit code {code})"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGILL", "SIGBUS"])
def test_a_death_by_signal_is_named(rig: Rig, name: str) -> None:
    failure = rig.failure_of(rig.run("kill_self", name))

    assert failure.kind is FailureKind.DIED
    assert failure.type == name
    assert failure.message.startswith(f"killed by {name}")


def test_a_death_by_kill_tells_the_peak_memory(rig: Rig) -> None:
    failure = rig.failure_of(rig.run("kill_self", "SIGKILL"))

    assert "peak memory" in failure.message
    assert "out of memory" not in failure.message


def test_a_crash_leaves_its_stack_in_the_log(any_rig: Rig) -> None:
    end = any_rig.run("crash")

    assert any_rig.failure_of(end).message == "killed by SIGSEGV"
    log = any_rig.log(end.job).read_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "in crash" in log


def test_a_task_that_closes_everything_fails_clearly(rig: Rig) -> None:
    other = rig.submit("noop")

    failure = rig.failure_of(rig.run("close_everything"))

    assert failure.message == "closed the pipe that carries its result"
    assert rig.value_of(rig.finish(other)) is None


def test_what_is_written_to_the_first_descriptors_goes_nowhere(rig: Rig) -> None:
    assert rig.value_of(rig.run("scribble", "100")) == "done"


def test_garbage_on_the_result_pipe_is_a_failure_of_its_task_alone(rig: Rig) -> None:
    other = rig.submit("noop")

    failure = rig.failure_of(rig.run("scribble", "1000"))

    assert failure.message.startswith("wrote to the pipe that carries its result")
    assert rig.value_of(rig.finish(other)) is None


def test_multiprocessing_of_a_task_leaves_nothing_in_the_temporary_folder(
    make_rig: Callable[..., Rig], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("t")  # short, as the path of a socket has to be
    monkeypatch.setenv("TMPDIR", str(temporary))
    rig = make_rig(slots=1, start_method="fork")

    assert rig.value_of(rig.run("use_manager")) == 1
    assert rig.value_of(rig.run("use_forkserver")) == 0

    assert list(temporary.iterdir()) == []


def test_a_child_left_behind_is_killed_with_a_warning(any_rig: Rig) -> None:
    end = any_rig.run("leave_child")

    child = any_rig.value_of(end)
    assert not tree.is_alive(child)
    assert end.warnings == (f'left a process running, now killed: "sleep" (pid {child})',)


def test_a_daemon_left_behind_is_killed_with_a_warning(any_rig: Rig) -> None:
    end = any_rig.run("leave_daemon")

    assert not tree.is_alive(any_rig.value_of(end))
    assert len(end.warnings) == 1


def test_a_child_that_ended_by_itself_is_nothing_to_warn_of(rig: Rig) -> None:
    assert rig.run("leave_exited_child").warnings == ()


def test_orphans_of_a_task_that_exited_hard_are_killed(any_rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "pid"

    end = any_rig.run("die_leaving_daemon", file)

    assert any_rig.failure_of(end).kind is FailureKind.DIED
    assert any_rig.left_of([int(file.read_text())]) == []


def test_a_pool_left_open_ends_without_a_word(any_rig: Rig) -> None:
    end = any_rig.run("use_pool", grace_s=50.0)

    assert any_rig.value_of(end) == [0, 1, 4, 9, 16]
    assert end.warnings == ()
    assert end.ended - end.started < 50


def test_a_fork_of_a_task_dies_of_term_as_any_program(rig: Rig) -> None:
    # With the task's own handler a pool's worker misses the signal in front of a lock, and hangs for ever.
    assert rig.value_of(rig.run("child_signal")) == str(signal.SIG_DFL)


def test_managers_and_locks_of_multiprocessing_work(rig: Rig) -> None:
    end = rig.run("use_manager")

    assert rig.value_of(end) == 1
    assert end.warnings == ()
    assert end.ended - end.started < 50


@pytest.mark.parametrize(("name", "value"), [("use_spawn", [1, 2]), ("use_forkserver", 0)])
def test_other_start_methods_work_inside_a_task(any_rig: Rig, name: str, value: object) -> None:
    end = any_rig.run(name)

    assert any_rig.value_of(end) == value
    assert end.warnings == ()


def test_a_thread_that_goes_on_is_ended_after_the_grace(rig: Rig) -> None:
    end = rig.run("leave_thread", grace_s=0.3)

    assert rig.value_of(end) == "kept"
    assert end.warnings == ('left a thread running ("sleeper"); ended after 0.3 s',)
    assert 0.3 <= end.ended - end.started < 50


def test_a_thread_that_ends_in_time_is_waited_for(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "done"

    end = rig.run("leave_brief_thread", file)

    assert end.warnings == ()
    assert file.read_text() == "done"


def test_an_executor_nobody_shut_down_is_no_reason_to_wait(rig: Rig) -> None:
    end = rig.run("leave_executor", grace_s=50.0)

    assert rig.value_of(end) == 9
    assert end.warnings == ()
    assert end.ended - end.started < 50


def test_functions_registered_for_the_end_run(any_rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "ran"

    any_rig.run("register_atexit", file)

    assert file.read_text() == "ran"


def test_a_function_that_hangs_at_the_end_costs_no_result(rig: Rig) -> None:
    end = rig.run("hang_at_exit", grace_s=0.2)

    assert rig.value_of(end) == "kept"
    assert end.warnings == ("did not end after it had returned; it was ended",)


def test_a_fork_that_returns_too_tells_nothing(rig: Rig) -> None:
    end = rig.run("fork_and_return")

    assert rig.value_of(end) == end.pid


def test_term_runs_the_clean_up_of_a_task(any_rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    job = any_rig.submit("hang_politely", file)
    pids = any_rig.pids_from(file)

    any_rig.executor.cancel(job)

    failure = any_rig.failure_of(any_rig.finish(job))
    assert failure.message == "ended by SIGTERM"
    assert (tmp_path / "pids.clean").read_text() == "cleaned up"
    assert any_rig.left_of(pids) == []


def test_what_a_cancelled_task_started_may_clean_up_as_well(any_rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    job = any_rig.submit("hang_with_a_polite_child", file)
    pids = any_rig.pids_from(file)

    any_rig.executor.cancel(job)

    end = any_rig.finish(job)
    assert any_rig.failure_of(end).message == "ended by SIGTERM"
    assert end.warnings == ()
    assert (tmp_path / "pids.clean").read_text() == "cleaned up\n"
    assert any_rig.left_of(pids) == []


def test_force_ends_a_whole_tree_that_ignores_term(any_rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    job = any_rig.submit("hang_stubbornly", file)
    pids = any_rig.pids_from(file)
    any_rig.executor.cancel(job)

    any_rig.executor.cancel(job, force=True)

    failure = any_rig.failure_of(any_rig.finish(job))
    assert failure.type == "SIGKILL"
    assert any_rig.left_of(pids) == []


def test_a_task_that_kills_its_parent_ends_the_run_with_a_message(rig: Rig) -> None:
    rig.submit("kill_parent")

    with pytest.raises(MachineError, match="died; without it no task can run"):
        rig.until(lambda: False)


def test_closing_ends_what_still_runs(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    rig.submit("hang_stubbornly", file)
    pids = rig.pids_from(file)

    rig.close()

    assert rig.left_of(pids) == []
    assert os.getpid() not in pids
