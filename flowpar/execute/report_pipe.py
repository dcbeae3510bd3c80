"""The channel on which a worker reports to the engine, from both sides.

    worker ◄── a byte ─────────────────────────────────────── engine    it may begin
    worker ── OUTCOME(outcome, warnings) ─ LATE(warnings) ──► engine    the last one says so
           ── POSTED ──►                                               a message waits in the managed Queue

An outcome crosses as JSON and raw bytes, never as a pickle: the engine opens what any task may write.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from enum import IntEnum
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import Failure, FailureKind, Outcome, Spent, Success, ValueRef
from flowpar.execute.wire import BadFrame, Frame, pack_frame

LEAVE = b"!"


class ReportKind(IntEnum):
    """What a worker's frame holds."""

    OUTCOME = 21
    LATE = 22
    POSTED = 23


@dataclass(frozen=True, slots=True)
class Report:
    """How the attempt ended; `is_last` says that the worker leaves nothing behind and ends now.

    `ended` is when, by the monotonic clock, or 0 where it is not said.
    """

    outcome: Outcome
    warnings: tuple[str, ...] = ()
    is_last: bool = True
    ended: float = 0.0


_HEAD = struct.Struct("<I")
_WORDS = ("false", "true")
_WITH_SPENT = 3
_scan: Any = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed does not know what `decode` calls


def pack_report(report: Report) -> bytes:
    """Return the body of OUTCOME."""
    inline = b""
    match report.outcome:
        case Success(value, is_last_round, spent):
            inline = value.inline or b""
            said = _said_of(value, spent, is_last_round=is_last_round)
        case Failure() as failure:
            text = (failure.type, failure.message, failure.exit_code, failure.traceback, failure.bases)
            said = json.dumps([False, failure.kind, *text])
    warnings = json.dumps(report.warnings) if report.warnings else "[]"
    head = f"[{_WORDS[report.is_last]},{warnings},{said},{report.ended!r}]".encode()
    return _HEAD.pack(len(head)) + head + inline


def _said_of(value: ValueRef, spent: Spent | None, *, is_last_round: bool) -> str:
    """Return a success as JSON, written by hand: a fork of the launcher copies each page that an encoder writes to."""
    flags = f"{_WORDS[value.is_plain]},{_WORDS[value.inline is not None]}"
    file = "null" if value.file is None else _quoted(value.file)
    tail = "" if is_last_round and spent is None else f",{_WORDS[is_last_round]}"
    tail += "" if spent is None else f",{spent.import_s:.6f},{spent.call_s:.6f}"
    return f"[true,{value.size_bytes},{_quoted(value.checksum)},{flags},{file},{_quoted(value.stamp)}{tail}]"


def unpack_report(frame: Frame) -> Report:
    """Read the body of OUTCOME; raises `BadFrame` where a task has forged one badly."""
    try:
        (length,) = _HEAD.unpack_from(frame.body)
        end = _HEAD.size + length
        is_last, warnings, (is_success, *said), ended = _read(frame.body[_HEAD.size : end].decode())
        outcome: Outcome
        if is_success:
            size_bytes, checksum, is_plain, is_inline, file, stamp, *more = said
            inline = frame.body[end:] if is_inline else None
            value = ValueRef(int(size_bytes), str(checksum), bool(is_plain), inline, file, str(stamp))
            spent = Spent(float(more[1]), float(more[2])) if len(more) == _WITH_SPENT else None
            outcome = Success(value, is_last=bool(more[0]) if more else True, spent=spent)
        else:
            kind, type_name, message, exit_code, traceback, bases = said
            above = tuple(map(str, bases))
            outcome = Failure(FailureKind(kind), str(type_name), str(message), exit_code, str(traceback), above)
        return Report(outcome, tuple(map(str, warnings)), bool(is_last), float(ended))
    except (ValueError, TypeError, struct.error, RecursionError) as error:
        raise BadFrame("this is no outcome") from error


def _read(text: str) -> Any:
    """Return what JSON without spaces around it says: `json.loads` takes twice as long to see that there are none."""
    try:
        found, end = _scan(text, 0)
    except StopIteration as stopped:
        raise ValueError("it ends too early") from stopped
    if end != len(text):
        raise ValueError("something follows")
    return found


def pack_late(warnings: tuple[str, ...]) -> bytes:
    """Return the body of LATE."""
    return json.dumps(warnings).encode()


def unpack_late(frame: Frame) -> tuple[str, ...]:
    """Read the body of LATE."""
    try:
        return tuple(map(str, json.loads(frame.body)))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadFrame("these are no warnings") from error


class ReportPipe:
    """The worker's end; it notices when the task has closed it or put something else in its place."""

    def __init__(self, number: int) -> None:
        """Own the descriptor and remember which pipe it is."""
        self._number = number
        self._identity = self._look()
        self._owner = os.getpid()
        # Threads of a task may post while others do, or while the outcome goes out.
        self._lock = threading.Lock()

    def await_leave(self) -> None:
        """Wait until the attempt may begin; it never does where the engine is gone, and this process ends."""
        if not os.read(self._number, len(LEAVE)):
            os._exit(1)

    def send(self, kind: ReportKind, body: bytes) -> bool:
        """Write a frame; return False where the pipe is no longer there or this process is a copy of its owner."""
        if self._look() != self._identity or os.getpid() != self._owner:
            return False
        rest = memoryview(pack_frame(kind, body))
        try:
            with self._lock:
                while rest:
                    rest = rest[os.write(self._number, rest) :]
        except OSError:  # the engine is gone
            return False
        return True

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.fstat(self._number)
        except OSError:
            return None
        return found.st_dev, found.st_ino
