"""Built-in functions over paths, and the one that looks into folders."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from flowpar.core.types import PATH, STR, ListOf
from flowpar.expr.signature import Function, Kind, Parameter, always

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from flowpar.expr.work import Work


def _glob(work: Work, pattern: str | PathLike[str]) -> list[str]:
    """Return the files and folders that match, sorted, as absolute paths; `**` goes into folders."""
    import glob  # late: it is seldom needed, and every worker would pay for it

    work.leave_engine("glob() looks at the disk")
    full = os.path.join(work.folder or os.getcwd(), os.path.expanduser(pattern))  # noqa: PTH109, PTH111, PTH118 - as text
    return sorted(str(path) for path in work.listed(glob.iglob(full, recursive=True)))  # noqa: PTH207 - the same


def _basename(work: Work, path: str | PathLike[str]) -> str:
    del work
    return os.path.basename(path)  # noqa: PTH119 - text stays text


def _dirname(work: Work, path: str | PathLike[str]) -> str:
    del work
    return os.path.dirname(path)  # noqa: PTH120 - the same


def _stem(work: Work, path: str | PathLike[str]) -> str:
    return os.path.splitext(_basename(work, path))[0]  # noqa: PTH122 - the same


def _suffix(work: Work, path: str | PathLike[str]) -> str:
    return os.path.splitext(_basename(work, path))[1]  # noqa: PTH122 - the same


def _path(work: Work, *parts: str | PathLike[str]) -> Path:
    from pathlib import Path  # late: it costs 4 ms, and few expressions make paths

    del work
    return Path(*parts)


_PATH = Parameter("path", Kind.PATH)

FUNCTIONS = (
    Function("glob", (Parameter("pattern", Kind.PATH),), always(ListOf(STR)), _glob),
    Function("basename", (_PATH,), always(STR), _basename),
    Function("dirname", (_PATH,), always(STR), _dirname),
    Function("stem", (_PATH,), always(STR), _stem),
    Function("suffix", (_PATH,), always(STR), _suffix),
    Function("path", (Parameter("parts", Kind.PATH),), always(PATH), _path, is_variadic=True),
)
