"""Files under another name: whole or not there, whatever becomes of who makes them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from flowpar.data.copying import copy, share, write

_COPIES = "import sys; from flowpar.data.copying import copy; copy(*sys.argv[1:])"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="a file needs a name elsewhere")
@pytest.mark.timeout(180)
def test_whoever_is_killed_at_a_copy_leaves_nothing(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "folder"
    os.mkfifo(source)
    folder.mkdir()

    with subprocess.Popen([sys.executable, "-c", _COPIES, str(source), str(folder / "copy")]) as copying:
        stream = os.open(source, os.O_WRONLY)
        while os.write(stream, bytes(1 << 16)) and not _has_written(copying.pid, folder):
            pass
        copying.kill()
        os.close(stream)

    assert names(folder) == []


def _has_written(pid: int, folder: Path) -> bool:
    """Whether a process has a file in a folder open that is not empty."""
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            if path.readlink().is_relative_to(folder) and path.stat().st_size:
                return True
    return False


def test_a_copy_has_its_rights_and_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    for name, text in (("old", "old"), ("new", "new")):
        (tmp_path / name).write_text(text)

    copy(str(tmp_path / "new"), str(tmp_path / "old"), mode=0o640)

    assert ((tmp_path / "old").read_text(), (tmp_path / "old").stat().st_mode & 0o777) == ("new", 0o640)
    assert names(tmp_path) == ["new", "old"]


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(IsADirectoryError):
        copy(str(tmp_path / "folder"), str(tmp_path / "copy"))
    (tmp_path / "source").write_text("x")
    with pytest.raises(IsADirectoryError):
        copy(str(tmp_path / "source"), str(tmp_path / "folder"))
    with pytest.raises(FileNotFoundError):
        copy(str(tmp_path / "source"), str(tmp_path / "gone" / "copy"))

    assert names(tmp_path) == ["folder", "source"]


@pytest.mark.parametrize("name", ["x" * 255, "\N{PILE OF POO}" * 63])
def test_a_file_may_have_the_longest_name_there_is(tmp_path: Path, name: str) -> None:
    write(str(tmp_path / name), b"x")
    share(str(tmp_path / name), str(tmp_path / "other"))
    copy(str(tmp_path / "other"), str(tmp_path / name))

    assert names(tmp_path) == sorted(["other", name])


def test_where_a_file_can_be_given_no_name_later_it_has_one_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "not in this sandbox")

    monkeypatch.setattr(os, "link", refuse)
    write(str(tmp_path / "source"), b"x" * 100)

    share(str(tmp_path / "source"), str(tmp_path / "copy"))

    assert ((tmp_path / "copy").read_bytes(), names(tmp_path)) == (b"x" * 100, ["copy", "source"])
