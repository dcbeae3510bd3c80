"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowpar.core.errors import StateError
from flowpar.lang.duration import DURATION_FORM, seconds
from flowpar.lang.size import SIZE_FORM, size_bytes, size_hint
from flowpar.report.screen import Color

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_MOST_DIGITS = 18


def read_duration(context: click.Context, parameter: click.Parameter, given: str | None) -> float | None:
    """Read a duration as workflows write it, and return seconds."""
    if given is None:
        return None
    try:
        length = seconds(float(given))  # a bare number is text here, and is none in a workflow
    except ValueError:
        length = seconds(given)
    if not length:
        raise click.BadParameter(f'"{given}" is not {DURATION_FORM}, above zero', context, parameter)
    return length


def read_size(context: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
    """Read a size as workflows write it, and return bytes."""
    if given is None:
        return None
    number = int(given) if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS else given
    size = size_bytes(number)
    if not size:
        hint = size_hint(number)
        told = f'"{given}" is not {SIZE_FORM}, above zero' + (f"; {hint}" if hint else "")
        raise click.BadParameter(told, context, parameter)
    return size


def whole_number(*names: str, least: int, **more: Any) -> Decorator:
    """Take a whole number of at least `least`."""

    def read(context: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
        if given is None:
            return None
        number = int(given) if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS else -1
        if number < least:
            raise click.BadParameter(f'"{given}" is not a whole number of at least {least}', context, parameter)
        return number

    return click.option(*names, callback=read, metavar="N", **more)


def file_argument() -> Decorator:
    """Take one workflow file; that it is there and readable, `check` says better."""
    return click.argument("file", type=click.Path())


def inputs() -> Decorator:
    """Take values for the workflow's inputs."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option(
            "--inputs",
            "inputs_file",
            type=click.Path(),
            metavar="FILE",
            help="Read values of inputs from a YAML or JSON file; -i wins over it.",
        )(command)
        return click.option(
            "-i",
            "--input",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="Give a value to an input; may be repeated.",
        )(command)

    return decorate


def only() -> Decorator:
    """Take some tasks of the workflow."""
    return click.option(
        "--only",
        multiple=True,
        metavar="TASK",
        help="Take only this task, all that it needs, and finally; may be repeated.",
    )


def verbosity() -> Decorator:
    """Choose how much is told, in one direction."""

    def refuse_both(context: click.Context, _: click.Parameter, given: bool) -> bool:  # noqa: FBT001 - click's signature
        if given and (context.params.get("quiet") or context.params.get("verbose")):
            raise click.UsageError("-q asks for less and -v for more to be told; give one of them", context)
        return given

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        more = "Tell starts, items and what tasks print, too."
        command = click.option("-v", "--verbose", is_flag=True, callback=refuse_both, help=more)(command)
        return click.option("-q", "--quiet", is_flag=True, callback=refuse_both, help="Tell failures only.")(command)

    return decorate


def no_plugins() -> Decorator:
    """Leave out what installed distributions and the workflow's own files add."""
    return click.option("--no-plugins", is_flag=True, help="Know the built-in kinds of tasks only.")


def color() -> Decorator:
    """Choose when to use colours."""
    return click.option(
        "--color",
        type=click.Choice([choice.value for choice in Color]),
        default=Color.AUTO.value,
        show_default=True,
        callback=lambda _context, _parameter, value: Color(value),
        help="Use colours; auto means on a terminal, unless NO_COLOR is set.",
    )


def state_dir() -> Decorator:
    """Choose the folder that keeps runs."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        default=".flowpar",
        envvar="FLOWPAR_STATE_DIR",
        show_default=True,
        show_envvar=True,
        help="Where runs are kept.",
    )


def run_argument(*, is_required: bool = True) -> Decorator:
    """Take a run by its id, the beginning of its id, `last`, or the path of its folder."""
    return click.argument(
        "run", required=is_required, metavar="RUN" if is_required else "[RUN]", shell_complete=_complete_run
    )


def _complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from flowpar.record.history import run_ids  # late: only a shell that completes asks

    del parameter
    folder = Path(context.params.get("state_dir") or os.environ.get("FLOWPAR_STATE_DIR") or ".flowpar")
    try:
        names = [*reversed(run_ids(folder)), "last"]
    except StateError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def cache_dir() -> Decorator:
    """Choose the folder of the cache."""
    return click.option(
        "--cache-dir",
        type=click.Path(path_type=Path, readable=False),  # one that is of no use fails no run
        envvar="FLOWPAR_CACHE_DIR",
        show_envvar=True,
        help="Where the cache is; by default in the state folder.",
    )


def cache() -> tuple[Decorator, ...]:
    """Choose whether and how a run uses its cache."""
    return (
        click.option("--no-cache", is_flag=True, help="Run all tasks, and keep nothing in the cache."),
        click.option(
            "--refresh",
            multiple=True,
            metavar="TASK",
            help="Run this task though it is in the cache, and keep it anew; may be repeated.",
        ),
        cache_dir(),
        click.option(
            "--cache-limit",
            callback=read_size,
            metavar="SIZE",
            help="How much the cache may hold when the run is over; by default 10GiB.",
        ),
    )


def as_json(what: str) -> Decorator:
    """Print a listing for programs."""
    return click.option("--json", "is_json", is_flag=True, help=f"Print {what} as JSON.")


def examples(*lines: str) -> str:
    """Return an epilog that shows a command at work."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
