"""What the attempts of a task were made of, read from the journals: what a run's key was, and the nearest one before.

events.jsonl ─► Made: one for each end of a task or item    code.json ─► the parts of the code behind its digest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from flowpar.core.errors import StateError
from flowpar.core.frozen import dataclass, field, replace
from flowpar.record.reading import JOURNAL, JournalReader, open_journal
from flowpar.report.reasons import MadeOf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from flowpar.code.reached import Part, Reached
    from flowpar.report.reasons import CodePart

    Rounds = dict[tuple[str, int | None], dict[int, tuple[str, Mapping[str, Any]]]]

CODE = "code.json"
_ENDS = frozenset({"succeeded", "failed", "timed_out", "cancelled", "cached", "skipped"})


@dataclass(frozen=True, slots=True)
class Made:
    """How one task or item ended; `parts` are what its key is made of, None where the cache knows nothing of it.

    Of one that repeats they are those of the first round that was made; `rounds` has keys and parts of all of them.
    """

    run: str
    task: str
    item: int | None
    state: str
    key: str = ""
    parts: Mapping[str, Any] | None = None
    made_by: tuple[str, str] | None = None
    saved_s: float = 0.0
    reason: str = ""
    note: str = ""
    rounds: Mapping[int, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    def like(self, other: Made) -> Made:
        """Return it as it was in the round that another is of, where that was made."""
        wanted = self.rounds.get(0 if other.parts is None else other.parts.get("round", 0))
        return self if wanted is None else replace(self, key=wanted[0], parts=wanted[1])


@dataclass(frozen=True, slots=True)
class RunMade:
    """One run as far as keys go: where its workflow is, and how its tasks ended, the last end of each counting."""

    run: str
    file: str
    made: Mapping[tuple[str, int | None], Made]
    codes: Mapping[str, Sequence[CodePart]]

    def made_of(self, made: Made) -> MadeOf:
        """Return what a key is made of, with the parts of its code where the run has kept them."""
        parts = made.parts or {}
        return MadeOf(parts, self.codes.get(str(parts.get("code"))))


def read_made(run_dir: Path, tasks: Collection[str] | None = None) -> RunMade:
    """Read how tasks ended, all of them where none are named; raises StateError where there is no journal."""
    run, file = run_dir.name, ""
    made: dict[tuple[str, int | None], Made] = {}
    rounds: Rounds = {}
    for record in JournalReader(run_dir / JOURNAL, is_salvaged=True):
        event = str(record.get("event", ""))
        if event == "run.started":
            run, file = str(record.get("run_id", run)), str(record.get("file", ""))
        if event == "task.repeating" and (tasks is None or record.get("task") in tasks):
            _note_round(rounds, record)
        verb, _, state = event.partition(".")
        if verb == "task" and state in _ENDS and (tasks is None or record.get("task") in tasks):
            each = _with_rounds(_made(run, state, record), rounds, record)
            made[each.task, each.item] = each
    return RunMade(run, file, made, _codes(run_dir))


def earlier(runs: Sequence[Path], of: RunMade, tasks: Collection[str]) -> Iterator[RunMade]:
    """Give the runs of the same workflow, newest first, in which any of these tasks has a key."""
    for run_dir in reversed(runs):
        if not _is_of(run_dir, of.file):
            continue
        try:
            found = read_made(run_dir, tasks)
        except StateError:
            continue
        if any(made.parts is not None for made in found.made.values()):
            yield found


def _is_of(run_dir: Path, file: str) -> bool:
    """Whether a journal is that of a run of a workflow, by its first line."""
    try:
        with open_journal(run_dir / JOURNAL) as stream:
            first = orjson.loads(stream.readline())
    except (OSError, StateError, orjson.JSONDecodeError):
        return False
    return isinstance(first, dict) and first.get("file") == file


def _made(run: str, state: str, record: Mapping[str, Any]) -> Made:
    parts, by = record.get("cache_parts"), record.get("made_by")
    return Made(
        run,
        str(record.get("task")),
        record.get("item"),
        state,
        str(record.get("cache_key", "")),
        parts if isinstance(parts, dict) else None,
        (str(by.get("run")), str(by.get("task"))) if isinstance(by, dict) else None,
        float(record.get("saved_s", 0.0)),
        str(record.get("reason", "")),
        str(record.get("cache_note", "")),
    )


def _note_round(rounds: Rounds, record: Mapping[str, Any]) -> None:
    parts = record.get("cache_parts")
    if isinstance(parts, dict):
        of_task = rounds.setdefault((str(record.get("task")), record.get("item")), {})
        of_task[int(record.get("round", 0))] = (str(record.get("cache_key", "")), parts)


def _with_rounds(made: Made, rounds: Rounds, record: Mapping[str, Any]) -> Made:
    """Return what repeated with its rounds, and as it was in the first of them that was made."""
    known = rounds.get((made.task, made.item))
    if not known:
        return made
    if made.parts is not None:
        known[int(record.get("round", 0))] = (made.key, made.parts)
    key, parts = known[min(known)]
    return replace(made, key=key, parts=parts, rounds=known)


def told(part: Part) -> CodePart:
    """Return a part of the code as it is written."""
    return (part.kind, part.name, part.path, part.line, part.digest)


def codes_written(run_dir: Path, reached: Mapping[str, Reached]) -> bytes:
    """Return what `code.json` is to hold: the parts of each code, by its digest, with those that it has already."""
    parts: dict[CodePart, int] = {}
    codes = {code: [parts.setdefault(part, len(parts)) for part in known] for code, known in _codes(run_dir).items()}
    for code, found in reached.items():
        codes[code] = [parts.setdefault(each, len(parts)) for each in map(told, found.parts)]
    return orjson.dumps({"parts": list(parts), "codes": codes})


def _read_part(part: Sequence[Any]) -> CodePart:
    kind, name, path, line, digest = part
    return str(kind), str(name), str(path), int(line), str(digest)


def _codes(run_dir: Path) -> Mapping[str, Sequence[CodePart]]:
    """Return the parts of each code; nothing where the file is not there, or is not as it is written here."""
    try:
        found = orjson.loads((run_dir / CODE).read_bytes())
        parts = [_read_part(part) for part in found["parts"]]
        return {str(code): [parts[index] for index in known] for code, known in found["codes"].items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}
