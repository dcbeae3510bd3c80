"""structlog's logger of bytes, without the rest of structlog, which is 11 ms of a start and more where rich is."""

# ruff: noqa: PLC0414 - so that it may be imported from here

from __future__ import annotations

from flowpar.core.left_out import left_out

try:
    with left_out("structlog"):
        from structlog._output import BytesLogger as BytesLogger
except (ImportError, AttributeError):  # a version of it that is built in another way
    from flowpar.report.lean_structlog import structlog

    BytesLogger = structlog.BytesLogger  # type: ignore[misc] # the same, as mypy sees it
