"""How a command ends: what it raised as one line for the user, and the exit code that goes with it."""

from __future__ import annotations

import errno
import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from flowpar import __version__
from flowpar.core.errors import ExitCode, FlowparError, InternalError
from flowpar.report.screen import system_screen
from flowpar.report.terminal import strip_controls

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.report.screen import Screen

_TOO_FEW_FILES = "this process may open too few files; raise the limit, as with ulimit -n 256"
_REPORT = "this is a bug of flowpar's; please report it with the lines above, the command and the workflow"


def ended(act: Callable[[], Any]) -> int:
    """Run a command and return its exit code, whatever happens."""
    screen = system_screen()
    try:
        return int(act() or ExitCode.OK)
    except click.ClickException as error:
        _tell_usage(screen, error)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except InternalError as error:
        return _tell_bug(screen, error)
    except FlowparError as error:
        screen.tell(f"{screen.painted('flowpar:', 'error')} {strip_controls(_with_hint(error))}")
        if error.way_on:
            screen.tell(error.way_on)
        return error.exit_code
    except MemoryError as error:
        screen.tell(f"{screen.painted('flowpar:', 'error')} out of memory {error}".rstrip())
        return ExitCode.ENVIRONMENT
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours ends with 70
        if _is_out_of_descriptors(error):
            screen.tell(f"{screen.painted('flowpar:', 'error')} {_TOO_FEW_FILES}")
            return ExitCode.ENVIRONMENT
        if isinstance(error, OSError) and _is_of_click(error):
            screen.tell(f"{screen.painted('flowpar:', 'error')} cannot write to stdout: {str(error.strerror).lower()}")
            return ExitCode.ENVIRONMENT
        return _tell_bug(screen, error)


def _is_of_click(error: OSError) -> bool:
    """Whether it was raised as click wrote help or the version, which alone do not go through our screen."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__") == "click.utils"


def _is_out_of_descriptors(error: Exception) -> bool:
    # An import may meet it anywhere; a library that cannot be opened is named in the text alone.
    if isinstance(error, ImportError):
        return os.strerror(errno.EMFILE) in str(error)
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def _tell_usage(screen: Screen, error: click.ClickException) -> None:
    message = error.format_message()
    if message.startswith("Usage:"):
        screen.tell(message)  # a bare `flowpar` is asked for help
        return
    if message:
        told = _no_such_option(error) if isinstance(error, click.NoSuchOption) else _in_house_style(message)
        screen.tell(f"{screen.painted('flowpar:', 'error')} {told}")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        screen.tell(f"try: {context.command_path} --help")


def _no_such_option(error: click.NoSuchOption) -> str:
    # Imported here: who types right does not pay for it.
    params = [] if error.ctx is None else error.ctx.command.params
    hint = import_module("flowpar.cli.foreign").option_meant(error.option_name, params)
    return f'no such option "{error.option_name}"' + (f"; {hint}" if hint else "")


def _in_house_style(message: str) -> str:
    quoted = re.sub(r"'([^']*)'", r'"\1"', message.rstrip("."))
    return re.sub(r"[.;]? (?:\()?[Dd]id you mean", "; did you mean", quoted[0].lower() + quoted[1:])


def _with_hint(error: FlowparError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _tell_bug(screen: Screen, error: BaseException) -> ExitCode:
    import traceback  # late: there should be none

    lines = traceback.format_exception(error)
    python = sys.version.split()[0]
    screen.tell(f"{''.join(lines)}flowpar {__version__}, Python {python}, {sys.platform}")
    screen.tell(_REPORT, "error")
    return ExitCode.INTERNAL
