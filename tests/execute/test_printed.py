"""What a task prints: kept up to a limit, handed on in whole lines."""

from __future__ import annotations

import stat
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.mask import Masker
from flowpar.execute.printed import HEAD_BYTES, LINES_BYTES, TAIL_BYTES, PrintedOutput

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_printed_makes_no_file(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"))

    assert printed.finish() == ""
    assert not printed.has_log
    assert not (tmp_path / "a.log").exists()


def test_the_folder_and_the_file_are_made_for_their_owner(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "logs" / "a.log"))

    printed.take(b"x")
    printed.finish()

    assert stat.S_IMODE((tmp_path / "logs" / "a.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "a.log").symlink_to(tmp_path / "target")
    printed = PrintedOutput(str(tmp_path / "a.log"))

    printed.take(b"theirs")

    assert (tmp_path / "target").read_text() == "mine"
    assert printed.problem is not None


def test_a_folder_that_takes_no_file_is_a_warning_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    printed = PrintedOutput(str(tmp_path / "file" / "a.log"))

    assert printed.take(b"line\n") == "line\n"
    assert printed.problem == "its output could not be kept: Not a directory"


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.lists(st.integers(0, 800)))
def test_lines_are_handed_on_whole_and_in_order(tmp_path_factory: object, text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    printed = PrintedOutput("/dev/null")

    parts = [printed.take(data[low:high]) for low, high in pairwise(edges)]

    assert all(part == "" or part.endswith("\n") for part in parts)
    assert "".join(parts) + printed.finish() == text


def test_what_is_no_utf8_is_kept_as_it_is_and_handed_on_marked(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"))

    text = printed.take(b"\xff\n") + printed.finish()

    assert text == "\ufffd\n"
    assert (tmp_path / "a.log").read_bytes() == b"\xff\n"


def test_lines_are_handed_on_up_to_a_limit(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"))
    line = b"x" * 1023 + b"\n"

    text = "".join(printed.take(line) for _ in range(200)) + printed.finish()

    assert len(text) == LINES_BYTES
    assert (tmp_path / "a.log").stat().st_size == 200 << 10


def test_the_middle_of_a_flood_is_left_out(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"))
    chunks = [bytes([number]) * (1 << 20) for number in range(20)]

    for chunk in chunks:
        printed.take(chunk)
    printed.finish()

    kept = (tmp_path / "a.log").read_bytes()
    marker = f"\n… {(20 << 20) - HEAD_BYTES - TAIL_BYTES} bytes left out by flowpar …\n".encode()
    assert kept == b"".join(chunks)[:HEAD_BYTES] + marker + chunks[-1]


def test_a_secret_that_comes_in_pieces_is_neither_kept_nor_handed_on(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"), Masker(["hunter2-hunter2"]).stream())

    told = [printed.take(data) for data in (b"token: hun", b"ter2-hun", b"ter2\nnext\nhunter2")]
    rest = printed.finish()

    assert "".join(told) == "token: ***\nnext\n"
    assert rest == "hunter2"
    assert (tmp_path / "a.log").read_text() == "token: ***\nnext\nhunter2"


def test_a_secret_that_is_held_back_at_the_end_of_a_line_is_told_with_what_follows(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"), Masker(["hunter2\nhunter3"]).stream())

    assert printed.take(b"a\nhunter2\n") == "a\n"
    assert printed.take(b"b\n") == "***\nb\n"
    assert printed.finish() == ""


def test_with_secrets_nothing_printed_makes_no_file(tmp_path: Path) -> None:
    printed = PrintedOutput(str(tmp_path / "a.log"), Masker(["hunter2"]).stream())

    assert printed.finish() == ""
    assert not printed.has_log
