"""The far side of `thread`: one process that makes attempts in threads, and is replaced when one can't be ended.

main thread   reads the channel, hands jobs out, passes cancellations on
threads       one attempt at a time each

That an attempt began is told with its end, or after some milliseconds: each message is a turn of the engine.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import threading
import time
import traceback
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import NO_THREAD
from flowpar.data.managed import ManagedOutputs
from flowpar.execute import tree
from flowpar.execute.attempt import hide_sources, make_attempt
from flowpar.execute.opened import masker_of, shared_in
from flowpar.execute.order import unpack_job
from flowpar.execute.post_log import Announcer, listen_to_logging
from flowpar.execute.powers import Powers
from flowpar.execute.report_pipe import Report
from flowpar.execute.scratch import KeptScratch
from flowpar.execute.standing_word import BEGUN, NUMBER, Done, Word
from flowpar.execute.streams import Outlets
from flowpar.execute.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.execute.base import Job
    from flowpar.execute.wire import Frame

    Post = Callable[[str, Mapping[str, object]], None]

# A command that was asked to end, or a loop that asks `cancelled()`, gets this long before it is given up.
_PATIENCE_S = 0.3
# How long after it was handed over it is told at the latest that an attempt began.
_BEGUN_S = 0.005
_POST: ContextVar[Post | None] = ContextVar("flowpar_post", default=None)


def serve(slots: int, outputs_address: str | None, outputs_key: bytes, control: int) -> None:
    """Make attempts in up to `slots` threads until the engine hangs up."""
    ThreadWorker(Channel(socket.socket(fileno=control)), slots, outputs_address, outputs_key).run()


@dataclass(slots=True)
class _Errand:
    """A job in the hands of a thread."""

    job: Job
    output: int
    is_cancelled: bool = False
    is_over: bool = False
    over: threading.Event | None = None  # for who waits: most attempts nobody waits for

    def end(self) -> None:
        """Let whoever waits know that the attempt is over."""
        self.is_over = True
        if self.over is not None:
            self.over.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, and say whether it came."""
        self.over = self.over or threading.Event()
        return self.is_over or self.over.wait(timeout_s)


class ThreadWorker:
    """Owns the channel; the dictionary of errands belongs to the main thread but for removals."""

    def __init__(self, channel: Channel, slots: int, outputs_address: str | None, outputs_key: bytes) -> None:
        """Take over the process's streams and its logging."""
        self._channel = channel
        self._slots = slots
        self._outputs = ManagedOutputs(outputs_address, outputs_key) if outputs_address else None
        self._outlets = Outlets()
        self._sending = threading.Lock()
        self._waiting: queue.SimpleQueue[_Errand] = queue.SimpleQueue()
        self._errands: dict[int, _Errand] = {}
        self._threads = 0
        self._is_looking = False
        self._shared = b""
        self._home = ""
        self._powers = Powers.now()
        listen_to_logging(_POST.get)

    def run(self) -> None:
        """Serve until the engine hangs up."""
        while True:
            if self._is_looking and not self._channel.is_readable(_BEGUN_S):
                self._look()
            try:
                frames = self._channel.receive()
            except EOFError:
                return
            for frame in frames:
                self._obey(frame)

    def _obey(self, frame: Frame) -> None:
        match frame.kind:
            case Word.SHARE:
                self._shared = frame.body
                hide_sources(self._shared)
                shared = shared_in(self._shared)
                self._home = shared.scratch_in or shared.run_dir
            case Word.JOB:
                self._take_on(_Errand(unpack_job(frame.body, self._shared), frame.descriptors[0]))
            case Word.CANCEL:
                errand = self._errands.get(*NUMBER.unpack(frame.body))
                if errand is not None:
                    threading.Thread(target=self._cancel, args=(errand,), daemon=True).start()

    def _take_on(self, errand: _Errand) -> None:
        self._errands[errand.job.number] = errand
        self._is_looking = True
        self._waiting.put(errand)
        if self._threads < min(self._slots, len(self._errands)):
            try:
                threading.Thread(target=self._work, name=f"flowpar-{self._threads + 1}", daemon=True).start()
            except RuntimeError:  # a limit of processes counts threads, too: those that are there do all the work
                if not self._threads:
                    _end(NO_THREAD)
            else:
                self._threads += 1

    def _cancel(self, errand: _Errand) -> None:
        errand.is_cancelled = True
        if not errand.wait(min(_PATIENCE_S, errand.job.grace_s)):
            self._send(Word.ABANDONED, NUMBER.pack(errand.job.number))

    def _work(self) -> None:
        scratch, home = None, ""
        try:
            while True:
                errand = self._waiting.get()
                if scratch is None or home != self._home:
                    if scratch is not None:
                        scratch.close()
                    home = self._home
                    scratch = KeptScratch(home)
                self._attempt(errand, scratch)
        except BaseException:  # noqa: BLE001 - a task broke what is the worker's, and a thread less would be a job forgotten
            with suppress(OSError, ValueError):
                traceback.print_exc()
            _end(1)

    def _attempt(self, errand: _Errand, scratch: KeptScratch) -> None:
        job = errand.job
        started, cpu_s = time.monotonic(), time.thread_time()
        self._begin(job.number, started)
        post = self._post_of(job.number)
        outlet, token = self._outlets.enter(errand.output)
        posting = _POST.set(Announcer(post, masker_of(job.shared)))
        try:
            asked = partial(getattr, errand, "is_cancelled")
            outcome, warnings = make_attempt(job, post=post, is_isolated=False, is_cancelled=asked, scratch=scratch)
        finally:
            _POST.reset(posting)
            self._outlets.leave(outlet, token)
        ended, cpu_s = time.monotonic(), time.thread_time() - cpu_s
        self._errands.pop(job.number, None)
        errand.end()
        if Powers.now() != self._powers:
            self._send(Word.RETIRE, b"")
        self._send(Word.DONE, Done(job.number, started, ended, cpu_s, Report(outcome, warnings)).pack())
        outlet.close()  # after that, or it would be a message of its own

    def _post_of(self, job: int) -> Post:
        def post(kind: str, body: Mapping[str, object]) -> None:
            if self._outputs is not None:
                self._outputs.post(json.dumps([job, kind, body], default=repr, skipkeys=True).encode())
                self._send(Word.POSTED, b"")

        return post

    def _begin(self, job: int, started: float) -> None:
        """Tell that an attempt began: with what is told next, as long as the main thread looks after it."""
        body = BEGUN.pack(job, started)
        with self._sending:
            is_kept = self._is_looking
            if is_kept:
                self._channel.keep(Word.BEGUN, body)
        if not is_kept:
            self._send(Word.BEGUN, body)

    def _look(self) -> None:
        """Tell what began and lasts."""
        with self._sending:
            self._is_looking = False
            _or_end(self._channel.send_kept)

    def _send(self, word: Word, body: bytes) -> None:
        with self._sending:
            _or_end(self._channel.send, word, body)


def _or_end(send: Callable[..., None], *told: object) -> None:
    try:
        send(*told)
    except OSError:  # the engine is gone, and with it all reason to go on
        _end(0)


def _end(code: int) -> NoReturn:
    """End the process and what its tasks have started, which may have nobody else to end it."""
    tree.kill_descendants()
    os._exit(code)
