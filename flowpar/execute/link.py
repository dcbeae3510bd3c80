"""The engine's link to the launcher: asks for processes and hands on what became of each.

    Link.start, Link.serve ──► key;   Listener.born, Listener.ended, Listener.refused ◄── by key

Every key ends in exactly one `ended` or `refused`, unless the launcher itself is lost, which
raises `MachineError` from whatever meets it.
"""

from __future__ import annotations

import select
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowpar.core.errors import InternalError, MachineError
from flowpar.execute.control import (
    Birth,
    Exit,
    Refusal,
    Setup,
    Word,
    pack_cancel,
    pack_serve,
    pack_share,
    pack_start,
    unpack_failed,
)
from flowpar.execute.death import no_process
from flowpar.execute.wire import BadFrame, Channel

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.execute.guard import Tree
    from flowpar.execute.watch import Watch
    from flowpar.execute.wire import Frame

_GUARD_PATIENCE_S = 5.0


class Listener(Protocol):
    """Who asked for a process."""

    def born(self, birth: Birth) -> None:
        """The process runs."""
        ...

    def ended(self, end: Exit) -> None:
        """The process is over and reaped, and so is what was below it."""
        ...

    def refused(self, refusal: Refusal) -> None:
        """There never was a process."""
        ...


class Link:
    """Owns the control socket, and the guard's process where this program had to start one."""

    def __init__(
        self,
        end: socket.socket,
        watch: Watch,
        *,
        launcher: int = 0,
        guard: subprocess.Popen[bytes] | None = None,
        heard: Callable[[Frame], None] | None = None,
    ) -> None:
        """Take the engine's end; `launcher` is its pid or 0 where that is not known.

        Where `heard` is there, the other end is a template: it takes what only a template says, and the
        loss of one raises nothing: the launcher will tell.
        """
        self._channel = Channel(end)
        self._watch = watch
        self._launcher = launcher
        self._guard = guard
        self._listeners: dict[int, Listener] = {}
        self._last_key = 0
        self._share = 0
        self._shared: bytes | None = None
        self._heard = heard
        self._is_over = False
        watch.add(end.fileno(), self._hear)

    @classmethod
    def to(cls, tree: Tree, watch: Watch) -> Link:
        """Link to the launcher that the command's guard split off."""
        return cls(socket.socket(fileno=tree.control), watch, launcher=tree.launcher, guard=None)

    @classmethod
    def start_guard(cls, watch: Watch, *, environment: Mapping[str, str] | None = None) -> Link:
        """Start a guard and a launcher of one's own, for a program that can't fork safely."""
        import subprocess  # late: a command has its guard above it

        ours, theirs = socket.socketpair()
        code = (
            f"import sys; sys.path.append({str(Path(__file__).parents[2])!r}); "
            f"from flowpar.execute.guard import serve; serve({theirs.fileno()})"
        )
        try:
            guard = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # so that Ctrl-C reaches it through the engine only
                env=environment,
            )
        except OSError as error:
            ours.close()
            raise MachineError(no_process(error)) from error
        finally:
            theirs.close()
        return cls(ours, watch, launcher=0, guard=guard)

    def set_up(self, setup: Setup) -> None:
        """Tell the launcher what it must know; to be called once, first."""
        self._send(Word.SETUP, setup.pack())

    def share(self, shared: bytes) -> None:
        """Let the launcher know what starts to come have in common, unless it does."""
        if shared is not self._shared:
            self._share += 1
            self._shared = shared
            self._send(Word.SHARE, pack_share(self._share, shared))

    def start(self, listener: Listener, content: bytes, shared: bytes, descriptors: Sequence[int]) -> int:
        """Have an attempt made in a new process, as soon as there is a slot; return its key."""
        self.share(shared)
        key = self._next_key(listener)
        self._send(Word.START, pack_start(key, self._share, content), descriptors)
        return key

    def serve(
        self,
        listener: Listener,
        entry: str,
        arguments: tuple[object, ...] = (),
        *,
        name: str,
        descriptors: Sequence[int] = (),
    ) -> int:
        """Have a process started that stays: it calls `entry` ("module:function") with `arguments` and,
        after them, the numbers that `descriptors` have there; return its key.

        The descriptors stay the caller's to close. The process leads a session, dies with the
        launcher, reads nothing, and its stdout and stderr are the engine's stderr.
        """  # noqa: D205  # one sentence of two lines
        key = self._next_key(listener)
        self._send(Word.SERVE, pack_serve(key, name, entry, arguments), descriptors)
        return key

    def cancel(self, key: int, *, force: bool = False) -> None:
        """TERM to the whole tree of a process, or KILL by `force`; a start that waits is dropped."""
        if key in self._listeners:
            self._send(Word.CANCEL, pack_cancel(key, force=force))

    def sweep(self) -> None:
        """End orphans of tasks that are over."""
        self._send(Word.SWEEP, b"")

    def hear_rest(self) -> None:
        """Take what a template said before it ended."""
        poller = select.poll()
        poller.register(self._channel.fileno(), select.POLLIN)
        while not self._is_over and poller.poll(0):
            self._hear()

    def close(self) -> None:
        """Let the launcher end with everything it has started; wait for the guard that was started here."""
        self._watch.remove(self._channel.fileno())
        self._channel.close()
        self._is_over = True
        if self._guard is not None:
            import subprocess  # late: the same

            try:
                self._guard.wait(_GUARD_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._guard.kill()
                self._guard.wait()

    def _next_key(self, listener: Listener) -> int:
        self._last_key += 1
        self._listeners[self._last_key] = listener
        return self._last_key

    def _send(self, word: Word, body: bytes, descriptors: Sequence[int] = ()) -> None:
        if self._is_over:
            return
        try:
            self._channel.send(word, body, descriptors)
        except ConnectionError as error:
            # Of a template there may be something left to hear: which import it died in.
            if self._heard is None:
                raise self._loss() from error

    def _hear(self) -> None:
        try:
            frames = self._channel.receive()
        except EOFError as error:
            self._give_up(error)
            return
        except BadFrame as error:
            raise InternalError("the launcher said something that makes no sense") from error
        for frame in frames:
            self._hand_on(frame)

    def _hand_on(self, frame: Frame) -> None:
        match frame.kind:
            case Word.STARTED:
                birth = Birth.unpack(frame.body)
                self._listeners[birth.key].born(birth)
            case Word.EXITED:
                end = Exit.unpack(frame.body)
                self._listeners.pop(end.key).ended(end)
            case Word.REFUSED:
                refusal = Refusal.unpack(frame.body)
                self._listeners.pop(refusal.key).refused(refusal)
            case Word.FAILED if self._heard is None:
                is_ours, text = unpack_failed(frame.body)
                raise self._failure(text) if is_ours else self._loss(f"failed: {text}")
            case _ if self._heard is not None:
                self._heard(frame)

    def _give_up(self, error: Exception) -> None:
        if self._heard is None:
            raise self._loss() from error
        self._watch.remove(self._channel.fileno())
        self._is_over = True

    def _loss(self, how: str = "died") -> MachineError:
        who = f"the launcher process (pid {self._launcher})" if self._launcher else "the launcher process"
        return MachineError(f"{who} {how}; without it no task can run")

    @staticmethod
    def _failure(text: str) -> InternalError:
        return InternalError(f"the launcher process failed\n{text}")
