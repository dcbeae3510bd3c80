"""Declarative workflows for Python: a DAG of tasks in YAML, every ready task a process of its own.

The package is lazy: a worker imports it on its way to a task and must not pay for the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowpar.core.errors import DocumentError, FlowparError, MachineError
    from flowpar.engine.program import RunResult, run
    from flowpar.plugin.spec import TaskContext

__all__ = ["DocumentError", "FlowparError", "MachineError", "RunResult", "TaskContext", "__version__", "run"]
__version__ = "0.1.0"

_HOMES = {
    "DocumentError": "flowpar.core.errors",
    "FlowparError": "flowpar.core.errors",
    "MachineError": "flowpar.core.errors",
    "run": "flowpar.engine.program",
    "RunResult": "flowpar.engine.program",
    "TaskContext": "flowpar.plugin.spec",
}


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'flowpar' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
