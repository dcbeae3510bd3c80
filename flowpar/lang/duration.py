"""Durations as people write them: `1h30m`, `500ms`, `10` seconds."""

from __future__ import annotations

import math
import re

_DURATION = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?"
)
_SIMPLE = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_SECONDS_OF = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
LONGEST_DAYS = 100 * 366
_LONGEST_S = LONGEST_DAYS * 86_400.0

DURATION_FORM = "a duration such as 500ms, 10s, 5m or 1h30m, or seconds as a number"


def seconds(value: object) -> float | None:
    """Return a duration in seconds, or None where the value is none: negative, endless, or something else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        amount = float(value) if -_LONGEST_S <= value <= _LONGEST_S else math.nan
    elif isinstance(value, str) and value and len(value) <= 64:  # noqa: PLR2004 -- longer is no duration
        simple = _SIMPLE.fullmatch(value)
        if simple is not None:
            amount = float(simple.group(1)) * _SECONDS_OF[simple.group(2)]
            return amount if amount <= _LONGEST_S else None
        match = _DURATION.fullmatch(value.strip())
        if match is None or not any(match.groups()):
            return None
        amount = sum(float(number) * _SECONDS_OF[unit] for unit, number in match.groupdict().items() if number)
    else:
        return None
    return amount if 0 <= amount <= _LONGEST_S else None
