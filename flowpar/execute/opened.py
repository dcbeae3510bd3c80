"""What many attempts of one process have in common, opened once: what the run shares, what hides secrets, recipes."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING

from flowpar.core.mask import Masker

if TYPE_CHECKING:
    from flowpar.execute.recipe import Recipe, Shared


@lru_cache(maxsize=1)
def shared_in(shared: bytes) -> Shared:
    """Return what the run shares."""
    opened: Shared = pickle.loads(shared)
    return opened


@lru_cache(maxsize=1)
def masker_of(shared: bytes) -> Masker:
    """Return what hides the run's secrets."""
    return Masker(shared_in(shared).secrets.values())


@lru_cache(maxsize=8)  # those that a bundle brings, of which one is that of many items
def recipe_in(recipe: bytes) -> Recipe:
    """Return what is to be done for a task."""
    opened: Recipe = pickle.loads(recipe)
    return opened
