"""One JSON object on one line, whatever is in it: how events go to files and to programs."""

from __future__ import annotations

import json

import orjson


def encode(record: object) -> bytes:
    """Return `record` as JSON without a line end; what JSON has no form for is written as its text.

    orjson takes what nearly every line holds. Integers over 64 bits and text with lone surrogates
    (names of files that are no UTF-8) are left to the standard library, which escapes them.
    """
    try:
        return orjson.dumps(record, default=str)
    except TypeError:
        return json.dumps(record, default=str, separators=(",", ":"), skipkeys=True).encode("ascii")
