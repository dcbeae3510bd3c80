from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.outcome import Failure, FailureKind, TaskFailed
from flowpar.execute.binding import bind
from flowpar.execute.recipe import Call
from flowpar.plugin.logger import TaskLogger
from flowpar.plugin.spec import TaskContext
from flowpar.tasks.shell import ShellOutput, shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import ReadableBuffer

pytestmark = pytest.mark.timeout(180)


def say_nothing(_kind: str, _body: Mapping[str, object]) -> None:
    """Drop a message."""


def context_at(
    folder: Path, *, env: Mapping[str, str] | None = None, is_cancelled: Callable[[], bool] = bool
) -> TaskContext:
    return TaskContext(
        run_id="r",
        task="t",
        item=None,
        attempt=1,
        idempotency_key="r/t",
        scratch=folder,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **(env or {})},
        logger=TaskLogger(say_nothing),
        post=say_nothing,
        is_cancelled=is_cancelled,
    )


@pytest.fixture
def context(tmp_path: Path) -> TaskContext:
    return context_at(tmp_path)


def failure_of(run: Any, context: TaskContext, **more: Any) -> Failure:
    with pytest.raises(TaskFailed) as caught:
        shell(run, context=context, **more)
    return caught.value.failure


def test_what_a_command_prints_is_its_output(context: TaskContext) -> None:
    output = shell("echo one; echo two >&2; echo three", context=context)

    assert output == ShellOutput("one\nthree\n", "two\n", 0)


def test_it_runs_in_the_given_folder_with_the_given_environment_and_no_other(tmp_path: Path) -> None:
    context = context_at(tmp_path, env={"GREETING": "hello there"})

    output = shell('pwd; echo "$GREETING"; env | cut -d= -f1 | sort | tr "\\n" " "', context=context)

    folder, greeting, names = output.stdout.splitlines()
    assert folder == str(tmp_path)
    assert greeting == "hello there"
    assert set(names.split()) <= {"GREETING", "PATH", "PWD", "_", "OLDPWD", "SHLVL", "FLOWPAR_OUTPUT"}


def test_what_it_prints_reaches_our_own_streams_as_well(
    context: TaskContext, capfd: pytest.CaptureFixture[str]
) -> None:
    shell("echo out; echo err >&2", context=context)

    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("out\n", "err\n")


def test_bytes_that_are_no_text_do_not_fail(context: TaskContext) -> None:
    assert shell(["printf", "a\\377b"], context=context).stdout == "a\ufffdb"


def test_there_is_nothing_to_read(context: TaskContext) -> None:
    assert shell("cat; echo over", context=context).stdout == "over\n"


@pytest.mark.parametrize(
    ("run", "kind", "message", "exit_code"),
    [
        ("exit 3", FailureKind.EXIT, "the shell exited with code 3", 3),
        ("echo no such row >&2; exit 1", FailureKind.EXIT, "the shell exited with code 1: no such row", 1),
        ("false; echo never", FailureKind.EXIT, "the shell exited with code 1", 1),
        ("kill -KILL $$", FailureKind.DIED, "the shell was killed by SIGKILL", None),
        (["sh", "-c", "kill -SEGV $$"], FailureKind.DIED, '"sh" was killed by SIGSEGV', None),
        (["sh", "-c", "exit 5"], FailureKind.EXIT, '"sh" exited with code 5', 5),
    ],
)
def test_how_it_ended_is_named(
    context: TaskContext, run: object, kind: FailureKind, message: str, exit_code: int | None
) -> None:
    failure = failure_of(run, context)

    assert (failure.kind, failure.message, failure.exit_code) == (kind, message, exit_code)


@pytest.mark.parametrize(
    ("run", "part"),
    [
        ("no-such-command-anywhere", "code 127 (a command was not found)"),
        ("sh -c 'kill -TERM $$'; true", "code 143 (a command was killed by SIGTERM)"),
        ('echo "$NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
    ],
)
def test_what_went_wrong_inside_the_shell_is_named(context: TaskContext, run: str, part: str) -> None:
    assert part in failure_of(run, context).message


def test_a_broken_pipeline_fails_in_bash_and_not_in_sh(context: TaskContext) -> None:
    assert shell("false | echo x", context=context).stdout == "x\n"

    assert failure_of("false | echo x", context, shell="bash").exit_code == 1  # noqa: S604


def test_another_interpreter_gets_the_text(context: TaskContext) -> None:
    assert shell("print(1 + 1)", shell="python3", context=context).stdout == "2\n"  # noqa: S604


@pytest.mark.parametrize(
    ("run", "shell_name", "message"),
    [
        ("true", "no-such-shell", 'there is no program "no-such-shell" on PATH'),
        (["no-such-program"], "sh", 'there is no program "no-such-program" on PATH'),
        (["./not-there"], "sh", '"./not-there" is not there'),
        (["./plain.txt"], "sh", '"./plain.txt" is not executable'),
        (["./orphan"], "sh", '"./orphan" cannot be started: what its first line names to run it is not there'),
        (["./no-program"], "sh", '"./no-program" cannot be started: it is no program for this machine'),
        ([], "sh", "a command needs a program as its first word"),
        (["echo", [1]], "sh", "each word of a command must be a text: a value of type list cannot stand inside a text"),
    ],
)
def test_what_cannot_be_started_is_named(context: TaskContext, run: object, shell_name: str, message: str) -> None:
    Path(context.cwd, "plain.txt").write_text("x")
    for name, text in (("orphan", "#!/no/such/interpreter\n"), ("no-program", "\0\1\2")):
        Path(context.cwd, name).write_text(text)
        Path(context.cwd, name).chmod(0o700)

    assert failure_of(run, context, shell=shell_name).message.startswith(message)


@pytest.mark.parametrize("shell_name", ["sh", "bash"])
def test_a_text_that_begins_like_an_option_is_a_command(context: TaskContext, shell_name: str) -> None:
    failure = failure_of("-x; echo never", context, shell=shell_name)

    assert failure.exit_code == 127


def test_words_are_passed_as_they_are(context: TaskContext) -> None:
    output = shell(["printf", "%s|", "$HOME", "a b", "; rm -rf x", 3, True], context=context)

    assert output.stdout == "$HOME|a b|; rm -rf x|3|true|"


def test_numbers_and_paths_pass_the_border_as_words(context: TaskContext) -> None:
    words = {"run": ["printf", "%s|", 3, 0.5, True, Path("a b")]}

    positional, named = bind(shell, words, lambda: context, call=Call("flowpar.tasks.shell:shell", {}))

    assert shell(*positional, **named).stdout == "3|0.5|true|a b|"  # type: ignore[arg-type]  # as a worker calls it


def test_a_value_too_long_for_a_program_is_named(tmp_path: Path) -> None:
    context = context_at(tmp_path, env={"ROWS": "x" * 200_000})

    assert failure_of("true", context).message.startswith('the value of env "ROWS" is longer than 100 KiB')
    assert failure_of("#" * 200_000, context_at(tmp_path)).message.startswith("the command is longer than 100 KiB")


def test_what_it_leaves_running_does_not_delay_its_end(context: TaskContext) -> None:
    output = shell("sleep 20 & echo $!", context=context)

    os.kill(int(output.stdout), 9)
    assert output.exit_code == 0


def test_too_much_output_is_refused(context: TaskContext, capfd: pytest.CaptureFixture[str]) -> None:
    failure = failure_of("head -c 70000000 /dev/zero; sleep 100", context)

    capfd.readouterr()
    assert failure.message.startswith("it printed more than 64 MiB")


def test_of_much_on_stderr_the_end_is_kept(context: TaskContext, capfd: pytest.CaptureFixture[str]) -> None:
    output = shell("head -c 5000000 /dev/zero >&2; echo last >&2", context=context)

    capfd.readouterr()
    assert output.stderr.startswith("… the beginning is left out …\n")
    assert output.stderr.endswith("last\n")
    assert len(output.stderr) < 3 << 20


@pytest.mark.parametrize(
    ("run", "capture", "output"),
    [
        ("echo one; echo; echo", "text", "one"),
        ("printf ' a\\tb '", "text", " a\tb "),
        ("true", "text", ""),
        ("printf 'a\\n\\nb\\n'", "lines", ["a", "", "b"]),
        ("printf 'a\\r\\n\\342\\200\\250b'", "lines", ["a\r", "\u2028b"]),
        ("true", "lines", []),
        ("echo", "lines", [""]),
        ("echo '{\"a\": [1, 2.5, null]}'", "json", {"a": [1, 2.5, None]}),
        (["printf", "7"], "json", 7),
    ],
)
def test_what_is_captured_is_the_output_itself(context: TaskContext, run: Any, capture: Any, output: object) -> None:
    assert shell(run, capture=capture, context=context) == output


def test_what_a_captured_command_prints_reaches_the_log_as_well(
    context: TaskContext, capfd: pytest.CaptureFixture[str]
) -> None:
    shell("echo out", capture="text", context=context)

    assert capfd.readouterr().out == "out\n"


def test_lines_in_the_file_of_outputs_become_outputs(context: TaskContext) -> None:
    output = shell(
        'echo "a=1=2" >> "$FLOWPAR_OUTPUT"; printf "b<<END\\nx\\ny\\nEND\\n" >> "$FLOWPAR_OUTPUT"', context=context
    )

    assert output.outputs == {"a": "1=2", "b": "x\ny"}


def test_a_captured_command_has_no_file_of_outputs(context: TaskContext) -> None:
    assert "FLOWPAR_OUTPUT" in failure_of('echo a=1 >> "$FLOWPAR_OUTPUT"', context, capture="text").message


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ('mkfifo "$FLOWPAR_OUTPUT"', "$FLOWPAR_OUTPUT is no file any more"),
        ('ln -s /etc/passwd "$FLOWPAR_OUTPUT"', "$FLOWPAR_OUTPUT can't be read: Too many levels of symbolic links"),
        ('head -c 2000000 /dev/zero > "$FLOWPAR_OUTPUT"', "$FLOWPAR_OUTPUT is larger than 1 MiB; write to a file"),
        ("printf 'a=\\377' > \"$FLOWPAR_OUTPUT\"", "$FLOWPAR_OUTPUT is not UTF-8: byte 0xff in line 1"),
        ('echo oops > "$FLOWPAR_OUTPUT"', 'line 1 of $FLOWPAR_OUTPUT is no "name=value": "oops"'),
    ],
)
def test_what_is_wrong_with_the_file_of_outputs_is_named(context: TaskContext, run: str, message: str) -> None:
    failure = failure_of(run, context)

    assert failure.kind is FailureKind.OUTPUT
    assert failure.message.startswith(message)


def test_in_a_thread_a_cancelled_command_is_asked_to_end(tmp_path: Path) -> None:
    started, cancelled = tmp_path / "started", threading.Event()
    context = context_at(tmp_path, is_cancelled=cancelled.is_set)
    failures: list[Failure] = []

    def work() -> None:
        failures.append(failure_of(f"touch {started}; sleep 100 & wait", context))

    thread = threading.Thread(target=work)
    thread.start()
    while not started.exists():
        thread.join(0.01)
    cancelled.set()
    thread.join(60)

    assert not thread.is_alive()
    assert failures[0].message == "the shell was killed by SIGTERM"


class Stopped(BaseException):
    """What is raised into a wait, as `Cancelled` is at SIGTERM."""


class StopsAtOnce(io.BytesIO):
    """An output that ends the attempt with its first write."""

    def write(self, data: ReadableBuffer) -> int:
        is_first = not self.getvalue()
        count = super().write(data)
        if is_first:
            raise Stopped
        return count


def test_a_command_that_cleans_up_at_its_signal_is_waited_for(context: TaskContext) -> None:
    printed = StopsAtOnce()
    stream = io.TextIOWrapper(printed)
    clean_up = "echo cleaning; sleep 0.1; echo yes > cleaned; exit 1"

    with contextlib.redirect_stdout(stream), pytest.raises(Stopped):
        shell(f"trap '{clean_up}' TERM; echo running; kill -TERM $$; sleep 5", context=context)

    assert (context.cwd / "cleaned").read_text() == "yes\n"
    assert printed.getvalue().endswith(b"cleaning\n")
