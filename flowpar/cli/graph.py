"""`flowpar graph`: a workflow, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.view import view_of
from flowpar.core.errors import ExitCode
from flowpar.planning.planner import prepare
from flowpar.planning.select import select
from flowpar.plugin.registry import Registry
from flowpar.report import ascii as characters
from flowpar.report import dot, mermaid, svg
from flowpar.report.excerpt import render
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from flowpar.report.graph import GraphView

_FORMS = {"mermaid": mermaid.render, "dot": dot.render, "svg": svg.render}
# What Mermaid sets, and a page can't: `maxEdges` and `maxTextSize`.
_MOST_ARROWS = 500
_MOST_CHARACTERS = 50_000
_EXAMPLES = options.examples(
    "flowpar graph workflow.yaml",
    "flowpar graph workflow.yaml --format svg > workflow.svg",
    "flowpar graph workflow.yaml --format dot | dot -Tpng > workflow.png",
)


@click.command("graph", epilog=_EXAMPLES)
@options.file_argument()
@click.option(
    "--format", "form", type=click.Choice(["ascii", *_FORMS]), default="ascii", show_default=True, help="How to draw."
)
@options.only()
@options.no_plugins()
@options.color()
def command(*, file: str, form: str, only: tuple[str, ...], no_plugins: bool, color: Color) -> int:
    """Draw the tasks of a workflow and what needs what."""
    screen = system_screen(color)
    prepared = prepare(file, registry=Registry(allows_plugins=not no_plugins), given=None)
    screen.tell(render(prepared.diagnostics, prepared.sources, is_coloured=screen.has_colors))
    if prepared.plan is None:
        return ExitCode.USAGE
    view = view_of(select(prepared.plan, only).plan)
    if form == "ascii":
        screen.show(characters.render(view, is_ascii=not screen.draws_unicode))
    else:
        drawn = _FORMS[form](view)
        screen.show(drawn)
        if form == "mermaid":
            screen.tell(_too_much(view, drawn), "warning")
    return ExitCode.OK


def _too_much(view: GraphView, drawn: str) -> str:
    """Return why Mermaid as GitHub and most others have it will not draw this, "" where it will."""
    arrows = sum(len(node.needs) for node in view.nodes)
    if arrows <= _MOST_ARROWS and len(drawn) <= _MOST_CHARACTERS:
        return ""
    most = f"{_MOST_ARROWS} arrows and {_MOST_CHARACTERS:,} characters"
    found = f"this has {arrows:,} and {len(drawn):,}"
    return f"flowpar: GitHub draws up to {most}, and {found}; draw a part of it with --only, or take --format svg"
