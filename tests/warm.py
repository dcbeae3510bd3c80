"""A warm Python: `flowpar` as a process of its own that need not import itself first, which is most of a short run.

    test ── arguments, folder, environment, streams ──► warm process ── fork ──► the command, which splits as ever
         ◄── pid, later how it ended ───────────────────────────────

It is for tests whose claim is not how a command starts: those begin with `python -m flowpar`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

_HERE = str(Path(__file__).parent)
_LARGEST = 1 << 17
_PID_DIGITS = 10
_STREAMS = 4  # stdin, stdout, stderr, and where it is told how the command ended
# What stands in the environment of the warm process for the marks of its commands, as /proc shows them.
_ROOM = "FLOWPAR_ROOM_FOR_MARKS"
_MARKS_BYTES = 256
# What makes points of flowpar count, which is decided when they are imported.
_TRAPS = {"FLOWPAR_CRASH_AT", "FLOWPAR_FAIL_AT"}


def run(
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    is_merged: bool = False,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `flowpar` to its end, with stderr among stdout where that is wanted."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with Started(arguments, cwd=cwd, env=env, stdout=out, stderr=out if is_merged else err) as started:
            try:
                code = started.wait(timeout)
            except BaseException:  # the patience of the test may be over, too
                started.kill()
                raise
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read().decode(), err.read().decode())


class Started:
    """A command that runs, as `subprocess.Popen` would show it with `text=True` and nothing on stdin."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int | IO[Any] = subprocess.DEVNULL,
        stderr: int | IO[Any] = subprocess.DEVNULL,
    ) -> None:
        """Start it, in a process group of its own."""
        self.args = list(arguments)
        self.returncode: int | None = None
        self.stdout, out = _stream(stdout)
        self.stderr, err = _stream(stderr)
        self._end, told = os.pipe()
        none = os.open(os.devnull, os.O_RDONLY)
        environment = dict(os.environ if env is None else env)
        request = {"arguments": self.args, "cwd": str(cwd or Path.cwd()), "env": environment}
        warm = _warm(is_trapped=not _TRAPS.isdisjoint(environment))
        socket.send_fds(warm, [json.dumps(request).encode()], [none, out, err, told])
        for number in (none, out, err, told):
            os.close(number)
        if not (pid := os.read(self._end, _PID_DIGITS)):
            _warm.cache_clear()
            raise AssertionError("the warm process is gone; the next command gets another")
        self.pid = int(pid)

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._end, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(os.read(self._end, 32) or -signal.SIGKILL)
            os.close(self._end)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends, then wait."""
        until = None if timeout is None else time.monotonic() + timeout
        told = {file: "" for file in (self.stdout, self.stderr) if file is not None}
        readers = [threading.Thread(target=_read, args=(file, told), daemon=True) for file in told if not file.closed]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if until is None else max(0.0, until - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if until is None else max(0.0, until - time.monotonic()))
        return tuple(told[file] if file else "" for file in (self.stdout, self.stderr))  # type: ignore[return-value]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in (self.stdout, self.stderr):
            if file is not None:
                file.close()
        self.wait()


def _stream(wanted: int | IO[Any]) -> tuple[IO[str] | None, int]:
    """Return what the test reads from, if it does, and what the command writes to."""
    if wanted == subprocess.PIPE:
        ours, theirs = os.pipe()
        return os.fdopen(ours), theirs
    if wanted == subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_WRONLY)
    return None, os.dup(wanted if isinstance(wanted, int) else wanted.fileno())


def _read(file: IO[str], told: dict[IO[str], str]) -> None:
    with file:
        told[file] = file.read()


@cache
def _warm(*, is_trapped: bool) -> socket.socket:
    """Start the warm process of this test session, which ends with it; one for commands that meet a trap."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    text = f"import sys; sys.path.insert(1, {_HERE!r}); import warm; warm.serve({theirs.fileno()})"
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        pass_fds=[theirs.fileno()],
        start_new_session=True,
        env={**os.environ, _ROOM: " " * _MARKS_BYTES, **({"FLOWPAR_CRASH_AT": "nobody:1"} if is_trapped else {})},
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def serve(control: int) -> None:
    """Import all that a command may, then fork one command after another, and tell how each ended."""
    import flowpar
    from flowpar.__main__ import leave, main

    sys.path.remove(_HERE)
    for module in pkgutil.walk_packages(flowpar.__path__, "flowpar."):
        if not module.name.startswith(("flowpar.testing", "flowpar.__main__")):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    room = _room()
    tests = socket.socket(fileno=control)
    ended, wake = socket.socketpair()
    os.set_blocking(wake.fileno(), False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    running: dict[int, int] = {}
    while (told := _next(tests, ended, running)) is not None:
        text, descriptors = told
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number in (tests.detach(), ended.detach(), wake.detach(), descriptors.pop(), *running.values()):
                os.close(number)
            _become(json.loads(text), descriptors, room)
            leave(_code_of(main))
        *streams, running[pid] = descriptors
        os.write(running[pid], str(pid).rjust(_PID_DIGITS).encode())
        for number in streams:
            os.close(number)


def _next(tests: socket.socket, ended: socket.socket, running: dict[int, int]) -> tuple[bytes, list[int]] | None:
    """Return the next request, None where no more will come; tell of what ends meanwhile."""
    with selectors.DefaultSelector() as selector:
        selector.register(tests, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if ended in ready:
                ended.recv(_LARGEST)
                _tell_ends(running)
            if tests in ready:
                text, descriptors, _, _ = socket.recv_fds(tests, _LARGEST, _STREAMS)
                return (text, descriptors) if text else None


def _tell_ends(running: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while pid := (reaped := os.waitpid(-1, os.WNOHANG))[0]:
            told = running.pop(pid)
            with suppress(BrokenPipeError):  # the test did not wait for its end
                os.write(told, str(os.waitstatus_to_exitcode(reaped[1])).encode())
            os.close(told)


def _become(request: Mapping[str, Any], descriptors: Sequence[int], room: int) -> None:
    """Take the streams, folder, environment and arguments of a command, in a process group of its own."""
    os.setpgid(0, 0)
    for number, given in enumerate(descriptors):
        os.dup2(given, number)
        os.close(given)
    # Streams of Python remember of what they were opened whether it can seek.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(request["cwd"])
    environment = request["env"]
    sys.path[:1] = [request["cwd"], *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ.clear()
    os.environ.update(environment)
    marks = "\0".join(f"{name}={value}" for name, value in environment.items() if name.startswith("FLOWPAR"))
    if room:
        ctypes.memmove(room, marks.encode()[:_MARKS_BYTES].ljust(_MARKS_BYTES, b"\0"), _MARKS_BYTES)
    if not _TRAPS.isdisjoint(environment):
        from flowpar.core import point

        vars(point._WALK).update(vars(point._walk(environment)))  # noqa: SLF001
    tempfile.tempdir = None  # it may be another one with other variables
    sys.argv[:] = ["flowpar", *request["arguments"]]


def _room() -> int:
    """Return where the marks of a command go for others to see them, 0 where no environment is shown."""
    stat = Path("/proc/self/stat")
    if not stat.exists():
        return 0
    begin, end = map(int, stat.read_text().rpartition(")")[2].split()[47:49])
    place = ctypes.string_at(begin, end - begin).find(f"{_ROOM}=".encode())
    return begin + place + len(_ROOM) + 1


def _code_of(main: Callable[[], object]) -> int:
    """Be the command, which ends this process by itself; return what Python would end with where it does not."""
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - as Python tells it
        sys.excepthook(type(error), error, error.__traceback__)
    return 1
