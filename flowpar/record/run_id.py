"""Ids of runs: they say when a run began and of what, as `20261122-101500-word-count-k3f`.

The three last characters are the fraction of the second, in steps of about 21 µs, so `begun_order` puts runs
of one second in the order in which they began, whatever their workflows. A new id comes after all that are
there: where the clock was set back, it is that of the newest run, and a little later.
"""

from __future__ import annotations

import re
import time
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z0-9-]{1,80}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STEPS = len(_DIGITS) ** 3
_SLUG_LIMIT = 40


def is_run_id(name: str) -> bool:
    """Whether a folder of that name is a run's."""
    return _RUN_ID.fullmatch(name) is not None


def begun_order(run_id: str) -> tuple[str, str, str]:
    """Return by what ids sort in the order in which their runs began."""
    return run_id[:15], run_id.rpartition("-")[2], run_id


def run_id(name: str, now: float, *, turn: int = 0, others: Iterable[str] = ()) -> str:
    """Return the id of a run that starts at `now` (UTC), after all `others`.

    `turn` gives the next ones where an id is taken.
    """
    second, fraction = divmod(now, 1)
    chosen = _spelled(name, int(second) * _STEPS + int(fraction * _STEPS) + turn)
    newest = max(filter(is_run_id, others), key=begun_order, default="")
    if begun_order(newest)[:2] >= begun_order(chosen)[:2] and (step := _step_of(newest)) is not None:
        return _spelled(name, step + 1 + turn)
    return chosen


def _spelled(name: str, step: int) -> str:
    second, rest = divmod(step, _STEPS)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(second))
    return f"{stamp}-{slug(name)}-{_base36(rest)}"


def _step_of(run_id: str) -> int | None:
    """Return how many steps after 1970 a run began; None where its id was not made here."""
    *_, last = run_id.split("-")
    try:
        at = datetime.strptime(f"{run_id[:15]}+0000", "%Y%m%d-%H%M%S%z")
        return int(at.timestamp()) * _STEPS + min(int(last, 36), _STEPS - 1)
    except ValueError:
        return None


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words joined by hyphens; `run` where nothing is left of it."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", folded)[:_SLUG_LIMIT].strip("-") or "run"


def _base36(number: int) -> str:
    rest, last = divmod(number, 36)
    first, middle = divmod(rest, 36)
    return _DIGITS[first] + _DIGITS[middle] + _DIGITS[last]
