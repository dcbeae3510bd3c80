"""The texts of a folder that makes an attempt without flowpar: `run.py`, `run.sh`, `inputs.json` and `README.md`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from flowpar.report.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.engine.copying import Copy

VARIABLE = "variable "
PLACE = "argument "
_RUN_PY = '''\
#!/usr/bin/env python3
"""{name} of run {run}, once more: its function, with what it was given. flowpar is not needed for it."""

import os
import pickle
import sys
import tempfile
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = {folder!r}  # in which it ran
MODULES = {path!r}  # where its code is looked for
ENVIRONMENT = {environment}  # what the workflow sets


def main():
    os.environ.update(ENVIRONMENT)
    os.environ["FLOWPAR_SCRATCH"] = tempfile.mkdtemp(prefix="scratch-")
    os.chdir(FOLDER)
    sys.path[:0] = MODULES
    with open(HERE / "inputs.pkl", "rb") as stream:
        positional, named = pickle.load(stream)
{more}{call}


if __name__ == "__main__":
    main()
'''
_CALL = """\
    function = import_module({module!r})
    for name in {names!r}.split("."):
        function = getattr(function, name)
    result = function(*positional, **named)
    if hasattr(result, "__next__"):
        result = list(result)
    print(repr(result))"""
_SCRIPT = """\
    import runpy

    print(repr(runpy.run_path(str(HERE / {script!r}), init_globals=named, run_name="__main__").get("output")))"""
_CONTEXT = '''

class Logger:
    """Prints what the task logs."""

    def bind(self, **fields):
        return self

    def __getattr__(self, level):
        return lambda event, *arguments, **fields: print(f"{level}:", event, *arguments, fields or "", file=sys.stderr)


class Context:
    """Stands in for the context that flowpar gives."""

    def __init__(self, **facts):
        self.__dict__.update(facts)
        self.scratch = Path(os.environ["FLOWPAR_SCRATCH"])
        self.cwd = Path(FOLDER)
        self.env = os.environ
        self.logger = Logger()

    def progress(self, done, total=None, note=""):
        print("progress:", done, "" if total is None else f"of {total}", note, file=sys.stderr)

    def cancelled(self):
        return False

    def mask(self, text):
        return text
'''


def run_py(copy: Copy, script: str) -> str:
    """Return a script that calls the function, or runs the text in the file `script`."""
    more = "".join(_given_by_hand(name, one_line(why)) for name, why in copy.left_out.items())
    if copy.context:
        facts = {name: value for name, value in copy.context.items() if name != "name"}
        more += f"    named[{copy.context['name']!r}] = Context(**{facts!r})\n"
    module, _, names = copy.target.partition(":")
    text = _RUN_PY.format(
        name=one_line(copy.name).replace("\\", "\\\\").replace('"', "'"),
        run=copy.run,
        folder=copy.folder,
        path=copy.path,
        environment=_mapping(copy.environment),
        more=more,
        call=_SCRIPT.format(script=script) if script else _CALL.format(module=module, names=names),
    )
    return text.replace("\n\ndef main():", f"{_CONTEXT}\n\ndef main():") if copy.context else text


def _given_by_hand(name: str, why: str) -> str:
    if name.startswith(VARIABLE):
        return f"    # {name}: {why}\n"
    if name.startswith(PLACE):  # what is named has no space in its name
        given = f"positional[{name.removeprefix(PLACE)}]"
        told = f"{name} was left out ({why}): set {given} in "
        return f"    # {given} = …\n    if {given} is None:\n        sys.exit({told!r} + __file__)\n"
    told = f"{name} was left out ({why}): set it in "
    head = f"    # named[{name!r}] = …\n    if {name!r} not in named:\n"
    return f"{head}        sys.exit({told!r} + __file__)\n"


def run_sh(copy: Copy, command: Sequence[str]) -> str:
    """Return a script that runs the command."""
    missing = "".join(f"# {name}: {one_line(why)}\n" for name, why in copy.left_out.items())
    variables = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in copy.environment.items())
    return (
        f"#!/bin/sh\n# {one_line(copy.name)} of run {copy.run}, once more; flowpar is not needed for it.\nset -eu\n"
        f"cd {shlex.quote(copy.folder)}\n{missing}{variables}"
        f"FLOWPAR_SCRATCH=$(mktemp -d)\nFLOWPAR_OUTPUT=$FLOWPAR_SCRATCH/output\nexport FLOWPAR_SCRATCH FLOWPAR_OUTPUT\n"
        f"exec {shlex.join(command)}\n"
    )


def readable_json(values: Mapping[Any, object], shown: Callable[[object], str]) -> str:
    """Return values as JSON, for people: what JSON has no form for stands as a short text."""
    return (
        json.dumps({str(name): value for name, value in values.items()}, default=shown, indent=2, skipkeys=True) + "\n"
    )


def readme(copy: Copy) -> str:
    """Return what the folder is, and what is not in it."""
    is_command = copy.target.startswith("flowpar.tasks.shell:")
    start = "sh run.sh" if is_command else "python run.py        # or: python -m pdb run.py"
    what = "the command" if is_command else "its function"
    lines = [
        f"# {one_line(copy.name)} of run {copy.run}",
        "",
        "What this task was given in that run, and a script that makes it once more:",
        f"{what}, its environment, its folder.",
        "",
        f"    {start}",
        "",
        f"* It runs in `{copy.folder}`.",
    ]
    if not is_command:
        code = f" (`{copy.code}`)" if copy.code else ""
        path = ", ".join(f"`{each}`" for each in copy.path)
        lines += [
            f"* Its code is not copied: `{copy.target}`{code}, looked for in {path}.",
            "* `inputs.pkl` has what it was given; `inputs.json` shows that, as far as JSON has a form for it.",
        ]
    lines += [f"* Left out: `{name}`, {one_line(why)}." for name, why in copy.left_out.items()]
    return "\n".join(lines) + "\n"


def _mapping(values: Mapping[str, str]) -> str:
    if not values:
        return "{}"
    return "{\n" + "".join(f"    {name!r}: {value!r},\n" for name, value in values.items()) + "}"
