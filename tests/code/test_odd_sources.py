"""Sources that are no Python, too large or too deep, and files that are none: they count, without a traceback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flowpar.code.library import Library
from flowpar.code.reach import Reached, Reaches

if TYPE_CHECKING:
    from pathlib import Path

STEPS = "import lib\n\ndef run(): return lib.rate()\n"
RATE = "from other import RATE\n\ndef rate(): return RATE\n"


def reached(folder: Path, **files: str | bytes) -> Reached:
    (folder / "steps.py").write_text(STEPS)
    for name, content in files.items():
        (folder / f"{name}.py").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = Reaches(Library([folder])).of("steps:run")
    assert isinstance(found, Reached), found
    return found


UNREAD = {
    "no Python": f"{RATE}def other(:\n",
    "nested too deeply": f"{RATE}X = {'+'.join(['1'] * 20_000)}\n",
    "too large": f"{RATE}{'# and so on' * 100_000}\n",
    "another encoding than it says": f"{RATE}X = 'é'\n".encode("latin-1"),
    "an encoding that is none": f"# coding: rot13\n{RATE}",
    "an encoding that nobody knows": f"# coding: nope\n{RATE}",
    "a null byte": f"{RATE}X = '\0'\n",
}


@pytest.mark.parametrize("text", UNREAD.values(), ids=UNREAD)
def test_of_a_module_that_cannot_be_read_the_file_counts_and_what_it_imports(tmp_path: Path, text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    first = reached(tmp_path, lib=content, other="RATE = 1\n")
    other = reached(tmp_path, other="RATE = 2\n")
    itself = reached(tmp_path, lib=content + b"#")

    assert len({first.digest, other.digest, itself.digest}) == 3
    assert first.notes == ('lib.py:1: module "lib" can\'t be read, so its file counts, and all of what it imports',)


def test_a_statement_of_hundreds_of_calls_is_read(tmp_path: Path) -> None:
    text = f"query = object()\nquery{'.where(1)' * 490}\n\ndef rate(): return query\n"

    assert reached(tmp_path, lib=text).digest != reached(tmp_path, lib=text.replace("1", "2", 1)).digest


def test_a_name_is_followed_through_as_many_modules_as_there_are(tmp_path: Path) -> None:
    hops = {f"m{number}": f"from m{number + 1} import rate\n" for number in range(600)}
    first = reached(tmp_path, lib="from m0 import rate\n", **hops, m600="def rate(): return 1\n")

    assert reached(tmp_path, m600="def rate(): return 2\n").digest != first.digest


@pytest.mark.parametrize("kind", ["a link to itself", "a link to nothing", "a folder", "a pipe"])
def test_what_is_called_like_a_module_and_is_none_is_not_read(tmp_path: Path, kind: str) -> None:
    lib = tmp_path / "lib.py"
    match kind:
        case "a link to itself":
            lib.symlink_to(lib)
        case "a link to nothing":
            lib.symlink_to(tmp_path / "gone.py")
        case "a folder":
            lib.mkdir()
        case _:
            os.mkfifo(lib)

    assert [part.name for part in reached(tmp_path).parts] == ["steps:run"]


def test_a_package_behind_a_link_counts(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "lib").symlink_to(tmp_path / "real")
    (tmp_path / "real/__init__.py").write_text("from .inner import rate\n")
    (tmp_path / "real/inner.py").write_text("def rate(): return 1\n")
    first = reached(tmp_path)

    (tmp_path / "real/inner.py").write_text("def rate(): return 2\n")

    assert reached(tmp_path).digest != first.digest
