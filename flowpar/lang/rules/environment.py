"""The surroundings of a process: `env` and `cwd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.accept import accepts
from flowpar.core.types import PATH, STR, show, widen
from flowpar.expr.typing_rules import is_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.expr.template import Template
    from flowpar.lang.rules.findings import Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View


def read_env(reading: Reading, path: Path, env: Mapping[str, str], view: View) -> dict[str, Template]:
    """Read the variables of an `env`; each must be something that has a text."""
    found: dict[str, Template] = {}
    for name, value in env.items():
        read = reading.value(value, (*path, name), view)
        if read.template is not None and not is_scalar(read.type):
            message = f'the variable "{name}" must be text, this is {show(widen(read.type))}'
            reading.findings.error("FP206", (*path, name), message, hint='write json(…) or join(…, " ")')
        elif read.template is not None:
            found[name] = read.template
    return found


def read_cwd(reading: Reading, path: Path, cwd: str, view: View) -> Template | None:
    """Read a `cwd`."""
    read = reading.value(cwd, path, view)
    if read.template is not None and not (accepts(PATH, read.type) or accepts(STR, read.type)):
        reading.findings.error("FP206", path, f'"cwd" must be a folder, this is {show(widen(read.type))}')
        return None
    return read.template
