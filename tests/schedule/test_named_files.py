"""Which files arguments of a task name."""

from __future__ import annotations

from pathlib import Path

from flowpar.schedule.named_files import named_files


def test_files_are_named_in_every_form(tmp_path: Path) -> None:
    for name in ("a.txt", "b[1].txt", "sub/c.txt", "sub/deep/d.txt", "out/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    values = ["a.txt", [Path("b[1].txt"), "gone.txt"], {"sub": "/there", "out": "/out:rw"}, None, 3, "s3://a.txt", ""]

    assert named_files(values, str(tmp_path), home="") == ("a.txt", "b[1].txt", "sub/c.txt", "sub/deep/d.txt")
    assert named_files(["c.txt"], str(tmp_path), home="sub") == ("sub/c.txt",)
