"""Sizes as people write them: `512MiB`, `2GB`, or bytes as a number."""

from __future__ import annotations

import re

SIZE_FORM = "a size such as 512MiB or 2GB, or bytes as a number"

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_BYTES_OF = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_LARGEST_BYTES = 2**60
_LONGEST = 64


def size_bytes(value: object) -> int | None:
    """Return a size in bytes, or None where the value is none: negative, endless, or something else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value <= _LARGEST_BYTES else None
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    found = _SIZE.fullmatch(value)
    unit = None if found is None else _BYTES_OF.get(found.group(2).lower())
    if found is None or unit is None:
        return None
    amount = float(found.group(1)) * unit
    return round(amount) if amount <= _LARGEST_BYTES else None


def size_hint(value: object) -> str:
    """Return what was probably meant by something that is no size: `512M` is `512MiB`, 512 are hardly bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0 and size_bytes(f"{value}MiB"):
        return f'for MiB write "{value}MiB"'
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGTkmgt])i?\s*", value) if isinstance(value, str) else None
    return f'write "{found.group(1)}{found.group(2).upper()}iB"' if found else ""


def size_text(number: int) -> str:
    """Return a size as a workflow writes it.

    >>> [size_text(n) for n in (512 * 2**20, 2 * 2**30, 3 * 2**29, 5_000_000)]
    ['512MiB', '2GiB', '1536MiB', '4.8MiB']
    """
    for unit in ("TiB", "GiB", "MiB"):
        if number and number % _BYTES_OF[unit.lower()] == 0:
            return f"{number // _BYTES_OF[unit.lower()]}{unit}"
    return f"{number / 2**20:.1f}MiB"
