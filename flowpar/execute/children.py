"""What the launcher holds: starts that it has not made yet, and processes that run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.execute.control import unpack_serve, unpack_start
from flowpar.execute.order import Descriptors, JobOrder, ServiceOrder

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from flowpar.execute.order import Briefing
    from flowpar.execute.wire import Frame


@dataclass(frozen=True, slots=True)
class Waiting:
    """A start that has not been made; `content` is its job as it came."""

    key: int
    order: JobOrder | ServiceOrder
    name: str
    content: bytes = b""

    @classmethod
    def job(cls, frame: Frame, briefing: Briefing) -> Waiting:
        """Return what START asks for."""
        key, _, content = unpack_start(frame.body)
        return cls(key, briefing.order(content, *frame.descriptors), f"job-{key}", content)

    @classmethod
    def service(cls, frame: Frame) -> Waiting:
        """Return what SERVE asks for."""
        key, name, entry, arguments = unpack_serve(frame.body)
        return cls(key, ServiceOrder(name, entry, arguments, Descriptors(*frame.descriptors)), name)

    @property
    def is_job(self) -> bool:
        """Whether it is an attempt and no service."""
        return isinstance(self.order, JobOrder)

    @property
    def cpu_milli(self) -> int:
        """How much of the slots it takes; a service takes nothing."""
        return self.order.job.cpu_milli if isinstance(self.order, JobOrder) else 0

    def close(self) -> None:
        """Give its descriptors back."""
        for number in self.order.descriptors.numbers:
            os.close(number)


@dataclass(frozen=True, slots=True)
class Child:
    """A process that runs, how much of the slots it takes, and whether it will end by itself, as a job does."""

    key: int
    process: BaseProcess
    pid: int
    cpu_milli: int
    is_job: bool
