"""The words between engine and launcher on the control socket.

    engine ──► launcher   SETUP  SHARE  START  SERVE  CANCEL  SWEEP
    engine ◄── launcher   READY  STARTED  EXITED  REFUSED  FAILED
    engine ◄── template   LOADING  UNFIT, and all that a launcher says

A `key` numbers whatever was asked to be started; it is never used twice on one socket.
"""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import asdict
from enum import IntEnum

from flowpar.core.frozen import dataclass


class Word(IntEnum):
    """What a frame on the control socket means."""

    SETUP = 1
    SHARE = 2
    START = 3
    SERVE = 4
    CANCEL = 5
    SWEEP = 6
    READY = 11
    STARTED = 12
    EXITED = 13
    REFUSED = 14
    FAILED = 15
    LOADING = 16
    UNFIT = 17


@dataclass(frozen=True, slots=True)
class Setup:
    """What the launcher must know before it starts anything.

    `attempt` is the target "module:function" that makes an attempt, `preload` names modules that
    workers are going to import; `outputs_address` and `outputs_key` (hex) lead workers to the
    managed outputs.
    """

    slots: int
    start_method: str = "fork"
    attempt: str = "flowpar.execute.attempt:make_attempt"
    preload: tuple[str, ...] = ()
    outputs_address: str | None = None
    outputs_key: str = ""

    def pack(self) -> bytes:
        """Return the body of SETUP."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, body: bytes) -> Setup:
        """Read the body of SETUP."""
        fields = json.loads(body)
        return cls(**{**fields, "preload": tuple(fields["preload"])})


@dataclass(frozen=True, slots=True)
class Preload:
    """Which modules are imported once, and the folders in which tasks find their own first.

    What has the name of a module there is not imported. An import gets `patience_s`; `around` ("module:function")
    is called with what the run shares before the first one, and lays around them what tasks find.
    """

    modules: tuple[str, ...]
    folders: tuple[str, ...] = ()
    patience_s: float = 60.0
    around: str = "flowpar.execute.around:lay_around"


_KEY = struct.Struct("<Q")
_START = struct.Struct("<QI")
_CANCEL = struct.Struct("<Q?")
_STARTED = struct.Struct("<Qid")
_EXITED = struct.Struct("<Qiiddqq")


@dataclass(frozen=True, slots=True)
class Birth:
    """A process was started; `monotonic` was read just before."""

    key: int
    pid: int
    monotonic: float

    def pack(self) -> bytes:
        """Return the body of STARTED."""
        return _STARTED.pack(self.key, self.pid, self.monotonic)

    @classmethod
    def unpack(cls, body: bytes) -> Birth:
        """Read the body of STARTED."""
        return cls(*_STARTED.unpack(body))


@dataclass(frozen=True, slots=True)
class Exit:
    """A process ended; a negative `code` is a signal, `cpu_s` and `max_rss_bytes` are negative where unknown.

    `over_bytes` is what its tree had when it was killed for having more than its job's memory, else 0.
    """

    key: int
    pid: int
    code: int
    monotonic: float
    cpu_s: float = -1.0
    max_rss_bytes: int = -1
    over_bytes: int = 0

    def pack(self) -> bytes:
        """Return the body of EXITED."""
        usage = (self.cpu_s, self.max_rss_bytes, self.over_bytes)
        return _EXITED.pack(self.key, self.pid, self.code, self.monotonic, *usage)

    @classmethod
    def unpack(cls, body: bytes) -> Exit:
        """Read the body of EXITED."""
        return cls(*_EXITED.unpack(body))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was started: the start was cancelled first, or the machine has no process left."""

    key: int
    is_cancelled: bool
    message: str

    def pack(self) -> bytes:
        """Return the body of REFUSED."""
        return json.dumps([self.key, self.is_cancelled, self.message]).encode()

    @classmethod
    def unpack(cls, body: bytes) -> Refusal:
        """Read the body of REFUSED."""
        return cls(*json.loads(body))


def pack_failed(error: Exception, *, is_ours: bool) -> bytes:
    """Return the body of FAILED, the launcher's last word: the machine, or a bug of ours, has ended it."""
    import traceback  # late: it ends there

    text = "".join(traceback.format_exception(error)) if is_ours else str(error).lower()
    return json.dumps([is_ours, text]).encode()


def unpack_failed(body: bytes) -> tuple[bool, str]:
    """Read the body of FAILED."""
    is_ours, text = json.loads(body)
    return bool(is_ours), str(text)


def pack_unfit(module: str, why: str, *, is_said_by_tasks: bool) -> bytes:
    """Return the body of UNFIT: a module that can't be in a template; where its import fails, tasks say so."""
    return json.dumps([module, why, is_said_by_tasks]).encode()


def unpack_unfit(body: bytes) -> tuple[str, str, bool]:
    """Read the body of UNFIT."""
    module, why, is_said_by_tasks = json.loads(body)
    return module, why, is_said_by_tasks


def pack_share(share: int, content: bytes) -> bytes:
    """Return the body of SHARE: bytes that many starts have in common."""
    return _KEY.pack(share) + content


def unpack_share(body: bytes) -> tuple[int, bytes]:
    """Read the body of SHARE."""
    return _KEY.unpack_from(body)[0], body[_KEY.size :]


def pack_start(key: int, share: int, content: bytes) -> bytes:
    """Return the body of START; with it travel the write ends of the result pipe and the output pipe."""
    return _START.pack(key, share) + content


def unpack_start(body: bytes) -> tuple[int, int, bytes]:
    """Read the body of START."""
    key, share = _START.unpack_from(body)
    return key, share, body[_START.size :]


def pack_serve(key: int, name: str, entry: str, arguments: tuple[object, ...]) -> bytes:
    """Return the body of SERVE: a process that stays and calls `entry` with `arguments` and the descriptors sent."""
    return _KEY.pack(key) + pickle.dumps((name, entry, arguments))


def unpack_serve(body: bytes) -> tuple[int, str, str, tuple[object, ...]]:
    """Read the body of SERVE."""
    return _KEY.unpack_from(body)[0], *pickle.loads(body[_KEY.size :])


def pack_cancel(key: int, *, force: bool) -> bytes:
    """Return the body of CANCEL."""
    return _CANCEL.pack(key, force)


def unpack_cancel(body: bytes) -> tuple[int, bool]:
    """Read the body of CANCEL."""
    key, force = _CANCEL.unpack(body)
    return key, force
