"""Pi from random darts: the share that falls inside the quarter circle is pi/4."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """The estimate, and how far off it is expected to be (one standard error)."""

    pi: float
    standard_error: float


def throw(darts: int, seed: int) -> int:
    """Throw `darts` darts at the unit square and return how many hit the quarter circle."""
    draw = random.Random(seed).random
    return sum(draw() ** 2 + draw() ** 2 <= 1.0 for _ in range(darts))


def estimate(hits: list[int], darts: int) -> Estimate:
    """Join the batches; each threw `darts` darts."""
    thrown = darts * len(hits)
    share = sum(hits) / thrown
    return Estimate(round(4 * share, 6), round(4 * math.sqrt(share * (1 - share) / thrown), 6))
