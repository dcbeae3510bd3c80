"""structlog's logger of bytes, without the rest of structlog: 1 ms of a start, not 11 or, where rich is, 50."""

# ruff: noqa: PLC0414 - so that it may be imported from here

from __future__ import annotations

from flowpar.core.left_out import left_out

try:
    with left_out("structlog"):
        from structlog._output import BytesLogger as BytesLogger
except (ImportError, AttributeError):  # a version of it that is built in another way
    from structlog import BytesLogger as BytesLogger
