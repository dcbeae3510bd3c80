"""An attempt for tests of processes: the recipe names a function below, the bindings are its argument."""

from __future__ import annotations

import atexit
import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import Failure, FailureKind, Outcome, Success, ValueRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.execute.base import Job

    Post = Callable[[str, Mapping[str, object]], None]


def make_attempt(job: Job, *, post: Post, is_isolated: bool) -> tuple[Outcome, tuple[str, ...]]:
    """Call the function with the text of the bindings; what it returns is kept as JSON."""
    name, text = job.recipe.decode(), job.bindings.decode()
    try:
        value = post_and_return(text, post) if name == "post" else TASKS[name](text)
    except SystemExit as error:
        return Failure(FailureKind.EXIT, "SystemExit", f"called sys.exit({error.code})", 1), ()
    except Exception as error:  # noqa: BLE001  # the task's
        return Failure(FailureKind.EXCEPTION, type(error).__name__, str(error), None, traceback.format_exc()), ()
    data = json.dumps(value).encode()
    return Success(ValueRef(len(data), "", is_plain=True, inline=data)), ("a warning",) * is_warned(name)


def is_warned(name: str) -> bool:
    return name == "warned"


def noop(_: str) -> None:
    return None


def now(_: str) -> float:
    """Return when it was begun."""
    return time.monotonic()


def post_and_return(text: str, post: Post) -> str:
    for number in range(int(text)):
        post("progress", {"done": number, "odd": {1, 2}})
    return text


def echo(text: str) -> str:
    sys.stdout.write(text + "\n")
    sys.stderr.write(text + "\n")
    return text


def temporary_folder(_: str) -> str:
    return tempfile.gettempdir()


def surroundings(_: str) -> dict[str, Any]:
    """Tell what a task finds when it starts."""
    return {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "descriptors": open_descriptors(),
        "signals": {
            number.name: str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        },
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "collects": gc.isenabled(),
        "stdin": sys.stdin.read(),
        "start_method": multiprocessing.get_start_method(allow_none=True),
        "daemon": multiprocessing.current_process().daemon,
        "threads": threading.active_count(),
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "modules": sorted(sys.modules),
    }


def open_descriptors() -> list[int]:
    """Return what is open, but for what listing them opens."""
    return [int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()]


def meet(text: str) -> list[float]:
    """Wait until another task has come to the same folder, and tell when this one was there."""
    folder = Path(text)
    began = time.monotonic()
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.002)
    return [began, time.monotonic()]


def begin(text: str) -> None:
    """Leave the pid in a file, a line for each time this is begun."""
    number = os.open(text, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(number, f"{os.getpid()}\n".encode())
    os.close(number)


def begin_and_hang(text: str) -> None:
    begin(text)
    time.sleep(60)


def wait_for(text: str) -> None:
    """Wait until a file is there."""
    while not Path(text).exists():
        time.sleep(0.002)


def flood(text: str) -> None:
    line = b"x" * 1023 + b"\n"
    for _ in range(int(text)):
        os.write(1, line)
    os.write(1, b"the end\n")


def exit_hard(text: str) -> None:
    os._exit(int(text))


def kill_self(text: str) -> None:
    os.kill(os.getpid(), signal.Signals[text])


def crash(_: str) -> None:
    import ctypes

    ctypes.string_at(0)


def kill_parent(_: str) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def close_everything(_: str) -> str:
    os.closerange(0, 4096)
    return "done"


def scribble(text: str) -> str:
    """Write to every descriptor from 3 to a limit."""
    for number in range(3, int(text)):
        try:
            os.write(number, b"garbage" * 10)
        except OSError:
            continue
    return "done"


def leave_child(_: str) -> int:
    return subprocess.Popen(["/bin/sleep", "60"]).pid


def leave_exited_child(_: str) -> int:
    """A child that is over and that nobody waited for."""
    process = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return process.pid


def leave_daemon(_: str) -> int:
    return start_daemon()


def start_daemon() -> int:
    """Start a grandchild that left for a session of its own and ignores what it can; return its pid."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.write(writer, str(os.getpid()).encode())
            os.close(writer)
            while True:
                time.sleep(60)
        os._exit(0)
    os.close(writer)
    os.wait()
    return int(os.read(reader, 100))


def hang_stubbornly(text: str) -> None:
    """Ignore TERM, have a daemon that does, too, and write both pids to a file."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    daemon = start_daemon()
    child = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; sleep 60 & sleep 60"])
    tell(text, f"{os.getpid()} {daemon} {child.pid}")
    while True:
        time.sleep(60)


def hang_with_a_polite_child(file: str) -> None:
    """Hang with a child that takes its time to clean up."""
    script = (
        f"trap 'sleep 0.1; echo cleaned up > {file}.clean; exit' TERM; touch {file}.ready; while :; do sleep 0.01; done"
    )
    child = subprocess.Popen(["/bin/sh", "-c", script])
    while not Path(f"{file}.ready").exists():
        time.sleep(0.002)
    tell(file, f"{os.getpid()} {child.pid}")
    time.sleep(60)


def hang_politely(text: str) -> None:
    """Note in a file that the clean-up has run."""
    child = subprocess.Popen(["/bin/sleep", "60"])
    try:
        tell(text, f"{os.getpid()} {child.pid}")  # who reads it may end this at once
        while True:
            time.sleep(60)
    finally:
        tell(text + ".clean", "cleaned up")


def tell(file: str, text: str) -> None:
    """Write a file that is complete once it is there."""
    Path(file + ".tmp").write_text(text)
    Path(file + ".tmp").replace(file)


def die_leaving_daemon(text: str) -> None:
    tell(text, str(start_daemon()))
    os._exit(0)


def square(number: int) -> int:
    return number * number


def use_pool(_: str) -> list[int]:
    """Use a pool and leave it open, as many programs do."""
    pool = multiprocessing.Pool(2)
    return pool.map(square, range(5))


def child_signal(_: str) -> str:
    """Tell how a fork of the task treats SIGTERM, and then a started program."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, str(signal.getsignal(signal.SIGTERM)).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    return os.read(reader, 100).decode()


def use_manager(_: str) -> int:
    manager = multiprocessing.Manager()
    shared = manager.dict()
    shared["x"] = 1
    lock = multiprocessing.get_context("spawn").Lock()  # starts a resource tracker
    with lock:
        return int(shared["x"])


def use_spawn(_: str) -> list[int]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(abs, [-1, -2])


def use_forkserver(_: str) -> int | None:
    process = multiprocessing.get_context("forkserver").Process(target=abs, args=(-1,))
    process.start()
    process.join()
    return process.exitcode


def leave_thread(_: str) -> str:
    threading.Thread(target=time.sleep, args=(60,), name="sleeper").start()
    return "kept"


def leave_brief_thread(text: str) -> None:
    def finish() -> None:
        time.sleep(0.05)
        Path(text).write_text("done")

    threading.Thread(target=finish).start()


def leave_executor(_: str) -> int:
    return ThreadPoolExecutor(2).submit(square, 3).result()


def register_atexit(text: str) -> None:
    atexit.register(Path(text).write_text, "ran")


def hang_at_exit(_: str) -> str:
    atexit.register(time.sleep, 60)
    return "kept"


def fork_and_return(_: str) -> int:
    """Fork and let both copies return."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return os.getpid()


def hold_memory(text: str) -> int:
    return len(bytearray(int(text)))


TASKS: dict[str, Callable[[str], Any]] = {
    name: thing for name, thing in list(globals().items()) if callable(thing) and name[0].islower()
}
TASKS["warned"] = noop
