from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flowpar import __version__
from flowpar.cli.main import VERBS, flowpar, main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Desk


def test_a_bare_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    code = main([])

    told = "".join(capsys.readouterr())
    assert code == 2
    assert all(f"\n  {verb} " in told for verb in VERBS)


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"flowpar {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = CliRunner().invoke(flowpar, [verb, "--help"])

    assert result.exit_code == 0
    assert f"flowpar {verb}" in result.output.partition("Examples:")[2]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["chekc", "w.yaml"], 'there is no command "chekc"; did you mean "check"?'),
        (["frobnicate"], 'there is no command "frobnicate"; there are: run, resume, check,'),
        (["run"], 'missing argument "file"'),
        (["run", "w.yaml", "--wrokers", "2"], 'no such option "--wrokers"; did you mean "--workers"?'),
        (["run", "w.yaml", "-w", "0"], '"-w" / "--workers": "0" is not a whole number of at least 1'),
        (["run", "w.yaml", "-w", "two"], '"-w" / "--workers": "two" is not a whole number of at least 1'),
        (["run", "w.yaml", "-w", "9" * 5000], "is not a whole number"),
        (["clean", "--keep", "-1"], '"--keep": "-1" is not a whole number of at least 0'),
        (["runs", "-n", "1.5"], '"-n" / "--number": "1.5" is not a whole number of at least 1'),
        (["run", "w.yaml", "-q", "-v"], "-q asks for less and -v for more to be told; give one of them"),
        (["resume", "-v", "-q"], "-q asks for less and -v for more to be told; give one of them"),
        (["run", "w.yaml", "--timeout", "soon"], '"soon" is not a duration such as 500ms'),
        (["run", "w.yaml", "--timeout", "0"], '"0" is not a duration'),
        (["run", "w.yaml", "--executor", "cloud"], '"cloud" is not one of'),
        (["run", "w.yaml", "--no-such", "a"], 'no such option "--no-such"'),
        (["run", "w.yaml", "--dry-run"], 'no such option "--dry-run"; flowpar plan shows what would run'),
        (["run", "w.yaml", "-j", "4"], 'no such option "-j"; tasks at once are -w N'),
        (["clean", "--dryrun"], 'no such option "--dryrun"; did you mean "--dry-run"?'),
        (["graph", "w.yaml", "-j", "4"], 'no such option "-j"'),
        (["lint", "w.yaml"], 'there is no command "lint"; did you mean "check"?'),
        (["graph", "w.yaml", "--format", "png"], '"png" is not one of'),
        (["check"], 'missing argument "file..."'),
    ],
)
def test_a_wrong_command_line_is_one_line_and_where_to_look(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(typed)

    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert code == 2
    assert out == ""
    assert lines[0].startswith("flowpar: ")
    assert told.lower() in lines[0].lower()
    assert lines[1].startswith("try: flowpar")


def test_help_imports_no_command() -> None:
    code = """if True:
        import sys
        from flowpar.cli.main import main
        main(["--help"])
        heavy = {"pydantic", "networkx", "structlog", "rich", "yaml", "flowpar.cli.run"}
        print(sorted(heavy & set(sys.modules)), file=sys.stderr)
    """

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stderr == "[]\n"


def test_a_run_that_draws_nothing_does_not_import_rich() -> None:
    code = "import sys, flowpar.cli.run; print('rich' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout == "False\n"


def test_the_end_of_a_command_waits_for_threads_and_does_what_is_registered_for_it() -> None:
    code = """if True:
        import atexit, sys, threading
        def tell_last():
            threading.main_thread().join()
            print("thread")
        atexit.register(lambda: sys.stdout.write("registered"))
        threading.Thread(target=tell_last).start()
        sys.argv[1:] = ["--version"]
        from flowpar.__main__ import main
        main()
    """

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout.splitlines() == [f"flowpar {__version__}", "thread", "registered"]


def test_a_profiler_writes_down_what_it_saw(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    run = subprocess.run(
        [sys.executable, "-m", "cProfile", "-o", str(seen), "-m", "flowpar", "check", "none.yaml"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (run.returncode, seen.stat().st_size > 0) == (0, True)


def test_what_cannot_be_flushed_at_the_end_is_no_success() -> None:
    code = "import sys; from flowpar.__main__ import leave; sys.stdout.write('lost'); leave(0)"

    with open("/dev/full", "w") as full:  # noqa: PTH123
        run = subprocess.run([sys.executable, "-E", "-c", code], stdout=full, timeout=60, check=False)

    assert run.returncode == 120


@pytest.mark.parametrize("asked", ["--version", "--help"])
def test_help_that_cannot_be_written_is_no_bug(asked: str) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        run = subprocess.run(
            [sys.executable, "-m", "flowpar", asked],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert (run.returncode, run.stderr) == (3, "flowpar: cannot write to stdout: no space left on device\n")


def test_shells_are_told_how_to_complete() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "flowpar"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"_FLOWPAR_COMPLETE": "bash_complete", "COMP_WORDS": "flowpar ch", "COMP_CWORD": "1"},
    )

    assert run.stdout == "plain,check\n"


@pytest.mark.parametrize("limit", [5, 6, 7, 8])
def test_next_to_no_descriptors_are_said(desk: Desk, limit: int) -> None:
    desk.write("tasks:\n  a: {shell: 'true'}\n")
    limited = ["/bin/sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *desk.command("run", "workflow.yaml")]

    done = subprocess.run(limited, cwd=desk.folder, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("flowpar: ")
    assert "too many open files; see ulimit -a\n" in done.stderr or "too few files; raise the limit" in done.stderr
    assert len(done.stderr.splitlines()) == 1
