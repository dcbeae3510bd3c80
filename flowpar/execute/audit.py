"""What an attempt reaches beside what it is given: files, environment, sockets, processes, the clock; for `--audit`.

    with audited(run_dir, …):      one line of `audit.jsonl` in the run folder, of what was seen meanwhile
        the user's function

Python tells of files, sockets and processes as they are opened, of files that get another name or go, and of folders
that are looked into (`sys.addaudithook`); variables are seen where project code asks `os.environ`, the clock where it
calls `time`. What C libraries open by themselves nobody sees. Who is asking is read off the stack: what flowpar, an
import or an installed package does for itself is left out.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import threading
import time
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flowpar.execute.audit_event import HANDLERS, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Call, Shared

AUDIT = "audit.jsonl"
_DEEPEST = 200
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - in a hook
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/usr/", "/lib/", "/lib64/", "/etc/ld.so", "/opt/", "/bin/")
_ASKED_THROUGH = (os.__file__, "<frozen os", "<frozen _collections_abc")
_CLOCKS = ("time", "time_ns", "localtime", "gmtime", "ctime")


class Auditor:
    """Hears of everything in this process, and keeps it for the attempt that runs; made once, as hooks stay."""

    def __init__(self) -> None:
        """Begin to listen."""
        self._of_thread: dict[int, Seen] = {}
        self._of_process: Seen | None = None
        sys.addaudithook(self._hear)

    @contextmanager
    def listening(self, seen: Seen, *, is_isolated: bool) -> Iterator[None]:
        """Keep what happens meanwhile; in a process that is not the attempt's own, what its thread does."""
        thread = threading.get_ident()
        if is_isolated:
            self._of_process = seen
        else:
            self._of_thread[thread] = seen
        try:
            yield
        finally:
            self._of_thread.pop(thread, None)
            self._of_process = None

    def current(self) -> Seen | None:
        """Return whose attempt this thread is at."""
        return self._of_thread.get(threading.get_ident()) or self._of_process

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = HANDLERS.get(event)
        if handler is None:
            return
        seen = self.current()
        if seen is None:
            return
        try:
            if _asker(seen, sys._getframe(1)) != "other":  # noqa: SLF001 - who asks is on the stack only
                handler(seen, *arguments)
        except Exception:  # noqa: BLE001 - a hook that raises would make the user's call fail
            return


@contextmanager
def audited(shared: Shared, job: Job, call: Call, *, is_isolated: bool) -> Iterator[None]:
    """See what an attempt reaches, and add it to the run's audit; what it is given by `env` is no news."""
    paths = [os.path.abspath(folder) for folder in (shared.workflow_dir, *shared.python_path)]  # noqa: PTH100 - texts
    folders = {path + os.sep for path in (*paths, *map(os.path.realpath, paths))}
    seen = Seen(tuple(folders), (*_installed(), os.path.realpath(shared.run_dir) + os.sep, *_SYSTEM))
    auditor = _auditor()
    try:
        with auditor.listening(seen, is_isolated=is_isolated), _asked(auditor) if is_isolated else nullcontext():
            yield
    finally:
        told = _told(seen, {*shared.env_file, *shared.env, *call.env})
        if told:
            _write(shared.run_dir, {"task": job.task, "item": job.item, "attempt": job.attempt, **told})


@lru_cache(maxsize=1)
def _auditor() -> Auditor:
    return Auditor()


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    places = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, sys.exec_prefix}
    return (_OURS, *(os.path.realpath(place) + os.sep for place in places if place and place != "/usr"))


def _asker(seen: Seen, frame: FrameType | None) -> str:
    """Return whose code is at work, as the stack says from the inside: "project", "other" or, where none is, ""."""
    for _ in range(_DEEPEST):
        if frame is None:
            return ""
        file = frame.f_code.co_filename
        if file.startswith(_OURS):
            return "" if frame.f_code.co_name == "invoke" else "other"  # that is where it calls what is the user's
        if seen.is_of_project(file):
            return "project"
        if file.startswith("<frozen importlib"):
            return "other"
        frame = frame.f_back
    return ""


def _is_asked_by_project(seen: Seen) -> bool:
    """Whether project code asks by itself, and nobody else on its behalf."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - who asks is on the stack only
    while frame is not None and frame.f_code.co_filename.startswith(_ASKED_THROUGH):
        frame = frame.f_back
    file = "" if frame is None else frame.f_code.co_filename
    return not file.startswith(_OURS) and seen.is_of_project(file)


@contextmanager
def _asked(auditor: Auditor) -> Iterator[None]:
    """See who asks for variables and for the time, as far as that goes by Python's own modules."""
    before = type(os.environ)
    clocks = {name: getattr(time, name) for name in _CLOCKS}

    class Environ(before):  # type: ignore[misc, valid-type] # the same object, which others hold already
        __slots__ = ()

        def __getitem__(self, key: str) -> str:
            seen = auditor.current()
            if seen is not None and _is_asked_by_project(seen):
                seen.note("env", key)
            return str(super().__getitem__(key))

    os.environ.__class__ = Environ
    for name, clock in clocks.items():
        setattr(time, name, partial(_tell_time, auditor, name, clock))
    try:
        yield
    finally:
        os.environ.__class__ = before
        for name, clock in clocks.items():
            setattr(time, name, clock)


def _tell_time(auditor: Auditor, name: str, clock: Callable[..., object], *given: object) -> object:
    seen = auditor.current()
    if seen is not None and not given and _is_asked_by_project(seen):
        seen.note("clocks", f"time.{name}")
    return clock(*given)


def _told(seen: Seen, given: set[str]) -> dict[str, list[str]]:
    """Return what is worth telling: files that are there, variables that nobody declared."""
    found = {kind: list(names) for kind, names in seen.found.items()}
    found["read"] = [path for path in found.get("read", ()) if os.path.isfile(path)]  # noqa: PTH113 - texts
    found["env"] = [name for name in found.get("env", ()) if name not in given and not name.startswith("FLOWPAR_")]
    return {kind: names for kind, names in found.items() if names}


def _write(run_dir: str, line: Mapping[str, object]) -> None:
    text = json.dumps(line, separators=(",", ":")).encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    number = os.open(os.path.join(run_dir, AUDIT), flags, 0o600)  # noqa: PTH118 - texts
    try:
        os.write(number, text + b"\n")  # at once, so that lines of several processes never mix
    finally:
        os.close(number)
