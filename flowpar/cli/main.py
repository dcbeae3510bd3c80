"""The command `flowpar`: its verbs by name, each imported when it is typed."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from flowpar import __version__
from flowpar.cli.ending import ended
from flowpar.core.collector import collector_paused
from flowpar.core.errors import MachineError
from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.execute.guard import Tree

# Module of the command, and its line in `flowpar --help`, which so imports none of them.
VERBS = {
    "run": ("flowpar.cli.run", "Check a workflow, run it and print its outputs."),
    "resume": ("flowpar.cli.resume", "Go on with a run that failed or was cut off."),
    "check": ("flowpar.cli.check", "Find what is wrong with workflows; nothing of them is run."),
    "explain": ("flowpar.cli.explain", "Say what a finding means, by its code."),
    "plan": ("flowpar.cli.plan", "Show what a run would do, in order."),
    "graph": ("flowpar.cli.graph", "Draw a workflow: ascii, mermaid, dot or svg."),
    "status": ("flowpar.cli.status", "See how a run goes, from another terminal."),
    "runs": ("flowpar.cli.runs", "List the runs that are kept, and how they ended."),
    "show": ("flowpar.cli.show", "Show one run: its tasks, how they ended, how long they took."),
    "logs": ("flowpar.cli.logs", "Print what the tasks of a run printed."),
    "why": ("flowpar.cli.why", "Say why a task ran, or did not, and what changed."),
    "debug": ("flowpar.cli.debug", "Run one attempt of a run again, here, under pdb."),
    "trace": ("flowpar.cli.trace", "Write a run as a trace for Perfetto and Chrome."),
    "report": ("flowpar.cli.report", "Write one page of HTML on a run."),
    "cache": ("flowpar.cli.cache", "See what the cache holds, or remove some of it."),
    "clean": ("flowpar.cli.clean", "Remove old runs."),
    "schema": ("flowpar.cli.schema", "Print the JSON Schema of workflows, for editors."),
    "plugins": ("flowpar.cli.plugins", "List the task types and executors that are installed."),
    "import": ("flowpar.cli.imports", "Write a workflow from another system's file."),
    "init": ("flowpar.cli.init", "Write a small workflow to start from."),
    "new": ("flowpar.cli.new", "Write a plugin to start from."),
}

# What runs no task and looks at no run works on systems without fork, too.
_ANYWHERE = ("check", "explain", "graph", "schema", "plugins", "import", "init", "new")

_EPILOG = """
\b
Examples:
  flowpar init demo && cd demo
  flowpar check workflow.yaml
  flowpar run workflow.yaml -i top=3

\b
Completion of commands and options, for bash (zsh, fish alike):
  eval "$(_FLOWPAR_COMPLETE=bash_source flowpar)"
"""


class Verbs(click.Group):
    """A group that knows its commands by name and imports the one that is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of daily use."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        with collector_paused():
            command: click.Command = import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that was typed, or the one that may have been meant."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            # Imported like a verb: who types right does not pay for it.
            near = import_module("flowpar.cli.foreign").COMMANDS.get(args[0]) or nearest(args[0], VERBS)
            hint = f'; did you mean "{near}"?' if near else f"; there are: {', '.join(VERBS)}"
            ctx.fail(f'there is no command "{args[0]}"{hint}')
        if not hasattr(os, "fork") and args[0] in VERBS and args[0] not in _ANYWHERE:
            raise MachineError(
                f'"{args[0]}" needs a system that can fork, such as Linux or macOS; on Windows, use it in WSL '
                f"(what works here: {', '.join(_ANYWHERE)})"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(
    cls=Verbs,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="flowpar", message="%(prog)s %(version)s")
def flowpar() -> None:
    """Run workflows of Python functions and shell commands, every ready task in a process of its own."""


def main(arguments: Sequence[str], *, tree: Tree | None = None) -> int:
    """Run one command and return its exit code; `tree` is who starts processes, where that is settled already."""

    def act() -> Any:
        return flowpar.main(list(arguments), prog_name="flowpar", standalone_mode=False, obj=tree)

    return ended(act)
