"""What a rehearsal performs: a task like a user's, that does nothing."""

from __future__ import annotations


def perform(value: None) -> None:
    """Take a value and return nothing."""
    return value
