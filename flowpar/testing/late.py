"""Sub-workflows whose items only the run knows, drawn for a scenario: their tasks join the run while it goes on.

    t3 ─► w0/(items) ─► the list as it is then ─► w0[k1]/… , w0[k4]/… ─► w0 ─► z0

Before a run goes on, a list may become another one. That of a run's earlier part stands all the same, as long as what
made it does. Items may have keys: then they may stand elsewhere, and be bound to something else.
"""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING, Literal

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.run_if import RUN_IFS
from flowpar.execute.recipe import Expand, Scope
from flowpar.expr.template import Constant
from flowpar.planning.model import Bound, Bounds, Retry
from flowpar.planning.template import ANY_ITEM, Template, alone, gathered
from flowpar.testing.simulation import FakeItems, drawn_as, planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.planning.model import PlannedTask

_ITEM_ERRORS: tuple[Literal["finish", "collect", "fail_fast"], ...] = ("finish", "collect", "fail_fast")
_LATE = 0.25
_KEYED = 0.4
_NESTED = 0.25
_TIDIED = 0.4
_CHANGING = 0.5
_LAST_COMMIT = 50


@dataclass(slots=True)
class Late:
    """The late tasks of one seed; `items` are all lists there ever were, by the text of the value that is one."""

    seed: int
    is_steady: bool
    items: dict[str, FakeItems] = field(default_factory=dict)
    draw: random.Random = field(init=False)
    _versions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw from the seed, and by itself."""
        self.draw = random.Random(f"late of {self.seed}")  # noqa: S311 - the same each time, and no secret

    def tasks(self, before: Sequence[PlannedTask]) -> Iterator[PlannedTask]:
        """Draw sub-workflows that need some of the tasks `before`, and a task after each."""
        known = [task.id for task in before]
        if not self._chance(_LATE):
            return
        for number in range(self.draw.choice([1, 1, 2])):
            needs = [name for name in known if self._chance(1.5 / len(known))]
            yield from self._sub(f"w{number}", needs, inside={})
            rule = self.draw.choice(RUN_IFS) if self._chance(0.3) else "all_success"
            reads = frozenset({f"w{number}"} if self._chance(0.7) else ())
            print_ = f"print-z{number}"
            yield planned(f"z{number}", f"w{number}", *needs[:1], reads=reads, run_if=rule, fingerprint=print_)
            known += [f"w{number}", f"z{number}"]

    def text_of(self, task: str) -> str:
        """Return the text of the list that a task makes now, or its id where it makes none."""
        drawn = drawn_as(task)
        return f"{drawn}#{self._versions[drawn]}" if drawn in self._versions else task

    def crashes(self, drawn: Sequence[int]) -> list[int]:
        """Return when the engine dies: where tasks join, that may be later than was drawn."""
        return [self.draw.randint(1, _LAST_COMMIT) if self._versions else number for number in drawn]

    def go_on(self) -> None:
        """Let lists become others: longer or shorter, in another order, of other values where there are keys."""
        for task, version in self._versions.items():
            items = self.items[f"{task}#{version}"]
            if not self._chance(_CHANGING) or (self.is_steady and items.keys is None):
                continue
            self._versions[task] = version + 1
            self.items[f"{task}#{version + 1}"] = self._changed(items, version + 1)

    def _changed(self, items: FakeItems, version: int) -> FakeItems:
        count = items.count if self.is_steady else max(0, items.count + self.draw.choice([-1, 0, 0, 1]))
        if items.keys is None:
            return replace(items, count=count)
        keys = [*items.keys, f"k{items.count + version}"] if count > items.count else list(items.keys)
        self.draw.shuffle(keys)
        kept = keys[:count]
        if items.values is None:
            return replace(items, count=count, keys=kept)
        values = dict(zip(items.keys, items.values, strict=True))
        # No value comes back that was there before.
        values |= {key: _value(version) for key in kept if key not in values or self._chance(0.3)}
        return replace(items, count=count, keys=kept, values=[values[key] for key in kept])

    def _items(self, task: str) -> bool:
        """Draw the first list of a task; return whether its items have keys."""
        count, is_keyed = self.draw.choice([0, 1, 2, 2, 4]), self._chance(_KEYED)
        items = FakeItems(count, names=["x"])
        if is_keyed:
            values = [_value(0)] * count if self._chance(0.8) else None
            items = replace(items, keys=[f"k{number}" for number in range(count)], values=values)
        self._versions[task], self.items[f"{task}#0"] = 0, items
        return is_keyed

    def _sub(self, whole: str, needs: Sequence[str], *, inside: dict[str, object]) -> Iterator[PlannedTask]:
        """Draw what makes the items, with the tasks of each as a template, and what has all their outputs."""
        is_keyed = self._items(f"{whole}/(items)")
        error = self.draw.choice(_ITEM_ERRORS[:2] if self.is_steady else _ITEM_ERRORS)
        bounds = Bounds(
            None if self.is_steady else self.draw.choice([None, None, 4.0, 9.0]),
            whole,
            self.draw.choice([None, 1, 2]),
            error,
        )
        may_fail = self._chance(0.1)
        key = Constant(None) if is_keyed else None
        of_one = tuple(alone(each, f"{whole}[*]") for each in self._body(whole, bounds))
        yield planned(
            f"{whole}/(items)",
            *needs,
            kind="items",
            reads=frozenset(needs),
            decides_on=frozenset(needs[:1]),
            is_spared=may_fail,
            fingerprint=f"items-{whole}",
            template=Template(whole, of_one, Expand({"x": Constant(None)}, key=key)),
            **inside,
        )
        end = planned(
            whole,
            f"{whole}/(items)",
            kind="workflow",
            reads=frozenset({f"{whole}/(items)"}),
            run_if="all_done",
            allow_failure=may_fail,
            fingerprint=f"whole-{whole}",
            bounds=Bounds(on_item_error=error),
            **inside,
        )
        scope = inside.get("scope")
        yield gathered(end, scope.prefix if isinstance(scope, Scope) else "", [])

    def _body(self, whole: str, bounds: Bounds) -> Iterator[PlannedTask]:
        """Draw the tasks of one item."""
        part, collects = f"{whole}[*]", bounds.on_item_error == "collect"
        scope = Scope(f"{part}/", "sub", "/nowhere", (), {}, {}, {}, may_fail=collects)
        inside: dict[str, object] = {"part_of": part, "scope": scope}
        ids: list[str] = []
        if self._chance(0.8):
            entry, bound = f"{part}/(inputs)", Bound({}, ANY_ITEM)
            ids.append(entry)
            yield planned(entry, kind="inputs", is_spared=collects, bound=bound, fingerprint=entry, **inside)
        for name in "abc"[: self.draw.randint(1, 3)]:
            needs = [need for need in ids if self._chance(0.5)] or ids[:1]
            yield self._task(f"{part}/{name}", needs, inside)
            ids.append(f"{part}/{name}")
        if self._chance(_NESTED) and "[" not in whole:
            yield from self._sub(f"{part}/v", ids[-1:], inside=inside)
            ids.append(f"{part}/v")
        end = planned(
            part,
            *ids,
            kind="workflow",
            run_if="all_done",
            allow_failure=collects,
            fingerprint=part,
            scope=scope,
            bounds=bounds,
        )
        yield from self._tidied(end, inside) if self._chance(_TIDIED) else [end]

    def _tidied(self, end: PlannedTask, inside: dict[str, object]) -> Iterator[PlannedTask]:
        """Give what a part ends with that has a `finally`."""
        part, turn, tidy = end.id, f"{end.id}/(finally)", f"{end.id}/tidy"
        outputs = replace(end, id=f"{part}/(outputs)", part_of=part, bounds=None, allow_failure=False)
        yield replace(outputs, is_spared=end.allow_failure)
        yield planned(turn, outputs.id, kind="finally", run_if="all_done", tidies=part, **inside)
        yield replace(self._task(tidy, [turn], inside), tidies=part, reads=frozenset(), run_if="all_success")
        yield replace(end, needs=(outputs.id, tidy), reads=frozenset({outputs.id}))

    def _task(self, name: str, needs: Sequence[str], inside: dict[str, object]) -> PlannedTask:
        draw = self.draw
        return planned(
            name,
            *needs,
            reads=frozenset(need for need in needs if self._chance(0.5)),
            run_if=draw.choice(RUN_IFS) if needs and self._chance(0.2) else "all_success",
            fingerprint=f"print-{name}",
            retry=Retry(draw.randint(1, 2), draw.choice([0.0, 2.0])),
            timeout_s=None if self.is_steady else draw.choice([None, None, 3.0]),
            grace_s=draw.choice([0.0, 2.0]),
            allow_failure=self._chance(0.1),
            executor=draw.choice(["process", "pool", "thread"]),
            **inside,
        )

    def _chance(self, share: float) -> bool:
        return self.draw.random() < share


def _value(number: int) -> bytes:
    """Return a number as the engine may read it."""
    return pickle.dumps(number, 5)
