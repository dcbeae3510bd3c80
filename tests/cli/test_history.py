from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.cli.main import main
from flowpar.record.history import run_ids
from flowpar.record.lock import Lock, holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Desk


WORKFLOW = """name: numbers
inputs: {top: 3}
tasks:
  load: {python: steps:double, with: {n: "${{ inputs.top }}"}}
  each:
    for_each: {n: [1, 2]}
    needs: [load]
    python: steps:double
    with: {n: "${{ each.n }}"}
  bad: {python: steps:fail, needs: [each]}
  after: {python: steps:double, with: {n: 1}, needs: [bad]}
"""
PRINTS_ESCAPES = r"""name: colours
tasks:
  paint: {shell: "printf 'a\\033[31mred\\033[0m\\033]0;title\\007'"}
  raise: {shell: "printf 'x' ; exit 3", allow_failure: true}
"""


@pytest.fixture(scope="module")
def failed_once(module_desk: Desk) -> Desk:
    module_desk.write(WORKFLOW)
    assert module_desk.run("run", "workflow.yaml", "-q").returncode == 1
    return module_desk


@pytest.fixture
def failed(desk: Desk, failed_once: Desk) -> Desk:
    """A desk of its own for each test, on which a run has failed."""
    desk.become(failed_once)
    return desk


@pytest.fixture
def say(desk: Desk, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process, on the state of the desk."""

    def act(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([*arguments, "--state-dir", str(desk.folder / ".flowpar")])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return act


def test_runs_lists_what_ended_and_how(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = say("runs")

    head, _, line = out.splitlines()
    assert code == 0
    assert head.split() == ["run", "status", "started", "took", "tasks"]
    assert line.startswith(f"{failed.newest_run().name}  failed")
    assert line.endswith("2 succeeded, 1 skipped, 1 failed")


@pytest.mark.parametrize("command", [("runs",), ("show", "last"), ("logs", "last"), ("clean", "--older-than", "1d")])
def test_a_file_in_the_place_of_the_state_folder_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    (tmp_path / "state").touch()

    code = main([*command, "--state-dir", str(tmp_path / "state")])

    assert code == 3
    assert f'state folder "{tmp_path}/state" is a file, not a folder; choose another one' in capsys.readouterr().err


def test_runs_lists_for_programs(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = say("runs", "--json")

    (record,) = json.loads(out)
    assert (record["status"], record["exit_code"], record["workflow"], record["total"]) == ("failed", 1, "numbers", 4)
    assert Path(record["run_dir"]) == failed.newest_run()


def test_without_runs_there_is_nothing_on_stdout(desk: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    assert say("runs") == (0, "", f'there are no runs in "{desk.folder / ".flowpar"}"; flowpar run FILE makes one\n')
    assert say("runs", "--json") == (0, "[]\n", "")
    assert not (desk.folder / ".flowpar").exists()


@pytest.mark.parametrize("name", ["last", "20", "path"])
def test_show_tells_of_each_task(failed: Desk, say: Callable[..., tuple[int, str, str]], name: str) -> None:
    code, out, err = say("show", str(failed.newest_run()) if name == "path" else name)

    assert (code, err) == (0, "")
    assert "workflow  numbers (workflow.yaml)" in out
    assert "status    failed, exit code 1" in out
    assert "inputs    top=3" in out
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert rows["load"].split()[1] == "succeeded"
    assert rows["each"].split()[1:5] == ["succeeded", "2", "of", "2"]
    assert "ValueError: bad row" in rows["bad"]
    assert 'task "bad" failed' in rows["after"]


def test_a_tolerated_failure_is_shown_as_that(desk: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    desk.write("tasks:\n  may: {shell: exit 3, allow_failure: true}\n  good: {shell: 'true'}\n")

    done = desk.run("run", "workflow.yaml")
    _, listed, _ = say("runs")
    _, shown, _ = say("show", "last")

    assert done.returncode == 0
    assert "1 succeeded, 1 failed (tolerated)\n" in done.stderr
    assert listed.rstrip().endswith("1 succeeded, 1 failed (tolerated)")
    assert any(line.startswith("may   failed (tolerated)  ") for line in shown.splitlines())


def test_show_tells_programs_everything(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = say("show", "last", "--json")

    told = json.loads(out)
    tasks: dict[str, Any] = {task["task"]: task for task in told["tasks"]}
    assert (told["status"], told["inputs"], told["options"]["fail_fast"]) == ("failed", {"top": 3}, False)
    assert tasks["bad"]["error"]["type"] == "ValueError"
    assert tasks["bad"]["log_file"].startswith("logs/")
    assert [item["state"] for item in tasks["each"]["items"]] == ["succeeded", "succeeded"]
    assert tasks["each"]["item_states"] == {"succeeded": 2}
    assert Path(told["run_dir"], tasks["bad"]["log_file"]) == failed.newest_run() / tasks["bad"]["log_file"]


def test_logs_prints_what_tasks_printed(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    assert failed.folder.exists()
    assert say("logs", "last", "load") == (0, "doubling 3\n", "")
    assert say("logs", "last", "each[1]") == (0, "doubling 2\n", "")
    assert say("logs", "last", "after") == (0, "", '"after" printed nothing\n')
    assert say("logs", "last", "load", "--attempt", "2") == (0, "", '"load" printed nothing\n')
    _, everything, _ = say("logs", "last")
    assert everything.startswith("==> load <==\ndoubling 3\n==> each[")
    assert "==> bad <==\nabout to fail\n" in everything


def test_logs_names_its_files_for_programs(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = say("logs", "last", "each", "--json")

    records = json.loads(out)
    assert sorted((record["task"], record["item"], record["attempt"]) for record in records) == [
        ("each", 0, 1),
        ("each", 1, 1),
    ]
    assert all(Path(record["file"]).parent == failed.newest_run() / "logs" for record in records)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "lats"), 'there is no run "lats"; did you mean "last"?'),
        (("show", "zzz"), 'there is no run "zzz"; flowpar runs lists them, or say "last"'),
        (("logs", "last", "laod"), 'the run has no task "laod"; did you mean "load"?'),
        (("logs", "last", "zzz"), 'the run has no task "zzz"; there are: load, each, bad, after'),
        (("logs", "last", "each[2]"), 'task "each" has no item 2; its items are 0 to 1'),
        (("logs", "last", "load[0]"), 'task "load" had no items in this run; flowpar logs RUN load prints its log'),
        (("logs", "last", "each[x]"), '"each[x]" names no item; no item of "each" has that key in this run'),
        (("clean",), "nothing says which runs are old; give --keep N or --older-than DURATION"),
    ],
)
def test_what_is_not_there_is_said_with_what_may_be_meant(
    failed: Desk, say: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], message: str
) -> None:
    assert failed.folder.exists()
    assert say(*arguments) == (2, "", f"flowpar: {message}\n")


@pytest.mark.parametrize("verb", ["runs", "show", "logs", "clean"])
def test_each_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0

    assert f"  flowpar {verb}" in capsys.readouterr().out.partition("Examples:")[2]


def test_a_torn_journal_is_shown_up_to_where_it_tore(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    journal = failed.newest_run() / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])

    code, out, err = say("show", "last")

    assert code == 0
    assert "status    interrupted (crashed)" in out
    assert err == "flowpar: the journal's last record was cut short and is left out (30 bytes)\n"
    assert "interrupted (crashed)" in say("runs")[1]
    assert say("logs", "last", "load")[1] == "doubling 3\n"


def test_a_damaged_journal_is_shown_up_to_the_damage(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    journal = failed.newest_run() / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], bytes(50), *lines[3:]]))

    code, out, err = say("show", "last")

    assert code == 3
    assert "load" in out
    assert err == "flowpar: the journal is corrupt at record 4: this is what 3 records say\n"
    code, out, _ = say("runs")
    assert code == 0
    assert out.splitlines()[2].split(maxsplit=2)[1:] == ["damaged", "the journal is corrupt at record 4"]


def test_a_journal_that_never_began_is_said(failed: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    (failed.newest_run() / "events.jsonl").write_bytes(b'{"times')

    code, _, err = say("show", "last")

    told = "flowpar: the journal holds no whole record: the run was cut off before it began; run the workflow anew\n"
    assert (code, err) == (3, told)


def test_what_a_task_printed_cannot_steer_a_terminal(desk: Desk) -> None:
    desk.write(PRINTS_ESCAPES)
    assert desk.run("run", "workflow.yaml", "-q").returncode == 0

    parent, child = pty.openpty()
    with subprocess.Popen(desk.command("logs", "last"), cwd=desk.folder, stdout=child, stderr=subprocess.PIPE):
        os.close(child)
        seen = bytearray()
        try:
            while part := os.read(parent, 4096):
                seen += part
        except OSError:
            pass  # what a terminal says when the last process has left it
        os.close(parent)

    assert b"ared" in seen
    assert b"\x1b" not in seen


@pytest.fixture
def waiting(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on until the test ends."""
    desk.write("tasks:\n  first: {python: steps:double, with: {n: 1}}\n  wait: {python: steps:wait, needs: [first]}\n")
    with desk.start("run", "workflow.yaml", "-q") as process:
        deadline = time.monotonic() + 60
        runs = desk.folder / ".flowpar" / "runs"
        while not (
            any(log.stat().st_size for log in runs.glob("*/logs/*wait*"))
            and any(b'"task.started","task":"wait"' in journal.read_bytes() for journal in runs.glob("*/events.jsonl"))
        ):
            assert time.monotonic() < deadline
            assert process.poll() is None
        yield process
        process.kill()
        process.wait(timeout=60)


def test_a_run_that_goes_on_is_shown_with_its_pid_and_not_removed(
    waiting: subprocess.Popen[str], desk: Desk, say: Callable[..., tuple[int, str, str]]
) -> None:
    pid = holder(desk.newest_run())
    assert pid is not None

    assert f"running (process {pid})" in say("runs")[1]
    assert json.loads(say("runs", "--json")[1])[0]["pid"] == pid
    rows = {line.split()[0]: line.split()[1] for line in say("show", "last")[1].splitlines() if line}
    assert (rows["first"], rows["wait"]) == ("succeeded", "running")
    assert say("logs", "last", "wait") == (0, "waiting\n", "")
    assert say("clean", "--keep", "0") == (0, "", "there is nothing to remove\n1 run in use, not touched\n")
    assert waiting.poll() is None

    os.kill(pid, signal.SIGKILL)
    waiting.wait(timeout=60)
    assert "interrupted (crashed)" in say("runs")[1]
    rows = {line.split()[0]: line for line in say("show", "last")[1].splitlines() if line}
    assert " cut off " in rows["wait"]


def test_a_second_engine_is_kept_out_of_a_run(waiting: subprocess.Popen[str], desk: Desk) -> None:
    from flowpar.core.errors import StateError

    with pytest.raises(StateError, match=f"in use by process {holder(desk.newest_run())}"):
        Lock.take(desk.newest_run())
    assert waiting.poll() is None


def three_runs(state: Path) -> list[str]:
    for day in (1, 2, 3):
        run = state / "runs" / f"2025110{day}-000000-old-000"
        run.mkdir(parents=True)
        (run / "events.jsonl").write_bytes(b"x" * 100)
        at = time.time() - (4 - day) * 86_400
        os.utime(run / "events.jsonl", (at, at))
    return run_ids(state)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("--keep", "2"), 2),
        (("--keep", "0"), 0),
        (("--keep", "9"), 3),
        (("--older-than", "36h"), 1),
        (("--older-than", "7d"), 3),
        (("--older-than", "1h", "--keep", "1"), 1),
        (("--older-than", "60h", "--keep", "0"), 2),
    ],
)
def test_clean_removes_the_oldest(
    desk: Desk, say: Callable[..., tuple[int, str, str]], options: tuple[str, ...], kept: int
) -> None:
    state = desk.folder / ".flowpar"
    ids = three_runs(state)

    _, planned, said = say("clean", *options, "--dry-run")
    assert run_ids(state) == ids
    code, out, err = say("clean", *options)

    assert code == 0
    assert run_ids(state) == ids[3 - kept :]
    assert out == planned
    assert [line.split()[0] for line in out.splitlines()[2:]] == ids[: 3 - kept]
    assert err.replace("removed", "would be removed") == said or kept == 3


def test_clean_tells_programs_what_it_removed(desk: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    ids = three_runs(desk.folder / ".flowpar")

    _, out, _ = say("clean", "--keep", "2", "--json")

    assert json.loads(out) == [{"run": ids[0], "size_bytes": 100}]


def test_clean_follows_no_link(desk: Desk, say: Callable[..., tuple[int, str, str]]) -> None:
    ids = three_runs(desk.folder / "real")
    (desk.folder / ".flowpar").symlink_to(desk.folder / "real")

    code, _, err = say("clean", "--keep", "0")

    assert code == 3
    assert "symbolic link" in err
    assert run_ids(desk.folder / "real") == ids


def test_completion_knows_the_runs(failed: Desk) -> None:
    name = failed.newest_run().name

    run = failed.run(COMP_WORDS=f"flowpar show {name[:6]}", COMP_CWORD="2", _FLOWPAR_COMPLETE="bash_complete")

    assert name in run.stdout
