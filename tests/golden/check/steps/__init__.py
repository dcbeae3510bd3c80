"""A package whose import would be seen: nothing may import it."""

from __future__ import annotations

from .words import merge as combine

raise RuntimeError(combine)
