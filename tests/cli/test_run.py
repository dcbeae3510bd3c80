from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from flowpar.record.resume import read_settled

if TYPE_CHECKING:
    from tests.cli.conftest import Desk


SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "event.schema.json").read_text())
DOUBLE = """name: doubles
inputs: {n: 4}
tasks:
  two: {python: "steps:double", with: {n: "${{ inputs.n }}"}}
outputs:
  doubled: ${{ tasks.two.output }}
"""
FAILING = """name: failing
tasks:
  bad: {python: "steps:fail"}
  after: {needs: [bad], python: "steps:mark", with: {name: after}}
  other: {python: "steps:mark", with: {name: other}}
outputs:
  name: ${{ tasks.other.output }}
"""
WAITING = """name: waiting
tasks:
  long: {python: "steps:wait"}
"""
MARKING = """name: marking
tasks:
  mark: {python: "steps:mark", with: {name: marker}}
"""


def log_of(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.newest_run() / "run.log.jsonl").read_text().splitlines()]


def test_outputs_go_to_stdout_and_everything_else_to_stderr(desk: Desk) -> None:
    desk.write(DOUBLE)

    done = desk.run("run", "workflow.yaml", "-i", "n=21")

    assert (done.returncode, done.stdout) == (0, "42\n")
    told = done.stderr.splitlines()
    assert told[0].startswith("doubles: run 2")
    assert told[1].startswith("two: succeeded in ")
    assert told[2].endswith(": 1 succeeded")
    assert told[3] == f"run folder: .flowpar/runs/{desk.newest_run().name}"


def test_json_is_exactly_the_outputs(desk: Desk) -> None:
    desk.write(DOUBLE)

    done = desk.run("run", "workflow.yaml", "--json", "--quiet")

    assert json.loads(done.stdout) == {"doubled": 8}
    assert json.loads((desk.newest_run() / "outputs.json").read_text()) == {"doubled": 8}
    assert done.stderr == ""


def test_a_workflow_without_outputs_prints_none(desk: Desk) -> None:
    desk.write(MARKING)

    plain, as_json = desk.run("run", "workflow.yaml"), desk.run("run", "workflow.yaml", "--json")

    assert (plain.stdout, as_json.stdout) == ("", "{}\n")


def test_a_failed_run_says_why_and_prints_nothing_on_stdout(desk: Desk) -> None:
    desk.write(FAILING)

    done = desk.run("run", "workflow.yaml", "--json")

    assert (done.returncode, done.stdout) == (1, "")
    assert "bad failed: ValueError: bad row\n" in done.stderr
    assert "steps.py" in done.stderr
    assert "  | about to fail\n" in done.stderr
    assert 'after: skipped: task "bad" failed\n' in done.stderr
    assert ": 1 succeeded, 1 skipped, 1 failed\n" in done.stderr
    assert f"{os.sep}flowpar{os.sep}execute" not in done.stderr
    assert (desk.folder / "other").exists()
    assert not (desk.folder / "after").exists()


def test_findings_stop_a_run_before_anything_is_written(desk: Desk) -> None:
    desk.write(DOUBLE.replace("steps:double", "steps:dubble"))

    done = desk.run("run", "workflow.yaml")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "workflow.yaml:5:" in done.stderr
    assert 'did you mean "double"?' in done.stderr
    assert not (desk.folder / ".flowpar").exists()


def test_the_log_has_for_each_task_what_is_promised_and_is_as_the_schema_says(desk: Desk) -> None:
    desk.write(FAILING)

    desk.run("run", "workflow.yaml")

    lines = log_of(desk)
    validator = Draft202012Validator(SCHEMA)
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []
    assert {line["run_id"] for line in lines} == {desk.newest_run().name}
    ended = {line["task"]: line for line in lines if line["event"] in {"task.succeeded", "task.failed"}}
    assert set(ended) == {"bad", "other"}
    for line in ended.values():
        assert line["pid"] > 0
        assert line["started_at"] <= line["ended_at"]
        assert line["duration_s"] > 0
        assert line["layer"] == 0
        assert line["executor"] == "process"


def test_tasks_of_a_layer_are_processes_of_their_own_and_overlap(desk: Desk) -> None:
    desk.write(
        "tasks:\n"
        "  a: {python: 'steps:meet', with: {mine: a, other: b}}\n"
        "  b: {python: 'steps:meet', with: {mine: b, other: a}}\n"
        "outputs: {met: '${{ [tasks.a.output, tasks.b.output] }}'}\n"
    )

    done = desk.run("run", "workflow.yaml", "-w", "2", "--json")

    assert json.loads(done.stdout) == {"met": [True, True]}
    a, b = (line for line in log_of(desk) if line["event"] == "task.succeeded")
    assert a["pid"] != b["pid"]
    assert a["started_at"] < b["ended_at"]
    assert b["started_at"] < a["ended_at"]


def test_stderr_can_speak_json_alone(desk: Desk) -> None:
    desk.write(FAILING)

    done = desk.run("run", "workflow.yaml", "--log-format", "json")

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines == log_of(desk)
    assert lines[-1]["event"] == "run.finished"


def test_stderr_can_show_log_lines_for_people(desk: Desk) -> None:
    desk.write(DOUBLE)

    done = desk.run("run", "workflow.yaml", "--log-format", "console")

    assert "task.succeeded task=two" in done.stderr
    assert "\x1b" not in done.stderr


def test_verbose_tells_what_tasks_print(desk: Desk) -> None:
    desk.write(DOUBLE)

    done = desk.run("run", "workflow.yaml", "-v")

    assert "two: started, pid " in done.stderr
    assert "two | doubling 4\n" in done.stderr


def test_everything_written_is_private_under_an_open_umask(desk: Desk) -> None:
    desk.write(FAILING)
    before = os.umask(0)
    try:
        desk.cold("run", "workflow.yaml")
    finally:
        os.umask(before)

    paths = [desk.folder / ".flowpar", *(desk.folder / ".flowpar").rglob("*")]
    wrong = [path for path in paths if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)]
    assert len(paths) > 8
    assert wrong == []


@pytest.mark.parametrize("planted", ["file", "link"])
def test_an_unusable_state_folder_is_refused_before_any_task_starts(desk: Desk, planted: str) -> None:
    desk.write(MARKING)
    (desk.folder / "elsewhere").mkdir()
    if planted == "file":
        (desk.folder / ".flowpar").write_text("")
    else:
        (desk.folder / ".flowpar").symlink_to(desk.folder / "elsewhere")

    done = desk.run("run", "workflow.yaml")

    assert done.returncode == 3
    assert done.stderr.startswith('flowpar: state folder ".flowpar" is a ')
    assert len(done.stderr.splitlines()) == 1
    assert not (desk.folder / "marker").exists()
    assert list((desk.folder / "elsewhere").iterdir()) == []


def test_runs_are_kept_where_the_environment_or_an_option_says(desk: Desk) -> None:
    desk.write(MARKING)

    by_environment = desk.run("run", "workflow.yaml", FLOWPAR_STATE_DIR="one")
    by_option = desk.run("run", "workflow.yaml", "--state-dir", "two", FLOWPAR_STATE_DIR="one")
    by_run_dir = desk.run("run", "workflow.yaml", "--run-dir", "three")

    assert (by_environment.returncode, by_option.returncode, by_run_dir.returncode) == (0, 0, 0)
    assert len(list((desk.folder / "one" / "runs").iterdir())) == 1
    assert len(list((desk.folder / "two" / "runs").iterdir())) == 1
    assert (desk.folder / "three" / "events.jsonl").exists()
    assert not (desk.folder / ".flowpar").exists()


def test_a_full_disk_ends_the_run_with_a_clear_word(desk: Desk) -> None:
    desk.write(DOUBLE)
    limited = ["/bin/sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *desk.command("run", "workflow.yaml")]

    done = subprocess.run(
        limited, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 3
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "file too large" in done.stderr


@pytest.mark.parametrize("more", [(), ("--json", "-q")], ids=["plain", "json"])
def test_a_closed_stdout_does_not_harm_the_run_and_is_said(desk: Desk, more: tuple[str, ...]) -> None:
    desk.write(DOUBLE)
    closed = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *desk.command("run", "workflow.yaml", *more)]

    done = subprocess.run(
        closed, cwd=desk.folder, env=desk.environment(), stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )

    file = f".flowpar/runs/{desk.newest_run().name}/outputs.json"
    assert done.returncode == 0
    assert (
        done.stderr.splitlines()[-1] == f"flowpar: stdout is closed, so the outputs are not printed; they are in {file}"
    )
    assert json.loads((desk.folder / file).read_text()) == {"doubled": 8}


def test_a_closed_stdout_is_nothing_to_a_run_without_outputs(desk: Desk) -> None:
    desk.write(MARKING)
    closed = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *desk.command("run", "workflow.yaml", "-q")]

    done = subprocess.run(
        closed, cwd=desk.folder, env=desk.environment(), stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away_does_not_harm_the_run(desk: Desk) -> None:
    desk.write(DOUBLE)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            desk.command("run", "workflow.yaml"),
            cwd=desk.folder,
            env=desk.environment(),
            stdout=writer,
            stderr=writer,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)

    assert done.returncode == 0
    assert log_of(desk)[-1]["status"] == "succeeded"
    assert json.loads((desk.newest_run() / "outputs.json").read_text()) == {"doubled": 8}


def test_closed_streams_do_not_harm_the_run(desk: Desk) -> None:
    desk.write(DOUBLE)
    closed = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *desk.command("run", "workflow.yaml")]

    done = subprocess.run(closed, cwd=desk.folder, env=desk.environment(), timeout=60, check=False)

    assert done.returncode == 0
    assert log_of(desk)[-1]["status"] == "succeeded"


def test_the_time_of_a_run_is_bounded(desk: Desk) -> None:
    desk.write(WAITING)

    done = desk.run("run", "workflow.yaml", "--timeout", "300ms")

    assert done.returncode == 124
    assert "stopping: the run took longer than " in done.stderr


def test_fail_fast_starts_nothing_more(desk: Desk) -> None:
    desk.write(
        "tasks:\n"
        "  bad: {python: 'steps:fail'}\n"
        "  then: {needs: [long], python: 'steps:mark', with: {name: marker}}\n"
        "  long: {python: 'steps:wait'}\n"
    )

    done = desk.run("run", "workflow.yaml", "--fail-fast", "-w", "2")

    assert done.returncode == 1
    assert not (desk.folder / "marker").exists()


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
    ids=["int", "term", "hup"],
)
def test_a_signal_ends_the_run_and_says_so(desk: Desk, number: signal.Signals, code: int, told: str) -> None:
    desk.write(WAITING)
    run = desk.start("run", "workflow.yaml", "-v", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with run:
        assert run.stderr is not None
        while "long | waiting" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(number)
        out, err = run.communicate(timeout=60)

    assert (run.returncode, out) == (code, "")
    assert f"stopping: {told}\n" in err
    assert err.splitlines()[-3].startswith(f"{told} in ")
    assert "Traceback" not in err


def test_a_terminal_gets_a_live_view_that_is_gone_at_the_end(desk: Desk) -> None:
    desk.write(DOUBLE)
    parent, child = pty.openpty()
    run = subprocess.Popen(
        desk.command("run", "workflow.yaml"),
        cwd=desk.folder,
        env=desk.environment(TERM="xterm-256color"),
        stdout=subprocess.PIPE,
        stderr=child,
        text=True,
    )
    os.close(child)
    with os.fdopen(parent, "rb", buffering=0) as terminal, run:
        seen = bytearray()
        try:
            while part := terminal.read(4096):
                seen += part
        except OSError:
            pass  # what a terminal says when the last process has left it
        out, _ = run.communicate(timeout=60)

    assert (run.returncode, out) == (0, "8\n")
    assert b"doubles" in seen
    assert b"\x1b[J" in seen
    assert seen.rfind(b"\x1b[?7h") > seen.rfind(b"\x1b[?7l")
    assert b"succeeded\x1b[0m in" in seen


def test_the_journal_keeps_what_a_resume_needs(desk: Desk) -> None:
    desk.write("tasks: {a: {python: steps:double, with: {n: 1}}}")

    assert desk.run("run", "workflow.yaml", "--executor", "thread", "--fail-fast").returncode == 0

    begun = read_settled(desk.newest_run())[0].run
    assert begun.file == "workflow.yaml"
    assert begun.options == {
        "folder": str(desk.folder),
        "executor": "thread",
        "start_method": "fork",
        "fail_fast": True,
        "no_plugins": False,
    }
