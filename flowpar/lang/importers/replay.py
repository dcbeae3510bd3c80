"""From a recording to the workflow that replays it: ids, order, and the files as texts."""

from __future__ import annotations

import json
import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from flowpar.core.errors import DocumentError
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.lang.importers.recording import Recording

MODULE: Final = "replay"
REPLAY: Final = '''\
"""A task of a recorded workflow, replayed: it takes the time that the recorded one took, at a scale."""

import time
from hashlib import sha256


def replay(name: str, seconds: float, scale: float, spin: bool, after: list[str]) -> str:
    """Sleep or compute for `seconds * scale`; returns a digest that stands for the name and all that came before.

    `after` are the digests of the tasks that it needs.
    """
    if spin:
        spin_for(seconds * scale)
    else:
        time.sleep(seconds * scale)
    return digest([name, *sorted(after)])


def whole(after: list[str]) -> str:
    """Return the digest of a whole run; it depends on the graph alone, not on what ran when or where."""
    return digest(sorted(after))


def spin_for(seconds: float) -> None:
    """Use a processor for `seconds` of its time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def digest(lines: list[str]) -> str:
    """Return 16 hexadecimal digits for lines of text."""
    return sha256("\\n".join(lines).encode()).hexdigest()[:16]
'''
_HEAD: Final = """\
flowpar: 1
name: {name}
inputs:
  scale: {{type: number, default: 0.01, description: seconds of the replay for one that was recorded}}
  spin: {{type: boolean, default: false, description: compute instead of sleeping}}
tasks:
"""
_LONGEST_ID, _LONGEST_NAME = 128, 100
WHOLE: Final = "whole"
_READ_AS_OTHERS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class ReplayedTask:
    """A task under flowpar's id; `name` is the recorded id, `seconds` what it took, `needs` are ids."""

    id: str
    name: str
    seconds: float
    needs: tuple[str, ...]
    priority: int


def replayed(recording: Recording, path: str) -> tuple[ReplayedTask, ...]:
    """Return the tasks in the order of the file; raises DocumentError where they make no graph."""
    _refuse_doubles((task.id for task in recording.specified), f"{path}: workflow.specification.tasks")
    _refuse_doubles((task.id for task in recording.executed), f"{path}: workflow.execution.tasks")
    needs = _needs(recording, path)
    ids = _ids(needs)
    executed = {task.id: task for task in recording.executed}
    for task in executed:
        if task not in needs:
            raise DocumentError(f'{path}: "{task}" ran, but is not specified')
    tasks = []
    for name, needed in needs.items():
        ran = executed.get(name)
        tasks.append(
            ReplayedTask(
                ids[name],
                name,
                ran.seconds if ran else 0.0,
                tuple(ids[need] for need in needed),
                ran.priority or 0 if ran else 0,
            )
        )
    return tuple(tasks)


def written(recording: Recording, tasks: Sequence[ReplayedTask], notes: Iterable[str]) -> str:
    """Return the workflow as YAML."""
    system = recording.system
    by = f", made by {system.name} {system.version}".rstrip(" .") if system and system.name else ""
    comments = [f"Replays a recording in WfFormat {recording.version}{by}.", *notes]
    needed = {need for task in tasks for need in task.needs}
    leaves = [task.id for task in tasks if task.id not in needed]
    return "".join(
        (
            *(f"# {_on_one_line(comment)}\n" for comment in comments),
            _HEAD.format(name=_quoted(recording.name[:_LONGEST_NAME].strip() or "recording")),
            *map(_task, tasks),
            f"  {WHOLE}:\n    python: {MODULE}:whole\n    with: {{after: {_outputs(leaves)}}}\n",
            f"outputs:\n  digest: ${{{{ tasks.{WHOLE}.output }}}}\n",
        )
    )


def _task(task: ReplayedTask) -> str:
    priority = f"    priority: {task.priority}\n" if task.priority else ""
    return (
        f"  {_key(task.id)}:\n    python: {MODULE}:replay\n{priority}    with:\n"
        f"      name: {_quoted(task.name)}\n      seconds: {task.seconds!r}\n"
        "      scale: ${{ inputs.scale }}\n      spin: ${{ inputs.spin }}\n"
        f"      after: {_outputs(task.needs)}\n"
    )


def _key(name: str) -> str:
    """Return an id as a key of YAML, in quotes where a reader of YAML might take it for something else."""
    return json.dumps(name) if name.lower() in _READ_AS_OTHERS else name


def _outputs(ids: Iterable[str]) -> str:
    return "[" + ", ".join(f'"${{{{ tasks.{name}.output }}}}"' for name in ids) + "]"


def _quoted(text: str) -> str:
    """Return a text as YAML that means it, expressions in it included."""
    plain = json.dumps(text.replace("${{", "$${{"), ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in plain)


def _escaped(letter: str) -> str:
    return "\\uFFFD" if "\ud800" <= letter <= "\udfff" else f"\\U{ord(letter):08X}"


def _on_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _needs(recording: Recording, path: str) -> Mapping[str, Sequence[str]]:
    """Return what each task needs, by its parents and by whose child it is."""
    needs: dict[str, dict[str, None]] = {task.id: dict.fromkeys(task.parents) for task in recording.specified}
    for task in recording.specified:
        for other in (*task.parents, *task.children):
            if other not in needs:
                raise DocumentError(f'{path}: task "{task.id}" names "{other}", which is not a task of this file')
        for child in task.children:
            needs[child][task.id] = None
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        ring = " needs ".join(f'"{task}"' for task in reversed(error.args[1]))
        raise DocumentError(f"{path}: its tasks wait for each other: {ring}") from None
    return {task: tuple(needed) for task, needed in needs.items()}


def _ids(names: Iterable[str]) -> Mapping[str, str]:
    """Return an id of flowpar's for each recorded one, the same where it may be."""
    ids: dict[str, str] = {}
    taken = {WHOLE}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_LONGEST_ID]
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"[:_LONGEST_ID]
        made, number = plain, 1
        while made in taken:
            number += 1
            made = f"{plain[: _LONGEST_ID - len(str(number)) - 1]}_{number}"
        taken.add(made)
        ids[name] = made
    return ids


def _refuse_doubles(ids: Iterable[str], where: str) -> None:
    seen = set()
    for one in ids:
        if one in seen:
            raise DocumentError(f'{where}: the id "{one}" stands there twice')
        seen.add(one)
