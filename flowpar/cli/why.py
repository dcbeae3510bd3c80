"""`flowpar why`: why a task ran, or did not, against the nearest run before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.core.errors import ExitCode, UsageError
from flowpar.core.part_name import split_item
from flowpar.engine.why import Answer, explain
from flowpar.record.history import find_run, run_ids
from flowpar.report.jsonline import shown
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENDED = {"timed_out": "timed out", "cancelled": "was cancelled"}
_UNUSED = {
    "unkept": "nothing was kept there, and that run said why",
    "expired": "what was kept of that is older than its ttl",
    "refreshed": "it was to be made anew (--refresh, or --from of a resume)",
}
_EXAMPLES = options.examples(
    "flowpar why last report",
    "flowpar why last 'resize[17]'",
    "flowpar why last report --json | jq -r '.answers[].reasons[].text'",
)


@click.command("why", epilog=_EXAMPLES)
@options.run_argument()
@click.argument("task", metavar="TASK[ITEM]")
@options.state_dir()
@options.as_json("the answer")
@options.color()
def command(*, run: str, task: str, state_dir: Path, is_json: bool, color: Color) -> int:
    """Say why a task ran or did not: what of its code, arguments, files and settings changed, and since which run.

    RUN is an id, the beginning of one, `last`, or the path of a run folder.
    """
    screen = system_screen(color)
    target = split_item(task)
    if target is None:
        raise UsageError(f'"{task}" is neither TASK nor TASK[ITEM]')
    run_dir = find_run(state_dir, run).resolve()
    runs = [state_dir / "runs" / each for each in run_ids(state_dir)]
    run_id, answers = explain(run_dir, runs, *target)
    if is_json:
        screen.show(shown({"run": run_id, "answers": [_record(answer) for answer in answers]}))
    else:
        screen.show("".join(f"{line}\n" for answer in answers for line in _lines(run_id, answer)))
    return ExitCode.OK


def became_of(answer: Answer) -> str:
    """Return how it ended, after its name."""
    return {"succeeded": "ran", "skipped": "was skipped", "failed": "failed"}.get(
        answer.state, _ENDED.get(answer.state, answer.state)
    )


def _record(answer: Answer) -> dict[str, object]:
    record: dict[str, object] = {"task": answer.name, "state": answer.state, "verdict": answer.verdict}
    if answer.count > 1:
        record["items"] = answer.count
    if answer.against is not None:
        record["against"] = {"run": answer.against[0], "task": answer.against[1]}
    if answer.verdict == "cached":
        record["saved_s"] = round(answer.saved_s, 6)
    if answer.verdict in {"skipped", "not_kept", "same"}:
        record["note"] = answer.note
    return record | {"reasons": [reason.record() for reason in answer.reasons]}


def _lines(run: str, answer: Answer) -> Iterator[str]:
    name = f"{answer.name} and {answer.count - 1} more" if answer.count > 1 else answer.name
    other_run, other = answer.against or ("", "")
    before = f"run {other_run}" if other in {"", answer.name} else f"run {other_run} (as {other})"
    became = _ENDED.get(answer.note, answer.note)
    made = "it was" if answer.count == 1 else "they were"
    said = {
        "cached": f"did not run in run {run}: {made} made in {before}, and nothing that counts has changed since",
        "changed": f"ran in run {run}, because since {before}",
        "same": f"ran in run {run}, though nothing that counts has changed since {before}: "
        + _UNUSED.get(answer.note, "what was kept of that is not there any more"),
        "not_kept": f"ran in run {run}: since {before} nothing that counts has changed, but there it {became}, and "
        "what does not succeed is not kept",
        "first": f"ran in run {run}: no earlier run has it",
        "no_key": f"{answer.state} in run {run}: what does not succeed is not kept, and is made again",
        "no_cache": f"ran in run {run}: nothing was kept for it, as it had no cache",
        "off": f"{became_of(answer)} in run {run}: it was run with --no-cache, so nothing was looked up or kept",
        "skipped": f"did not run in run {run}: {answer.note}",
    }[answer.verdict]
    saved = f" (saved {answer.saved_s:.1f} s)" if answer.verdict == "cached" and answer.saved_s else ""
    yield f"{name} {said}{saved}{':' if answer.reasons else ''}"
    yield from (f"  {reason.text}" for reason in answer.reasons)
