"""What a Markdown page shows, as files and commands, so that a test can hold it to its word.

page ─► Block*   python, yaml   a file, by its first line "# name.py" or by a `name.yaml` just before it
                 console        commands after "$ ", each with the output that it should have
                 text           what stands for itself
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_NAMED_BEFORE = re.compile(r"`([\w./-]+\.\w+)`")
_ENDINGS = {"python": (".py",), "yaml": (".yaml", ".yml"), "toml": (".toml",), "json": (".json",)}
_NAMED_INSIDE = re.compile(r"# ([\w./-]+\.\w+)$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_DEADLINE_S = 55
_EXIT_CODE = re.compile(r" +# exits (\d+)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `section` is the heading above it, `name` the file that it shows, if it says so."""

    language: str
    text: str
    line: int
    section: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block, what it should print, and its exit code ("# exits 2", else 0)."""

    text: str
    output: tuple[str, ...]
    exit_code: int

    def taken_apart(self) -> tuple[dict[str, str], list[str]]:
        """Return the variables that are set before the command (`NAME=value flowpar …`), and its words."""
        words = shlex.split(self.text)
        first = next((place for place, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
        return dict(word.split("=", 1) for word in words[:first]), words[first:]


def blocks(page: str) -> Iterator[Block]:
    """Return the fenced blocks of a page, in order."""
    for match in _FENCE.finditer(page):
        before = page[: match.start()]
        headings = _HEADING.findall(_FENCE.sub("", before))
        text = "".join(line.removeprefix(match[1]) for line in match[3].splitlines(keepends=True))
        name = _name(match[2], text, before)
        yield Block(match[2], text, before.count("\n") + 1, headings[-1] if headings else "", name)


def _name(language: str, text: str, before: str) -> str | None:
    """Return the file of a block: its first line is "# name.py", or the line before it names one and ends with ":"."""
    inside = _NAMED_INSIDE.match(text.partition("\n")[0])
    lead = before.rstrip().rpartition("\n")[2]
    named = _NAMED_BEFORE.findall(lead) if lead.endswith(":") else []
    known = [name for name in named if name.endswith(_ENDINGS.get(language, ()))]
    return inside[1] if inside else next(iter(known), None)


def commands(block: Block) -> Iterator[Command]:
    """Return the commands of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *output = part.splitlines()
        told = _EXIT_CODE.search(line)
        text = _EXIT_CODE.sub("", line)
        yield Command(text, tuple(line for line in output if line), int(told[1]) if told else 0)


def run_commands(page: str, folder: Path) -> list[str]:
    """Run the commands of a page's console blocks in a folder, with this Python; return what each printed to stdout.

    A command that ends with another exit code than the page says is an AssertionError with its stderr.
    """
    found = (command for block in blocks(page) if block.language == "console" for command in commands(block))
    return [_run(command, folder) for command in found]


def _run(command: Command, folder: Path) -> str:
    variables, words = command.taken_apart()
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )
    if done.returncode != command.exit_code:
        raise AssertionError(f"{command.text} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def shows(expected: str, line: str) -> bool:
    """Whether a line of output is what the page shows, where "…" stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, line.strip()) is not None
