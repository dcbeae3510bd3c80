"""`flowpar debug` at a real terminal, and what it says where there is nothing to debug."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from typing_at import Terminal

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

STEPS = """
import json
import time
from flowpar import TaskContext


def sizes(n: int) -> list:
    return [{"size": i} for i in range(n)]


def check(row: dict, context: TaskContext) -> int:
    context.progress(1, 2, "half way")
    size = row["size"]
    if size == 371:
        json.loads("{" * size)
    return size


def hang() -> None:
    waited = 0
    print("hanging now", flush=True)
    while True:
        waited += 1
        time.sleep(0.05)
"""
WORKFLOW = """flowpar: 1
name: one in five hundred
inputs: {slow: false, rows: 500}
secrets: {TOKEN: {env: A_TOKEN}}
tasks:
  sizes: {python: steps:sizes, with: {n: "${{ inputs.rows }}"}}
  check:
    for_each: ${{ tasks.sizes.output }}
    python: steps:check
    with: {row: "${{ each.item }}"}
    executor: thread
  command:
    shell: 'echo "it is ${{ tasks.sizes.output[7].size }} for $WHO"; exit 3'
    env: {WHO: "me and you", HIDDEN: "${{ secrets.TOKEN }}"}
  hang: {python: steps:hang, if: inputs.slow, timeout: 500ms}
"""
SECRET = "correct-horse"  # noqa: S105 - it is none


@pytest.fixture(scope="module")
def failed(module_desk: Desk) -> tuple[Desk, str]:
    """A run in which a task failed for one item in 500, and what it said at its end."""
    module_desk.folder.joinpath("steps.py").write_text(STEPS)
    module_desk.folder.joinpath("workflow.yaml").write_text(WORKFLOW)
    done = module_desk.run("run", "workflow.yaml", "-q", "-i", "slow=true", "-i", "rows=20", A_TOKEN=SECRET)
    assert done.returncode == 1
    return module_desk, done.stderr


def at_terminal(desk: Desk, *arguments: str) -> Terminal:
    return Terminal(desk.command(*arguments), desk.folder, desk.environment(A_TOKEN=SECRET))


def files_of(desk: Desk) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in desk.newest_run().rglob("*")}


def test_from_the_end_of_a_run_to_pdb_in_the_item_that_failed_is_one_copied_command(desk: Desk) -> None:
    desk.folder.joinpath("steps.py").write_text(STEPS)
    desk.folder.joinpath("workflow.yaml").write_text(WORKFLOW.partition("  command:")[0])
    done = desk.run("run", "workflow.yaml", A_TOKEN=SECRET)
    copied = re.search(r"^debug with: (flowpar debug \S+ 'check\[371\]')$", done.stderr, re.MULTILINE)
    assert copied is not None, done.stderr
    assert "continue with: flowpar resume" in done.stderr
    before = files_of(desk)
    shell = f'flowpar() {{ "{sys.executable}" -m flowpar "$@"; }}; {copied[1]}'

    with Terminal(["sh", "-c", shell], desk.folder, desk.environment(A_TOKEN=SECRET)) as terminal:
        terminal.expect("row = {'size': 371}")
        terminal.expect('-> context.progress(1, 2, "half way")')
        terminal.expect("(Pdb) ")
        terminal.type('p row["size"] * 2\n')
        terminal.expect("742")
        terminal.type("c\n")
        terminal.expect("progress: 1 of 2 half way")
        terminal.expect("JSONDecodeError")
        terminal.expect('-> json.loads("{" * size)')
        terminal.expect("(Pdb) ")
        terminal.type("p size + 1\n")
        terminal.expect("372")
        terminal.type("q\n")
        code, rest = terminal.end()

    assert code == 1
    assert "Traceback" not in rest
    assert files_of(desk) == before


def test_ctrl_c_in_a_post_mortem_run_looks_where_it_hangs(failed: tuple[Desk, str]) -> None:
    with at_terminal(failed[0], "debug", "last", "hang", "--post-mortem") as terminal:
        terminal.expect("hanging now")
        terminal.type("\x03")
        terminal.expect("KeyboardInterrupt")
        terminal.expect("(Pdb) ")
        terminal.type("p waited >= 0\n")
        terminal.expect("True")
        terminal.type("q\n")

        assert terminal.end()[0] == 130


def test_a_shell_task_has_the_terminal_and_a_shell_opens_in_its_place(failed: tuple[Desk, str]) -> None:
    desk, _ = failed
    before = files_of(desk)

    with at_terminal(desk, "debug", "last", "command", "--post-mortem") as terminal:
        terminal.expect("it is 7 for me and you")
        terminal.expect("command failed: it ended with code 3")
        terminal.expect("exit leaves it")
        terminal.type('echo "<$WHO> ${#HIDDEN} $(pwd)"; exit\n')
        terminal.expect(f"<me and you> {len(SECRET)} {desk.folder}")
        code, _ = terminal.end()

    assert code == 1
    assert files_of(desk) == before


def test_an_item_that_succeeds_now_says_what_it_returned(failed: tuple[Desk, str]) -> None:
    told = failed[0].run("debug", "last", "check[12]", "--post-mortem", A_TOKEN=SECRET)

    assert told.returncode == 0
    assert "check[12] succeeded here: it returned 12" in told.stderr


def test_commands_for_pdb_may_come_from_a_pipe_and_its_end_leaves(failed: tuple[Desk, str]) -> None:
    told = failed[0].run("debug", "last", "check[12]", A_TOKEN=SECRET)

    assert told.returncode == 0
    assert "(Pdb)" in told.stdout
    assert "Traceback" not in told.stderr


def test_a_secret_that_is_not_there_is_named_and_only_fails_what_reads_it(failed: tuple[Desk, str]) -> None:
    told = failed[0].run("debug", "last", "command")

    assert told.returncode == 1
    assert 'secret "TOKEN" is read from the variable "A_TOKEN", which is not set' in told.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("last", "check"), "\"check\" has items; say which: 'check[0]', 'check[1]'"),
        (("last", "chekc[3]"), '"chekc" is not a task of this run; did you mean "check"?'),
        (("nowhere", "check[3]"), 'there is no run "nowhere"'),
        (("last", "[3]"), '"[3]" is neither TASK nor TASK[ITEM]'),
    ],
)
def test_what_cannot_be_debugged_is_said_on_one_line(
    failed: tuple[Desk, str], arguments: tuple[str, ...], told: str
) -> None:
    done = failed[0].run("debug", *arguments, A_TOKEN=SECRET)

    assert done.returncode == 2
    assert done.stderr.startswith(f"flowpar: {told}")
    assert done.stderr.count("\n") == 1


def test_a_copy_makes_the_same_attempt_without_flowpar(failed: tuple[Desk, str], tmp_path: Path) -> None:
    desk, _ = failed
    copied = desk.run("debug", "last", "check[12]", "--copy", str(tmp_path / "copy"), A_TOKEN=SECRET)
    assert copied.returncode == 0, copied.stderr
    assert copied.stdout == f"{tmp_path / 'copy'}\n"
    without = "import sys, runpy; sys.modules['flowpar'] = None; runpy.run_path('run.py', run_name='__main__')"
    # The function's module takes its annotation from flowpar: here, from a file that stands in its place.
    desk.folder.joinpath("alone").mkdir(exist_ok=True)
    text = (tmp_path / "copy" / "run.py").read_text()
    (tmp_path / "copy" / "run.py").write_text(text.replace(f"MODULES = ['{desk.folder}'", f"MODULES = ['{tmp_path}'"))
    (tmp_path / "steps.py").write_text(STEPS.replace("from flowpar import TaskContext", "TaskContext = object"))

    done = subprocess.run(
        [sys.executable, "-c", without], cwd=tmp_path / "copy", capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (0, "12\n"), done.stderr
    assert "progress: 1 of 2 half way" in done.stderr
    assert json.loads((tmp_path / "copy" / "inputs.json").read_text()) == {"row": {"size": 12}}
    assert "`steps:check`" in (tmp_path / "copy" / "README.md").read_text()


def test_a_copy_of_a_command_runs_it_and_holds_no_secret(failed: tuple[Desk, str], tmp_path: Path) -> None:
    copied = failed[0].run("debug", "last", "command", "--copy", str(tmp_path / "copy"), A_TOKEN=SECRET)
    assert copied.returncode == 0, copied.stderr

    done = subprocess.run(
        ["/bin/sh", tmp_path / "copy" / "run.sh"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (3, "it is 7 for me and you\n")
    assert "variable HIDDEN: a secret is in it" in (tmp_path / "copy" / "run.sh").read_text()
    assert not any(SECRET.encode() in file.read_bytes() for file in (tmp_path / "copy").iterdir())


def test_nothing_is_copied_over_what_is_there(failed: tuple[Desk, str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()

    done = failed[0].run("debug", "last", "command", "--copy", str(tmp_path), A_TOKEN=SECRET)

    assert done.returncode == 2
    assert "is there already, and not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("streams", "code"), [(">&-", 0), (">&- 2>&- <&-", 0), ("2>&1 | head -n 1", 0)])
def test_streams_that_are_closed_or_have_lost_their_reader_are_no_bug(
    failed: tuple[Desk, str], streams: str, code: int
) -> None:
    desk, _ = failed
    command = f'"{sys.executable}" -m flowpar debug last "check[12]" {streams}'

    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=desk.folder,
        env=desk.environment(A_TOKEN=SECRET),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == code
    assert "Traceback" not in done.stdout + done.stderr


LEAKS = """
from flowpar import TaskContext


def leak(token: str, way: str, context: TaskContext) -> str:
    context.progress(1, 2, f"with {token}")
    context.logger.info(f"it is {token}", given=token)
    if way == "raise":
        raise ValueError(f"not good: {token}")
    return token
"""
LEAKING = """flowpar: 1
name: leaking
secrets: {TOKEN: {env: A_TOKEN}}
tasks:
  raising: {python: leaks:leak, with: {token: "${{ secrets.TOKEN }}", way: raise}}
  returning: {python: leaks:leak, with: {token: "${{ secrets.TOKEN }}", way: return}}
"""


@pytest.mark.parametrize("length", [16, 90, 150, 3000])
def test_what_debug_says_tells_no_secret_however_long(desk: Desk, length: int) -> None:
    token = "".join(chr(97 + (i * i + i // 7) % 26) for i in range(length))
    desk.folder.joinpath("leaks.py").write_text(LEAKS)
    desk.folder.joinpath("workflow.yaml").write_text(LEAKING)
    desk.run("run", "workflow.yaml", "-q", A_TOKEN=token)

    for task in ("raising", "returning"):
        told = desk.run("debug", "last", task, "--post-mortem", A_TOKEN=token)

        assert "***" in told.stderr, told.stderr
        assert token[:8] not in told.stderr
        assert token[-8:] not in told.stderr


ODD = """
def view() -> memoryview:
    return memoryview(b"abc")


def by_place(given: object, token: str, /, times: int) -> int:
    return times


look = [by_place][0]  # which is not seen in the text
"""
ODDLY = """flowpar: 1
name: odd
secrets: {TOKEN: {env: A_TOKEN}}
tasks:
  view: {python: odd:view}
  look:
    python: odd:look
    with: {given: "${{ tasks.view.output }}", token: "${{ secrets.TOKEN }}", times: 2}
"""


def test_what_cannot_be_copied_is_given_by_hand_by_place_where_it_has_no_name(desk: Desk, tmp_path: Path) -> None:
    desk.folder.joinpath("odd.py").write_text(ODD)
    desk.folder.joinpath("workflow.yaml").write_text(ODDLY)
    desk.run("run", "workflow.yaml", "-q", A_TOKEN=SECRET)
    copied = desk.run("debug", "last", "look", "--copy", str(tmp_path / "copy"), A_TOKEN=SECRET)
    assert copied.returncode == 0, copied.stderr
    script = tmp_path / "copy" / "run.py"

    without = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    for place, value in (("positional[0]", "memoryview(b'abc')"), ("positional[1]", "'a word'")):
        text = script.read_text()
        script.write_text(text.replace(f"    # {place} = …", f"    {place} = {value}"))
    given = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)

    assert without.stderr.startswith("argument 0 was left out (it can't be written: ")
    assert (given.returncode, given.stdout) == (0, "2\n"), given.stderr
    assert SECRET not in script.read_text()
