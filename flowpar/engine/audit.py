"""What the tasks of a run reached and do not declare, and the lines that would declare it.

audit.jsonl ─┬─► Undeclared(task, files=("data/*.csv",), env=("LANG",), …) ─► the text after a run with `--audit`
journal ─────┘    what is declared is in the parts of keys
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from flowpar.core.errors import StateError
from flowpar.core.frozen import dataclass, replace
from flowpar.data.matched import matched
from flowpar.execute.audit import AUDIT
from flowpar.record.made import read_made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    _Kinds = Mapping[str, set[str]]

_FEW = 3
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Undeclared:
    """What one task, all of its items together, reached; `files`, `outputs` and `env` as `cache` would declare them.

    Where items have files of their own, those of one `item` stand for all.
    """

    task: str
    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    item: int | None = None

    def lines(self) -> Iterator[str]:
        """Give the text for people."""
        declared = {"files": self.files, "env": self.env, "outputs": self.outputs}
        if any(declared.values()):
            whose = "its cache" if self.item is None else f"of item {self.item} its cache"
            yield f'audit: "{self.task}" does not declare all that it reads and writes; {whose} would say'
            yield "    cache:"
            yield from (f"      {key}: [{', '.join(map(_quoted, names))}]" for key, names in declared.items() if names)
            if self.item is not None:
                yield "    with an expression in place of what is the item's own"
        for what, names in self.others:
            more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
            yield f'audit: "{self.task}" {what}: {", ".join(names[:_MOST_SHOWN])}{more}'


def undeclared(run_dir: Path, workflow_dir: str) -> list[Undeclared]:
    """Return what the audit of a run has seen that nothing declares, task by task."""
    seen: dict[str, dict[int | None, _Kinds]] = {}
    for line in _lines(run_dir):
        kinds = seen.setdefault(str(line.get("task")), {}).setdefault(
            line.get("item"), {kind: set() for kind in _KINDS}
        )
        for kind, names in kinds.items():
            names.update(line.get(kind) or ())
    declared = _declared(run_dir, workflow_dir)
    found = [_of_items(task, items, declared.get(task, {}), workflow_dir) for task, items in sorted(seen.items())]
    return [each for each in found if each != Undeclared(each.task)]


def _of_items(task: str, items: Mapping[int | None, _Kinds], declared: _Kinds, workflow_dir: str) -> Undeclared:
    """Return what is undeclared of a task, with the files of one item where each has its own."""
    each = {item: _of_task(task, kinds, declared, workflow_dir) for item, kinds in items.items()}
    whole = {kind: set[str]().union(*(kinds[kind] for kinds in items.values())) for kind in _KINDS}
    found = _of_task(task, whole, declared, workflow_dir)
    if len({(one.files, one.outputs) for one in each.values()}) == 1:
        return found
    item, first = min(
        ((item, one) for item, one in each.items() if one.files or one.outputs), key=lambda pair: pair[0] or 0
    )
    return replace(found, files=first.files, outputs=first.outputs, item=item)


def was_seen(run_dir: Path) -> bool:
    """Whether any attempt was watched."""
    try:
        return (run_dir / AUDIT).stat().st_size > 0
    except OSError:
        return False


_KINDS = ("read", "written", "listed", "removed", "links", "env", "sockets", "processes", "clocks")
_OTHERS = {
    "outside": "wrote outside of the workflow's folder",
    "removed": "removed or renamed what was there, which the next run does not find",
    "links": "made links, which no cache puts back",
    "listed": "looked into",
    "sockets": "connected to",
    "processes": "started",
    "clocks": "asked the time of",
}


def _of_task(task: str, kinds: _Kinds, declared: _Kinds, workflow_dir: str) -> Undeclared:
    root = os.path.realpath(workflow_dir)
    below = {kind: {_below(path, root) for path in kinds[kind]} for kind in ("read", "written", "listed", "removed")}
    files, outputs = declared.get("files", set()), declared.get("outputs", set())
    # What is gone again was a draft: to declare it would keep nothing.
    written = {path for path in below["written"] if os.path.lexists(os.path.join(root, path))} - outputs  # noqa: PTH118 - texts
    read = below["read"] - files - written
    outside = {path for path in written if os.path.isabs(path)}  # noqa: PTH117 - texts
    known = {os.path.dirname(path) for path in (*read, *files, *below["written"])}  # noqa: PTH120 - the same
    others = {
        **kinds,
        "outside": {path for path in outside if not path.startswith("/tmp/")},  # noqa: S108 - to be left out
        "removed": below["removed"],
        "links": {_below(path, root) for path in kinds["links"]},
        "listed": {path or "." for path in below["listed"] - known if not os.path.isabs(path)},  # noqa: PTH117 - texts
    }
    return Undeclared(
        task,
        patterns(read, below["listed"]),
        tuple(sorted(kinds["env"] - declared.get("env", set()))),
        patterns(written - outside),
        tuple((text, tuple(sorted(others[kind]))) for kind, text in _OTHERS.items() if others[kind]),
    )


def patterns(paths: Iterable[str], listed: Collection[str] = ()) -> tuple[str, ...]:
    """Return paths as somebody would write them: a few as they are, more of one kind in one folder as a pattern.

    In a folder that was `listed` a file that is new counts as well, so those are always a pattern.
    """
    kinds = {path: (os.path.dirname(path), os.path.splitext(path)[1]) for path in paths}  # noqa: PTH120, PTH122 - texts
    counts = Counter(kinds.values())
    shown = {
        os.path.join(folder, f"*{ending}") if ending and (counts[kind] >= _FEW or folder in listed) else path  # noqa: PTH118 - texts
        for path, kind in kinds.items()
        for folder, ending in (kind,)
    }
    return tuple(sorted(shown))


def _declared(run_dir: Path, workflow_dir: str) -> dict[str, dict[str, set[str]]]:
    """Return what tasks declare, as it is in the parts of their keys."""
    found: dict[str, dict[str, set[str]]] = {}
    try:
        made = read_made(run_dir).made.values()
    except StateError:
        return found
    for each in made:
        parts = each.parts or {}
        kinds = found.setdefault(each.task, {"files": set(), "env": set(), "outputs": set()})
        kinds["files"].update(parts.get("files") or ())
        kinds["env"].update(parts.get("variables") or ())
        kinds["outputs"].update(matched(tuple(parts.get("outputs") or ()), workflow_dir).files)
    return found


def _below(path: str, root: str) -> str:
    """Return a path as it is below the workflow's folder, "" for that itself; one outside as it is."""
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else "" if path == root else path


def _quoted(text: str) -> str:
    return f'"{text}"' if any(sign in text for sign in "*[]{},:#&!|>'%@` ") else text


def _lines(run_dir: Path) -> Iterator[Mapping[str, Any]]:
    try:
        content = (run_dir / AUDIT).read_bytes()
    except OSError:
        return
    for line in content.splitlines():
        try:
            read = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # cut short by a process that was killed
        if isinstance(read, dict):
            yield read
