"""One attempt on the far side: a job's blobs are opened, its recipe is followed, and an outcome comes of it.

    Job ─► Shared, recipe, Bindings ─► Call    surroundings, target, arguments, call, output
                                       Expand  the items of a fan-out
                                       Judge   an `if`
                                       Render  the workflow's outputs, as JSON text

Nothing that the user's code does gets out of here but as a `Failure`; only `Cancelled` passes.
"""

from __future__ import annotations

import os
import pickle
import types
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind, Outcome, Spent, Success, TaskFailed
from flowpar.data.codec import NotEncodable, encode
from flowpar.data.room import NoRoom
from flowpar.data.store import ValueStore
from flowpar.execute import share, surroundings
from flowpar.execute.binding import argument, bind, prove, refuse_pending
from flowpar.execute.cancellation import Cancelled
from flowpar.execute.compiled import keep_code
from flowpar.execute.contexts import build_contexts, with_output
from flowpar.execute.decide import expand, judge
from flowpar.execute.failure import failure_of, refusal
from flowpar.execute.footprint import end_if_over
from flowpar.execute.opened import masker_of, recipe_in, shared_in
from flowpar.execute.post_log import Announcer, listen_to_logging
from flowpar.execute.recipe import Call, Expand, Judge, Render
from flowpar.execute.rehearsal import rehearse, rehearse_again
from flowpar.execute.remembered import Memory
from flowpar.execute.render import render
from flowpar.execute.scratch import Scratch
from flowpar.execute.target import find_target
from flowpar.execute.yielded import LARGEST_TOLD_BYTES, keep_yielded
from flowpar.plugin.logger import TaskLogger
from flowpar.plugin.spec import TaskContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from contextlib import AbstractContextManager

    from flowpar.core.outcome import Failure, ValueRef
    from flowpar.data.codec import Encoded
    from flowpar.execute.base import Job
    from flowpar.execute.contexts import OutputKey
    from flowpar.execute.recipe import Bindings

    Post = Callable[[str, Mapping[str, object]], None]


def hide_sources(shared: bytes) -> None:
    """Take the variables away from this process that the run's secrets were read from."""
    surroundings.lay(os.environ, dict.fromkeys(shared_in(shared).hidden))


def prepare(shared: bytes) -> None:
    """Do once, in the process that workers are forked from, what each of them would do again; never user code."""
    hide_sources(shared)
    opened = shared_in(shared)
    keep_code(opened.workflow_dir, opened.modules)
    rehearse(shared, make_attempt)
    masker_of(shared)
    folders = surroundings.folders_of_modules(opened)
    # Asked for what is nowhere, it lists the folders; what changes in them later is noticed.
    PathFinder.find_spec("flowpar: no module", list(folders))
    listen_to_logging(lambda: None)


def warm_up(shared: bytes) -> None:
    """Do what an attempt does once more, in a process that waits for one."""
    rehearse_again(shared, make_attempt)
    masker_of(shared)  # of this run again


def make_attempt(
    job: Job,
    *,
    post: Post,
    is_isolated: bool,
    is_cancelled: Callable[[], bool] = bool,
    scratch: AbstractContextManager[str] | None = None,
) -> tuple[Outcome, tuple[str, ...]]:
    """Follow the recipe of a job and return its outcome and warnings.

    `is_isolated`: this process is the attempt's own, so its environment, folder and path may be
    set. `scratch` gives it a folder of its own, where the process has one at hand. Raises nothing but Cancelled.
    """
    masker = masker_of(job.shared)
    announcer = Announcer(post, masker)
    try:
        attempt = Attempt(job, announcer, is_isolated=is_isolated, is_cancelled=is_cancelled, scratch=scratch)
        success = attempt.follow()
        return success, attempt.remember(success)
    except Cancelled:
        raise
    except TaskFailed as failed:
        return masker.failure(failed.failure), ()
    except NotEncodable as error:
        return masker.failure(refusal(FailureKind.OUTPUT, error.message, type_name="NotEncodable")), ()
    except BaseException as error:  # noqa: BLE001 - whatever the user's code does is the outcome of its task
        return failure_of(error, mask=masker.error), ()
    finally:
        announcer.finish()


class Attempt:
    """A job that is being done, with its blobs opened; who makes it otherwise calls `invoke` and `keep` otherwise."""

    def __init__(
        self,
        job: Job,
        post: Post,
        *,
        is_isolated: bool,
        is_cancelled: Callable[[], bool],
        scratch: AbstractContextManager[str] | None = None,
    ) -> None:
        """Open the blobs; `is_isolated` says that this process is the attempt's own."""
        self._job = job
        self._post = post
        self._is_isolated = is_isolated
        self._is_cancelled = is_cancelled
        self._at_hand = scratch
        self._recipe = recipe_in(job.recipe)
        self._bindings: Bindings = pickle.loads(job.bindings)
        shared, scope = shared_in(job.shared), self._bindings.scope
        self._shared = shared if scope is None else scope.within(shared)
        limit_bytes, is_synced = self._shared.values_limit, self._shared.syncs_values
        has_cache, self._memory = self._shared.has_cache, Memory(self._bindings.keeping)
        self._store = ValueStore(
            self._shared.run_dir,
            limit_bytes=limit_bytes,
            is_synced=is_synced,
            is_known_anywhere=has_cache,
            near=self._shared.near,
        )
        self._files = 0
        self._spent: Spent | None = None

    def follow(self) -> Success:
        """Follow the recipe; whatever the user's code raises goes through."""
        if self._is_isolated:
            listen_to_logging(lambda: self._post)
        surroundings.extend_path(self._shared)
        match self._recipe:
            case Call() as call:
                self._memory.look()
                watched = surroundings.watched(self._shared, self._job, call, is_isolated=self._is_isolated)
                with self.scratch(self._shared.scratch_in or self._shared.run_dir) as scratch, watched:
                    return self._call(call, scratch)
            case Expand() as recipe:
                return Success(self._written(expand(recipe, self._settle().contexts).encode()))
            case Judge(condition):
                return Success(self._kept(judge(condition, self._settle().contexts)))
            case Render(outputs):
                return Success(self._kept(render(outputs, self._settle().contexts, self._put_apart)))

    def remember(self, success: Success) -> tuple[str, ...]:
        """Keep what it came to in the cache, where that is wanted; return a warning where that can't be."""
        # What was put apart is this run's alone.
        return () if self._files else self._memory.keep(success, self._job, self._shared)

    def _call(self, call: Call, scratch: str) -> Success:
        value = self._returned(call, scratch)
        if isinstance(value, types.GeneratorType):
            if call.until is None:
                tell = partial(self._post, "item") if call.streams else None
                return Success(self._written(keep_yielded(value, self._kept_part, tell)))
            value = list(value)
        ref = self._kept(value)
        # Read anew: what the function was given it may have changed.
        is_last = call.until is None or judge(call.until, with_output(self._contexts({}), value), key="until")
        return Success(ref, is_last=is_last, spent=self._spent)

    def _kept_part(self, value: object, index: int) -> ValueRef:
        encoded = self._encoded(value, f"output[{index}]")
        return self._written(encoded, f"{self._job.number}-{index}", as_file=encoded.size_bytes >= LARGEST_TOLD_BYTES)

    def _returned(self, call: Call, scratch: str) -> object:
        """Call the function; what it was given may be large, and is let go of with this frame."""
        place, began = self._settle(call, scratch), perf_counter()
        function, found = find_target(call.target), perf_counter()
        arguments = {name: argument(name, template, place.contexts) for name, template in call.arguments.items()}
        positional, named = bind(function, arguments, lambda: self._context(place, scratch), call=call)
        del arguments
        called = perf_counter()
        value = self.invoke(function, positional, named)
        if not call.target.startswith("flowpar.tasks."):  # of a command nobody can say what it spent on starting
            self._spent = Spent(found - began, perf_counter() - called)
        refuse_pending(value, call.target)
        return prove(function, value, target=call.target)

    def invoke(self, function: Callable[..., object], positional: list[object], named: dict[str, object]) -> object:
        """Call the function with what it was given."""
        return function(*positional, **named)

    def scratch(self, run_dir: str) -> AbstractContextManager[str]:
        """Return what gives the attempt a folder of its own."""
        return Scratch(run_dir) if self._at_hand is None else self._at_hand

    def _settle(self, call: Call | None = None, scratch: str | None = None) -> surroundings.Place:
        """Work out the surroundings, and make them those of the process as far as it is the attempt's own."""
        shared = self._shared
        environment: MutableMapping[str, str] = os.environ if self._is_isolated else surroundings.inherited()
        told = surroundings.told_by_flowpar(self._job, shared, scratch, lap=self._bindings.round)
        threads = share.threads(0 if call is None else call.threads)
        surroundings.lay(environment, {**dict.fromkeys(shared.hidden), **threads, **shared.env_file, **told})
        contexts = self._contexts(environment)
        if shared.env:
            surroundings.lay(environment, {**surroundings.variables(shared.env, contexts), **told})
        if not self._is_isolated:
            # The same for every attempt of the run, so threads may share it.
            surroundings.share(environment)
        surroundings.lay(environment, share.devices(self._bindings.devices))
        if call is not None and call.env:
            # Other expressions see what was there before the task's own.
            contexts = self._contexts(dict(environment))
            surroundings.lay(environment, {**surroundings.variables(call.env, contexts), **told})
        folder = surroundings.folder(None if call is None else call.cwd, shared, contexts)
        os.chdir(folder if self._is_isolated else shared.workflow_dir)
        return surroundings.Place(environment, folder, contexts)

    def _contexts(self, environment: Mapping[str, str]) -> Mapping[str, object]:
        return build_contexts(
            self._shared, self._bindings, load=self._store.get, fetch=self._fetch, environment=environment
        )

    def _fetch(self, keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
        # Late: only a fan-in needs the manager, and connecting costs a good part of a task's start.
        from flowpar.data.managed import ManagedOutputs

        address = self._shared.outputs_address
        return [None] * len(keys) if address is None else ManagedOutputs(address, self._shared.outputs_key).fetch(keys)

    def _context(self, place: surroundings.Place, scratch: str) -> TaskContext:
        job, run_id = self._job, self._shared.run_id
        item = "" if job.item is None else f"/{job.item}"
        lap = f"#{self._bindings.round}" if self._bindings.round else ""
        return TaskContext(
            run_id=run_id,
            task=job.task,
            item=job.item,
            attempt=job.attempt,
            idempotency_key=f"{run_id}/{job.task}{item}{lap}",
            scratch=Path(scratch),
            cwd=Path(place.folder),
            env=place.environment,
            logger=TaskLogger(self._post),
            post=self._post,
            is_cancelled=self._is_cancelled,
            end_if_over=self._end_if_over,
            mask=masker.text if (masker := masker_of(job.shared)) else str,
        )

    def _end_if_over(self, pid: int) -> Failure | None:
        """Bound the memory of what a thread has started; that of a process of its own is the launcher's matter."""
        limit_bytes = self._job.memory_bytes
        return end_if_over(pid, limit_bytes) if limit_bytes and not self._is_isolated else None

    def _kept(self, value: object) -> ValueRef:
        return self._written(self._encoded(value))

    def _encoded(self, value: object, root: str = "output") -> Encoded:
        encoded = encode(value)
        if masker_of(self._job.shared).holds(encoded.chunks):
            # Late: only a value that must not be written pays for it.
            from flowpar.execute.told import refuse_secret

            refuse_secret(value, encoded, shared_in(self._job.shared).secrets, root)
        return encoded

    def _written(self, encoded: Encoded, name: str = "", *, as_file: bool = False) -> ValueRef:
        try:
            return self.keep(encoded, name or str(self._job.number), as_file=as_file)
        except NoRoom as error:
            raise TaskFailed(refusal(FailureKind.OUTPUT, error.message, type_name="NoRoom")) from None
        except OSError as error:
            message = f"output cannot be written to the run folder: {error.strerror}"
            raise TaskFailed(refusal(FailureKind.OUTPUT, message, type_name="OSError")) from None

    def keep(self, encoded: Encoded, name: str, *, as_file: bool) -> ValueRef:
        """Keep a value in the run folder."""
        return self._store.put_encoded(encoded, name, as_file=as_file)

    def _put_apart(self, value: object) -> str:
        """Keep a part of the workflow's outputs in a file of its own, and return its place in the run folder."""
        self._files += 1
        return self._written(self._encoded(value), f"{self._job.number}-{self._files}", as_file=True).file or ""
