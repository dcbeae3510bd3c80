"""`flowpar schema`: the JSON Schema of workflows with the installed task types, for editors."""

from __future__ import annotations

import click

from flowpar.cli import options
from flowpar.cli.kinds import kinds_for
from flowpar.core.errors import ExitCode
from flowpar.lang.schema import schema_text, workflow_schema
from flowpar.plugin.registry import Registry
from flowpar.report.screen import Color, system_screen

_EXAMPLES = options.examples(
    "flowpar schema > workflow.schema.json",
    "flowpar schema workflow.yaml > workflow.schema.json",
)


@click.command("schema", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(), required=False, metavar="[FILE]")
@options.no_plugins()
@options.color()
def command(*, file: str | None, no_plugins: bool, color: Color) -> int:
    """Print the JSON Schema of workflows with all installed task types, and with those that FILE adds itself."""
    schema = workflow_schema(kinds_for(file, Registry(allows_plugins=not no_plugins)))
    system_screen(color).show(schema_text(schema))
    return ExitCode.OK
