"""The names of executors: ours, which every workflow can name, and others, which plugins bring."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

EXECUTORS: Final = ("process", "pool", "thread", "inline")
ADDRESS_SIGN: Final = "="
KNOWN_ELSEWHERE: Final = MappingProxyType({"dask": "flowpar-dask"})
"""Executors that are worth knowing, and the distribution to install for each."""

EXECUTOR_SCHEMA: Final = MappingProxyType(
    {"anyOf": [{"enum": list(EXECUTORS)}, {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"}]}
)
"""What a name is in a schema, which is for whatever is installed."""


def is_brought(name: str) -> bool:
    """Whether a plugin brings an executor: what its tasks use are no workers and no memory of this machine."""
    return name not in EXECUTORS


def split_address(text: str) -> tuple[str, str]:
    """Return the name of an executor and the address after it, "" where there is none."""
    name, _, address = text.partition(ADDRESS_SIGN)
    return name, address


def address_variable(name: str) -> str:
    """Return the environment variable in which an executor's address may stand."""
    return f"FLOWPAR_EXECUTOR_{re.sub('[^A-Z0-9]', '_', name.upper())}"


def how_to_install(name: str) -> str:
    """Return what would bring an executor, "" where nobody knows."""
    return f"pip install {KNOWN_ELSEWHERE[name]}" if name in KNOWN_ELSEWHERE else ""
