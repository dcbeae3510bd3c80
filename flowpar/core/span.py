"""Ids of a run in distributed tracing (W3C Trace Context): anybody who knows what a span is of knows its id.

run id, TRACEPARENT ─► trace id        task, item, attempt, round ─► span id        both ─► traceparent
"""

from __future__ import annotations

import re

# The module under `hashlib`, which would load OpenSSL: see `core/checksum.py`.
from _blake2 import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "TRACEPARENT"
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?", re.ASCII)


def parent_of(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the trace and the span that this process is a part of, None where it is of none."""
    found = _FORM.fullmatch(environment.get(VARIABLE, "").strip())
    return None if found is None else (found[1], found[2])


def trace_of(run_id: str, environment: Mapping[str, str]) -> str:
    """Return the trace that a run is told in: the one around it, or else its own, however often it is resumed."""
    parent = parent_of(environment)
    return blake2b(run_id.encode(), digest_size=16).hexdigest() if parent is None else parent[0]


def span_of(run_id: str, *parts: object) -> str:
    """Return the id of the span of a part of a run."""
    text = "\0".join((run_id, *map(str, parts)))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def attempt_span(run_id: str, task: str, item: int | None, attempt: int, *, lap: int = 0) -> str:
    """Return the id of the span of one attempt."""
    return span_of(run_id, "attempt", task, "" if item is None else item, attempt, lap)


def traceparent(trace_id: str, span_id: str) -> str:
    """Return the variable that a process gets which goes on with a span."""
    return f"00-{trace_id}-{span_id}-01"
