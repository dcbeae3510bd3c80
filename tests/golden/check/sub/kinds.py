from __future__ import annotations

from flowpar.plugin import task_type


@task_type
def greet(name: str) -> str:
    """Say hello."""
    return f"hello {name}"
