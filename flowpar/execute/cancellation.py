"""What a task sees when it is asked to end: `Cancelled`, raised in its main thread so that `finally` blocks run."""

from __future__ import annotations


class Cancelled(BaseException):
    """The process got SIGTERM; not an `Exception`, so that `except Exception` lets it pass."""
