"""A warm Python: `flowpar` as a process of its own that need not import itself first, which is most of a short run.

    test ── arguments, folder, environment, streams ──► warm process ── fork ──► the command, which splits as ever
         ◄── exit code ────────────────────────────────

It is for tests whose claim is not how a command starts: those begin with `python -m flowpar`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HERE = str(Path(__file__).parent)
_LARGEST = 1 << 17
_STREAMS = 3


def run(
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    is_merged: bool = False,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `flowpar` to its end, with stderr among stdout where that is wanted."""
    warm = _warm()
    environment = dict(os.environ if env is None else env)
    request = {"arguments": list(arguments), "cwd": str(cwd or Path.cwd()), "env": environment}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open("rb") as none:
        streams = [none.fileno(), out.fileno(), (out if is_merged else err).fileno()]
        socket.send_fds(warm, [json.dumps(request).encode()], streams)
        code = _end(warm, timeout)
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read().decode(), err.read().decode())


def _end(warm: socket.socket, timeout: float) -> int:
    """Wait for the end of the command; return its exit code, or minus the signal that it died of."""
    warm.settimeout(timeout)
    pid = 0
    try:
        pid = int(warm.recv(_LARGEST))
        return int(warm.recv(_LARGEST))
    except BaseException:  # the patience of the test may be over, too: the next one gets a warm process of its own
        warm.close()
        _warm.cache_clear()
        if pid:
            os.kill(pid, signal.SIGKILL)
        raise


@cache
def _warm() -> socket.socket:
    """Start the warm process of this test session, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    text = f"import sys; sys.path.insert(1, {_HERE!r}); import warm; warm.serve({theirs.fileno()})"
    process = subprocess.Popen([sys.executable, "-c", text], pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def serve(control: int) -> None:
    """Import all that a command may, then be one command after another, each in a fork."""
    import flowpar
    from flowpar.__main__ import main

    sys.path.remove(_HERE)
    for module in pkgutil.walk_packages(flowpar.__path__, "flowpar."):
        if not module.name.startswith(("flowpar.testing", "flowpar.__main__")):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    tests = socket.socket(fileno=control)
    while True:
        text, descriptors, _, _ = socket.recv_fds(tests, _LARGEST, _STREAMS)
        if not text:
            return
        if (pid := os.fork()) == 0:
            tests.close()
            _become(json.loads(text), descriptors)
            sys.exit(main())
        for number in descriptors:
            os.close(number)
        with suppress(BrokenPipeError):  # the test did not wait for its end
            tests.send(str(pid).encode())
            tests.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """Take the streams, folder, environment and arguments of a command."""
    for number, given in enumerate(descriptors):
        os.dup2(given, number)
        os.close(given)
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    os.environ.clear()
    os.environ.update(request["env"])
    tempfile.tempdir = None  # it may be another one with other variables
    sys.argv[:] = ["flowpar", *request["arguments"]]
