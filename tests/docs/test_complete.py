"""The documents name all that there is: events, options of commands and of `flowpar.run`, exit codes."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import flowpar
from flowpar.cli.main import flowpar as verbs
from flowpar.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
DOCS = {page.name: page.read_text(encoding="utf-8") for page in (PROJECT / "docs").glob("*.md")}
SCHEMA = (PROJECT / "schemas" / "event.schema.json").read_text(encoding="utf-8")


def commands(group: click.Command, name: str = "flowpar") -> Iterator[tuple[str, click.Command]]:
    if isinstance(group, click.Group):
        context = click.Context(group)
        for child in group.list_commands(context):
            found = group.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")
    else:
        yield name, group


COMMANDS = dict(commands(verbs))


def test_each_event_is_in_the_page_on_logs() -> None:
    events = set(re.findall(r'"((?:run|task)\.[a-z_]+)"', json.dumps(json.loads(SCHEMA))))

    assert len(events) > 10
    assert not [event for event in sorted(events) if f"`{event}`" not in DOCS["logs.md"]]


def test_each_parameter_of_run_is_in_the_page_on_programs() -> None:
    parameters = list(inspect.signature(flowpar.run).parameters)[1:]

    assert not [name for name in parameters if f"`{name}" not in DOCS["programs.md"]]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_of_a_command_is_in_a_page(name: str) -> None:
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option) and not one.hidden]
    text = "\n".join(DOCS.values())

    assert not [one.name for one in options if not any(re.search(rf"`{way}\b|[ \[]{way}\b", text) for way in one.opts)]
    assert name in text


def test_each_exit_code_is_in_the_page_on_the_command_line() -> None:
    table = DOCS["cli.md"].partition("## Exit codes")[2].partition("## ")[0]

    assert not [code.name for code in ExitCode if not re.search(rf"^\|.*\b{code.value}\b.*\|", table, re.MULTILINE)]
