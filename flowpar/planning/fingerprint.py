"""What makes a task the task that it was: its own text, the inputs that it reads, and the code behind it.

    fingerprint   changes with what a task runs, its arguments and surroundings, its items and its run_if
    code          changes with the file that its function stands in

How a task is run (retries, timeouts, executor, how many at once) makes no other task of it, nor does
the environment that the run inherits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.digest import digest, digest_bytes
from flowpar.core.variables import SCRIPT_PLACE
from flowpar.expr.references import references
from flowpar.expr.template import Constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.core.run_if import RunIf
    from flowpar.expr.template import Template
    from flowpar.lang.checked import CheckedTask


def _repeat(task: CheckedTask) -> object:
    """Return what of a repeat decides on its output; how many rounds a failing one may make does not."""
    if task.call.until is None:
        return None
    on_max = task.settings.get("repeat.on_max")
    is_open = on_max == Constant("fail")
    return task.call.until, on_max, None if is_open else task.settings.get("repeat.max")


class Fingerprints:
    """Takes the fingerprints of one workflow's tasks."""

    def __init__(self, inputs: Mapping[str, object], env: Mapping[str, Template]) -> None:
        """Keep what all tasks have in common."""
        self._inputs = inputs
        self._env = (digest(env), self._read_by(env.values()))
        self._code_of_file: dict[str, str] = {}

    def of(self, task: CheckedTask, run_if: RunIf = "all_success") -> str:
        """Return the fingerprint of what a task does, and under which rule."""
        call, fan_out = task.call, task.fan_out
        templates = [*call.arguments.values(), *call.env.values()]
        templates += [template for template in (call.cwd, task.condition) if template is not None]
        items: tuple[object, ...] | None = None
        if fan_out is not None:
            # Where items have a key, each is known again by that, whatever list it stands in.
            templates += () if fan_out.key is not None else fan_out.lists
            items = (fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude)
            items = (*fan_out.names,) if fan_out.key is not None else items
        if call.until is not None:
            templates.append(call.until)
        arguments = call.arguments
        if SCRIPT_PLACE in arguments:  # the same script further down in the file is the same task
            arguments = {name: value for name, value in arguments.items() if name != SCRIPT_PLACE}
        own = (task.kind, call.target, arguments, call.env, call.cwd, task.condition, items, _repeat(task))
        rule = () if run_if == "all_success" else (run_if,)
        return digest((*own, self._env, self._read_by(templates), *rule))

    def of_lists(self, task: CheckedTask) -> str:
        """Return the fingerprint of the lists of a fan-out whose items have a key; empty where they are the task's."""
        fan_out = task.fan_out
        if fan_out is None or fan_out.key is None:
            return ""
        lists = (fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude)
        return digest((*lists, self._read_by(fan_out.lists)))

    def code_of(self, task: CheckedTask) -> str:
        """Return the digest of the file that a task's own function stands in, empty where there is none to read."""
        signature = task.call.signature
        if task.kind != "python" or signature is None or not signature.file:
            return ""
        file = signature.file
        if file not in self._code_of_file:
            try:
                self._code_of_file[file] = digest_bytes(Path(file).read_bytes())
            except OSError:
                self._code_of_file[file] = ""  # it was there a moment ago: the worker will say what is wrong
        return self._code_of_file[file]

    def _read_by(self, templates: Iterable[Template]) -> Mapping[str, object]:
        names = {
            reference.name
            for template in templates
            for reference in references(template)
            if reference.context == "inputs"
        }
        if None in names:
            return self._inputs
        return {name: self._inputs.get(name) for name in names if name is not None}
