"""The contract of plugin authors: all that a plugin may import, and nothing that is slow to import."""

from __future__ import annotations

from flowpar.core.sink import SinkSetting
from flowpar.plugin.spec import (
    API_VERSION,
    UNKNOWN,
    Finding,
    TaskContext,
    TaskOptions,
    Unknown,
    task_type,
)

__all__ = ["API_VERSION", "UNKNOWN", "Finding", "SinkSetting", "TaskContext", "TaskOptions", "Unknown", "task_type"]
