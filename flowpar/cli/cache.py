"""`flowpar cache`: what the cache holds, and what of it is to go."""

from __future__ import annotations

import fnmatch
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flowpar.cli import options
from flowpar.core.errors import ExitCode, StateError, UsageError
from flowpar.data.cache import CacheFolder
from flowpar.engine.cache_options import LIMIT_BYTES
from flowpar.record.cache_care import Kept, Swept, is_cache, list_kept, remove, sweep, verify
from flowpar.record.folder import check_owner
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.wording import duration, size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_EXAMPLES = options.examples(
    "flowpar cache ls",
    "flowpar cache rm train",
    "flowpar cache gc --limit 2GiB --older-than 30d",
)
T = TypeVar("T")
_SHORT = 12
_NOTHING: Swept | None = Swept(0, 0, 0)
_PATIENCE_S = 10.0


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        options.color(),
        options.as_json("the list"),
        click.option("--trust-state", is_flag=True, help="Use a folder that is a link or another user's."),
        options.state_dir(),
        options.cache_dir(),
    ):
        command = option(command)
    return command


@click.group("cache", epilog=_EXAMPLES)
def command() -> None:
    """See what the cache holds, remove some of it, or see whether it is sound."""


@command.command("ls", epilog=options.examples("flowpar cache ls", "flowpar cache ls --json"))
@_common
def ls(*, cache_dir: Path | None, state_dir: Path, trust_state: bool, is_json: bool, color: Color) -> int:
    """List the entries, the one used last first."""
    screen = system_screen(color)
    nothing: list[Kept] = []
    found = _asked(_folder(cache_dir, state_dir, trust_state=trust_state), list_kept, nothing)
    if is_json:
        screen.show(shown([_record(kept) for kept in found]))
    elif found:
        now = time.time()
        screen.show(table([_row(kept, now) for kept in found]))
    else:
        screen.tell("the cache is empty")
    return ExitCode.OK


@command.command(
    "rm",
    short_help="Remove what tasks came to, by name, pattern or key.",
    epilog=options.examples("flowpar cache rm train", "flowpar cache rm --all"),
)
@click.argument("names", nargs=-1, metavar="[TASK|KEY]…")
@click.option("--all", "is_all", is_flag=True, help="Remove all entries.")
@_common
def rm(
    *,
    names: tuple[str, ...],
    is_all: bool,
    cache_dir: Path | None,
    state_dir: Path,
    trust_state: bool,
    is_json: bool,
    color: Color,
) -> int:
    """Remove what tasks came to: by their names, which may be patterns, or by the beginning of a key."""
    if bool(names) is is_all:
        problem = "--all leaves nothing to choose" if is_all else "nothing says what is to be removed"
        raise UsageError(problem, hint="give tasks or keys, or --all")
    folder = _folder(cache_dir, state_dir, trust_state=trust_state)

    def is_wanted(kept: Kept) -> bool:
        return is_all or _is_named(kept, names)

    swept = _asked(folder, lambda there: remove(there, is_wanted, patience_s=_PATIENCE_S), _NOTHING)
    unknown = f"no entry matches {' or '.join(names)}; see flowpar cache ls" if names else ""
    _tell(system_screen(color), swept, is_json=is_json, unknown=unknown)
    return ExitCode.OK


@command.command("gc", epilog=options.examples("flowpar cache gc", "flowpar cache gc --limit 2GiB --older-than 30d"))
@click.option("--limit", callback=options.read_size, metavar="SIZE", help="How much may stay; by default 10GiB.")
@click.option(
    "--older-than",
    "older_than_s",
    callback=options.read_duration,
    metavar="DURATION",
    help="Remove what was not used for so long.",
)
@_common
def gc(
    *,
    limit: int | None,
    older_than_s: float | None,
    cache_dir: Path | None,
    state_dir: Path,
    trust_state: bool,
    is_json: bool,
    color: Color,
) -> int:
    """Make room: what was not used for longest goes first."""
    folder = _folder(cache_dir, state_dir, trust_state=trust_state)
    oldest_at = 0.0 if older_than_s is None else time.time() - older_than_s
    most = LIMIT_BYTES if limit is None else limit
    swept = _asked(folder, lambda there: sweep(there, most, oldest_at=oldest_at, patience_s=_PATIENCE_S), _NOTHING)
    _tell(system_screen(color), swept, is_json=is_json)
    return ExitCode.OK


@command.command(
    "verify",
    short_help="Take all checksums, and remove what is not sound.",
    epilog=options.examples("flowpar cache verify"),
)
@_common
def verify_(*, cache_dir: Path | None, state_dir: Path, trust_state: bool, is_json: bool, color: Color) -> int:
    """Take the checksums of all that is kept, and remove what is not as it was written."""
    screen = system_screen(color)
    nothing: tuple[int, list[str]] = (0, [])
    sound, problems = _asked(_folder(cache_dir, state_dir, trust_state=trust_state), verify, nothing)
    if is_json:
        screen.show(shown({"sound": sound, "removed": problems}))
    else:
        for problem in problems:
            screen.tell(f"removed {problem}", "warning")
        screen.tell(f"{sound} of {_entries(sound + len(problems))} sound")
    return ExitCode.OK if not problems else ExitCode.TASK_FAILED


def _folder(cache_dir: Path | None, state_dir: Path, *, trust_state: bool) -> CacheFolder | None:
    """Return the cache, None where there is none yet."""
    path = cache_dir or state_dir / "cache"
    try:
        check_owner(path, trust_state=trust_state)
    except FileNotFoundError:
        if cache_dir is not None:
            raise UsageError(f'there is no cache in "{path}"', hint="see --cache-dir") from None
        return None
    except OSError as error:
        raise StateError(f'the cache "{path}" cannot be read: {(error.strerror or "").lower()}') from error
    if not is_cache(path):
        raise UsageError(f'"{path}" is no cache of flowpar: there is something else in it', hint="see --cache-dir")
    return CacheFolder(os.fspath(path.absolute()))


def _asked(folder: CacheFolder | None, ask: Callable[[CacheFolder], T], nothing: T) -> T:
    if folder is None:
        return nothing
    try:
        return ask(folder)
    except FileNotFoundError:
        return nothing
    except OSError as error:
        raise StateError(f'the cache "{folder.path}" cannot be used: {(error.strerror or "").lower()}') from error


def _is_named(kept: Kept, names: tuple[str, ...]) -> bool:
    task = kept.entry.made_by[1]
    whole = task.partition("[")[0]
    return any(
        kept.entry.key.startswith(name) or name == task or fnmatch.fnmatchcase(whole, name) for name in names if name
    )


def _record(kept: Kept) -> dict[str, object]:
    entry = kept.entry
    return {
        "key": entry.key,
        "task": entry.made_by[1],
        "run": entry.made_by[0],
        "made_at": round(entry.made_at, 3),
        "used_at": round(kept.used_at, 3),
        "seconds": entry.seconds,
        "size_bytes": kept.size_bytes,
        "files": [each.path for each in entry.files],
    }


def _row(kept: Kept, now: float) -> dict[str, object]:
    entry = kept.entry
    return {
        "key": entry.key[:_SHORT],
        "task": entry.made_by[1],
        "took": duration(entry.seconds),
        "size": size(kept.size_bytes),
        "files": len(entry.files) or "",
        "used": f"{duration(max(0.0, now - kept.used_at))} ago",
    }


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _tell(screen: Screen, swept: Swept | None, *, is_json: bool, unknown: str = "") -> None:
    if swept is None:
        raise StateError("another process makes room in the cache at the moment", hint="try again when it is done")
    if is_json:
        screen.show(shown({"removed": swept.entries, "freed_bytes": swept.freed_bytes}))
    elif swept.entries or swept.freed_bytes:
        screen.tell(f"{_entries(swept.entries)} removed, {size(swept.freed_bytes)}")
    else:
        screen.tell(unknown or "there is nothing to remove")
