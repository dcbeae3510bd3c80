"""The cache of a run: keys on the one side, the folder of entries on the other, and a person who is told once.

    attempt ─► its files read ─► key ─► entry? ─┬─ sound, and young enough ─► its files put back ─► Hit
                                                └─ none, or of no use ─► Keeping, for the worker

Nothing that is wrong with a cache fails a run: what can't be used is made again, and what can't be kept is not.
A look-up is a generator that gives what may take the disk a while: that is done aside, and it goes on from there.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from flowpar.core.content import Digester
from flowpar.core.errors import MachineError
from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import BadEntry, BlobGone
from flowpar.data.cache_secret import secret_of
from flowpar.data.room import has_room
from flowpar.data.store import ValueStore
from flowpar.engine.aside import Aside
from flowpar.engine.class_codes import ClassCodes
from flowpar.engine.put_back import put_back
from flowpar.execute.keep import UNKEPT
from flowpar.plugin.local import project_of
from flowpar.record.cache_care import size_of, sweep
from flowpar.record.folder import check_owner
from flowpar.record.seen_files import SeenFiles
from flowpar.schedule.caching import Hit, Later
from flowpar.schedule.keying import KeyMaker, NoKey
from flowpar.schedule.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from flowpar.data.cache_entry import Entry, Keeping
    from flowpar.engine.cache_options import CacheOptions
    from flowpar.engine.options import EngineOptions
    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings, Shared
    from flowpar.planning.model import Caching, PlannedTask
    from flowpar.schedule.caching import Found
    from flowpar.schedule.ruling import OutputsReader

    Tell = Callable[[str], None]
    Work = Callable[[], Any]
    _Steps = Generator[Work, Any, Found]

_QUOTED = re.compile('"[^"]*"')
# By so much the clocks of machines may differ that share a folder.
_SKEW_S = 300.0


class _LookUp(Later):
    """A look-up, and how it goes on from what takes a while."""

    def __init__(self, steps: _Steps) -> None:
        self.steps = steps


class RunCache:
    """What the loop asks; owned by one run."""

    def __init__(
        self,
        folder: CacheFolder,
        keys: KeyMaker,
        seen: SeenFiles,
        shared: Shared,
        *,
        options: CacheOptions,
        aside: Aside[_LookUp],
        tell: Tell,
    ) -> None:
        """Look in `folder`, as `options` say, what takes a while `aside`; `tell` a person what is wrong, once."""
        self._folder = folder
        self._keys = keys
        self._seen = seen
        self._run_dir = shared.run_dir
        self._values_limit = shared.values_limit
        self._refreshed = frozenset(options.refreshed)
        self._limit_bytes = options.limit_bytes
        self._has_kept = False
        self._aside = aside
        self._drops = 0
        self._umask = _umask()
        self._tell = tell
        self._told: set[str] = set()

    def find(self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool) -> Found | Later:
        """Return what an attempt came to before, or how to keep it, None where it has no key; it may take a while."""
        look_up = _LookUp(self._find(task, bindings, number, may_hit=may_hit))
        return self._go_on(look_up, partial(look_up.steps.send, None))

    def found(self) -> Sequence[tuple[Later, Found]]:
        """Return what was found since the last time of what took a while."""
        over = []
        for done in self._aside.take():
            steps = done.asker.steps
            move = partial(steps.send, done.result) if done.error is None else partial(steps.throw, done.error)
            now = self._go_on(done.asker, move)
            if not isinstance(now, Later):
                over.append((done.asker, now))
        return over

    def drop(self) -> None:
        """Forget what takes a while; no further file is put back."""
        self._drops += 1
        self._aside.drop()

    def _go_on(self, look_up: _LookUp, move: Callable[[], Work]) -> Found | Later:
        """Let a look-up go on to its end, or to what takes a while."""
        try:
            work = move()
        except StopIteration as end:
            found: Found = end.value
            self._has_kept = self._has_kept or not isinstance(found, Hit | None)
            return found
        self._aside.begin(look_up, work)
        return look_up

    def _find(self, task: PlannedTask, bindings: Bindings, number: Callable[[], int], *, may_hit: bool) -> _Steps:
        try:
            key = self._keys.begin(task, bindings)
            declared = key.declared()
            read = partial(key.read, declared, self._seen)
            keyed = key.made(read() if declared.is_small else (yield read))
        except NoKey as error:
            if task.cache is None or not task.cache.is_implied:
                self._tell_once(f"{task.id} is not cached: {error}", about=f"{task.id} has no key")
            return None
        for pattern in keyed.unmatched:
            message = f'no file matches "{pattern}", which {task.id} declares to read'
            self._tell_once(message, about=f"{task.id} matches nothing")
        keeping = keyed.keeping
        if self._is_refreshed(task.id):
            return replace(keeping, note="refreshed")
        if not may_hit:
            return keeping
        try:
            entry = self._folder.find(keeping.key, keeping.place)
            if entry is None:
                return keeping
            if task.cache is not None and is_expired(task.cache, entry):
                return replace(keeping, note="expired")
            name, drops = str(number()) if entry.value_bytes else "", self._drops
            restore = partial(self._restored, entry, keeping, name, lambda: drops == self._drops)
            return (restore() if entry.is_small else (yield restore)) or keeping
        except BadEntry as error:
            if isinstance(error, BlobGone) and self._folder.is_gone(keeping.key, keeping.place):
                return keeping  # it made room meanwhile
            self._tell_once(f"an entry of the cache is of no use, and its task runs: {error}", about="bad entry")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._tell_once(f"the cache cannot be read, and tasks run: {reason}", about="cannot read")
        return keeping

    def heard(self, task: str, completion: Completion) -> Completion:
        """Tell once of a task why something was not kept, and no more with each attempt."""
        own = [warning for warning in completion.warnings if warning.startswith(UNKEPT)]
        if not own:
            return completion
        for warning in own:
            # Of many items with files of their own one is told.
            self._tell_once(f"an attempt at {task} was {warning}", about=f"{task}: {re.sub(_QUOTED, '', warning)}")
        rest = tuple(warning for warning in completion.warnings if warning not in own)
        return replace(completion, warnings=rest)

    def close(self) -> None:
        """Keep what was learnt about files, and make room where something new was kept."""
        self.drop()
        self._seen.close()
        if self._has_kept:
            with suppress(OSError):
                if size_of(self._folder) > self._limit_bytes:
                    sweep(self._folder, self._limit_bytes)

    def _restored(self, entry: Entry, keeping: Keeping, name: str, is_wanted: Callable[[], bool]) -> Hit | None:
        """Put back what an entry has; None where there is no room for its value. Raises BadEntry or OSError."""
        if not is_wanted() or not has_room(
            f"{self._run_dir}/values", size_bytes=entry.value_bytes, limit_bytes=self._values_limit
        ):
            return None  # it is made, and says itself that there is no room
        value = self._folder.restore(entry, self._run_dir, name)
        put_back(entry.files, keeping.folder, self._folder, self._seen, umask=self._umask, is_wanted=is_wanted)
        self._folder.touch(keeping.key, keeping.place)
        return Hit(value, entry.key, keeping.parts, entry.made_by, entry.seconds, entry.is_last)

    def _is_refreshed(self, task: str) -> bool:
        return any(task == name or task.startswith((f"{name}/", f"{name}[")) for name in self._refreshed)

    def _tell_once(self, message: str, *, about: str = "") -> None:
        if (about or message) not in self._told:
            self._told.add(about or message)
            self._tell(message)


def _umask() -> int:
    """Return the mask of the process; asked once, as to ask is to set it for all threads."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def is_expired(caching: Caching, entry: Entry) -> bool:
    """Whether an entry is too old, or of a time to come: then a clock was wrong, and nobody knows how old it is."""
    return caching.ttl_s is not None and not -_SKEW_S <= time() - entry.made_at <= caching.ttl_s


def open_cache(
    options: EngineOptions,
    shared: Shared,
    outputs: Callable[[], OutputsReader],
    *,
    tell: Tell,
    wake: Callable[[], None],
) -> RunCache | None:
    """Return the cache of a run; None where it cannot be used, which is told. `wake` lets the crew's wait return."""
    cache_dir = (options.cache.folder or options.state_dir / "cache").absolute()
    root = os.fspath(project_of(Path(shared.workflow_dir)))
    folder = CacheFolder(os.fspath(cache_dir), is_synced=shared.syncs_values)
    try:
        with suppress(FileNotFoundError):  # of a stranger's nothing is touched
            check_owner(cache_dir, trust_state=options.trust_state)
        folder.create()
        check_owner(cache_dir, trust_state=options.trust_state)
        secret = secret_of(folder.path, lambda told: tell(f"the cache: {told}"))
    except OSError as error:
        place = "" if error.filename in {None, folder.path} else f' ("{error.filename}")'
        reason = (error.strerror or str(error)).lower()
        tell(f'the cache "{cache_dir}" cannot be used, and all tasks run: {reason}{place}')
        return None
    except MachineError as error:
        hint = f"; {error.hint}" if error.hint else ""
        tell(f"all tasks run, and nothing is kept: {error}{hint}")
        return None
    seen = SeenFiles(cache_dir)
    named = Named(ValueStore(shared.run_dir), ClassCodes((shared.workflow_dir, *shared.python_path)))
    digester = Digester(secret, root)
    keys = KeyMaker(shared, outputs, digester, named=named, cache_dir=folder.path, root=root)
    return RunCache(folder, keys, seen, shared, options=options.cache, aside=Aside(wake), tell=tell)
