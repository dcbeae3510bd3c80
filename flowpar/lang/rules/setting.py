"""The settings of a task (`timeout`, `retry`, …): its own or those of `defaults`, settled before the run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from flowpar.core.accept import accepts
from flowpar.core.types import BOOL, FLOAT, INT, STR, Type, show, union, widen
from flowpar.expr.template import Constant, Expression, Template
from flowpar.lang.amount import type_of, wanted_of
from flowpar.lang.node import MappingNode
from flowpar.lang.rules.resource import PREFIX, check_pools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.lang.model import CacheModel, DefaultsModel, RetryModel, TaskModel
    from flowpar.lang.rules.findings import Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import Surroundings

_DURATION = union([FLOAT, STR])
_WANTED: dict[str, tuple[Type, str]] = {
    "max_parallel": (INT, "a whole number"),
    "run_if": (STR, "one of the rules, such as all_done"),
    "on_item_error": (STR, "finish, fail_fast or collect"),
    "timeout": (_DURATION, "a duration"),
    "grace": (_DURATION, "a duration"),
    "allow_failure": (BOOL, "true or false"),
    "cache": (BOOL, "true or false"),
    "cache.ttl": (_DURATION, "a duration"),
    "attempts": (INT, "a whole number"),
    "delay": (_DURATION, "a duration"),
    "backoff": (FLOAT, "a number"),
    "max_delay": (_DURATION, "a duration"),
    "jitter": (BOOL, "true or false"),
    "max": (INT, "a whole number"),
    "on_max": (STR, "fail or succeed"),
    "priority": (INT, "a whole number"),
}
CACHE = "cache"
_PLAIN = ("run_if", "max_parallel", "on_item_error", "timeout", "grace", "allow_failure", "priority")


class Settings:
    """Reads settings; those of `defaults` are read once for all tasks."""

    def __init__(
        self, reading: Reading, surroundings: Surroundings, defaults: DefaultsModel, limits: Mapping[str, float]
    ) -> None:
        """Read what the defaults say; `limits` are the sizes of the workflow's pools."""
        self._reading = reading
        self._limits = limits
        self._surroundings = surroundings
        self.defaults: Mapping[str, Template] = self._read(("defaults",), defaults)

    def of(self, path: Path, model: TaskModel) -> Mapping[str, Template]:
        """Return the settings of a task; a key of its own replaces the default whole."""
        own = self._read(path, model)
        if not own:
            return self.defaults
        inherited = self.defaults
        for prefix, written in (("retry.", model.retry), (PREFIX, model.resources), (CACHE, model.cache)):
            if written is not None:
                inherited = {name: value for name, value in inherited.items() if not name.startswith(prefix)}
        return {**inherited, **own}

    def _read(self, path: Path, model: TaskModel | DefaultsModel) -> dict[str, Template]:
        found: dict[str, Template] = {}
        for name in _PLAIN:
            value = getattr(model, name)
            if value is not None:
                self._one(found, name, value, (*path, name))
        if model.retry is not None:
            self._retry(found, model.retry, (*path, "retry"))
        if model.cache is not None:
            self._cache(found, model.cache, (*path, "cache"))
        repeat = getattr(model, "repeat", None)
        if repeat is not None:
            for name in ("max", "delay", "on_max"):
                self._one(found, f"repeat.{name}", getattr(repeat, name), (*path, "repeat", name))
        if model.resources is not None:
            check_pools(self._reading.findings, path, model.resources, self._limits)
            for pool, amount in model.resources.items():
                self._one(found, PREFIX + pool, amount, (*path, "resources", pool))
        return found

    def _retry(self, found: dict[str, Template], retry: RetryModel, path: Path) -> None:
        is_long = isinstance(self._reading.findings.document.node(path), MappingNode)
        for field in dataclasses.fields(retry):
            value = getattr(retry, field.name)
            if value is not None:
                self._one(found, f"retry.{field.name}", value, (*path, field.name) if is_long else path)

    def _cache(self, found: dict[str, Template], cache: CacheModel, path: Path) -> None:
        if isinstance(cache.is_on, str):
            self._one(found, CACHE, cache.is_on, path)
        if cache.ttl is not None:
            self._one(found, f"{CACHE}.ttl", cache.ttl, (*path, "ttl"))

    def _one(self, found: dict[str, Template], name: str, value: Any, path: Path) -> None:
        if not isinstance(value, str) or "${{" not in value:
            found[name] = Constant(value)
            return
        read = self._reading.value(value, path, self._surroundings.settled(f'"{name}"'))
        wanted, words = _wanted(name)
        if read.template is None:
            return
        if isinstance(read.template, Expression) and not accepts(wanted, read.type):
            message = f'"{name}" must be {words}, this is {show(widen(read.type))}'
            self._reading.findings.error("FP206", path, message)
            return
        found[name] = read.template


def _wanted(name: str) -> tuple[Type, str]:
    if name.startswith(PREFIX):
        pool = name.removeprefix(PREFIX)
        return type_of(pool), wanted_of(pool)
    return _WANTED.get(name) or _WANTED[name.rpartition(".")[2]]
