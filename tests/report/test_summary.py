from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import RunStatus
from flowpar.report.summary import SummarySink, typed
from flowpar.testing.events import run_finished, run_started, task_failed, task_succeeded

if TYPE_CHECKING:
    from flowpar.core.events import Event


RUN = run_started().run_id


def summary(*events: Event) -> str:
    sink = SummarySink()
    for event in events:
        sink.emit(event)
    sink.commit()
    sink.close()
    return sink.text()


def test_a_failure_is_told_with_frames_the_end_of_its_output_and_its_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "1-load.2.log").write_text("".join(f"line {n}\n" for n in range(100)) + "\x1b[31mlast\n")
    failure = task_failed("load", 7, attempt=2, log_file="logs/1-load.2.log")

    text = summary(run_started(run_dir=str(tmp_path)), failure, run_finished(failed=1, skipped=2))

    assert text.splitlines()[:4] == [
        "load[7] failed on attempt 2: ValueError: bad row",
        '  File "steps.py", line 3, in count',
        "  its output ended with:",
        "  | line 86",
    ]
    assert text.splitlines()[-7:-1] == [
        "  | last",
        f"  log: {tmp_path}/logs/1-load.2.log",
        "",
        "failed in 3.00 s: 2 skipped, 1 failed",
        f"run folder: {tmp_path}",
        f"debug with: flowpar debug {tmp_path} 'load[7]'",
    ]


def test_a_crash_is_told_with_the_frames_of_the_user_only(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    ours = '  File "/lib/flowpar/execute/attempt.py", line 9 in _returned\n' + '  File "/lib/x.py", line 1 in f\n' * 40
    stack = f'Current thread 0x1 (most recent call first):\n  File "/my/steps.py", line 6 in crash\n{ours}'
    (tmp_path / "logs" / "1-t.1.log").write_text(
        f"before\nFatal Python error: Aborted\n\n{stack}\nExtension modules: a\n"
    )

    text = summary(run_started(run_dir=str(tmp_path)), task_failed("t", log_file="logs/1-t.1.log"), run_finished())

    assert [line for line in text.splitlines() if line.startswith("  | ")] == [
        "  | before",
        "  | Fatal Python error: Aborted",
        "  | ",
        "  | Current thread 0x1 (most recent call first):",
        '  |   File "/my/steps.py", line 6 in crash',
        "  | ",
        "  | Extension modules: a",
    ]


def test_a_good_run_is_one_line_and_its_folder() -> None:
    text = summary(run_started(), task_succeeded(), run_finished(RunStatus.SUCCEEDED, succeeded=1))

    assert text == "succeeded in 3.00 s: 1 succeeded\nrun folder: /run\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [(ExitCode.INTERRUPTED, "interrupted"), (ExitCode.TERMINATED, "terminated"), (ExitCode.HUNG_UP, "hung up")],
)
def test_a_run_that_was_stopped_says_by_what(code: ExitCode, told: str) -> None:
    finished = replace(run_finished(RunStatus.INTERRUPTED, cancelled=1), exit_code=code)

    assert f"\n{told} in 3.00 s: 1 cancelled\n" in "\n" + summary(run_started(), finished)


def test_the_way_on_is_left_with_who_outlives_the_run_as_soon_as_it_began() -> None:
    left: list[str] = []
    sink = SummarySink(leave_word=left.append)

    sink.emit(run_started(run_dir=f"/state/runs/{RUN}"))

    assert left == [sink.way_on()] != [""]


def test_a_folder_below_the_current_one_is_named_from_here() -> None:
    text = summary(run_started(run_dir=str(Path.cwd() / ".flowpar" / "runs" / "x")), run_finished())

    assert "\nrun folder: .flowpar/runs/x\n" in text


@pytest.mark.parametrize(
    ("state_dir", "run_dir", "command"),
    [
        (".flowpar", f".flowpar/runs/{RUN}", f"flowpar resume {RUN}"),
        ("/state", f"/state/runs/{RUN}", f"flowpar resume {RUN}"),
        (".flowpar", f"/my state/runs/{RUN}", f"flowpar resume {RUN} --state-dir '/my state'"),
        ("/state", f".flowpar/runs/{RUN}", f"flowpar resume {RUN} --state-dir .flowpar"),
        (".flowpar", "out/this one", "flowpar resume 'out/this one'"),
    ],
)
def test_a_run_that_failed_says_how_to_go_on(state_dir: str, run_dir: str, command: str) -> None:
    sink = SummarySink(state_dir)
    sink.emit(run_started(run_dir=str(Path.cwd() / run_dir)))
    sink.emit(run_finished(failed=1))

    assert sink.text().splitlines()[-1] == f"continue with: {command}"


def test_a_run_that_is_cut_off_says_how_to_go_on_once_it_began() -> None:
    sink = SummarySink()

    assert sink.way_on() == ""

    sink.emit(run_started(run_dir=f"/state/runs/{RUN}"))

    assert sink.way_on() == f"continue with: flowpar resume {RUN} --state-dir /state\n"


def test_tolerated_failures_and_fan_outs_as_a_whole_are_not_told() -> None:
    items = Failure(FailureKind.ITEMS, "", "1 of 2 items failed")

    text = summary(run_started(), task_failed(is_tolerated=True), task_failed(failure=items), run_finished())

    assert "bad row" not in text
    assert "of 2 items" not in text


def test_a_fan_out_that_fails_a_thousand_times_does_not_hide_another_task() -> None:
    items = [task_failed("count", item) for item in range(1000)]

    text = summary(run_started(), *items, task_failed("load"), run_finished(failed=2))

    assert text.count("ValueError: bad row") == 4
    assert "\nload failed: ValueError: bad row" in text
    assert "… and 997 more: 997 of count (count[3], count[4], count[5], …); /run/run.log.jsonl has them all" in text


def test_failures_beyond_the_tenth_are_named() -> None:
    tasks = [task_failed(f"t{number}") for number in range(13)]

    text = summary(run_started(), *tasks, run_finished(failed=13))

    assert text.count("ValueError: bad row") == 10
    assert "… and 3 more: t10, t11, t12;" in text


def test_of_many_tasks_that_failed_the_first_are_named_and_the_rest_counted() -> None:
    tasks = [task_failed(f"t{number}") for number in range(100)]

    text = summary(run_started(), *tasks, run_finished(failed=100))

    assert "… and 90 more: t10, t11, t12, t13, t14, and 85 other tasks;" in text


def test_the_items_of_a_sub_workflow_that_fail_alike_are_one_group() -> None:
    items = [task_failed(f"train[{item}]/fit") for item in range(5)]

    text = summary(run_started(), *items, run_finished(failed=5))

    assert text.count("ValueError: bad row") == 3
    assert "… and 2 more: 2 of train[*]/fit (train[3]/fit, train[4]/fit);" in text


def test_a_log_that_is_gone_hides_nothing(tmp_path: Path) -> None:
    failure = task_failed(log_file="logs/gone.log")

    text = summary(run_started(run_dir=str(tmp_path)), failure, run_finished(failed=1))

    assert "load failed: ValueError: bad row" in text


def test_no_run_has_no_summary() -> None:
    assert summary() == ""


def test_a_run_with_the_name_of_a_command_is_typed_as_a_name(tmp_path: Path) -> None:
    name = "20251122-$(touch x)"

    run, where = typed(name, str(tmp_path / "runs" / name), str(tmp_path))

    assert (run, where) == (f"'{name}'", "")
