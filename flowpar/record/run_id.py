"""Ids of runs: they sort by time and read well, as `20261122-101500-word-count-k3f`."""

from __future__ import annotations

import re
import time
import unicodedata

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLOTS = len(_DIGITS) ** 3
_SLUG_LIMIT = 40


def run_id(name: str, now: float, *, turn: int = 0) -> str:
    """Return the id of a run that starts at `now` (UTC).

    The three last characters are the fraction of the second, so two runs of one workflow sort by
    time even within it; `turn` gives the next ones where an id is taken.
    """
    second, fraction = divmod(now, 1)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(second))
    return f"{stamp}-{slug(name)}-{_base36((int(fraction * _SLOTS) + turn) % _SLOTS)}"


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words joined by hyphens; `run` where nothing is left of it."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", folded)[:_SLUG_LIMIT].strip("-") or "run"


def _base36(number: int) -> str:
    rest, last = divmod(number, 36)
    first, middle = divmod(rest, 36)
    return _DIGITS[first] + _DIGITS[middle] + _DIGITS[last]
