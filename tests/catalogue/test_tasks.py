"""Rows T: whatever the code of a task does, its task ends by name, the others go on, and nothing is left running."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.catalogue.conftest import Ended, Yard

pytestmark = pytest.mark.timeout(180)

STEPS = """
    import ctypes, os, resource, signal, socket, subprocess, sys, threading, time
    from flowpar.plugin import TaskContext

    class Odd(Exception):
        def __init__(self, a, b): super().__init__(f"{a} and {b}")

    class Locked(Exception):
        def __init__(self): super().__init__("has a lock"); self.lock = threading.Lock()

    class Mute(Exception):
        def __str__(self): raise RuntimeError("not a word")
        __repr__ = __str__

    class Trap:
        def __reduce__(self): raise RuntimeError("not with me")

    def raises(): raise KeyError("x")
    def raises_odd(): raise Odd(1, 2)
    def raises_locked(): raise Locked()
    def raises_mute(): raise Mute()
    def gives_lambda(): return {"model": [1, {"f": lambda: 1}]}
    def gives_lock(): return {"model": threading.Lock()}
    def gives_socket(): return [socket.socket()]
    def gives_trap(): return {"trap": Trap()}
    def yields():
        yield 1
        yield threading.Lock()

    def nests():
        value = []
        for _ in range(100_000): value = [value]
        return value

    def exits_3(): sys.exit(3)
    def exits_text(): sys.exit("no more")
    def exits_0(): sys.exit(0)
    def leaves_0(): os._exit(0)
    def leaves_7(): os._exit(7)
    def segv(): ctypes.string_at(0)
    def bus(): os.kill(os.getpid(), signal.SIGBUS)
    def abort(): os.abort()
    def ill(): os.kill(os.getpid(), signal.SIGILL)
    def kill(): os.kill(os.getpid(), signal.SIGKILL)

    def limit_memory(): resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
    def too_much(): limit_memory(); return len(bytearray(2 << 30))

    def spins():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True: pass

    def waits_for_children():
        subprocess.Popen(["sleep", "600"])
        subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600"], start_new_session=True)
        time.sleep(600)

    def leaves_child(): subprocess.Popen(["sleep", "600"])

    def leaves_daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: os.execvp("sleep", ["sleep", "600"])
            os._exit(0)
        os.wait()

    def square(n): return n * n

    def uses_pool():
        import multiprocessing
        with multiprocessing.Pool(2) as pool: return pool.map(square, range(5))

    def prints():
        line = "x" * 1023 + "\\n"
        for _ in range(65_536): sys.stdout.write(line)

    def closes(): os.closerange(0, 4096)

    def spoils():
        os.chdir("/"); os.environ["SPOILT"] = "1"; os.umask(0); sys.path.insert(0, "/spoilt")
        signal.signal(signal.SIGINT, signal.SIG_IGN); sys.setrecursionlimit(77_777); sys.stdout = None

    def looks():
        mask = os.umask(0o22); os.umask(mask)
        spoilt = ["SPOILT" in os.environ, "/spoilt" in sys.path, signal.getsignal(signal.SIGINT) == signal.SIG_IGN]
        spoilt += [sys.getrecursionlimit() == 77_777, sys.stdout is None, os.getcwd() == "/", mask == 0]
        assert not any(spoilt), spoilt

    def recurses(): return recurses()
    def reads(): assert (sys.stdin.read(), os.read(0, 1)) == ("", b"")
    def fails(context: TaskContext): print("try", context.attempt); raise ValueError(f"try {context.attempt}")

    def recovers(context: TaskContext):
        if context.attempt < 3: raise ValueError("not yet")
        return context.attempt

    def leaves_thread(): threading.Thread(target=time.sleep, args=(600,)).start(); return "kept"

    def many_threads():
        limit_memory()
        for _ in range(10_000): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

    def bombs():
        resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
        if os.getuid() == 0: os.setuid(64_321)  # root has no such limit
        while True:
            if os.fork() == 0:
                while True:
                    try: os.fork()
                    except OSError: time.sleep(0.05)

    def scribbles():
        for number in range(3, 400):
            try: os.write(number, b"garbage" * 100)
            except OSError: pass

    def kills_group(): os.killpg(0, signal.SIGKILL)
"""
MODULES = {
    "raising": "print('hello'); raise RuntimeError('at import')\ndef f(): pass\n",
    "circle": "from wheel import g\ndef f(): pass\n",
    "wheel": "from circle import f\ndef g(): pass\n",
    "slow": "import time; time.sleep(600)\ndef f(): pass\n",
    "lacking": "import not_there_at_all\ndef f(): pass\n",
    "exiting": "import sys; sys.exit(4)\ndef f(): pass\n",
}
SETTINGS = {
    "spins": "timeout: 1s, grace: 300ms",
    "waits_for_children": "timeout: 1s, grace: 300ms",
    "bombs": "timeout: 1s, grace: 300ms",
    "slow": "timeout: 1s",
    "leaves_thread": "grace: 300ms",
    "fails": "retry: {attempts: 3, delay: 10ms, jitter: false}",
    "recovers": "retry: {attempts: 3, delay: 10ms, jitter: false}",
}
SHELL = {
    "exits_9": "'exit 9'",
    "killed": "'kill -KILL $$'",
    "no_program": "[no-such-program-anywhere]",
    "no_shell": "{run: 'true', shell: no-such-shell}",
    "pipe": "{run: 'false | true', shell: bash}",
}
NEEDS = {"looks": ["spoils"]}


@dataclass(frozen=True, slots=True)
class Story:
    """One run of all the tasks."""

    yard: Yard
    ended: Ended
    ends: dict[str, dict[str, Any]]
    left: dict[int, str]

    def error(self, task: str) -> dict[str, Any]:
        assert self.ends[task]["event"] == "task.failed", self.ends[task]
        error: dict[str, Any] = self.ends[task]["error"]
        return error

    def log(self, task: str, attempt: int = 1) -> Path:
        (file,) = self.yard.run_dir.glob(f"logs/*-{task}.{attempt}.log")
        return file


@pytest.fixture(scope="module")
def story(shared_yard: Yard) -> Story:
    return tell(shared_yard)


def tell(yard: Yard, *options: str) -> Story:
    functions = re.findall(r"^    def (\w+)\(", STEPS, re.MULTILINE)
    targets = {name: f"steps:{name}" for name in functions if name not in {"square", "limit_memory"}}
    targets |= {name: f"{name}:f" for name in MODULES if name != "wheel"}
    tasks = ["tasks:", *(f"  {name}: {{{_keys(name, target)}}}" for name, target in targets.items())]
    tasks += [f"  {name}: {{shell: {text}}}" for name, text in SHELL.items()]
    yard.write("\n".join(tasks), STEPS)
    for name, text in MODULES.items():
        (yard.folder / f"{name}.py").write_text(text)
    ended = yard.run("-w", "2", *options)
    return Story(yard, ended, yard.ends(), yard.survivors())


def _keys(name: str, target: str) -> str:
    needs = f"needs: [{', '.join(NEEDS[name])}]" if name in NEEDS else ""
    return ", ".join(part for part in (f'python: "{target}"', SETTINGS.get(name, ""), needs) if part)


def test_nothing_of_it_upsets_the_run(story: Story) -> None:
    assert story.ended.code == 1, story.ended
    assert "Traceback (most recent call last):\n  File" not in story.ended.stderr.replace("steps.py", "")
    assert story.left == {}
    assert story.yard.records()[-1]["event"] == "run.finished"


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "options", ["--start-method=spawn", "--start-method=forkserver", "--executor=inline", "--executor=pool"]
)
def test_each_task_ends_the_same_however_it_is_started(story: Story, yard: Yard, options: str) -> None:
    other = tell(yard, options)

    assert other.left == {}
    assert {task: end["event"] for task, end in other.ends.items()} == {
        task: end["event"] for task, end in story.ends.items()
    } | {"bombs": other.ends["bombs"]["event"]}  # whether it gets as far as its timeout is a matter of luck


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_in_threads_tasks_harm_each_other_and_nobody_else(yard: Yard) -> None:
    other = tell(yard, "--executor=thread")

    assert other.ended.code == 1
    assert other.left == {}
    assert all(end["event"] != "task.started" for end in other.ends.values())


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_t17_a_gibibyte_of_output_does_not_grow_the_engine(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          before: {shell: "grep VmHWM /proc/$(sed 's/[^0-9].*//' $D/lock)/status", env: {D: "${{ run.dir }}"}}
          loud: {shell: "yes 0123456789012345678901234567890 | head -c 1073741824 >&2", needs: [before]}
          after:
            shell: "grep VmHWM /proc/$(sed 's/[^0-9].*//' $D/lock)/status"
            env: {D: "${{ run.dir }}"}
            needs: [loud]
        outputs: {before: "${{ tasks.before.output.stdout }}", after: "${{ tasks.after.output.stdout }}"}
        """
    )

    ended = yard.run("--json")

    assert ended.code == 0, ended.stderr
    before, after = (int(text.split()[1]) for text in json.loads(ended.stdout).values())
    assert after - before < 20_000


def test_t01_an_exception_has_the_users_frames_only(story: Story) -> None:
    error = story.error("raises")

    assert (error["type"], error["message"]) == ("KeyError", "'x'")
    assert re.findall(r'File "[^"]*/([^/"]+)"', error["traceback"]) == ["steps.py"]


@pytest.mark.parametrize(
    ("task", "type_name", "message"),
    [
        ("raises_odd", "steps.Odd", "1 and 2"),
        ("raises_locked", "steps.Locked", "has a lock"),
        ("raises_mute", "steps.Mute", ""),
    ],
)
def test_t02_t03_t04_exceptions_travel_as_text(story: Story, task: str, type_name: str, message: str) -> None:
    error = story.error(task)

    assert (error["type"], error["message"]) == (type_name, message)


@pytest.mark.parametrize(
    ("task", "begins"),
    [
        ("gives_lambda", 'output["model"][1]["f"] is a lambda'),
        ("gives_lock", 'output["model"] is a lock'),
        ("gives_socket", "output[0] is a socket"),
        ("gives_trap", 'output["trap"]'),
        ("yields", "output[1] is a lock"),
    ],
)
def test_t05_what_cannot_be_passed_on_is_named_by_its_path(story: Story, task: str, begins: str) -> None:
    assert story.error(task)["message"].startswith(begins)


def test_t06_a_value_nested_too_deeply_fails_its_task(story: Story) -> None:
    assert story.error("nests")["message"].startswith("output is nested too deeply")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("exits_3", "called sys.exit(3)"),
        ("exits_text", 'called sys.exit("no more")'),
        ("exits_0", "called sys.exit(0) instead of returning"),
        ("leaves_0", "exited without a result (exit code 0)"),
        ("leaves_7", "exited without a result (exit code 7)"),
    ],
)
def test_t07_t08_an_exit_is_no_result(story: Story, task: str, message: str) -> None:
    assert story.error(task)["message"] == message


@pytest.mark.parametrize(
    ("task", "name"), [("segv", "SIGSEGV"), ("bus", "SIGBUS"), ("abort", "SIGABRT"), ("ill", "SIGILL")]
)
def test_t09_a_signal_is_named_and_the_stack_is_in_the_log(story: Story, task: str, name: str) -> None:
    assert story.error(task)["message"] == f"killed by {name}"
    assert f"in {task}" in story.log(task).read_text()


def test_t10_a_kill_is_told_with_the_peak_of_memory(story: Story) -> None:
    assert re.fullmatch(r"killed by SIGKILL, its peak memory was \d+ MiB", story.error("kill")["message"])
    assert story.ends["kill"]["max_rss_bytes"] > 1 << 20


def test_t11_a_task_without_memory_fails_alone(story: Story) -> None:
    assert story.error("too_much")["type"] == "MemoryError"


@pytest.mark.parametrize("task", ["spins", "waits_for_children", "slow"])
def test_t12_t13_t26_what_takes_too_long_is_ended_with_all_it_started(story: Story, task: str) -> None:
    end = story.ends[task]

    assert end["event"] == "task.timed_out"
    assert "ran longer than its timeout of 1s" in end["error"]["message"]


@pytest.mark.parametrize("task", ["leaves_child", "leaves_daemon"])
def test_t14_t15_a_process_left_behind_is_ended_with_a_warning(story: Story, task: str) -> None:
    end = story.ends[task]

    assert end["event"] == "task.succeeded"
    # One that has not got as far as to be a "sleep" still has the name of its task.
    assert re.fullmatch(r'left a process running, now killed: "(sleep|leaves_daemon)" \(pid \d+\)', end["warnings"][0])


def test_t16_a_pool_of_multiprocessing_works(story: Story) -> None:
    assert story.ends["uses_pool"]["event"] == "task.succeeded"
    assert not story.ends["uses_pool"].get("warnings")


def test_t17_of_64_mib_of_output_the_log_keeps_head_and_tail(story: Story) -> None:
    log = story.log("prints")

    assert story.ends["prints"]["event"] == "task.succeeded"
    assert 9 << 20 <= log.stat().st_size < 10 << 20
    assert b"left out" in log.read_bytes()


def test_t18_a_task_that_closes_everything_fails_clearly(story: Story) -> None:
    assert story.error("closes")["message"] == "closed the pipe that carries its result"


def test_t19_the_next_task_finds_nothing_of_it(story: Story) -> None:
    assert story.ends["spoils"]["event"] == "task.succeeded"
    assert story.ends["looks"]["event"] == "task.succeeded"


def test_t20_recursion_is_told_as_such(story: Story) -> None:
    assert story.error("recurses")["type"] == "RecursionError"


def test_t21_there_is_nothing_on_stdin(story: Story) -> None:
    assert story.ends["reads"]["event"] == "task.succeeded"


def test_t22_attempts_are_counted_exactly_and_each_has_its_log(story: Story) -> None:
    events = [(record["event"], record["attempt"]) for record in story.yard.records() if record.get("task") == "fails"]

    retried = [("task.started", 1), ("task.retrying", 1), ("task.started", 2), ("task.retrying", 2)]
    assert events == [*retried, ("task.started", 3), ("task.failed", 3)]
    assert [story.log("fails", attempt).read_text() for attempt in (1, 2, 3)] == ["try 1\n", "try 2\n", "try 3\n"]
    assert (story.ends["recovers"]["event"], story.ends["recovers"]["attempt"]) == ("task.succeeded", 3)


def test_t23_a_thread_that_goes_on_costs_no_result(story: Story) -> None:
    end = story.ends["leaves_thread"]

    assert end["event"] == "task.succeeded"
    assert end["warnings"][0].startswith("left a thread running")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("exits_9", "the shell exited with code 9"),
        ("killed", "the shell was killed by SIGKILL"),
        ("no_program", 'there is no program "no-such-program-anywhere" on PATH'),
        ("no_shell", 'there is no program "no-such-shell" on PATH'),
        ("pipe", "the shell exited with code 1"),
    ],
)
def test_t24_how_a_shell_ended_is_named(story: Story, task: str, message: str) -> None:
    assert story.error(task)["message"] == message


def test_t25_a_task_that_starts_too_much_fails_alone(story: Story) -> None:
    assert "can't start new thread" in story.error("many_threads")["message"]
    assert story.ends["bombs"]["event"] in {"task.timed_out", "task.failed"}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("raising", 'module "raising" cannot be imported: at import'),
        ("circle", 'module "circle" cannot be imported: cannot import name'),
        ("lacking", "module \"lacking\" cannot be imported: No module named 'not_there_at_all'"),
        ("exiting", 'module "exiting" cannot be imported: called sys.exit(4)'),
    ],
)
def test_t26_a_module_that_cannot_be_imported_is_named(story: Story, task: str, message: str) -> None:
    assert story.error(task)["message"].startswith(message)


def test_t27_garbage_on_foreign_descriptors_fails_its_task_alone(story: Story) -> None:
    assert story.error("scribbles")["message"].startswith("wrote to the pipe that carries its result")


def test_t28_a_task_that_kills_its_group_kills_itself_only(story: Story) -> None:
    assert story.error("kills_group")["message"].startswith("killed by SIGKILL")
