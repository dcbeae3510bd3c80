"""Why an attempt is not the one that was made before: what its key is made of against what the other's was.

    reasons(now, before)   ─► constant RATE (lib/rates.py:14) changed; argument "rows" changed; file data/a.csv is new

The parts of a key are digests, so it is told what changed and not into what; versions are told as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass, field
from flowpar.core.variables import SHELL_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Parts = Mapping[str, Any]
    CodePart = tuple[str, str, str, int, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """One difference: `kind` is what sort of thing differs, `change` whether it changed, is new or is gone."""

    kind: str
    name: str
    change: str
    text: str
    file: str = ""
    line: int = 0

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        place = {"file": self.file, "line": self.line} if self.file else {}
        return {"kind": self.kind, "name": self.name, "change": self.change, **place, "text": self.text}


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What the key of an attempt is made of; `code` are the parts of the code that is reached, where they are known."""

    parts: Parts
    code: Sequence[CodePart] | None = field(default=None)


_CHANGED, _NEW, _GONE = "changed", "new", "gone"
# The parts that are named one by one, and how each is told.
_NAMED = {
    "arguments": ("argument", 'argument "{}"'),
    "env": ("env", 'variable "{}" of the task\'s env'),
    "variables": ("env", 'environment variable "{}"'),
    "files": ("file", "file {}"),
    "classes": ("class", "class {} of an argument"),
}
_SINGLE = {
    "kind": ("setting", "the kind of the task"),
    "workflow": ("env", "the env of the workflow"),
    "cwd": ("setting", "the cwd of the task"),
    "version": ("setting", "the version of its cache"),
    "round": ("setting", "the number of the round"),
    "identity": ("setting", "the item or the task that it asks for by name (FLOWPAR_ITEM, TaskContext)"),
    "until": ("setting", "what its until asks"),
    "items": ("argument", "the list of its items"),
    "outputs": ("setting", "the outputs of its cache"),
    "unmatched": ("setting", "a pattern of its cache.files that matches nothing"),
}
_OTHER_CACHE = "the cache is another folder, or was made anew, or flowpar makes keys in another way"
_VERBS = {_CHANGED: "changed", _NEW: "is new", _GONE: "is gone"}


def reasons(now: MadeOf, before: MadeOf) -> tuple[Reason, ...]:
    """Return all that differs: code first, then packages, arguments, files and settings.

    Digests of two caches have different secrets, so nothing follows from their being others.
    """
    if now.parts.get("cache") != before.parts.get("cache"):
        other = Reason("setting", "cache", _CHANGED, _OTHER_CACHE)
        return (*_of_code(now, before), *_of_versions(now.parts, before.parts), other)
    return (
        *_of_code(now, before),
        *_of_versions(now.parts, before.parts),
        *(reason for name in _NAMED for reason in _named(name, now.parts, before.parts)),
        *_single(now.parts, before.parts),
    )


def _of_code(now: MadeOf, before: MadeOf) -> Iterator[Reason]:
    if now.parts.get("code") == before.parts.get("code"):
        return
    if not now.code or not before.code:
        what = "the code that it reaches" if now.parts.get("kind") == "python" else "the text of the task"
        yield Reason("code", "", _CHANGED, f"{what} changed")
        return
    mine = {part[1]: part for part in now.code}
    others = {part[1]: part for part in before.code}
    changed = [part for name, part in mine.items() if name in others and others[name][4] != part[4]]
    added = [part for name, part in mine.items() if name not in others]
    gone = [part for name, part in others.items() if name not in mine]
    for change, parts in ((_CHANGED, changed), (_NEW, added), (_GONE, gone)):
        yield from (_of_part(part, change) for part in parts)
    if not changed and not added and not gone:
        yield Reason("code", "", _CHANGED, "the code changed")


def _of_part(part: CodePart, change: str) -> Reason:
    kind, name, path, line, *_ = part
    shown = name.partition(":")[2] or name
    verb = {_CHANGED: "changed", _NEW: "is reached now", _GONE: "is reached no more"}[change]
    what = f"{kind} {shown} ({path}:{line})" if kind != "module" else f"what {path} does when imported ({path}:{line})"
    if name.startswith("<"):
        what = f"the script's {shown}" if ":" in name else "the script"
    return Reason(kind, name, change, f"{what} {verb}", path, line)


def _of_versions(now: Parts, before: Parts) -> Iterator[Reason]:
    if now.get("python") != before.get("python"):
        text = f"Python is {now.get('python')}, was {before.get('python')}"
        yield Reason("python", "python", _CHANGED, text)
    mine, others = now.get("packages") or {}, before.get("packages") or {}
    for name, change in _differing(mine, others):
        text = {
            _CHANGED: f"package {name} is {mine.get(name)}, was {others.get(name)}",
            _NEW: f"package {name} {mine.get(name)} is reached now",
            _GONE: f"package {name} {others.get(name)} is reached no more",
        }[change]
        yield Reason("package", name, change, text)


def _named(part: str, now: Parts, before: Parts) -> Iterator[Reason]:
    kind, form = _NAMED[part]
    for name, change in _differing(now.get(part) or {}, before.get(part) or {}):
        told = _of_text(name) if part == "env" and name.startswith(SHELL_VALUE) else form.format(name)
        yield Reason(kind, name, change, f"{told} {_VERBS[change]}", name if kind == "file" else "")


def _of_text(name: str) -> str:
    """Return a value that stands in a shell text, which travels as a variable."""
    return f"value {name.removeprefix(SHELL_VALUE).lstrip('_')} in the shell text"


def _single(now: Parts, before: Parts) -> Iterator[Reason]:
    known = {"cache", "code", "python", "packages", *_NAMED}
    for name in [*_SINGLE, *sorted({*now, *before} - known - _SINGLE.keys())]:
        if now.get(name) != before.get(name):
            kind, text = _SINGLE.get(name, ("setting", name))
            yield Reason(kind, name, _CHANGED, f"{text} changed")


def _differing(now: Parts, before: Parts) -> Iterator[tuple[str, str]]:
    for name in sorted({*now, *before}):
        if name not in before:
            yield name, _NEW
        elif name not in now:
            yield name, _GONE
        elif now[name] != before[name]:
            yield name, _CHANGED
