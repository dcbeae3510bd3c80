"""One JSON object on one line, whatever is in it: how events go to files and to programs."""

from __future__ import annotations

import json
import re

import orjson

# What JSON may hold as it is, and some terminals obey: C1 controls and marks that reorder text.
_STEERS = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def encode(record: object) -> bytes:
    """Return `record` as JSON without a line end; what JSON has no form for is written as its text.

    orjson takes what nearly every line holds. Integers over 64 bits and text with lone surrogates
    (names of files that are no UTF-8) are left to the standard library, which escapes them.
    """
    try:
        return orjson.dumps(record, default=str)
    except TypeError:
        return json.dumps(record, default=str, separators=(",", ":"), skipkeys=True).encode("ascii")


def shown(record: object) -> str:
    """Return `record` as a line of JSON for stdout: what would steer a terminal that it ends up on is escaped."""
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", encode(record).decode()) + "\n"
