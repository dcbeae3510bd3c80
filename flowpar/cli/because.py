"""Why tasks ran or did not, in the few words that a report has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowpar.engine.why import Answer

_MOST_LINES = 4
_MOST_REASONS = 3
_ENDED = {"timed_out": "timed out", "cancelled": "was cancelled"}


def because(answers: Mapping[str, Sequence[Answer]], names: Sequence[str]) -> tuple[str, ...]:
    """Return why the tasks of some names ran, a line for each reason, the most frequent first."""
    found: dict[str, int] = {}
    for answer in (each for name in names for each in answers.get(name, ())):
        text = _text(answer)
        found[text] = found.get(text, 0) + answer.count
    lines = sorted(found.items(), key=lambda line: -line[1])
    if len(lines) == 1 and lines[0][1] == 1:
        return (lines[0][0],)
    return tuple(_lines(lines))


def _lines(lines: list[tuple[str, int]]) -> Iterator[str]:
    for text, count in lines[:_MOST_LINES]:
        yield f"{counted(count, 'item')} {text}"
    if len(lines) > _MOST_LINES:
        yield f"{counted(sum(count for _, count in lines[_MOST_LINES:]), 'item')} for other reasons: flowpar why"


def _text(answer: Answer) -> str:
    run = "" if answer.against is None else f"run {answer.against[0]}"
    if answer.verdict == "cached":
        return f"from the cache of {run}" + (f", which took {duration(answer.saved_s)}" if answer.saved_s else "")
    if answer.verdict == "changed":
        told = [reason.text for reason in answer.reasons[:_MOST_REASONS]]
        more = len(answer.reasons) - len(told)
        return f"ran because: {'; '.join(told)}{f'; and {more} more' if more else ''}, against {run}"
    if answer.verdict == "same":
        why = {"expired": "is older than its ttl", "refreshed": "was not to be used", "unkept": "was not kept there"}
        return f"ran, as what {run} made {why.get(answer.note, 'was not kept any more')}"
    if answer.verdict == "not_kept":
        return f"ran, as it {_ENDED.get(answer.note, answer.note)} in {run}"
    return "ran, as no earlier run has it"
