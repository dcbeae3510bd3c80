"""`flowpar show RUN TASK[ITEM]`: how an attempt ended, what it was given and what it returned, safe on any terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.engine.again import again
from flowpar.engine.given import Outlines, Shown, given
from flowpar.record.written import written
from flowpar.report.terminal import one_line
from flowpar.report.wording import duration, reason_of, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.cli.looking import Look
    from flowpar.record.settled import Standing

_INDENT = "  "
_LONGEST_ORIGIN = 60


def look_record(look: Look, *, has_inputs: bool, has_output: bool) -> dict[str, object]:
    """Return an attempt for programs: values as they are where JSON has them, else as text."""
    standing = look.place.standing
    record: dict[str, object] = {
        "run_id": look.settled.run.run_id,
        "task": look.place.task.id,
        "item": look.place.item,
        "state": None if standing.state is None else standing.state.value,
        "attempt": standing.attempt,
    }
    if has_inputs:
        found = given(
            again(look.plan, look.settled, look.run_dir, look.place, secrets=look.secrets), Outlines(look.run_dir)
        )
        record["inputs"] = {name: _record(shown) for name, shown in found.arguments.items()}
        record["env"] = {name: _record(shown) for name, shown in found.env.items()}
        record["folder"] = _record(found.folder)
    if has_output:
        record["output"] = _record(_output(look))
    return record


def look_text(look: Look, *, has_inputs: bool, has_output: bool) -> str:
    """Return an attempt for people."""
    return "\n".join(_lines(look, has_inputs=has_inputs, has_output=has_output)) + "\n"


def _lines(look: Look, *, has_inputs: bool, has_output: bool) -> Iterator[str]:
    yield _headline(look)
    if has_inputs:
        found = given(
            again(look.plan, look.settled, look.run_dir, look.place, secrets=look.secrets), Outlines(look.run_dir)
        )
        yield from ("", "inputs") if found.arguments else ("", "no inputs")
        yield from _entries(found.arguments)
        if found.env:
            yield from ("", "env")
            yield from _entries(found.env)
        yield from ("", f"folder: {_text(found.folder).strip(chr(39))}")
    if has_output:
        yield from ("", "output")
        yield _indented(_output_text(look))


def _headline(look: Look) -> str:
    standing = look.place.standing
    state = "did not end" if standing.state is None else standing.state.value.replace("_", " ")
    attempt = f" on attempt {standing.attempt}" if standing.attempt > 1 else ""
    took = "" if standing.duration_s is None else f" in {duration(standing.duration_s)}"
    reason = "" if standing.failure is None else f": {reason_of(standing.failure)}"
    return f"{one_line(look.place.name)} of {look.settled.run.run_id}: {state}{attempt}{took}{reason}"


def _entries(entries: Mapping[str, Shown]) -> Iterator[str]:
    for name, shown in entries.items():
        origin = one_line(shown.origin, limit=_LONGEST_ORIGIN)
        text = _text(shown)
        head, *rest = text.splitlines() or [""]
        yield f"{_INDENT}{one_line(name)} = {head}" + (f"    from {origin}" if origin and not rest else "")
        yield from (f"{_INDENT}{line}" for line in rest)
        if rest and origin:
            yield f"{_INDENT}    from {origin}"


def _text(shown: Shown) -> str:
    if shown.problem:
        return f"? ({one_line(shown.problem, limit=1000)})"
    text, is_cut = written(shown.value)
    return f"{text}\n(shortened)" if is_cut else text


def _output(look: Look) -> Shown:
    value = look.place.standing.value
    if value is None:
        return Shown(problem=_why_none(look.place.standing))
    try:
        return Shown(Outlines(look.run_dir).load(value))
    except (NeedsWorker, MemoryError, RecursionError) as error:
        return Shown(problem=str(error) or "it takes too much memory to be shown")


def _why_none(standing: Standing) -> str:
    return "it did not end" if standing.state is None else f"there is none: it {standing.state.value.replace('_', ' ')}"


def _output_text(look: Look) -> str:
    value = look.place.standing.value
    text = _text(_output(look))
    if value is None or not text.endswith("(shortened)"):
        return text
    where = f"in {look.run_dir / value.file}" if value.file is not None else "in the journal"
    return f"{text[: -len('(shortened)')]}(shortened; {size(value.size_bytes)}, {where})"


def _record(shown: Shown) -> dict[str, object]:
    if shown.problem:
        return {"problem": shown.problem}
    try:
        is_json = _is_json(shown.value)
    except RecursionError:
        is_json = False
    return {"value": shown.value} if is_json else {"text": written(shown.value)[0]}


def _is_json(value: object) -> bool:
    """Whether JSON gives a value back as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{line}" for line in text.splitlines())
