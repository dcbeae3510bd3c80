"""The task type `python`: names a function of the user's; `with` gives its arguments.

It is registered like any plugin's. A worker calls the named function itself, so that signature,
arguments and traceback are the user's own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def python(target: str, **arguments: Any) -> Any:
    """Call `target`, written "module:function", with the values of `with` as its arguments."""
    module, _, name = target.partition(":")
    function: Any = import_module(module)
    for part in name.split("."):
        function = getattr(function, part)
    return function(**arguments)
