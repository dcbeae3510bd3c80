"""What of a workflow would run, as far as that is known before: for `flowpar plan`.

keys of the plan, as far as they are known ─┬─ all of it, and an entry is there ─► would not run
                                            ├─ something differs from the newest run ─► would run: reasons
                                            ├─ nothing does, nor of what it reads ─► its key is that of the run
                                            └─ nothing does, and what it reads is open ─► would run if …
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.core.content import Digester
from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass, replace
from flowpar.core.outcome import TaskFailed
from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import BadEntry
from flowpar.data.cache_secret import known_secret
from flowpar.data.store import ValueStore
from flowpar.engine.caching import is_expired
from flowpar.engine.class_codes import ClassCodes
from flowpar.expr.references import references
from flowpar.planning.passing import passes_on
from flowpar.planning.recall import recall
from flowpar.plugin.local import project_of
from flowpar.record.made import RunMade, earlier, told
from flowpar.record.seen_files import SeenFiles
from flowpar.report.reasons import MadeOf, Reason, reasons
from flowpar.schedule.foretold import LATE, ForetoldKeys
from flowpar.schedule.job import share
from flowpar.schedule.keying import NoKey
from flowpar.schedule.named import Named
from flowpar.schedule.sources import asks_the_disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import Caching, Plan, PlannedTask
    from flowpar.record.made import Made

    Parts = Mapping[str, Any]

# What only the run knows of these follows from what tasks come to.
_KNOWN_AGAIN = frozenset({"tasks", "inputs", "each", "matrix"})
_SECRETLESS = b"no cache is there yet"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known of a task with a cache before it runs: what changed, and `above`, who may change it.

    `against` is the run that it is held against, or that made what `is_kept`; `gone` is why what that made is not to be
    had. What `is_same` comes to what it came to in the newest run. Of several `items`, `made` are to be made.
    """

    task: str
    against: str
    reasons: tuple[Reason, ...] = ()
    above: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_kept: bool = False
    is_same: bool = False
    gone: str = ""
    items: int = 0
    made: int = 0

    @property
    def would_run(self) -> bool:
        """Whether it is known that something of it would be made."""
        return not self.is_kept and (not self.against or bool(self.reasons) or bool(self.gone))

    def text(self) -> str:
        """Return it on one line."""
        name = f"{self.task}: {self.made} of {self.items} items" if 0 < self.made < self.items else f"{self.task}:"
        since = f"run {self.against}"
        if self.is_kept:
            return f"{name} would not run: what {since} made is kept"
        if not self.against:
            return f"{name} would run, as no earlier run has it"
        if self.reasons:
            return f"{name} would run: {'; '.join(reason.text for reason in self.reasons)} since {since}"
        if self.gone:
            return f"{name} would run, though nothing has changed since {since}: what that made is {self.gone}"
        if self.above:
            return f"{name} would run if {' or '.join(self.above)} gives something else than in {since}"
        return f"{name} nothing that is known before the run has changed since {since}"

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        told = [reason.record() for reason in self.reasons]
        return {
            "against": self.against or None,
            "would_run": True if self.would_run else False if self.is_kept else None,
            "reasons": told,
            "depends_on": list(self.above),
            "notes": list(self.notes),
            **({"items": self.items, "items_to_make": self.made} if self.items else {}),
        }


def foresee(plan: Plan, runs: Sequence[Path], cache_dir: Path) -> list[Foreseen]:
    """Return what is known of the tasks that have a cache, without running anything."""
    tasks = [task for task in plan.tasks if task.cache is not None and not task.cache.is_implied]
    if not tasks:
        return []
    here = RunMade("", plan.file, {}, {})
    run = next(earlier(runs, here, {task.id for task in tasks}), here)
    past = next((recall(run_dir) for run_dir in runs if run_dir.name == run.run), None)
    foresight = _Foresight(plan, run, cache_dir, None if past is None else past.plan)
    found: dict[str, Foreseen] = {}
    for task in plan.tasks:
        if task.cache is not None and not task.cache.is_implied:
            found[task.id] = foresight.of(task, task.cache, found)
        else:
            foresight.pass_on(task, found)
    return list(found.values())


class _Foresight:
    """Looks tasks up that did not run yet."""

    def __init__(self, plan: Plan, run: RunMade, cache_dir: Path, past: Plan | None) -> None:
        self._run = run
        is_like = past is not None and (past.inputs, past.env) == (plan.inputs, plan.env)
        self._past = {task.id: task for task in past.tasks} if past is not None and is_like else {}
        self._folder = CacheFolder(os.fspath(cache_dir))
        self._opens: dict[str, tuple[str, ...]] = {}
        shared = share(plan, "", "")
        root, secret = os.fspath(project_of(Path(plan.workflow_dir))), known_secret(self._folder.path)
        named = Named(ValueStore(""), ClassCodes((plan.workflow_dir, *plan.python_path)))
        digester = Digester(secret or _SECRETLESS, root)
        self._files = SeenFiles(cache_dir)
        place = self._folder.path
        self._keys = ForetoldKeys(shared, _nowhere, digester, named=named, cache_dir=place, root=root)
        self._made: dict[str, dict[int | None, Made]] = {}
        for made in run.made.values():
            if made.parts is not None:
                self._made.setdefault(made.task, {})[made.item] = made

    def of(self, task: PlannedTask, caching: Caching, found: Mapping[str, Foreseen]) -> Foreseen:
        """Return what is known of a task, of all of its items together."""
        notes = () if caching.reached is None else caching.reached.notes
        is_asked_alike = self._is_asked_alike(task, caching, found)
        each = [self._one(task, caching, bindings, is_asked_alike=is_asked_alike) for bindings in self._bound(task)]
        if not each:
            return Foreseen(task.id, self._run.run, notes=notes)
        items = len(each) if task.fan_out is not None and len(each) > 1 else 0
        to_make = [one for one in each if one.would_run]
        first = next(iter(to_make), next((one for one in each if not one.is_kept), each[0]))
        above = self._above(task, found) if not to_make and not first.is_kept else ()
        # Of a list that has become shorter each item is as it was, and the list is not.
        is_same = all(one.is_same for one in each) and (not items or items == len(self._made.get(task.id, {})))
        return replace(first, above=above, notes=notes, is_same=is_same, items=items, made=len(to_make))

    def pass_on(self, task: PlannedTask, found: Mapping[str, Foreseen]) -> None:
        """Note what a task depends on that is none of those asked for."""
        self._opens[task.id] = self._above(task, found) if passes_on(task) else (task.id,)

    def _above(self, task: PlannedTask, found: Mapping[str, Foreseen]) -> tuple[str, ...]:
        """Return those that may give a task something else than before."""
        names: dict[str, None] = {}
        for need in task.needs:
            if need in found and not found[need].is_kept and (found[need].would_run or found[need].above):
                names[need] = None
            names.update(dict.fromkeys(self._opens.get(need, ())))
        return tuple(names)

    def _bound(self, task: PlannedTask) -> Iterator[Bindings]:
        with suppress(TaskFailed, NeedsWorker, OSError):
            yield from self._keys.bound(task)

    def _is_asked_alike(self, task: PlannedTask, caching: Caching, found: Mapping[str, Foreseen]) -> bool:
        """Whether what only the run knows of a task is what it was: it asks the same of tasks that come to the same."""
        then = self._past.get(task.id)
        if then is None or then.cache is None or task.repeat is not None:
            return False
        if _asked(task, caching) != _asked(then, then.cache):
            return False
        return all(name in found and found[name].is_same for name in task.reads | task.decides_on)

    def _one(self, task: PlannedTask, caching: Caching, bindings: Bindings, *, is_asked_alike: bool) -> Foreseen:
        try:
            key = self._keys.begin(task, bindings)
            keeping = key.made(key.read(key.declared(), self._files)).keeping
        except NoKey:
            return Foreseen(task.id, self._run.run)
        parts, place = keeping.parts, keeping.place
        known = self._made.get(task.id, {})
        before = known.get(bindings.index) or next(iter(known.values()), None)
        looked_up = None
        if not _has_late(parts):
            its_own = known.get(bindings.index)
            by = "" if its_own is None or its_own.key != keeping.key else self._maker_of(its_own)
            looked_up = self._look_up(task, caching, [(keeping.key, by)], place)
            if looked_up.is_kept:
                return looked_up
        if before is None or before.parts is None:
            return Foreseen(task.id, "")
        mine, others = _comparable(parts, before.parts)
        code = None if caching.reached is None else list(map(told, caching.reached.parts))
        changed = reasons(MadeOf(mine, code), MadeOf(others, self._run.made_of(before).code))
        if changed:
            return Foreseen(task.id, self._run.run, changed)
        if looked_up is None and is_asked_alike and "classes" not in before.parts:
            # Its key is that of the run; and where its items are not known yet, theirs are.
            is_one = task.fan_out is None or bindings.index is not None
            made = [before] if is_one else list(known.values())
            looked_up = self._look_up(task, caching, [(each.key, self._maker_of(each)) for each in made], place)
        return looked_up or Foreseen(task.id, self._run.run)

    def _maker_of(self, made: Made) -> str:
        """Return the run whose attempt it was."""
        return self._run.run if made.made_by is None else made.made_by[0]

    def _look_up(self, task: PlannedTask, caching: Caching, keys: Sequence[tuple[str, str]], place: str) -> Foreseen:
        """Return what is known of attempts by their keys: all are kept, or one is not.

        Where they are those of the runs beside their keys, they come to what they came to.
        """
        makers = []
        for key, _ in keys:
            entry = None
            with suppress(BadEntry, OSError):
                entry = self._folder.find(key, place)
            if entry is None:
                return Foreseen(task.id, self._run.run, gone="not kept any more")
            if is_expired(caching, entry):
                return Foreseen(task.id, self._run.run, gone="older than its ttl")
            makers.append(entry.made_by[0])
        return Foreseen(task.id, makers[0], is_kept=True, is_same=makers == [by for _, by in keys])


def _asked(task: PlannedTask, caching: Caching) -> object:
    """Return what a task asks of others; something that is like nothing where it asks for more than that."""
    fan_out, call = task.fan_out, task.call
    templates = [*call.arguments.values(), *call.env.values(), *(() if fan_out is None else fan_out.lists)]
    templates += [each for each in (call.cwd, caching.files, caching.outputs, caching.version) if each is not None]
    contexts = {reference.context for template in templates for reference in references(template)}
    if not contexts <= _KNOWN_AGAIN or any(map(asks_the_disk, templates)):
        return object()
    return call, fan_out, task.condition, caching.files, caching.outputs, caching.version


def _has_late(parts: Parts) -> bool:
    return any(part == LATE or (isinstance(part, dict) and LATE in part.values()) for part in parts.values())


def _comparable(mine: Parts, others: Parts) -> tuple[Parts, Parts]:
    """Return the parts of two keys without those that are not known of the first."""
    now: dict[str, Any] = {}
    before = dict(others)
    for name, part in mine.items():
        if part == LATE:
            before.pop(name, None)
        elif isinstance(part, dict) and LATE in part.values():
            late = {each for each, value in part.items() if value == LATE}
            now[name] = {each: value for each, value in part.items() if each not in late}
            theirs = before.get(name)
            if isinstance(theirs, dict):
                before[name] = {each: value for each, value in theirs.items() if each not in late}
        else:
            now[name] = part
    if _has_late(mine):
        before.pop("classes", None)  # those of values that nobody has yet
    return now, before


def _nowhere() -> Any:
    raise NeedsWorker("no output is there before the run")
