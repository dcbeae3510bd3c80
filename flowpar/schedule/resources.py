"""Who may start now: what attempts ask for, what is free of it, and what is kept free for those that wait.

    Request  amounts by pool, in thousandths, sorted: all that one attempt holds from its start to its end
    Lane     an executor and a request: what waits in one lane is told apart by its rank alone
    Pools    what is free of each pool; a pool that nobody knows the size of is never short
    Turn     one look at all lanes, the most urgent first: who is passed over reserves what it asks for

What is reserved is not given to a less urgent one, so a large request is not starved by small ones. `cpu`
is reserved only by who lacks nothing else: it comes free all the time, and would idle meanwhile.
No clock, no processes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from flowpar.core.executors import is_brought
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.planning.model import PlannedTask

Request = tuple[tuple[str, int], ...]

WHOLE: Final = 1000
ONE_CPU: Final[Request] = (("cpu", WHOLE),)
LIGHT: Final = "(processes that share a cpu)"
"""The pool of what a process asks for less than one cpu: it bounds how many there are beside the workers."""

MOST_LIGHT: Final = 64
OF_MACHINE: Final = frozenset({"cpu", "memory", "gpu"})
_CHURNING = frozenset({"cpu", LIGHT})
_IN_ONE_PROCESS = frozenset({"thread", "inline"})


class Lane(NamedTuple):
    """What attempts have in common that wait for the same."""

    executor: str
    request: Request = ONE_CPU


DECISIONS: Final = Lane("process")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one attempt holds; `devices` are the ids of its share of `gpu`."""

    request: Request
    devices: tuple[str, ...] = ()


def request_of(task: PlannedTask) -> Request:
    """Return what each attempt at a task holds; a thread takes no cpu unless the task says so.

    What runs by an executor of a plugin takes nothing of this machine, only of the workflow's own limits.
    """
    if is_brought(task.executor):
        limits = {name: amount for name, amount in task.resources.items() if amount and name not in OF_MACHINE}
        return tuple(sorted((name, thousandths(amount)) for name, amount in limits.items()))
    is_process = task.executor not in _IN_ONE_PROCESS
    if not task.resources:
        return ONE_CPU if is_process else ()
    amounts = {"cpu": WHOLE if is_process else 0}
    amounts |= {name: thousandths(amount) for name, amount in task.resources.items()}
    if is_process and amounts["cpu"] < WHOLE:
        amounts[LIGHT] = WHOLE - amounts["cpu"]
    return tuple(sorted((name, amount) for name, amount in amounts.items() if amount))


def may_go_ahead(tasks: Iterable[PlannedTask]) -> bool:
    """Whether attempts may be sent ahead of the workers: not where threads or batches take cpus that only we count."""
    return not any(
        task.batch is not None or (task.executor in _IN_ONE_PROCESS and task.resources.get("cpu")) for task in tasks
    )


def thousandths(amount: float) -> int:
    """Return an amount as it is counted; what is asked for is never rounded down to nothing."""
    return max(1, round(amount * WHOLE)) if amount else 0


class Pools:
    """What is free; owned by the loop alone.

    `totals` are in the units of the workflow. Up to `ahead` attempts that ask for one cpu and nothing
    else are let through beyond the total of `cpu`: who starts them lets them wait.
    """

    def __init__(self, totals: Mapping[str, float], *, devices: Sequence[str] = (), ahead: int = 0) -> None:
        """Start with everything free."""
        self._totals = {name: thousandths(total) for name, total in totals.items()}
        self._free = dict(self._totals)
        self._devices = list(devices)
        self._ahead = ahead * WHOLE

    def within(self, request: Request) -> Request:
        """Return a request that can be met some time: one that is larger than a pool takes all of it."""
        return tuple((name, min(amount, self._totals.get(name, amount))) for name, amount in request)

    def turn(self, *, goes_ahead: bool = True) -> Turn:
        """Begin to look at what waits; whether some may be let through beyond the total of `cpu`."""
        return Turn(self, goes_ahead=goes_ahead)

    def free(self, name: str) -> int | None:
        """Return what is free of a pool, None where that is not counted; less than nothing is what went ahead."""
        return self._free.get(name)

    def ahead(self, request: Request) -> int:
        """Return how much of `cpu` a request may take beyond what is free."""
        return self._ahead if request == ONE_CPU else 0

    def take(self, request: Request) -> Grant:
        """Hand out what is asked for, which a turn has admitted."""
        count = 0
        for name, amount in request:
            if name in self._free:
                self._free[name] -= amount
            if name == "gpu":
                count = amount // WHOLE
        devices, self._devices = tuple(self._devices[:count]), self._devices[count:]
        return Grant(request, devices)

    def give_back(self, grant: Grant) -> None:
        """Take back what an attempt held that is over."""
        for name, amount in grant.request:
            if name in self._free:
                self._free[name] += amount
        self._devices.extend(grant.devices)


class Turn:
    """One look at what waits, from the most urgent on."""

    def __init__(self, pools: Pools, *, goes_ahead: bool = True) -> None:
        """Nothing is reserved yet."""
        self._pools = pools
        self._goes_ahead = goes_ahead
        self._reserved: Counter[str] = Counter()

    def admits(self, request: Request) -> bool:
        """Whether all that is asked for is free, and nobody more urgent waits for it."""
        return not any(self._short(request))

    def reserve(self, request: Request) -> None:
        """Keep free what somebody asks for who is passed over."""
        lacks_only_cpu = _CHURNING.issuperset(self._short(request))
        for name, amount in request:
            if lacks_only_cpu or name not in _CHURNING:
                self._reserved[name] += amount

    def _short(self, request: Request) -> Iterable[str]:
        for name, amount in request:
            free = self._pools.free(name)
            if free is None:
                continue
            reserved = self._reserved[name]
            more = self._pools.ahead(request) if self._goes_ahead and not reserved else 0
            if amount > free - reserved + more:
                yield name
