"""Keys of the cache, made in the engine: all that an attempt is made from, each part as a digest.

    templates ─┬─ evaluated over plain data, paths and dates ─► digest of the value
               └─ over anything else ─► digest of the expression and of the checksums of what it reads
    declared files ─► read by whoever asks ─► digests of what they hold

No value of a user's class is opened, and none that is large is read: its checksum was taken when it was written.
What a part is made of is never in its digest's place, so a secret may be a part of a key like anything else.
"""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass, replace
from flowpar.core.outcome import TaskFailed
from flowpar.core.variables import SCRIPT_PLACE, SCRIPT_TEXT
from flowpar.data.cache_entry import Keeping
from flowpar.data.codec import Damaged
from flowpar.data.known import decode_known
from flowpar.data.parts import PARTS
from flowpar.execute.contexts import build_contexts
from flowpar.execute.surroundings import variables
from flowpar.expr.evaluate import IN_ENGINE, IN_WORKER, evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.schedule.declared import Declared, paths_named
from flowpar.schedule.identity import Identities
from flowpar.schedule.named import NotTold
from flowpar.schedule.sources import Sources, asks_the_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flowpar.core.content import Digester
    from flowpar.core.outcome import ValueRef
    from flowpar.execute.recipe import Bindings, Expand, Shared
    from flowpar.expr.template import Template
    from flowpar.planning.model import Caching, PlannedTask
    from flowpar.schedule.crew import OutputKey
    from flowpar.schedule.declared import FileDigests, FilesRead
    from flowpar.schedule.named import Named
    from flowpar.schedule.ruling import OutputsReader

_VERSION = 2
_PYTHON = ".".join(platform.python_version_tuple()[:2])
# A larger value counts by its checksum: to open it takes longer than to know it.
_LARGEST_OPENED_BYTES = 64 * 1024
# What passes on the outputs of more items than these is made each time.
_MOST_PASSED_ON = 1_000


class NoKey(Exception):  # noqa: N818 - it says what there is not
    """No key can be made of an attempt; the message says why."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """The key of an attempt and how to keep it; `unmatched` are globs of its files that match nothing."""

    keeping: Keeping
    unmatched: tuple[str, ...] = ()


class KeyMaker:
    """Makes the keys of one run."""

    def __init__(
        self,
        shared: Shared,
        outputs: Callable[[], OutputsReader],
        digester: Digester,
        *,
        named: Named,
        cache_dir: str,
        root: str,
    ) -> None:
        """Read values that `outputs` has; what is kept in `cache_dir` may be of use in the checkout `root` alone."""
        self._shared = shared
        self._outputs = outputs
        self._digester = digester
        self.named = named
        self._cache_dir = cache_dir
        self._root = root
        self.mark = f"{_VERSION} {digester.content(b'')}"  # keys of another folder, under another secret, are others
        self.identities = Identities()
        self._surroundings: dict[object, Mapping[str, str]] = {}

    def begin(self, task: PlannedTask, bindings: Bindings) -> Key:
        """Return the key of an attempt, of which nothing is missing but what is in its files; raises NoKey."""
        caching = task.cache
        if caching is None:
            raise NoKey("it has no cache")
        if caching.is_implied and len(task.needs) > _MOST_PASSED_ON:
            raise NoKey("to know it again takes longer than to make it")
        with _said_why():
            return self._key(task, caching, bindings)

    def _key(self, task: PlannedTask, caching: Caching, bindings: Bindings) -> Key:
        return Key(self, task, caching, bindings)

    def shared_by(self, bindings: Bindings) -> Shared:
        """Return what the tasks of a workflow share, or of the sub-workflow that an attempt is in."""
        return self._shared if bindings.scope is None else bindings.scope.within(self._shared)

    def digest(self, value: object) -> str:
        """Return the digest of a value."""
        return self._digester.value(value)

    def fetch(self, keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
        """Return where outputs live."""
        return self._outputs().fetch(keys)

    def keeping(self, parts: Mapping[str, object], folder: str, outputs: tuple[str, ...]) -> Keeping:
        """Return how an attempt is kept that is made of some parts."""
        key = self._digester.value(parts)
        # Two workflows of a checkout may be in folders of their own, in which tasks run.
        place = self._digester.content(os.fsencode(f"{self._root}\0{folder}"))
        return Keeping(key, parts, self._cache_dir, folder, self._root, place, outputs)

    def environment(self, shared: Shared) -> Mapping[str, str]:
        """Return the environment of tasks, less what is one attempt's and what the workflow itself sets."""
        of = (shared.hidden, tuple(shared.env_file.items()))
        found = self._surroundings.get(of)
        if found is None:
            inherited = {name: value for name, value in os.environ.items() if name not in shared.hidden}
            found = self._surroundings[of] = {**inherited, **shared.env_file}
        return found


class Key:
    """Makes one key: its files are `declared`, `read`, and it is `made`."""

    def __init__(self, maker: KeyMaker, task: PlannedTask, caching: Caching, bindings: Bindings) -> None:
        """Read what is bound for an attempt at `task`."""
        self._maker = maker
        self._task = task
        self._caching = caching
        self._bindings = bindings
        self._shared = shared = maker.shared_by(bindings)
        self._environment = maker.environment(shared)
        self._contexts = self._over(self._environment)
        self._classes: dict[str, str] = {}
        self._own = variables(shared.env, self._contexts) if shared.env else {}
        if self._own:
            self._environment = {**self._environment, **self._own}
            self._contexts = self._over(self._environment)
        self._folder = shared.workflow_dir

    @property
    def contexts(self) -> Mapping[str, object]:
        """What its templates read."""
        return self._contexts

    def declared(self) -> Declared:
        """Return the files that it reads, as declared or named by arguments; raises NoKey."""
        files, names, call = self._caching.files, self._caching.named_by, self._task.call
        given = [call.arguments[name] for name in names if name in call.arguments]
        with _said_why():
            home = "" if call.cwd is None or not given else self._texts(call.cwd)[0]
            values = [evaluate(template, self._contexts, limits=IN_WORKER) for template in given]
            return Declared(self._folder, () if files is None else self._texts(files), paths_named(values, home=home))

    def read(self, declared: Declared, files: FileDigests) -> FilesRead:
        """Return what is in them, which may take a while; raises NoKey."""
        with _said_why():
            return declared.read(files)

    def made(self, read: FilesRead) -> Keyed:
        """Return it; raises NoKey."""
        with _said_why():
            return self._made(read)

    def _made(self, read: FilesRead) -> Keyed:
        task, caching, call, digest = self._task, self._caching, self._task.call, self._maker.digest
        known = _known_by_code(caching)
        parts: dict[str, object] = {
            "cache": self._maker.mark,
            "kind": task.kind,
            "code": caching.code,
            "python": _PYTHON,
            "packages": {} if caching.reached is None else dict(caching.reached.distributions),
            "arguments": {name: self._part(t) for name, t in call.arguments.items() if name not in known},
        }
        if call.env:
            parts["env"] = {name: self._part(template) for name, template in call.env.items()}
        if self._own or self._shared.env_file:
            parts["workflow"] = digest({**self._shared.env_file, **self._own})
        if call.cwd is not None:
            parts["cwd"] = self._part(call.cwd)
        parts |= self._of_rounds_and_items()
        if caching.env:
            parts["variables"] = {name: digest(self._environment.get(name)) for name in caching.env}
        if caching.version is not None:
            parts["version"] = self._part(caching.version)
        if caching.files is not None or read.digests:
            parts["files"] = {path: digest(content) for path, content in read.digests.items()}
        if read.unmatched:
            parts["unmatched"] = list(read.unmatched)
        outputs = () if caching.outputs is None else self._texts(caching.outputs)
        if outputs:
            parts["outputs"] = list(outputs)
        if self._classes:
            parts["classes"] = self._classes
        keeping = self._maker.keeping(parts, self._folder, outputs)
        keeping = replace(keeping, files=read.patterns, stamps=read.stamps) if read.patterns else keeping
        return Keyed(keeping, read.unmatched)

    def _of_rounds_and_items(self) -> dict[str, object]:
        task, found = self._task, dict[str, object]()
        if task.repeat is not None:  # what is given the same as another round may come to something else
            found["round"] = self._bindings.round
        if task.call.until is not None:
            found["until"] = self._source(task.call.until)
        if task.template is not None:
            found["items"] = self._items(task.template.recipe)
        if not self._caching.is_implied:
            folders = (self._folder, *self._shared.python_path)
            found["identity"] = self._maker.identities.of(task, self._bindings, folders)
        return {name: part for name, part in found.items() if part != {}}

    def _part(self, template: Template) -> str:
        """Return the digest of what a template comes to."""
        limits = IN_WORKER if asks_the_disk(template) else IN_ENGINE
        try:
            return self._maker.digest(evaluate(template, self._contexts, limits=limits))
        except NeedsWorker:
            if limits is IN_WORKER:
                raise
            return self._source(template)

    def _source(self, template: Template) -> str:
        """Return the digest of a template and of what it reads, without that of its value."""
        if asks_the_disk(template):
            raise NotTold("it asks what is on the disk")
        sources = Sources(self._bindings, self._maker.fetch, self._load, store=self._maker.named.store)
        read = sources.of(template, self._contexts)
        self._classes |= self._maker.named.of(sources.unopened)
        return self._maker.digest(read)

    def _items(self, recipe: Expand) -> str:
        """Return the digest of what the items of a sub-workflow are made of, of which each is bound later."""
        beside = [value for entry in (*recipe.include, *recipe.exclude) for value in entry.values()]
        of_one = [each for each in (recipe.condition, recipe.key) if each is not None]
        lists = {name: self._part(template) for name, template in recipe.names.items()}
        places = [list(entry) for entry in (*recipe.include, *recipe.exclude)]
        shape = (recipe.is_product, len(recipe.include), places, recipe.condition is None, recipe.key is None)
        return self._maker.digest((lists, list(map(self._part, beside)), list(map(self._source, of_one)), shape))

    def _texts(self, template: Template) -> tuple[str, ...]:
        found = evaluate(template, self._contexts, limits=IN_WORKER)
        many = found if isinstance(found, list | tuple) else [found]
        return tuple(os.fspath(each) if isinstance(each, os.PathLike) else str(each) for each in many)

    def _over(self, environment: Mapping[str, str]) -> Mapping[str, object]:
        return build_contexts(
            self._shared, self._bindings, load=self._load, fetch=self._maker.fetch, environment=environment
        )

    def _load(self, ref: ValueRef) -> object:
        if ref.inline is None or len(ref.inline) > _LARGEST_OPENED_BYTES or ref.inline.startswith(PARTS):
            raise NeedsWorker("a large value is known by its checksum")
        return decode_known(ref.inline)


def _known_by_code(caching: Caching) -> frozenset[str]:
    """Return the arguments that do not count: the text of a script that was read does so by its meaning."""
    is_read = caching.reached is not None and bool(caching.reached.parts)
    return frozenset({SCRIPT_PLACE, SCRIPT_TEXT} if is_read else {SCRIPT_PLACE})


@contextmanager
def _said_why() -> Iterator[None]:
    """Say of whatever keeps a key from being made why there is none."""
    try:
        yield
    except (EvaluationError, TaskFailed) as error:
        raise NoKey(str(error)) from error
    except (NotTold, NeedsWorker, Damaged, RecursionError) as error:
        raise NoKey(f"an argument of it is not known by its content: {error}") from error
    except OSError as error:
        raise NoKey(f'its file "{error.filename}" cannot be read: {(error.strerror or "").lower()}') from error
