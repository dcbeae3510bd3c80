"""The words between the engine and a worker process that stays.

engine ── SHARE, JOB or BUNDLE, CANCEL ──► worker
engine ◄─ BEGUN, POSTED, RETIRE, DONE, ABANDONED ── worker
"""

from __future__ import annotations

import struct
from enum import IntEnum

from flowpar.core.frozen import dataclass
from flowpar.execute.report_pipe import Report, pack_report, unpack_report
from flowpar.execute.wire import BadFrame, Frame


class Word(IntEnum):
    """What a frame between engine and standing worker means."""

    SHARE = 41
    JOB = 42
    CANCEL = 43
    BUNDLE = 44
    BEGUN = 51
    POSTED = 52
    DONE = 53
    ABANDONED = 54
    RETIRE = 55


NUMBER = struct.Struct("<Q")
BEGUN = struct.Struct("<Qd")
_DONE = struct.Struct("<Qddd")


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that is over; times are monotonic, `cpu_s` is that of its thread."""

    job: int
    started: float
    ended: float
    cpu_s: float
    report: Report

    def pack(self) -> bytes:
        """Return the body of DONE."""
        return _DONE.pack(self.job, self.started, self.ended, self.cpu_s) + pack_report(self.report)

    @classmethod
    def unpack(cls, frame: Frame) -> Done:
        """Read the body of DONE; raises BadFrame where it is none."""
        if len(frame.body) < _DONE.size:
            raise BadFrame("this is no end of an attempt")
        job, started, ended, cpu_s = _DONE.unpack_from(frame.body)
        return cls(job, started, ended, cpu_s, unpack_report(Frame(frame.kind, frame.body[_DONE.size :])))
