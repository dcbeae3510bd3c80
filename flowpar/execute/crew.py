"""All executors of a run behind one wait, and the process that holds its outputs.

    loop ── Job ──► Crew ──► process │ template │ thread │ inline │ pool ──► launcher ──► workers
    loop ◄─ Notice ── Crew ◄─ one wait on every pipe and socket, and on the loop's own wake-up

Notices of one wait come in the order Started, Reported and Printed, Completion.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Self

from flowpar.core.errors import MachineError
from flowpar.core.mask import Masker
from flowpar.data.address import new_address, new_key
from flowpar.execute.base import Completion, Printed, Reported, Started
from flowpar.execute.control import Preload, Setup
from flowpar.execute.leave import Leaves
from flowpar.execute.limits import fit_to_descriptors
from flowpar.execute.link import Link
from flowpar.execute.outputs import KeptOutputs
from flowpar.execute.preload import TemplateExecutor
from flowpar.execute.process import ProcessExecutor
from flowpar.execute.recipe import OUTPUTS
from flowpar.execute.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from flowpar.execute.base import Job, Notice, Tell
    from flowpar.execute.brought import Bringing
    from flowpar.execute.guard import Tree
    from flowpar.execute.member import Member

# Enough to empty a full queue once; tasks that post without end must not hold the loop.
_MAX_TAKES = 5
_RANKS = {Started: 0, Reported: 1, Printed: 1, Completion: 2}
# By name, and imported when a task asks for one: most runs need neither.
_MEMBERS = {
    "thread": "flowpar.execute.threads:ThreadExecutor",
    "inline": "flowpar.execute.inline:InlineExecutor",
    "batch": "flowpar.execute.batch:BatchExecutor",
    "pool": "flowpar.execute.pool:PoolExecutor",
}


class Crew:
    """Owns the link to the launcher, the executors and the outputs."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        *,
        slots: int,
        setup: Setup,
        wake_fd: int | None,
        masker: Masker,
        light: int = 0,
        preload: Preload | None = None,
    ) -> None:
        """Set the launcher up and have the process of the outputs started; `open` is the way here."""
        assert setup.outputs_address is not None  # noqa: S101  # open() gave one
        self.slots = slots
        self.light = light
        self.outputs_address = setup.outputs_address
        self.outputs_key = bytes.fromhex(setup.outputs_key)
        self._link = link
        self._setup = setup
        self._masker = masker
        self._watch = watch
        self._members: dict[str, Member] = {}
        self._leaves = Leaves(slots)
        self._executor_of: dict[int, str] = {}
        self.template: TemplateExecutor | None = None
        self._tell: Tell | None = None
        self._bringing: Bringing | None = None
        self._has_posts = False
        self._is_woken = False
        if wake_fd is not None:
            watch.add(wake_fd, self._wake)
        link.set_up(setup)
        self.outputs = KeptOutputs(link, watch, address=setup.outputs_address, key=self.outputs_key)
        if preload is not None and setup.start_method == "fork":
            self.template = self._members["template"] = self._make_template(preload)

    @classmethod
    def open(
        cls,
        *,
        tree: Tree | None,
        workers: int,
        start_method: str = "fork",
        run_dir: Path | None = None,  # noqa: ARG003  # the store of values stands there; nothing of ours does
        wake_fd: int | None = None,
        setup: Setup | None = None,
        masker: Masker | None = None,
        light: int = 0,
        preload: Preload | None = None,
    ) -> Self:
        """Open a crew of `workers` slots, in the tree that the command split off or in one of its own.

        `light` are the processes beside them that take less than a slot, as far as descriptors are left.
        `wait` returns early when `wake_fd` is readable; whoever made it reads it. `setup` replaces
        the launcher's in tests; `masker` hides secrets in what tasks print. Where there is a `preload`,
        jobs for the executor `template` find it imported.
        """
        slots = fit_to_descriptors(workers + light)
        if light:
            light = max(1, slots - workers)
            slots = max(1, slots - light)
        watch = Watch()
        link = Link.to(tree, watch) if tree else Link.start_guard(watch)
        complete = setup or Setup(slots, start_method, outputs_address=new_address(), outputs_key=new_key())
        masker = masker or Masker()
        return cls(
            link, watch, slots=slots, setup=complete, wake_fd=wake_fd, masker=masker, light=light, preload=preload
        )

    def prepare(self, shared: bytes) -> None:
        """Let the launcher get ready for jobs of processes of their own while nobody waits for it yet."""
        self._link.share(shared)

    def has_room(self, executor: str) -> bool:
        """Whether an executor takes another job now."""
        member = self._member(executor)
        return member.held < member.capacity

    def submit(self, executor: str, job: Job) -> None:
        """Give a job to an executor that has room."""
        # Where all was in the cache the outputs alone are made: packages are not imported for them.
        if self.template is not None and job.task != OUTPUTS:
            self.template.begin(job.shared)
        self._executor_of[job.number] = executor
        self._member(executor).submit(job)

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk: another attempt may begin for each that ended."""
        for member in self._members.values():
            member.recorded()

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened, the wake-up is readable or the time is over.

        What was told before is recorded by now. Raises `MachineError` when the launcher is lost, or the
        process of the outputs for good.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        self._is_woken = False
        self.recorded()
        while True:
            if self.outputs.is_lost:
                self.outputs.mend()
            # A frame alone is no news for the loop: it would turn for nothing. Yet it may have left jobs without
            # a worker, and as nothing is untold now, all that has ended is recorded: whoever waits may begin.
            notices = self._gather()
            if not notices and not self._is_woken:
                self.recorded()
                notices = self._gather()
            if notices or self._is_woken:
                return notices
            patience_s = None if until is None else until - time.monotonic()
            if patience_s is not None and patience_s < 0:
                return notices
            self._watch.wait(patience_s)

    def take(self) -> Sequence[Notice]:
        """Return what has happened by now, without waiting; what was told before need not be recorded."""
        self._watch.wait(0.0)
        return self._gather()

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, its whole process tree; unknown jobs are ignored."""
        executor = self._executor_of.get(job)
        if executor is not None:
            self._member(executor).cancel(job, force=force)

    def close(self) -> None:
        """End every process that is left, at once, and give all resources back."""
        for member in self._members.values():
            member.close()
        self._link.close()
        self._watch.close()
        self.outputs.close()

    def tell_by(self, tell: Tell) -> None:
        """Let a person know by `tell` what is not as it should be, and yet no failure."""
        self._tell = tell

    def bring_by(self, bringing: Bringing) -> None:
        """Come to executors of plugins by `bringing`."""
        self._bringing = bringing

    def hire(self, executor: str) -> None:
        """Have an executor ready before it has a job; raises `MachineError` where there is none to be had."""
        self._member(executor)

    def _member(self, executor: str) -> Member:
        if executor not in self._members:
            self._members[executor] = self._hire(executor)
        return self._members[executor]

    def _hire(self, executor: str) -> Member:
        if executor == "process":
            return self._make_process(self._link)
        if executor == "template":
            return self._make_template(Preload(()))
        if executor not in _MEMBERS and self._bringing is not None:
            return self._bringing.bring(executor, self._watch, find_outputs=self.outputs.fetch, tell=self._say)
        if executor not in _MEMBERS:
            raise MachineError(f'there is no executor "{executor}"; there are: process, {", ".join(_MEMBERS)}')
        module, _, name = _MEMBERS[executor].partition(":")
        make: Callable[..., Member] = getattr(import_module(module), name)
        return make(
            self._link,
            self._watch,
            slots=self.slots,
            posted=self._note_post,
            outputs_address=self.outputs_address,
            outputs_key=self.outputs_key,
            masker=self._masker,
            **({"leaves": self._leaves} if executor == "pool" else {}),
        )

    def _make_process(self, link: Link) -> ProcessExecutor:
        return ProcessExecutor(
            link,
            self._watch,
            slots=self.slots,
            posted=self._note_post,
            masker=self._masker,
            light=self.light,
            leaves=self._leaves,
        )

    def _make_template(self, preload: Preload) -> TemplateExecutor:
        return TemplateExecutor(
            self._link,
            self._watch,
            preload,
            setup=self._setup,
            make=self._make_process,
            tell=self._say,
        )

    def _say(self, message: str, text: str = "") -> None:
        if self._tell is not None:
            self._tell(message, text)

    def _gather(self) -> list[Notice]:
        # Bound to what was posted before its notice: a completion never overtakes what its task said.
        reported = self._take_reported() if self._has_posts else []
        told = [notice for member in self._members.values() for notice in member.take()]
        for notice in told:
            if isinstance(notice, Completion):
                self._executor_of.pop(notice.job, None)
        if len(told) + len(reported) > 1:
            return sorted([*reported, *told], key=lambda notice: _RANKS[type(notice)])
        return [*reported, *told]

    def _take_reported(self) -> list[Notice]:
        self._has_posts = False
        reported: list[Notice] = []
        for _ in range(_MAX_TAKES):
            messages = self.outputs.take_messages()
            if not messages:
                break
            for message in messages:
                with suppress(ValueError, TypeError):  # a task may put there what it likes
                    reported.append(Reported(*json.loads(message)))
        return reported

    def _note_post(self) -> None:
        self._has_posts = True

    def _wake(self) -> None:
        self._is_woken = True
