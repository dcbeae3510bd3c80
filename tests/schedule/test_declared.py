"""Which files an attempt reads, and what is known of them."""

from __future__ import annotations

import os
from pathlib import Path

from flowpar.schedule.declared import Declared, paths_named


class Texts:
    """Has the text of a file as its digest."""

    def digest(self, path: str) -> str:
        return Path(path).read_text()


def test_files_are_named_in_every_form(tmp_path: Path) -> None:
    for name in ("a.txt", "b[1].txt", "sub/c.txt", "sub/deep/d.txt", "out/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    values = ["a.txt", [Path("b[1].txt"), "gone.txt"], {"sub": "/there", "out": "/out:rw"}, None, 3, "s3://a.txt", ""]

    read = Declared(str(tmp_path), named=paths_named(values, home="")).read(Texts())

    assert list(read.digests) == ["a.txt", "b[1].txt", "sub/c.txt", "sub/deep/d.txt"]
    assert read.unmatched == ()
    assert paths_named(["c.txt"], home="sub") == ("sub/c.txt",)


def test_a_few_small_files_are_read_at_once_and_all_others_take_a_while(tmp_path: Path) -> None:
    (tmp_path / "small").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 20)

    def is_small(*patterns: str, named: tuple[str, ...] = ()) -> bool:
        return Declared(str(tmp_path), patterns, named).is_small

    assert is_small()
    assert is_small("small", "gone", named=("small",))
    assert not any((is_small("large"), is_small("s*"), is_small("folder"), is_small(named=("folder",))))
    assert not is_small(*["small"] * 20)
