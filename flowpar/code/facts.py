"""What a piece of a module does to objects, and where these may have come from: the words in which flows are told."""

from __future__ import annotations

from typing import Literal

from flowpar.code.origin import Origins
from flowpar.core.frozen import dataclass, field

How = Literal["store", "change", "call", "made", "decorate", "run", "given", "iterate", "reading", "filling", "act"]


@dataclass(frozen=True, slots=True)
class Root:
    """A name of `base` (the piece's own module where None) with the attributes that follow it."""

    base: str | None
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """A local variable, or all that takes part in a call."""

    scope: int
    name: str


Key = Root | Local
RESULT = Local(0, "result")
"""What comes of calling something that was given."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is done with what some names stand for, or with something in that (`is_deep`); `word` is the method.

    `makers` are those of the names that are called themselves, where what they give is called, too: `make(f)(x)`.
    """

    how: How
    keys: frozenset[Key]
    word: str = ""
    is_deep: bool = True
    makers: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Facts:
    """What is done and flows when a piece runs, or when its functions are called; `observed` is looked at."""

    uses: list[Use] = field(default_factory=list)
    observed: set[Key] = field(default_factory=set)
    origins: Origins[Key] = field(default_factory=Origins)


@dataclass(frozen=True, slots=True)
class Flow:
    """What a piece does when it runs, and what its functions do when they are called."""

    now: Facts
    late: Facts
