from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.record.seen_files import SeenFiles

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO_NS = 10**18
LARGE = b"x" * 100_000


def digest(cache_dir: Path, file: Path) -> str:
    seen = SeenFiles(cache_dir)
    try:
        return seen.digest(str(file))
    finally:
        seen.close()


def test_a_file_that_was_written_to_is_read_again_also_where_its_time_was_put_back(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(LARGE)
    os.utime(file, ns=(LONG_AGO_NS, LONG_AGO_NS))
    before = digest(tmp_path, file)
    assert digest(tmp_path, file) == before

    with file.open("r+b") as stream:
        stream.write(b"y")
    os.utime(file, ns=(LONG_AGO_NS, LONG_AGO_NS))

    assert digest(tmp_path, file) != before


def test_what_an_earlier_version_kept_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(LARGE)
    os.utime(file, ns=(LONG_AGO_NS, LONG_AGO_NS))
    before = digest(tmp_path, file)
    (database,) = (path for path in tmp_path.iterdir() if path != file)
    database.write_bytes(b"no database " * 1000)

    assert digest(tmp_path, file) == before
