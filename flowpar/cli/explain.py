"""`flowpar explain`: the page on a finding, which tells what it means by an example, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import click

import flowpar
from flowpar.cli import options
from flowpar.core.errors import ExitCode, UsageError
from flowpar.core.suggest import nearest
from flowpar.report.screen import Color, system_screen

_PACKAGE = Path(flowpar.__file__).parent
# A distribution brings the pages along; a checkout has them among its documents.
_HOMES = (_PACKAGE / "pages", _PACKAGE.parent / "docs" / "errors")


@click.command("explain", epilog=options.examples("flowpar explain FP406", "flowpar explain | grep -i secret"))
@click.argument("code", required=False, metavar="[CODE]")
@options.color()
def command(*, code: str | None, color: Color) -> int:
    """Say what a finding means, with an example and what to write instead; without CODE, list all there are."""
    pages = _pages()
    screen = system_screen(color)
    if code is None:
        screen.show("".join(f"{_title(page)}\n" for page in pages.values()))
        return ExitCode.OK
    page = pages.get(code.upper())
    if page is None:
        near = nearest(code.upper(), pages)
        hint = f'did you mean "{near}"?' if near else "flowpar explain lists them"
        raise UsageError(f'there is no finding "{code}"', hint=hint)
    screen.show(page.read_text(encoding="utf-8"))
    return ExitCode.OK


def _pages() -> dict[str, Path]:
    home = next((home for home in _HOMES if home.is_dir()), None)
    if home is None:
        raise UsageError("the pages on findings are not installed", hint="they are in docs/errors of the project")
    return {page.stem: page for page in sorted(home.glob("FP*.md"))}


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as lines:
        return lines.readline().removeprefix("# ").rstrip()
