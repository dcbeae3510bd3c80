"""A child process whose output is passed on as it comes and kept within a bound.

    child ── stdout, stderr ──► our own stdout and stderr (the attempt's log)
                            └─► Ended: all of stdout, the end of stderr

The wait ends with the child, not with its pipes: what the child left running may hold them open.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import Failure

_CHUNK_BYTES = 1 << 16
MAX_STDOUT_BYTES: Final = 64 << 20
_STDERR_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 1 << 16
# What a pipe holds is a sixteenth of this: the rest would come from somebody who goes on writing.
_MAX_REST_BYTES = 1 << 20
# How soon a thread notices that its attempt is cancelled, and a system without pidfd that the child ended.
_LOOK_EVERY_S = 0.1
_CUT = "… the beginning is left out …\n"


class TooMuchOutput(Exception):  # noqa: N818 - it says what there is
    """The child printed more than can be its output."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: a negative status is the signal that killed it."""

    status: int
    stdout: bytes
    stderr: str

    def told(self, mask: Callable[[str], str]) -> Ended:
        """Return it with `mask` over what was printed; `str` leaves all as it is."""
        if mask is str:
            return self
        stdout = mask(self.stdout.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return Ended(self.status, stdout, mask(self.stderr))


class _Sink(Protocol):
    def take(self, data: bytes) -> None: ...


class _Kept:
    """All of a stream; too much of it raises."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size_bytes = 0

    def take(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes > MAX_STDOUT_BYTES:
            text = f"it printed more than {MAX_STDOUT_BYTES >> 20} MiB, too much for an output"
            raise TooMuchOutput(f"{text}; write to a file and print its name")
        self._chunks.append(data)
        _pass_on("stdout", data)

    def all(self) -> bytes:
        return b"".join(self._chunks)


class _Tail:
    """The end of a stream."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._is_cut = False

    def take(self, data: bytes) -> None:
        self._tail += data
        if len(self._tail) > 2 * _STDERR_BYTES:
            del self._tail[:-_STDERR_BYTES]
            self._is_cut = True
        _pass_on("stderr", data)

    def text(self) -> str:
        if not self._is_cut:
            return self._tail.decode("utf-8", "replace")
        # What is left of its first line may be the end of a secret, which nobody would know for one.
        start = self._tail.find(b"\n", 0, _LONGEST_LINE_BYTES) + 1
        return f"{_CUT}{self._tail[start:].decode('utf-8', 'replace')}"


def _pass_on(name: str, data: bytes) -> None:
    # By the streams and not by their descriptors: in a worker of threads each attempt has its own.
    stream = getattr(sys, name)
    with suppress(OSError, ValueError, AttributeError):
        stream.buffer.write(data)
        stream.flush()


def run_child(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: str,
    is_cancelled: Callable[[], bool],
    end_if_over: Callable[[int], Failure | None] = lambda _: None,
) -> Ended:
    """Run a command to its end and return how that was.

    Raises OSError where it can't be started and TooMuchOutput where it printed too much. When
    `is_cancelled` comes true in a thread the child and its process group are asked to end, and what
    `end_if_over` says of a child that it has ended there is raised as a TaskFailed. What is
    raised into the wait, as at SIGTERM, goes on once the child has ended.
    """
    has_own_group = threading.current_thread() is not threading.main_thread()
    child = _start(command, environment, folder, has_own_group=has_own_group)
    look = is_cancelled if has_own_group else bool
    try:
        return _attend(child, look, end_if_over)
    except TooMuchOutput:
        _end(child, signal.SIGKILL, has_own_group=has_own_group)
        child.wait()
        raise
    except BaseException as error:
        if not isinstance(error, Exception):
            # The signal went to all of the tree. Whoever sent it gives a grace and then kills, so until
            # then the child may clean up and print; a second signal ends this wait.
            with suppress(TooMuchOutput):
                _attend(child, bool, end_if_over)
        raise
    finally:
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def _start(
    command: Sequence[str], environment: Mapping[str, str], folder: str, *, has_own_group: bool
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd=folder,
        process_group=0 if has_own_group else None,
    )


def _attend(
    child: subprocess.Popen[bytes], is_cancelled: Callable[[], bool], end_if_over: Callable[[int], Failure | None]
) -> Ended:
    stdout, stderr = _Kept(), _Tail()
    pidfd = _pidfd(child.pid)
    was_cancelled = False
    with selectors.DefaultSelector() as selector:
        for stream, sink in ((child.stdout, stdout), (child.stderr, stderr)):
            assert stream is not None  # noqa: S101 - both are pipes
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, sink)
        if pidfd is not None:
            selector.register(pidfd, selectors.EVENT_READ)
        patience_s = _LOOK_EVERY_S if pidfd is None or is_cancelled is not bool else None
        try:
            while child.poll() is None:
                for key, _ in selector.select(patience_s):
                    if key.data is not None and _read(key.fd, key.data) == 0:
                        selector.unregister(key.fileobj)
                if (failure := end_if_over(child.pid)) is not None:
                    child.wait()
                    raise TaskFailed(failure)
                if not was_cancelled and is_cancelled():
                    was_cancelled = True
                    _end(child, signal.SIGTERM, has_own_group=True)
            _read_rest(child, stdout, stderr)
        finally:
            if pidfd is not None:
                os.close(pidfd)
    return Ended(child.wait(), stdout.all(), stderr.text())


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        return None


def _read(number: int, sink: _Sink) -> int:
    """Take what is there; return how much it was, 0 at the end and -1 where there is nothing now."""
    try:
        data = os.read(number, _CHUNK_BYTES)
    except BlockingIOError:
        return -1
    if data:
        sink.take(data)
    return len(data)


def _read_rest(child: subprocess.Popen[bytes], stdout: _Sink, stderr: _Sink) -> None:
    for stream, sink in ((child.stdout, stdout), (child.stderr, stderr)):
        rest_bytes = 0
        while stream is not None and rest_bytes < _MAX_REST_BYTES:
            size = _read(stream.fileno(), sink)
            if size <= 0:
                break
            rest_bytes += size


def _end(child: subprocess.Popen[bytes], number: int, *, has_own_group: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if has_own_group:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
