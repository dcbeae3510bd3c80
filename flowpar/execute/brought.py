"""An executor that a plugin brings, as one of the crew: it has threads of its own, and a pipe by which it wakes us.

    crew ── Job ──► BroughtMember ── submit, cancel ──► Executor of the plugin ──► whatever it stands for
    crew ◄─ Notice ─ BroughtMember ◄─ wait(0) ◄── pipe ◄── wake(), from any of its threads

Whatever its code raises ends the run with the executor's name, and nothing that is recorded is lost by that.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from flowpar.core.errors import FlowparError, MachineError
from flowpar.core.executors import address_variable
from flowpar.core.frozen import dataclass, field
from flowpar.execute.base import Completion, ExecutorTerms
from flowpar.plugin.executors import InstalledExecutors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Executor, Job, Notice, OutputKey
    from flowpar.execute.watch import Watch

    Find = Callable[[Sequence[OutputKey]], Sequence[ValueRef | None]]

Answer = TypeVar("Answer")

_CHUNK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Bringing:
    """How a run comes to executors of plugins: who brings them, and at which addresses they work."""

    run_dir: str
    workers: int
    installed: InstalledExecutors = field(default_factory=InstalledExecutors)
    addresses: Mapping[str, str] = field(default_factory=dict)

    def address_of(self, name: str) -> str:
        """Return the address that was given for an executor, else that of its variable."""
        return self.addresses.get(name) or os.environ.get(address_variable(name), "")

    def bring(self, name: str, watch: Watch, *, find_outputs: Find, tell: Callable[[str], None]) -> BroughtMember:
        """Return an executor as a member of the crew; raises `MachineError` where it can't be made."""
        return BroughtMember(name, self, watch, find_outputs=find_outputs, tell=tell)


class BroughtMember:
    """Owns the pipe; closes the executor."""

    def __init__(
        self, name: str, bringing: Bringing, watch: Watch, *, find_outputs: Find, tell: Callable[[str], None]
    ) -> None:
        """Import what the plugin brings and have it made; raises `MachineError` where that fails."""
        claim, make = bringing.installed.load(name)
        self._who = f'the executor "{name}" of {claim.origin}'
        self._watch = watch
        self._held: set[int] = set()
        self._is_called = False
        self._end, self._call_end = os.pipe()
        for number in (self._end, self._call_end):
            os.set_blocking(number, False)
        watch.add(self._end, self._hear)
        terms = ExecutorTerms(
            bringing.run_dir, bringing.workers, bringing.address_of(name), self._wake, find_outputs, tell
        )
        self._executor: Executor = self._try(lambda: make(terms))

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return self._try(lambda: self._executor.capacity)

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._held)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._held.add(job.number)
        self._try(lambda: self._executor.submit(job))

    def recorded(self) -> None:
        """Do nothing: who begins when is the plugin's own matter."""

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time; what it says of a job that is over is not passed on."""
        if not self._is_called:
            return ()
        self._is_called = False
        told = self._try(lambda: list(self._executor.wait(0)))
        return [notice for notice in told if self._is_news(notice)]

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt."""
        self._try(lambda: self._executor.cancel(job, force=force))

    def close(self) -> None:
        """Let it end everything that is left, and give the descriptors back."""
        self._watch.remove(self._end)
        with suppress(MachineError):  # the run is over
            self._try(self._executor.close)
        call_end, self._call_end = self._call_end, -1
        os.close(self._end)
        os.close(call_end)

    def _is_news(self, notice: Notice) -> bool:
        if notice.job not in self._held:
            return False
        if isinstance(notice, Completion):
            self._held.discard(notice.job)
        return True

    def _wake(self) -> None:
        with suppress(OSError):  # it is full, so somebody is awake; or the run is over
            os.write(self._call_end, b"1")

    def _hear(self) -> None:
        self._is_called = True
        with suppress(BlockingIOError):
            os.read(self._end, _CHUNK_BYTES)

    def _try(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except FlowparError:
            raise
        except Exception as error:  # foreign code runs
            raise MachineError(f"{self._who} failed: {type(error).__name__}: {error}") from error
