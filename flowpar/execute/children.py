"""What the launcher holds: starts that it has not made yet, and processes that run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.execute.order import JobOrder, Order

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess


@dataclass(frozen=True, slots=True)
class Waiting:
    """A start that has not been made."""

    key: int
    order: Order
    name: str

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
