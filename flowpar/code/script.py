"""Scripts among modules: each has a name of its own while code is read, and all the same one in what is told of it."""

from __future__ import annotations

import re
from typing import Final

SCRIPT: Final = "<script>"
_NAME = re.compile("<script [0-9]+>")


def script_name(number: int) -> str:
    """Return the name of a script among others."""
    return f"<script {number}>"


def is_script(module: str) -> bool:
    """Whether a module is a script."""
    return module.startswith("<script ")


def shown(name: str) -> str:
    """Return a name in which a script has no number."""
    return _NAME.sub(SCRIPT, name)
