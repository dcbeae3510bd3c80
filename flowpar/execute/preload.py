"""The executor `template`: as `process`, but attempts are forked from a process that has imported packages.

    submit ─► unbegun ─ until it is READY ─► ProcessExecutor ── link of its own ──► template ──► worker
    loss   ─► unbegun ◄─ attempts that had not begun

The template starts with the first job of a run. A package that it can't hold is left out, and it is started
over without that. Who kills it has another one started; where none lasts, or there is nothing to import, the
launcher does its work.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import Success
from flowpar.execute.attended import cancelled_before
from flowpar.execute.base import Completion
from flowpar.execute.control import Word, unpack_failed, unpack_unfit
from flowpar.execute.death import end_of_service
from flowpar.execute.link import Link
from flowpar.execute.overheard import Overheard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Job, Notice, Tell
    from flowpar.execute.control import Birth, Exit, Preload, Refusal, Setup
    from flowpar.execute.process import ProcessExecutor
    from flowpar.execute.watch import Watch
    from flowpar.execute.wire import Frame

_MOST_STARTS = 8
_MOST_LOSSES = 2


class TemplateExecutor:
    """Owns the link to the template, and jobs that wait for one; `is_given_up` when there will be none.

    `modules` are those that are left, `loading` the one that is imported now, or was last.
    """

    def __init__(
        self,
        link: Link,
        watch: Watch,
        preload: Preload,
        *,
        setup: Setup,
        make: Callable[[Link], ProcessExecutor],
        tell: Tell,
    ) -> None:
        """Start nothing yet; `make` gives what attends attempts on a link, `tell` gets what a person should know."""
        self.is_given_up = False
        self.modules = preload.modules
        self.pid = 0
        self._link = link
        self._watch = watch
        self._preload = preload
        self._setup = setup
        self._make = make
        self._tell = tell
        self._shared: bytes | None = None
        self._own: Link | None = None
        self._overheard: Overheard | None = None
        self._quoted = ""
        self._inner: ProcessExecutor | None = None
        self._unbegun: list[Job] = []
        self._cancelled: set[int] = set()
        self._notices: list[Notice] = []
        self._capacity = make(link).capacity
        self._is_ready = False
        self.loading = ""
        self._unfit: tuple[str, str, bool] | None = None
        self._starts = 0
        self._losses = 0

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return self._capacity

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._unbegun) + (0 if self._inner is None else self._inner.held)

    def begin(self, shared: bytes) -> None:
        """Have a template started for a run, once."""
        if self._shared is None:
            self._shared = shared
            self._start(shared)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self.begin(job.shared)
        if self._inner is not None and self._is_ready:
            self._inner.submit(job)
        else:
            self._unbegun.append(job)

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk."""
        if self._inner is not None:
            self._inner.recorded()

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time."""
        notices, self._notices = self._notices, []
        notices += () if self._inner is None else self._inner.take()
        for notice in notices:
            if isinstance(notice, Completion):
                self._cancelled.discard(notice.job)
                if isinstance(notice.outcome, Success):
                    self._losses = 0
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, its whole process tree."""
        for waiting in [waiting for waiting in self._unbegun if waiting.number == job]:
            self._unbegun.remove(waiting)
            self._notices.append(cancelled_before(waiting))
            return
        if self._inner is not None:
            self._cancelled.add(job)
            self._inner.cancel(job, force=force)

    def close(self) -> None:
        """Let the template end with all that it started."""
        self._unbegun.clear()
        if self._inner is not None:
            self._inner.close()
        if self._own is not None:
            self._own.close()
        if self._overheard is not None:
            self._overheard.close()
        self._inner = self._own = self._overheard = None

    # What the launcher says of the template.

    def born(self, birth: Birth) -> None:
        """Note that it runs."""
        self.pid = birth.pid

    def ended(self, end: Exit) -> None:
        """Take its jobs back, and start another one or give up."""
        if self._own is None or self._inner is None:
            return  # closed
        self._own.hear_rest()
        self._quote()
        if self._is_ready:
            self._losses += 1
        else:
            self._leave_out(end)
        self._drop(end.code)
        if not self.modules or self._starts >= _MOST_STARTS or self._losses >= _MOST_LOSSES:
            why = ""
            if self._losses:
                how = f"the template process (pid {end.pid}) {end_of_service(end.code)}"
                self._tell(f"{how}; tasks import their packages themselves from here on")
            elif self.modules:
                why = f"{self._starts} processes that were to import packages have ended"
            self._give_up(why)
            return
        if self._is_ready:
            self._tell(f"the template process (pid {end.pid}) {end_of_service(end.code)}; another one is started")
        assert self._shared is not None  # noqa: S101  # it has been started before
        self._start(self._shared)

    def refused(self, refusal: Refusal) -> None:
        """Do without."""
        self._quote()
        self._drop(0)
        self._give_up(refusal.message)

    def _start(self, shared: bytes) -> None:
        self._starts += 1
        self._is_ready, self.loading, self._unfit = False, "", None
        if not self.modules:
            self._give_up()
            return
        try:
            ours, theirs, self._overheard = _open_ways(self._watch)
        except OSError as error:
            self._give_up(f"no pipe could be opened: {error.strerror}")
            return
        arguments = (replace(self._preload, modules=self.modules), shared)
        entry, name, output = "flowpar.execute.template:serve", "flowpar:template", self._overheard.end
        with theirs:
            self._link.serve(self, entry, arguments, name=name, descriptors=(theirs.fileno(), output))
        os.close(output)
        self._own = Link(ours, self._watch, heard=self._hear)
        self._inner = self._make(self._own)
        self._own.set_up(self._setup)

    def _hear(self, frame: Frame) -> None:
        match frame.kind:
            case Word.LOADING:
                self.loading = frame.body.decode()
            case Word.UNFIT:
                self._unfit = unpack_unfit(frame.body)
            case Word.FAILED:
                self._tell(f"the template process failed: {unpack_failed(frame.body)[1]}")
            case Word.READY:
                self._quote()
                self._go_on()

    def _quote(self) -> None:
        """Tell what was printed by imports."""
        if self._overheard is not None:
            text, self._overheard = self._overheard.close(), None
            # Another template that imports the same prints the same.
            if text.strip() and text != self._quoted:
                self._quoted = text
                self._tell("packages printed this as they were imported for tasks", text)

    def _leave_out(self, end: Exit) -> None:
        """Leave out the module in whose import a template has ended."""
        module, why, is_said_by_tasks = self._unfit or (self.loading, "", False)
        if not module:
            self._losses += 1
            return
        self.modules = tuple(each for each in self.modules if each != module)
        if not why:
            why = f"the process that imported it {end_of_service(end.code)}"
            if end.code == -signal.SIGALRM:
                why = f"its import takes over {self._preload.patience_s:g} s"
        if not is_said_by_tasks:
            self._tell(f'"{module}" is not preloaded: {why}')

    def _drop(self, code: int) -> None:
        if self._inner is not None and self._own is not None:
            for job in self._inner.lose(code):
                if job.number in self._cancelled:
                    self._notices.append(cancelled_before(job))
                else:
                    self._unbegun.append(job)
            self._notices += self._inner.take()
            self._own.close()
        self._inner = self._own = None

    def _give_up(self, why: str = "") -> None:
        """Do without a template, and say `why` where nothing else has said it."""
        if why:
            self._tell(f"nothing is preloaded: {why}; tasks import their packages themselves")
        self.is_given_up = True
        self._inner = self._make(self._link)
        self._go_on()

    def _go_on(self) -> None:
        self._is_ready = True
        waiting, self._unbegun = self._unbegun, []
        for job in waiting:
            self.submit(job)


def _open_ways(watch: Watch) -> tuple[socket.socket, socket.socket, Overheard]:
    """Return both ends of a control socket, and who hears what is printed; raises OSError."""
    overheard = Overheard(watch)
    try:
        return *socket.socketpair(), overheard
    except OSError:
        os.close(overheard.end)
        overheard.close()
        raise
