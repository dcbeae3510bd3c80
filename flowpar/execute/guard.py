"""The guard: the process that the user started, which only waits, and sees that the whole tree ends with it.

    guard ─┬─ launcher ─┬─ task ── what it starts
           │            └─ task
           └─ engine

It splits while it is light and single-threaded, adopts every orphan of the tree, passes signals of
the terminal and of `kill` on to the engine, each exactly once, and ends as the engine ended. When
the launcher or the engine dies, it ends everything else; where the engine was killed, it says so,
with what the engine left to be said. When it dies itself, the engine is killed by the kernel and the
launcher, which sees the end of the life pipe, ends the tasks' trees.

Without a split, as in a program that uses flowpar, `serve` is a guard without an engine below it.
"""

from __future__ import annotations

import _socket
import errno
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from flowpar.core.frozen import dataclass
from flowpar.core.point import enter, point
from flowpar.execute import kernel, tree
from flowpar.execute.death import no_process, signal_name
from flowpar.execute.last_word import LastWord

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERBS = frozenset({"run", "resume"})
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SWEEP = signal.SIGUSR1
_WAITED_FOR = (*_FORWARDED, signal.SIGTSTP, signal.SIGCONT, signal.SIGCHLD, _SWEEP)
_ENGINE_PATIENCE_S = 2.0
# With fewer not even the imports of the engine and the launcher succeed.
_FEWEST_FILES = 10
# A third Ctrl-C or kill means that the engine does not listen any more.
_LOUDEST = 3


@dataclass(frozen=True, slots=True)
class Tree:
    """What the engine knows of the processes around it; `control` is its end of the launcher's socket."""

    control: int
    guard: int
    launcher: int
    last_word: LastWord


def split(argv: Sequence[str]) -> Tree | None:
    """Become guard, launcher and engine; return in the engine, or None where nothing was split.

    Only a command that runs tasks splits, on Linux, while there is one thread. The guard never
    returns from here.
    """
    if not _VERBS.intersection(argv[1:]) or not kernel.IS_LINUX or len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        return None
    _occupy_standard_descriptors()
    _refuse_few_descriptors()
    enter("guard")
    signals = _Signals.take()
    kernel.become_subreaper()
    engine_end, launcher_end = (end.detach() for end in _socket.socketpair())
    life, life_end = os.pipe()
    guard = os.getpid()
    launcher = _fork("launcher")
    if launcher == 0:
        os.close(engine_end)
        os.close(life_end)
        _launch(launcher_end, life, guard)
    last_word = LastWord()
    engine = _fork("engine")
    if engine == 0:
        for number in (launcher_end, life, life_end):
            os.close(number)
        signals.give_back()
        _be_engine(guard)
        enter("engine")
        return Tree(engine_end, guard, launcher, last_word)
    for number in (engine_end, launcher_end, life):
        os.close(number)
    point("tree.split")
    forwards_hangup = not signals.ignores_hangup
    return _Guard(launcher, engine=engine, life=life_end, last_word=last_word, forwards_hangup=forwards_hangup).watch()


def serve(control: int) -> NoReturn:
    """Be a guard for an engine that started this process by exec and holds the other end of `control`."""
    enter("guard")
    _Signals.take()
    kernel.become_subreaper()
    kernel.name_process("flowpar:guard")
    life, life_end = os.pipe()
    guard = os.getpid()
    launcher = _fork("launcher")
    if launcher == 0:
        os.close(life_end)
        _launch(control, life, guard)
    os.close(control)
    os.close(life)
    _Guard(launcher, engine=None, life=life_end, last_word=None, forwards_hangup=True).watch()


@dataclass(frozen=True, slots=True)
class _Signals:
    """What the process did with signals before it split."""

    mask: frozenset[int]
    ignores_hangup: bool

    @classmethod
    def take(cls) -> _Signals:
        """Block what the guard waits for; a parent may have ignored SIGCHLD, which would hide deaths."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
        return cls(frozenset(mask), ignores_hangup)

    def give_back(self) -> None:
        """Unblock what was not blocked before; the engine in its own group may still write to the terminal."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask - set(_WAITED_FOR))
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)


def _occupy_standard_descriptors() -> None:
    """Open what is closed of 0, 1 and 2, or pipes of ours would take their place."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  # stderr
        os.set_inheritable(number, True)  # noqa: FBT003  # the stdlib's signature
    os.close(number)


def _refuse_few_descriptors() -> None:
    """Raise OSError where launcher and engine would each meet the limit, and say so one after the other."""
    import resource  # late: only a command that splits needs it

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= limit < _FEWEST_FILES:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _fork(role: str) -> int:
    """Fork into a process group of its own, so that the terminal's signals reach the guard alone."""
    try:
        point(f"{role}.fork")
        pid = os.fork()
    except OSError as error:
        sys.stderr.write(f"error: {no_process(error)}\n")
        tree.kill_descendants()
        os._exit(3)
    with suppress(OSError):  # both sides do it; whoever comes second finds it done
        os.setpgid(pid, pid)
    return pid


def _launch(control: int, life: int, guard: int) -> NoReturn:
    # Late: the guard stays small, and the engine imports at its own pace.
    import socket

    from flowpar.execute.launcher import Launcher
    from flowpar.execute.lean import become_launcher
    from flowpar.execute.wire import Channel

    enter("launcher")
    # A guard that has stopped the tree, for Ctrl-Z or to end it, may be killed before it goes on.
    kernel.wake_with_parent()
    become_launcher()
    os._exit(Launcher(Channel(socket.socket(fileno=control)), life=life, guard=guard).run())


def _be_engine(guard: int) -> None:
    kernel.die_with_parent()
    if os.getppid() != guard:
        os._exit(3)


class _Guard:
    """Waits for signals, one at a time; ends the process when all is over."""

    def __init__(
        self, launcher: int, *, engine: int | None, life: int, last_word: LastWord | None, forwards_hangup: bool
    ) -> None:
        """Watch the two children; the launcher reads `life`, the engine leaves its `last_word`."""
        self._launcher = launcher
        self._engine = engine
        self._life = life
        self._last_word = last_word
        self._forwards_hangup = forwards_hangup
        self._loudness = 0
        self._deadline: float | None = None
        self._status: int | None = None
        self._unsaid: str | None = None  # how the engine ended, where it could not say so itself

    def watch(self) -> NoReturn:
        """Serve until the engine has ended, or the launcher where there is no engine, and end everything."""
        while self._status is None:
            patience_s = 3600.0 if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            heard = signal.sigtimedwait(_WAITED_FOR, patience_s)
            if heard is not None:
                self._hear(heard.si_signo)
            elif self._deadline is not None:
                self._status = 3
                self._unsaid = "the launcher died, and the engine did not answer"
        point("tree.end")
        tree.kill_descendants()
        if self._unsaid is not None and self._last_word is not None:
            self._last_word.tell(self._unsaid)
        _end_as(self._status)

    def _hear(self, number: int) -> None:
        match number:
            case signal.SIGCHLD:
                self._reap()
            case signal.SIGUSR1:
                self._sweep()
                with suppress(OSError):
                    os.write(self._life, b"s")
            case signal.SIGTSTP:
                self._pause()
            case signal.SIGCONT:
                pass
            case _:
                self._forward(number)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                point("child.reap")
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._note_death(pid, os.waitstatus_to_exitcode(status))

    def _note_death(self, pid: int, code: int) -> None:
        if pid == self._engine:
            self._status = code
            if code < 0 and -code not in _FORWARDED:
                self._unsaid = f"the engine was killed by {signal_name(-code)}"
        elif pid == self._launcher:
            self._launcher = 0
            if self._engine is None:
                self._status = 0
            elif code != 0:
                # It was killed, its tasks with it: the engine gets a moment to say so.
                self._sweep()
                self._deadline = time.monotonic() + _ENGINE_PATIENCE_S

    def _sweep(self) -> None:
        """End every orphan that came here: its task is dead."""
        point("orphans.sweep")
        tree.kill_descendants(spare=frozenset({self._launcher, self._engine or 0}))

    def _pause(self) -> None:
        """Stop the tree as the terminal wants this process to stop, and let all go on together."""
        stopped = tree.freeze(os.getpid())
        os.kill(os.getpid(), signal.SIGSTOP)
        for pid in stopped:
            tree.send(pid, signal.SIGCONT)

    def _forward(self, number: int) -> None:
        if number == signal.SIGHUP and not self._forwards_hangup:
            return
        point("signal.forward")
        self._loudness += 1
        if self._engine is None or self._loudness > _LOUDEST:
            self._status = -number
            self._unsaid = f"the engine did not end at {signal_name(number)}, so it was killed"
        else:
            tree.send(self._engine, number)


def _end_as(code: int) -> NoReturn:
    """End with an exit code, or by the signal that a negative one stands for."""
    if code < 0:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
    os._exit(code if code >= 0 else 128 - code)
