"""Make the pictures of the live view beside this file: a run in tmux, as its terminal shows it, written as SVG.

    python docs/images/make_live.py

It needs tmux; all else happens in a folder that is removed. No browser takes part.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.style import Style

CONSOLE = Console()
HERE = Path(__file__).parent
SOCKET = f"flowpar-pictures-{os.getpid()}"
DEADLINE_S = 120.0
STEPS = """
import time

from flowpar import TaskContext


def load(rows: int) -> int:
    time.sleep(0.6)
    return rows


def clean(region: str) -> str:
    time.sleep(0.9 + len(region) / 10)
    if region == "Nord":
        raise ValueError("row 4711 has no total")
    return region


def train(context: TaskContext) -> float:
    for epoch in range(40):
        context.progress(epoch, 40, f"loss {0.9 ** epoch:.3f}")
        time.sleep(0.22)
    return 0.02


def audit() -> None:
    time.sleep(8)
"""
REGIONS = "Nord Süd Ost West Mitte Küste Alpen Insel Hafen Stadt Land Grenze Becken Delta Forst Heide"
WORKFLOW = f"""flowpar: 1
name: quarterly-report
tasks:
  load: {{python: steps:load, with: {{rows: 48000}}}}
  clean:
    python: steps:clean
    for_each: [{", ".join(REGIONS.split())}]
    key: ${{{{ each.item }}}}
    needs: [load]
    on_item_error: finish
    with: {{region: "${{{{ each.item }}}}"}}
  train: {{python: steps:train, needs: [load], priority: 5}}
  audit: {{python: steps:audit, needs: [load], priority: 5}}
  report: {{shell: "true", needs: [clean, train, audit]}}
"""
DARK = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [
        (72, 79, 88),
        (248, 81, 73),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
STYLE = f"<style>text{{font:14px {FONTS};white-space:pre}}</style>"
WIDE_PX, HIGH_PX, EDGE_PX, BAR_PX = 8.4, 19, 16, 34


@contextmanager
def terminal(folder: Path, columns: int, rows: int) -> Iterator[str]:
    """Open a terminal of that size in a folder, with this Python's flowpar, and give its name."""
    name = f"{columns}x{rows}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["env", f"PATH={path}", "PS1=$ ", "CI=", "NO_COLOR=", "bash", "--norc", "--noprofile"]
    tmux(
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-s",
        name,
        "-x",
        str(columns),
        "-y",
        str(rows),
        "-c",
        str(folder),
        *shell,
    )
    try:
        yield name
    finally:
        tmux("kill-session", "-t", name)


def tmux(*arguments: str) -> str:
    """Say something to a tmux of our own."""
    command = [shutil.which("tmux") or "tmux", "-L", SOCKET, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def seen(name: str, is_met: Callable[[str], object]) -> str:
    """Return what a terminal shows as soon as it shows what is waited for."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        text = tmux("capture-pane", "-p", "-e", "-t", name)
        if is_met(Text.from_ansi(text).plain):
            return text
        time.sleep(0.1)
    raise TimeoutError(f"{name} did not come to show it")


def typed(name: str, line: str) -> None:
    """Type a command."""
    tmux("send-keys", "-t", name, line, "Enter")


def picture(text: str, columns: int, title: str) -> str:
    """Return a terminal as SVG: text in a font of the reader's, nothing that is fetched, no script."""
    lines = Text.from_ansi(text).split("\n")  # at once, as colours go on from line to line
    width, height = columns * WIDE_PX + 2 * EDGE_PX, len(lines) * HIGH_PX + BAR_PX + EDGE_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        STYLE,
        f'<rect width="100%" height="100%" rx="9" fill="{_hex(DARK.background_color)}"/>',
    ]
    parts += [f'<circle cx="{18 + 18 * at}" cy="17" r="5.5" fill="#30363d"/>' for at in range(3)]
    parts.append(
        f'<text x="{width / 2:.0f}" y="22" text-anchor="middle" fill="#8b949e">{escape(title)}</text>',
    )
    for row, line in enumerate(lines):
        parts += _row(line, BAR_PX + (row + 0.75) * HIGH_PX)
    return "\n".join([*parts, "</svg>", ""])


def _row(line: Text, y: float) -> Iterator[str]:
    """Write each piece of a line at its column, as wide as it is on a terminal whatever the font."""
    spans = sorted(line.spans, key=lambda span: span.start)
    ends = [0, *(place for span in spans for place in (span.start, span.end)), len(line.plain)]
    borders = sorted(set(ends))
    for start, end in pairwise(borders):
        text = line.plain[start:end]
        if not text.strip():
            continue
        style = line.get_style_at_offset(CONSOLE, start)  # where a piece begins, it has one style to its end
        x, wide = EDGE_PX + Text(line.plain[:start]).cell_len * WIDE_PX, Text(text).cell_len * WIDE_PX
        weight = ' style="font-weight:bold"' if style.bold else ""
        fill = f' fill="{_fill(style)}"'
        yield (
            f'<text x="{x:.1f}" y="{y:.1f}" textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs"{weight}{fill}>'
            f"{escape(text)}</text>"
        )


def _fill(style: Style) -> str:
    if style.dim:
        return "#8b949e"
    color = style.color or Color.default()
    return _hex(color.get_truecolor(DARK))


def _hex(color: tuple[int, int, int]) -> str:
    return f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}"


def main() -> None:
    """Make them all."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "steps.py").write_text(STEPS)
        (folder / "workflow.yaml").write_text(WORKFLOW)
        subprocess.run(
            [sys.executable, "-m", "flowpar", "run", "workflow.yaml", "-q", "-w", "4"],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        with terminal(folder, 100, 22) as run, terminal(folder, 58, 12) as status:
            typed(run, "clear; flowpar run workflow.yaml -w 4")
            seen(run, lambda text: re.search(r"[5-9] of 16 items", text))
            typed(status, "clear; flowpar status --follow")
            small = seen(status, lambda text: re.search(r" of 16 items", text) and "of 40, loss" in text)
            wide = seen(run, lambda text: re.search(r"[6-9] of 16 items", text) and "of 40, loss" in text)
            end = seen(run, lambda text: "run folder" in text)
        (HERE / "live.svg").write_text(picture(_trimmed(wide), 100, "flowpar run workflow.yaml -w 4"))
        (HERE / "live-narrow.svg").write_text(picture(_trimmed(small), 58, "flowpar status --follow"))
        (HERE / "live-end.svg").write_text(picture(_trimmed(end), 100, "flowpar run workflow.yaml -w 4"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _trimmed(text: str) -> str:
    """Leave out the lines below the last that shows anything, and the prompt."""
    lines = text.rstrip("\n").split("\n")
    while lines and Text.from_ansi(lines[-1]).plain.strip() in {"", "$", "^C"}:
        lines.pop()
    return "\n".join(lines)


if __name__ == "__main__":
    main()
