"""`flowpar plugins`: the kinds of tasks and the executors that are installed, and who brings them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.core.errors import ExitCode
from flowpar.plugin.registry import Registry
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.plugin.registry import Listed


@click.command("plugins", epilog=options.examples("flowpar plugins", "flowpar plugins --json"))
@options.as_json("the list")
@options.color()
def command(*, is_json: bool, color: Color) -> int:
    """List the kinds of tasks and the executors that workflows can use; nothing of them is imported."""
    screen = system_screen(color)
    listed = Registry().listing()
    screen.show(shown([asdict(line) for line in listed]) if is_json else table(_rows(listed)))
    for line in listed:
        if line.problem:
            screen.tell(f"{line.kind}: {line.problem}", "warning")
    return ExitCode.OK


def _rows(listed: Sequence[Listed]) -> list[dict[str, object]]:
    return [
        {
            "kind": line.kind,
            "is": line.brings,
            "from": f"{line.distribution} {line.version}".rstrip(),
            "function": line.target,
            "usable": "no" if line.problem else "yes",
        }
        for line in listed
    ]
