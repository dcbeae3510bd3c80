"""Records of a journal, one after another, folded into what they add up to.

    run.started ─ task.started ─ task.succeeded ─ … ─ run.resumed ─ …     ──fold──►     Settled

A later record of a task or item replaces an earlier one; `run.resumed` takes back what it names.
"""

from __future__ import annotations

from binascii import a2b_base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import StateError
from flowpar.core.outcome import Failure, FailureKind, ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.record.settled import Finished, RunFacts, Settled, SettledTask, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    # Records are JSON: what is in them is looked at where it is used, and anything odd refuses the journal.
    Record = Mapping[str, Any]

_ENDS = {f"task.{state.value}": state for state in TaskState if state.is_final and state is not TaskState.SKIPPED}
ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_NOT_BEGUN = Standing()


def fold(records: Iterable[Mapping[str, object]], *, keeps_values: bool = True) -> Settled:
    """Return what records add up to; `keeps_values` is False where nobody will read outputs."""
    folding = _Folding(keeps_values=keeps_values)
    number = 0
    for number, record in enumerate(records, 1):
        try:
            folding.take(record)
        except ODD as error:
            raise StateError(
                f"the journal is corrupt at record {number}: it is not as flowpar writes it",
                hint="use the flowpar that wrote it",
            ) from error
    return folding.settled()


class _Folding:
    """Adds up records, one after another."""

    def __init__(self, *, keeps_values: bool) -> None:
        self._keeps_values = keeps_values
        self._run: RunFacts | None = None
        self._finished: Finished | None = None
        self._stopping: str | None = None
        self._last_at = ""
        self._wholes: dict[str, Standing] = {}
        self._items: dict[str, dict[int, Standing]] = {}
        self._counts: dict[str, int] = {}

    def take(self, record: Mapping[str, Any]) -> None:
        name: str = record["event"]
        self._last_at = _text(record["timestamp"])
        if name.startswith("task."):
            self._take_task(name, record)
        elif name in {"run.started", "run.resumed"}:
            self._begin(record, again=record.get("again") or {})
        elif name == "run.stopping":
            self._stopping = _text(record["reason"])
        elif name == "run.finished":
            self._finished = _finished(record)

    def settled(self) -> Settled:
        if self._run is None:
            raise StateError(
                "the journal holds no whole record: the run was cut off before it began",
                hint="run the workflow anew",
            )
        tasks = {
            name: SettledTask(standing, self._counts.get(name), self._items.get(name, {}))
            for name, standing in self._wholes.items()
        }
        return Settled(self._run, tasks, self._finished, self._stopping, self._last_at)

    def _begin(self, record: Record, again: Mapping[str, list[int] | None]) -> None:
        before, self._run = self._run, _facts(record)
        if before is not None:
            self._run = replace(self._run, started_at=before.started_at, resumes=before.resumes + 1)
        self._finished = self._stopping = None
        for task, items in again.items():
            self._forget(task, items)

    def _forget(self, task: str, items: list[int] | None) -> None:
        # Attempts count on, whatever becomes of what they made.
        whole, known = self._wholes.get(task, _NOT_BEGUN), self._items.get(task, {})
        self._wholes[task] = replace(whole, state=None, failure=None)
        for item in list(known) if items is None else items:
            gone = known.get(item, _NOT_BEGUN)
            known[item] = Standing(attempt=gone.attempt, fingerprint=gone.fingerprint)
        if items is None:
            self._wholes[task] = Standing(attempt=whole.attempt)
            self._counts.pop(task, None)
            if not whole.attempt and not known:
                del self._wholes[task]

    def _take_task(self, name: str, record: Record) -> None:
        task, item = _text(record["task"]), record["item"]
        whole = self._wholes.setdefault(task, _NOT_BEGUN)
        if item is None:
            self._wholes[task] = self._after(name, record, whole)
            if record.get("moved") is not None:
                self._move(task, record["moved"])
            if "items" in record:
                self._counts[task] = _count(record["items"])
        else:
            items = self._items.setdefault(task, {})
            items[item] = self._after(name, record, items.get(_count(item), _NOT_BEGUN))

    def _move(self, task: str, moved: Sequence[int | None]) -> None:
        """Put items where they stand in a list that has changed; what is in none of its places is forgotten."""
        before = self._items.get(task, {})
        self._items[task] = {new: before[old] for new, old in enumerate(moved) if old is not None and old in before}

    def _after(self, name: str, record: Record, before: Standing) -> Standing:
        """Return where a task or item stands after a record of it."""
        if name == "task.started":
            lap = _count(record.get("round", 0))
            goes_on = lap > 1 and before.rounds_done == lap - 1
            return Standing(
                attempt=_count(record["attempt"]),
                fingerprint=_text(record.get("fingerprint", "")),
                pid=_count(record["pid"]),
                started_at=_text(record["started_at"]),
                round=lap,
                rounds_done=before.rounds_done if goes_on else 0,
                previous=before.previous if goes_on else None,
            )
        if name == "task.repeating":
            return self._repeating(record, before)
        if name in _ENDS:
            return self._ended(_ENDS[name], record, before)
        if name == "task.skipped":
            fingerprint = _text(record.get("fingerprint", ""))
            return Standing(TaskState.SKIPPED, before.attempt, reason=_text(record["reason"]), fingerprint=fingerprint)
        if name == "task.retrying":
            return replace(before, attempt=_count(record["attempt"]), failure=read_failure(record["error"]))
        if name == "task.expanded":
            return replace(before, fingerprint=_text(record.get("fingerprint", "")))
        return before

    def _ended(self, state: TaskState, record: Record, before: Standing) -> Standing:
        value, error, previous = record.get("value"), record["error"], before.previous
        lap, rounds_done = max(before.round, _count(record.get("round", 0))), before.rounds_done
        if "previous" in record:
            rounds_done, previous = lap, _value(record["previous"]) if self._keeps_values else None
        return Standing(
            state=state,
            attempt=max(before.attempt, _count(record["attempt"])),  # 0 where it was cancelled before its next one
            value=_value(value) if self._keeps_values and value is not None else None,
            failure=None if error is None else read_failure(error),
            is_tolerated=record.get("is_tolerated") is True,
            log_file=_text_or_none(record.get("log_file")),
            fingerprint=_text(record.get("fingerprint", before.fingerprint)),  # what was cached did not begin
            pid=None if record["pid"] is None else _count(record["pid"]),
            started_at=_text_or_none(record["started_at"]),
            duration_s=None if record["duration_s"] is None else float(record["duration_s"]),
            round=lap,
            rounds_done=rounds_done,
            previous=None if state.is_success else previous,
        )

    def _repeating(self, record: Record, before: Standing) -> Standing:
        """Return where a task stands after a round."""
        return Standing(
            attempt=_count(record["attempt"]),
            fingerprint=before.fingerprint,
            log_file=_text_or_none(record.get("log_file")),
            started_at=before.started_at,
            duration_s=None if record["duration_s"] is None else float(record["duration_s"]),
            round=_count(record["round"]),
            rounds_done=_count(record["round"]),
            previous=_value(record["value"]) if self._keeps_values else None,
        )


def _facts(record: Record) -> RunFacts:
    return RunFacts(
        run_id=_text(record["run_id"]),
        workflow=_text(record["workflow"]),
        file=_text(record["file"]),
        run_dir=_text(record["run_dir"]),
        started_at=_text(record["timestamp"]),
        workers=_count(record["workers"]),
        layers=tuple(tuple(map(_text, layer)) for layer in record["layers"]),
        inputs=dict(record["inputs"]),
        versions=dict(record["versions"]),
        options=dict(record.get("options", {})),
        last=frozenset(map(_text, record.get("last", ()))),
    )


def _finished(record: Record) -> Finished:
    return Finished(
        status=RunStatus(record["status"]),
        exit_code=_count(record["exit_code"]),
        duration_s=float(record["duration_s"]),
        counts={_text(state): _count(number) for state, number in record["counts"].items()},
        failed=tuple(map(_text, record["failed"])),
    )


def _value(fields: Record) -> ValueRef:
    inline, file = fields.get("inline"), fields.get("file")
    return ValueRef(
        size_bytes=_count(fields["size_bytes"]),
        checksum=_text(fields["checksum"]),
        is_plain=fields["is_plain"] is True,
        inline=None if inline is None else a2b_base64(_text(inline), strict_mode=True),
        file=None if file is None else _text(file),
    )


def read_failure(error: Record) -> Failure:
    """Return why an attempt failed, as a record says it."""
    return Failure(
        FailureKind(error["kind"]),
        _text(error["type"]),
        _text(error["message"]),
        None if error["exit_code"] is None else int(error["exit_code"]),
        _text(error["traceback"]),
    )


def _text(found: object) -> str:
    if isinstance(found, str):
        return found
    raise TypeError("text is expected")


def _text_or_none(found: object) -> str | None:
    return None if found is None else _text(found)


def _count(found: object) -> int:
    if isinstance(found, int) and found >= 0:
        return found
    raise TypeError("a number is expected")
