"""The launcher: starts every process of a run, never more than its slots take, and tells how each ended.

    engine, guard ── lines ── launcher ──► tasks, services

It has one thread for ever and imports only what is light, so that a fork is safe and cheap. It
ends with the engine's end of the socket or with the guard, and takes all it started with it.

    queue     starts that wait for a slot, as many as the engine sends ahead; a job takes its cpu of the slots
    spares    what was forked ahead, and waits for a job
    children  what runs, by key
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.point import point
from flowpar.execute import tree
from flowpar.execute.children import Child, Waiting
from flowpar.execute.control import (
    Birth,
    Exit,
    Refusal,
    Setup,
    Word,
    pack_failed,
    unpack_cancel,
    unpack_share,
)
from flowpar.execute.death import no_process
from flowpar.execute.lean import preload, prepare
from flowpar.execute.lines import Lines, Over
from flowpar.execute.memory_watch import MemoryWatch
from flowpar.execute.order import Briefing, JobOrder
from flowpar.execute.spares import Spares
from flowpar.execute.starter import ForkserverLost, Starter
from flowpar.execute.wire import BadFrame

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from flowpar.execute.wire import Channel, Frame

_FIRST_DELAY_S = 0.05
_LAST_DELAY_S = 1.0
_TRIES = 8
_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


def _wake_up(_number: int, _frame: object) -> None:
    """Do nothing: the descriptor does. It stays, as each fork would take it apart otherwise, and copy pages for it."""


class Launcher:
    """Owns the control socket's far end, the queue and the children; `run` returns when all is over."""

    def __init__(
        self, channel: Channel, *, life: int, guard: int, make_starter: Callable[..., Starter] = Starter
    ) -> None:
        """Take the ends of the channels that lead to the engine and to the guard."""
        self._make_starter = make_starter
        self._lines = Lines(channel, life=life, guard=guard)
        self._setup = Setup(slots=1)
        self._starter = make_starter(self._setup.start_method, preload=())
        self._briefing = Briefing(self._setup.attempt)
        self._spares = Spares(self._starter, self._briefing)
        self._queue: deque[Waiting] = deque()
        self._children: dict[int, Child] = {}
        self._key_of_pid: dict[int, int] = {}
        self._cpu_milli = 0
        self._memory = MemoryWatch()
        self._tries = 0
        self._retry_at: float | None = None
        self._wake, self._wake_end = os.pipe()
        self._poller = select.poll()

    def run(self) -> int:
        """Serve until the engine or the guard is gone, then end everything that is left; return the exit code."""
        self._watch_for_deaths()
        for number in (self._lines.control, self._wake, self._lines.life):
            self._poller.register(number, select.POLLIN)
        try:
            while True:
                self._turn(dict(self._poller.poll(self._patience_ms())))
        except Over:
            return ExitCode.OK
        except Exception as error:  # noqa: BLE001  # the last line of defence: the engine says it
            return self._fail(error)
        finally:
            for pid in tree.freeze(os.getpid()):
                tree.send(pid, signal.SIGKILL)

    def _fail(self, error: Exception) -> int:
        is_ours = not isinstance(error, OSError)
        with suppress(Over):
            self._lines.tell(Word.FAILED, pack_failed(error, is_ours=is_ours))
        return ExitCode.INTERNAL if is_ours else ExitCode.ENVIRONMENT

    def _watch_for_deaths(self) -> None:
        for number in (self._wake, self._wake_end):
            os.set_blocking(number, False)  # the stdlib's signature
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _wake_up)

    def _patience_ms(self) -> int | None:
        due = min((at for at in (self._retry_at, self._memory.due) if at is not None), default=None)
        return None if due is None else max(0, int((due - time.monotonic()) * 1000) + 1)

    def _turn(self, ready: dict[int, int]) -> None:
        if self._lines.life in ready:
            self._lines.hear_life()
        # Deaths before orders: a slot that is free now takes the job that waits.
        if self._wake in ready:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)
            self._reap()
        control = self._lines.control
        for number in ready.keys() - {control, self._wake, self._lines.life}:
            self._reap_forkserved(number)
        for pid in self._memory.over():
            tree.kill_tree(pid)
        self._start_waiting()
        if ready.get(control, 0) & ~select.POLLOUT:
            for frame in self._lines.received():
                self._obey(frame)
            self._start_waiting()
        self._lines.flush()
        if not self._queue and self._cpu_milli + 1000 <= self._setup.slots * 1000:
            self._spares.keep()
        mask = select.POLLIN | (select.POLLOUT if self._lines.has_unsent else 0)
        self._poller.modify(control, mask)

    def _obey(self, frame: Frame) -> None:
        match frame.kind:
            case Word.START:
                waiting = Waiting.job(frame, self._briefing)
                # What takes no slot waits for none.
                (self._queue.append if waiting.cpu_milli else self._queue.appendleft)(waiting)
            case Word.CANCEL:
                self._cancel(*unpack_cancel(frame.body))
            case Word.SHARE:
                _, shared = unpack_share(frame.body)
                prepare(self._setup.attempt, shared)
                self._brief(replace(self._briefing, shared=shared))
            case Word.SERVE:
                self._queue.appendleft(Waiting.service(frame))
            case Word.SWEEP:
                self._sweep()
            case Word.SETUP:
                self._set_up(Setup.unpack(frame.body))
            case _:
                raise BadFrame("an engine says no such thing")

    def _set_up(self, setup: Setup) -> None:
        self._setup = setup
        preload(setup.preload)
        self._starter.close()
        self._starter = self._make_starter(setup.start_method, preload=setup.preload)
        self._brief(Briefing(setup.attempt, b"", setup.outputs_address, setup.outputs_key))
        self._lines.tell(Word.READY, b"")

    def _brief(self, briefing: Briefing) -> None:
        self._briefing = briefing
        self._spares.dismiss()
        self._spares = Spares(self._starter, briefing)

    def _start_waiting(self) -> None:
        """Start what waits, in order, as far as there are slots; services need none."""
        while self._queue and self._is_time():
            waiting = self._queue[0]
            # One that is larger than all slots runs alone.
            if self._cpu_milli and waiting.cpu_milli and self._cpu_milli + waiting.cpu_milli > self._setup.slots * 1000:
                return
            started = time.monotonic()
            try:
                process = self._spares.take(waiting) or self._fork_for(waiting)
            except OSError as error:
                self._put_off(no_process(error))
            except ForkserverLost as error:
                self._make_up_for(waiting, str(error))
            else:
                self._leave_queue(waiting)
                self._adopt(waiting, process, started)

    def _fork_for(self, waiting: Waiting) -> BaseProcess:
        point("process.fork")
        process = self._starter.start(waiting.order, waiting.name)
        point("process.forked")
        return process

    def _is_time(self) -> bool:
        return self._retry_at is None or time.monotonic() >= self._retry_at

    def _put_off(self, why: str) -> None:
        """Wait for a job of ours to end, or a while; give up when none runs and patience is over.

        So a limit of processes lowers how many run at once instead of failing tasks.
        """
        self._tries += 1
        if self._tries > _TRIES and not any(child.is_job for child in self._children.values()):
            self._refuse(self._queue[0], why)
            return
        delay_s = min(_FIRST_DELAY_S * 2 ** (self._tries - 1), _LAST_DELAY_S)
        self._retry_at = time.monotonic() + delay_s

    def _make_up_for(self, waiting: Waiting, why: str) -> None:
        """End what may have come of a start; an attempt, which may have begun, is not made twice."""
        self._sweep()
        if waiting.is_job:
            self._refuse(waiting, why)
        else:
            self._put_off(why)

    def _refuse(self, waiting: Waiting, why: str, *, is_cancelled: bool = False) -> None:
        self._leave_queue(waiting)
        self._lines.tell(Word.REFUSED, Refusal(waiting.key, is_cancelled=is_cancelled, message=why).pack())

    def _leave_queue(self, waiting: Waiting) -> None:
        if waiting is self._queue[0]:
            self._queue.popleft()
            self._tries, self._retry_at = 0, None
        else:
            self._queue.remove(waiting)
        waiting.close()

    def _adopt(self, waiting: Waiting, process: BaseProcess, started: float) -> None:
        key, pid = waiting.key, process.pid or 0
        self._children[key] = Child(key, process, pid, waiting.cpu_milli, waiting.is_job)
        self._cpu_milli += waiting.cpu_milli
        if isinstance(waiting.order, JobOrder):
            self._memory.add(key, pid, waiting.order.job.memory_bytes)
        if self._starter.reaps:
            self._key_of_pid[pid] = key
        else:
            self._key_of_pid[process.sentinel] = key
            self._poller.register(process.sentinel, select.POLLIN)
        self._lines.tell(Word.STARTED, Birth(key, pid, started).pack())

    def _reap(self) -> None:
        """Take leave of dead children; one we don't know is a helper of multiprocessing's."""
        if not self._starter.reaps:
            return  # the forkserver reaps its own; what ends here is a helper of multiprocessing's
        while True:
            try:
                point("process.reap")
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            key = self._key_of_pid.pop(pid, None)
            if key is None:
                self._spares.bury(pid)
            else:
                code = os.waitstatus_to_exitcode(status)
                cpu_s = usage.ru_utime + usage.ru_stime
                rss_bytes = usage.ru_maxrss * _RSS_UNIT_BYTES
                self._bury(Exit(key, pid, code, time.monotonic(), cpu_s, rss_bytes))

    def _reap_forkserved(self, sentinel: int) -> None:
        key = self._key_of_pid.pop(sentinel)
        self._poller.unregister(sentinel)
        child = self._children[key]
        code = child.process.exitcode
        assert code is not None  # noqa: S101  # its sentinel had something to read
        self._bury(Exit(key, child.pid, code, time.monotonic()))

    def _bury(self, end: Exit) -> None:
        point("process.bury")
        child = self._children.pop(end.key)
        self._cpu_milli -= child.cpu_milli
        self._retry_at = None  # there is room for another process now
        Starter.forget(child.process, end.code)
        if end.code != 0:
            # A worker that ends well has ended what was below it; this one's orphans are the guard's.
            self._sweep()
        over_bytes = self._memory.remove(end.key)
        self._lines.tell(Word.EXITED, (replace(end, over_bytes=over_bytes) if over_bytes else end).pack())

    def _sweep(self) -> None:
        self._lines.sweep(self._spares.pids.union(child.pid for child in self._children.values()))

    def _cancel(self, key: int, force: bool) -> None:  # noqa: FBT001  # a field of the message
        point("process.cancel")
        child = self._children.get(key)
        if child is not None:
            (tree.kill_tree if force else tree.terminate_tree)(child.pid)
            return
        for waiting in [waiting for waiting in self._queue if waiting.key == key]:
            self._refuse(waiting, "cancelled before it started", is_cancelled=True)
