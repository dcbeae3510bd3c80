"""Commands and options as other tools call them, and what they are here."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")

COMMANDS = MappingProxyType(
    {
        **dict.fromkeys(("start", "exec", "execute", "submit", "trigger", "make", "build", "repro"), "run"),
        **dict.fromkeys(("validate", "lint", "verify", "test"), "check"),
        **dict.fromkeys(("dag", "dot", "draw", "viz", "visualize"), "graph"),
        **dict.fromkeys(("ls", "list", "history"), "runs"),
        **dict.fromkeys(("retry", "rerun", "restart", "continue", "recover"), "resume"),
        **dict.fromkeys(("dry-run", "dryrun"), "plan"),
        **dict.fromkeys(("ui", "web", "dashboard", "serve"), "report"),
        **dict.fromkeys(("rm", "prune", "gc", "purge"), "clean"),
        **dict.fromkeys(("describe", "inspect", "info"), "show"),
        **dict.fromkeys(("watch", "ps", "top"), "status"),
        **dict.fromkeys(("convert", "migrate"), "import"),
        **dict.fromkeys(("create", "quickstart"), "init"),
    }
)

OPTIONS = MappingProxyType(
    {
        **dict.fromkeys(("--dry-run", "--dryrun", "--just-print", "-n"), "flowpar plan shows what would run"),
        **dict.fromkeys(
            ("--jobs", "-j", "--cores", "-c", "--parallel", "--max-workers", "-p", "-P"), "tasks at once are -w N"
        ),
        **dict.fromkeys(
            ("--param", "--params", "--var", "--set", "--config", "--arg", "-e", "--conf"), "an input is -i NAME=VALUE"
        ),
        **dict.fromkeys(("--params-file", "--configfile", "--input-file", "-f"), "inputs come from --inputs FILE"),
        **dict.fromkeys(
            ("--keep-going", "-k", "--continue-on-error"), "what does not need a failed task goes on anyway"
        ),
        **dict.fromkeys(("--exitfirst", "-x", "--stop-on-error"), "that is --fail-fast"),
        **dict.fromkeys(
            ("--force", "--forceall", "-F", "--rerun"), "make anew what is kept: --no-cache, --refresh TASK"
        ),
        **dict.fromkeys(("--resume", "--continue", "--rerun-incomplete"), "flowpar resume goes on with a run"),
        **dict.fromkeys(("--target", "--until", "--task", "-t", "--select"), "a part of the tasks is --only TASK"),
        **dict.fromkeys(
            ("--debug", "--log-level"), "flowpar run -v tells more, flowpar debug runs a failed task again"
        ),
        **dict.fromkeys(("--output-dir", "--outdir"), "the folder of a run is --run-dir"),
    }
)


def option_meant(name: str, parameters: Iterable[click.Parameter]) -> str | None:
    """Return what to write for an option that a command does not have; None where nobody knows."""
    own = {way for one in parameters for way in one.opts}
    near = nearest(name, sorted(way for way in own if way.startswith("--")))
    if near and near.replace("-", "") == name.replace("-", ""):
        return f'did you mean "{near}"?'
    meant = OPTIONS.get(name, "")
    # What leads to an option is of use to a command that has it.
    if meant and ("flowpar " in meant or own.issuperset(_OPTION.findall(meant))):
        return meant
    return f'did you mean "{near}"?' if near else None
