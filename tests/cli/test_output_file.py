"""`-o FILE`: what is there is replaced only where flowpar wrote it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from flowpar.cli.output_file import write_output
from flowpar.core.errors import FlowparError, UsageError
from flowpar.report.trace import BEGINNING

CONTENT = BEGINNING + b"}]}"


def write(path: Path, content: bytes = CONTENT) -> None:
    write_output(path, content, beginning=BEGINNING, kind="trace")


@pytest.mark.parametrize("before", [None, b"", CONTENT + b"older"])
def test_what_is_new_or_empty_or_ours_is_replaced(tmp_path: Path, before: bytes | None) -> None:
    file = tmp_path / "trace.json"
    if before is not None:
        file.write_bytes(before)
        file.chmod(0o600)

    write(file)

    assert file.read_bytes() == CONTENT
    assert before is None or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("before", [b"tasks: {}\n", b"{", BEGINNING[:-1]])
def test_what_somebody_else_wrote_stays(tmp_path: Path, before: bytes) -> None:
    file = tmp_path / "workflow.yaml"
    file.write_bytes(before)

    with pytest.raises(UsageError, match="is there already, and is no trace of flowpar's") as raised:
        write(file)

    assert raised.value.hint == "give another file with -o"
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_stays_one() -> None:
    write(Path(os.devnull))

    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_pipe_gets_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    write(pipe)

    reader.join(60)
    assert got == [CONTENT]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_and_leads_to_what_is_written(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("trace.json")

    write(link)

    assert link.is_symlink()
    assert (tmp_path / "trace.json").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (".", "is a folder"),
        ("", "is a folder"),
        ("..", "is a folder"),
        ("file/x", "there is no folder"),
        ("no/x", "there is no folder"),
        ("x" * 300, "name too long"),
        ("a\0b", "null (byte|character)"),
    ],
)
def test_where_nothing_can_be_written_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")

    with pytest.raises(FlowparError, match=told) as raised:
        write(Path(target))

    assert raised.value.exit_code in {2, 3}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
