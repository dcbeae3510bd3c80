"""Whether values and files name the checkout in which they were made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.execute.checkout import file_names_folder, names_folder

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "/home/ada/prix élevés"


@pytest.mark.parametrize(
    "content",
    [
        f"{ROOT}/a.txt".encode(),
        f"{ROOT}/a.txt".encode("utf-16"),
        f"{ROOT}/a.txt".encode("utf-32"),
        f"{ROOT}/a.txt".encode("utf-32-be"),
        json.dumps(f"{ROOT}/a.txt").encode(),
        b"file:///home/ada/prix%20%C3%A9lev%C3%A9s/a.txt",
        bytes((1 << 22) - 3) + f"{ROOT}/a.txt".encode("utf-32-le"),
    ],
)
def test_the_name_of_the_checkout_is_found_in_every_encoding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    ref = ValueRef(len(content), "", is_plain=True, file="file")

    assert file_names_folder(str(tmp_path / "file"), ROOT)
    assert names_folder(ref, str(tmp_path), ROOT)
    assert not names_folder(ref, str(tmp_path), "/home/ada/prices")
