"""Settings of tasks as numbers: retry, timeout, grace and their like, once the inputs are known.

    Template ─ evaluate over inputs ─► value ─ read ─► number │ finding

A setting that is written without an expression was checked before and has no finding here.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args

from flowpar.core.diagnostics import Diagnostic
from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass, field
from flowpar.core.run_if import RUN_IFS, RunIf
from flowpar.expr.evaluate import IN_ENGINE, EvaluationError, evaluate
from flowpar.expr.template import Constant
from flowpar.lang.amount import amount_of, wanted_of
from flowpar.lang.duration import DURATION_FORM, seconds
from flowpar.lang.fields import ON_MAX
from flowpar.lang.rules.resource import LIMIT_HINT, PREFIX, limit_label, over_limit
from flowpar.planning.model import Repeat, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowpar.core.source import Span
    from flowpar.lang.checked import CheckedTask
    from flowpar.lang.node import Document
    from flowpar.planning.settled import Settled

WRONG_SETTING = "FP222"
OVER_LIMIT = "FP231"
ItemError = Literal["finish", "fail_fast", "collect"]
_ITEM_ERRORS = get_args(ItemError)
_NEVER_AGAIN = Retry()
T = TypeVar("T")


@dataclass(slots=True)
class SettingReader:
    """Reads the settings of one document's tasks; what is not settled counts as not written."""

    document: Document
    settled: Settled
    limits: Mapping[str, float] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    _nothing: Mapping[str, float] = field(default_factory=dict)

    def retry(self, task: CheckedTask) -> Retry:
        """Return when a failed attempt is made again."""
        if not any(name.startswith("retry.") for name in task.settings):
            return _NEVER_AGAIN
        counts_retries = self._read(task, "retry.counts_retries", _switch, "true or false") or False
        if counts_retries:
            tries = self._read(task, "retry.attempts", _count_from_0, "a whole number from 0 on")
            attempts = None if tries is None else tries + 1
        else:
            attempts = self._read(task, "retry.attempts", _count, "a whole number from 1 on")
        on = self._read(task, "retry.on", _names, "a list of names")
        return Retry(
            attempts=attempts or 1,
            delay_s=self._read(task, "retry.delay", seconds, DURATION_FORM) or 0.0,
            backoff=self._read(task, "retry.backoff", _factor, "a number from 1 on") or 1.0,
            max_delay_s=self._read(task, "retry.max_delay", seconds, DURATION_FORM),
            jitter=self._read(task, "retry.jitter", _switch, "true or false") or False,
            on=on or (),
        )

    def timeout_s(self, task: CheckedTask) -> float | None:
        """Return when an attempt is ended, or None."""
        return self._read(task, "timeout", _above_zero, f"{DURATION_FORM}, above zero")

    def grace_s(self, task: CheckedTask, default: float) -> float:
        """Return how long an attempt may take to leave."""
        found = self._read(task, "grace", seconds, DURATION_FORM)
        return default if found is None else found

    def allow_failure(self, task: CheckedTask) -> bool:
        """Return whether a failure counts as success."""
        return self._read(task, "allow_failure", _switch, "true or false") or False

    def is_cached(self, task: CheckedTask) -> bool:
        """Return whether what was made before counts."""
        return self._read(task, "cache", _switch, "true or false") is not False

    def ttl_s(self, task: CheckedTask) -> float | None:
        """Return how long it counts, or None for ever."""
        return self._read(task, "cache.ttl", _above_zero, f"{DURATION_FORM}, above zero")

    def repeat(self, task: CheckedTask) -> Repeat | None:
        """Return how often a task may run, None where it does not repeat."""
        rounds = self._read(task, "repeat.max", _count, "a whole number from 1 on")
        if task.call.until is None:
            return None
        return Repeat(
            rounds=rounds or 1,
            delay_s=self._read(task, "repeat.delay", seconds, DURATION_FORM) or 0.0,
            takes_last=self._read(task, "repeat.on_max", _on_max, "fail or succeed") == "succeed",
        )

    def run_if(self, task: CheckedTask) -> RunIf:
        """Return how what a task needs must have ended."""
        return self._read(task, "run_if", _run_if, f"one of {', '.join(RUN_IFS)}") or "all_success"

    def max_parallel(self, task: CheckedTask) -> int | None:
        """Return how many items may be in flight, or None for any number."""
        return self._read(task, "max_parallel", _count, "a whole number from 1 on")

    def on_item_error(self, task: CheckedTask) -> ItemError:
        """Return what a failed item means."""
        return self._read(task, "on_item_error", _item_error, f"one of {', '.join(_ITEM_ERRORS)}") or "finish"

    def priority(self, task: CheckedTask) -> int:
        """Return how much earlier than others a task goes."""
        return self._read(task, "priority", _whole, "a whole number") or 0

    def resources(self, task: CheckedTask) -> Mapping[str, float]:
        """Return what an attempt holds of each pool; of an expression it is found here whether the limit allows it."""
        if not any(name.startswith(PREFIX) for name in task.settings):
            return self._nothing  # the same for all tasks
        found: dict[str, float] = {}
        for name, template in task.settings.items():
            pool = name.removeprefix(PREFIX)
            if pool == name:
                continue
            amount = self._read(task, name, partial(amount_of, pool), wanted_of(pool))
            limit = self.limits.get(pool, math.inf)
            is_here = self.document.node(("limits", pool)) is not None
            if amount is not None and amount <= limit:
                found[pool] = amount
            elif amount is not None and not (is_here and isinstance(template, Constant)):
                message = over_limit(f'task "{task.id}"', pool, amount, limit)
                span = self.document.span(self._home(task, name)[0])
                labels = (limit_label(self.document, pool),) if is_here else ()
                self.found.append(
                    Diagnostic(OVER_LIMIT, message, self.document.source.path, span, hint=LIMIT_HINT, labels=labels)
                )
        return found

    def spans_of(self, task: CheckedTask, pools: Iterable[str]) -> dict[str, Span]:
        """Return where a task asks for something."""
        return {pool: self.document.span(self._home(task, PREFIX + pool)[0]) for pool in pools}

    def _read(self, task: CheckedTask, name: str, convert: Callable[[object], T | None], wanted: str) -> T | None:
        template = task.settings.get(name)
        if template is None or not self.settled.covers(template):
            return None
        try:
            value = evaluate(template, self.settled.contexts, limits=IN_ENGINE)
        except (EvaluationError, NeedsWorker) as error:
            self._find(task, name, f"cannot be evaluated: {error}")
            return None
        if value is None:
            return None
        found = convert(value)
        if found is None:
            self._find(task, name, f"must be {wanted}, not {_shown(value)}")
        return found

    def _find(self, task: CheckedTask, name: str, problem: str) -> None:
        """Report a setting where it stands: at the task, or once for all in `defaults`."""
        path, owner = self._home(task, name)
        message = f'"{name}" of {owner} {problem}'
        self.found.append(Diagnostic(WRONG_SETTING, message, self.document.source.path, self.document.span(path)))

    def _home(self, task: CheckedTask, name: str) -> tuple[tuple[str, ...], str]:
        """Return where a setting is written, and whose it is there; one of a task type stands at its kind key."""
        keys = name.split(".")
        homes = ((task.home, task.id), f'task "{task.id}"'), (("defaults",), "the defaults")
        for base, owner in homes:
            if self.document.node((*base, keys[0])) is None:
                continue
            if self.document.node((*base, *keys)) is not None:
                return (*base, *keys), owner
            if keys[0] in {"retry", "cache"}:  # its short form
                return (*base, keys[0]), owner
            break
        return (task.home, task.id, task.kind), f'task "{task.id}"'


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 60


def _above_zero(value: object) -> float | None:
    return seconds(value) or None


def _whole(value: object) -> int | None:
    return cast("int", value) if _is_whole(value) else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _on_max(value: object) -> str | None:
    return value if isinstance(value, str) and value in ON_MAX else None


def _count_from_0(value: object) -> int | None:
    return cast("int", value) if _is_whole(value) and cast("int", value) >= 0 else None


def _count(value: object) -> int | None:
    return _count_from_0(value) or None


def _factor(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 1 <= value < math.inf else None


def _switch(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _names(value: object) -> tuple[str, ...] | None:
    is_list = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return tuple(cast("list[str]", value)) if is_list else None


def _run_if(value: object) -> RunIf | None:
    return value if value in RUN_IFS else None


def _item_error(value: object) -> ItemError | None:
    return cast("ItemError", value) if value in _ITEM_ERRORS else None
