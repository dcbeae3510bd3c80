"""What a new process is told by the launcher: `JobOrder` for one attempt, `ServiceOrder` for a process that stays.

`SpareOrder` is for one that waits for a job; `Briefing` is what all jobs of a run have in common, and `Origin` says
where a process comes from.

Under fork an order is inherited as it is; under forkserver and spawn it is pickled, and its
`Descriptors` travel by multiprocessing's own way of passing them.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, ClassVar

from flowpar.core.frozen import dataclass
from flowpar.execute.base import Job

if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable, Sequence


class Descriptors:
    """File descriptors that survive a pickle on the way to a child."""

    def __init__(self, *numbers: int) -> None:
        """Hold the numbers; they are the launcher's in the launcher and the child's in the child."""
        self.numbers = numbers

    def __reduce__(self) -> tuple[Callable[..., Descriptors], tuple[Any, ...]]:
        """Pickle as duplicates for the child that is being started."""
        from multiprocessing.reduction import DupFd  # late: the engine never does this

        return _arrived, tuple(DupFd(number) for number in self.numbers)


def _arrived(*duplicates: Any) -> Descriptors:
    return Descriptors(*(duplicate.detach() for duplicate in duplicates))


@dataclass(frozen=True, slots=True)
class Origin:
    """The pid of who forks it, the start method, and what a fork inherits that ends when the launcher does.

    Descriptors of the launcher are numbers below `descriptors`.
    """

    parent: int
    start_method: str
    heart: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Briefing:
    """What the attempts of a run have in common: what makes them, what they share, where they look outputs up."""

    attempt: str
    shared: bytes = b""
    outputs_address: str | None = None
    outputs_key: str = ""

    def order(self, content: bytes, *descriptors: int) -> JobOrder:
        """Return the order for a job as it was packed."""
        return JobOrder(unpack_job(content, self.shared), self, Descriptors(*descriptors))


@dataclass(frozen=True, slots=True)
class JobOrder:
    """Make one attempt; the descriptors are the write ends of its result pipe and its output pipe."""

    role: ClassVar[str] = "task"  # to `FLOWPAR_CRASH_AT`

    job: Job
    briefing: Briefing
    descriptors: Descriptors


@dataclass(frozen=True, slots=True)
class SpareOrder:
    """Wait at the end of a socket for a job, and make the attempt; there is none when the other end is closed."""

    role: ClassVar[str] = "spare"

    end: socket
    briefing: Briefing

    @property
    def descriptors(self) -> Descriptors:
        """The socket's."""
        return Descriptors(self.end.fileno())


@dataclass(frozen=True, slots=True)
class ServiceOrder:
    """Call `entry` ("module:function") with the arguments and then the descriptors' numbers."""

    name: str
    entry: str
    arguments: tuple[object, ...]
    descriptors: Descriptors

    @property
    def role(self) -> str:
        """What its process is to `FLOWPAR_CRASH_AT`: its name without ours."""
        return self.name.removeprefix("flowpar:")


Order = JobOrder | ServiceOrder | SpareOrder


def unpack_job(content: bytes, shared: bytes) -> Job:
    """Return a job as it was submitted; done in the launcher, whose pages are warm."""
    number, task, item, attempt, recipe, *rest = pickle.loads(content)
    return Job(number, task, item, attempt, shared, recipe, *rest)


def pack_jobs(jobs: Sequence[Job]) -> bytes:
    """Return jobs of one run as bytes, without their shared part; what several of them have is told once."""
    return pickle.dumps(
        [
            (
                job.number,
                job.task,
                job.item,
                job.attempt,
                job.recipe,
                job.bindings,
                job.log_file,
                job.grace_s,
                job.ticket,
            )
            for job in jobs
        ]
    )


def unpack_jobs(content: bytes, shared: bytes) -> list[Job]:
    """Return jobs as they were handed over."""
    return [
        Job(number, task, item, attempt, shared, recipe, bindings, log_file, grace_s, ticket=ticket)
        for number, task, item, attempt, recipe, bindings, log_file, grace_s, ticket in pickle.loads(content)
    ]


def pack_job(job: Job) -> bytes:
    """Return a job as bytes, without its shared part, which is sent once."""
    told = (job.number, job.task, job.item, job.attempt, job.recipe, job.bindings)
    return pickle.dumps((*told, job.log_file, job.grace_s, job.cpu_milli, job.memory_bytes))
