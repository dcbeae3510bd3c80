r"""Regular expressions in time that grows with the text only: what `matches()` searches with.

`re` tries one way after another, and `(a+)+$` takes it for ever; here all ways are followed at
once, as a set of states. That gives the same answer for everything but backreferences, lookaround,
atomic groups and possessive repeats, which are refused. The syntax is that of `re`, which also
judges single characters and classes.

"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.expr.failure import EvaluationError
from flowpar.expr.pattern_program import At, Fork, Found, One, PatternError, Place, Program, compiled

if TYPE_CHECKING:
    from flowpar.expr.work import Work


def is_found(pattern: str, text: str, work: Work) -> bool:
    """Whether the pattern is found anywhere in a text; takes steps for each character and state."""
    try:
        program = compiled(pattern)
    except PatternError as error:
        raise EvaluationError(str(error)) from None
    states: set[int] = set()
    for position in range(len(text) + 1):
        states.add(0)
        reached, is_over = _reached(program, states, text, position)
        work.spend(1 + len(reached))
        if is_over:
            return True
        if position < len(text):
            letter = text[position]
            steps = program.steps
            states = {at + 1 for at in reached if isinstance(one := steps[at], One) and one.test.fullmatch(letter)}
    return False


def _reached(program: Program, states: set[int], text: str, position: int) -> tuple[set[int], bool]:
    """Return the steps that can be reached without a character, and whether the end is one of them."""
    reached: set[int] = set()
    pending = list(states)
    while pending:
        at = pending.pop()
        if at in reached:
            continue
        reached.add(at)
        match program.steps[at]:
            case Found():
                return reached, True
            case Fork(ways):
                pending.extend(ways)
            case Place(place) if _is_at(place, text, position, is_multiline=program.is_multiline):
                pending.append(at + 1)
    return reached, False


def _is_at(place: At, text: str, position: int, *, is_multiline: bool) -> bool:
    match place:
        case "^":
            return position == 0 or (is_multiline and text[position - 1] == "\n")
        case "$":
            is_before_end = position == len(text) - 1 or is_multiline
            return position == len(text) or (is_before_end and text[position] == "\n")
        case "A":
            return position == 0
        case "Z":
            return position == len(text)
        case "b":
            return _is_border(text, position)
        case "B":
            return bool(text) and not _is_border(text, position)


def _is_border(text: str, position: int) -> bool:
    before = position > 0 and _is_word(text[position - 1])
    return before != (position < len(text) and _is_word(text[position]))


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
