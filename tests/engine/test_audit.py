"""What tasks reach that they do not declare."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from warm import run

from flowpar.engine.audit import Undeclared, patterns, undeclared

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
    import os
    import time
    from pathlib import Path


    def read():
        total = sum(len(path.read_text()) for path in sorted(Path("data").glob("*.csv")))
        Path("out").mkdir(exist_ok=True)
        Path("out/result.txt").write_text(Path("conf.ini").read_text())
        Path("out/result.txt").read_text()
        return total, os.environ["MODE"], os.getenv("OTHER"), os.environ["OWN"], time.time()


    def stream():
        yield open("conf.ini").read()


    def quiet(x):
        return x
"""
WORKFLOW = """
    flowpar: 1
    tasks:
      read: {python: "steps:read", env: {OWN: "1"}}
      stream: {python: "steps:stream"}
      quiet: {python: "steps:quiet", for_each: {x: "${{ tasks.stream.output }}"}, with: {x: "${{ each.x }}"}}
      script: {python: {script: "output = open('conf.ini').read()"}}
      shell: {shell: cat conf.ini}
"""


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        ([], []),
        (["a.csv", "b.csv"], ["a.csv", "b.csv"]),
        (["d/a.csv", "d/b.csv", "d/c.csv", "d/x.ini", "c.csv"], ["c.csv", "d/*.csv", "d/x.ini"]),
        (["d/a", "d/b", "d/c"], ["d/a", "d/b", "d/c"]),
    ],
)
def test_many_files_of_one_kind_are_told_as_a_pattern(paths: list[str], shown: list[str]) -> None:
    assert list(patterns(paths)) == shown


def test_the_lines_are_those_that_would_declare_it() -> None:
    found = Undeclared("read", ("data/*.csv", "conf.ini"), ("MODE",), others=(("started", ("git",)),))

    assert list(found.lines()) == [
        'audit: "read" does not declare all that it reads and writes; its cache would say',
        "    cache:",
        '      files: ["data/*.csv", conf.ini]',
        "      env: [MODE]",
        'audit: "read" started: git',
    ]


def test_an_audit_sees_what_tasks_reach_and_nothing_of_flowpars_own(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(textwrap.dedent(STEPS))
    (tmp_path / "w.yaml").write_text(textwrap.dedent(WORKFLOW))
    (tmp_path / "data").mkdir()
    for name in ("data/a.csv", "data/b.csv", "data/c.csv", "conf.ini"):
        (tmp_path / name).write_text("1")

    end = run(["run", "w.yaml", "--audit", "--run-dir", "here"], cwd=tmp_path, env={"MODE": "x", "PATH": "/bin"})

    assert end.returncode == 0, end.stderr
    assert undeclared(tmp_path / "here", str(tmp_path)) == [
        Undeclared(
            "read",
            ("conf.ini", "data/*.csv"),
            ("MODE", "OTHER"),
            ("out/result.txt",),
            (("asked the time of", ("time.time",)),),
        ),
        Undeclared("script", ("conf.ini",)),
        Undeclared("stream", ("conf.ini",)),
    ]
    assert '      files: [conf.ini, "data/*.csv"]\n' in end.stderr


RENAMING = """
    import os
    import shutil
    from pathlib import Path


    def by_draft():
        Path("out").mkdir(exist_ok=True)
        Path("out/draft").write_text("1")
        os.replace("out/draft", "out/result.txt")
        return Path("out/result.txt").read_text()


    def by_folder():
        Path("draft").mkdir()
        Path("draft/a.txt").write_text("1")
        shutil.move("draft", "made")
        return Path("made/a.txt").read_text()


    def of_inputs():
        os.link("conf.ini", "out.ini")
        os.rename("old.csv", "new.csv")
        os.symlink("conf.ini", "link.ini")
        Path("own").write_text("")
        Path("own").unlink()
        Path("gone.txt").unlink()
        return Path("new.csv").read_text()


    def listed():
        return [path.read_text() for path in Path("data").iterdir() if path.suffix == ".csv"], os.listdir("more")
"""


def test_files_that_get_another_name_are_told_by_the_one_that_they_have(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(textwrap.dedent(RENAMING))
    names = ("by_draft", "by_folder", "of_inputs", "listed")
    tasks = "".join(f"  {name}: {{python: 'steps:{name}'}}\n" for name in names)
    (tmp_path / "w.yaml").write_text(f"flowpar: 1\ntasks:\n{tasks}")
    for folder in ("data", "more"):
        (tmp_path / folder).mkdir()
    for name in ("data/a.csv", "conf.ini", "old.csv", "gone.txt"):
        (tmp_path / name).write_text("1")

    end = run(["run", "w.yaml", "--audit", "--run-dir", "here"], cwd=tmp_path)

    assert end.returncode == 0, end.stderr
    assert undeclared(tmp_path / "here", str(tmp_path)) == [
        Undeclared("by_draft", outputs=("out/result.txt",)),
        Undeclared("by_folder", outputs=("made",)),
        Undeclared("listed", ("data/*.csv",), others=(("looked into", ("more",)),)),
        Undeclared(
            "of_inputs",
            ("conf.ini",),
            outputs=("new.csv", "out.ini"),
            others=(
                ("removed or renamed what was there, which the next run does not find", ("gone.txt", "old.csv")),
                ("made links, which no cache puts back", ("link.ini",)),
            ),
        ),
    ]


ITEMS = """
flowpar: 1
tasks:
  t:
    python: {script: "open(f'{n}.out', 'w').write(open(f'{n}.in').read())"}
    for_each: {n: [1, 2, 3]}
    with: {n: "${{ each.n }}"}
"""


def test_of_items_with_files_of_their_own_one_stands_for_all(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(ITEMS)
    for n in (1, 2, 3):
        (tmp_path / f"{n}.in").write_text("1")

    end = run(["run", "w.yaml", "--audit", "--run-dir", "here"], cwd=tmp_path)

    assert end.returncode == 0, end.stderr
    (found,) = undeclared(tmp_path / "here", str(tmp_path))
    assert found == Undeclared("t", ("1.in",), outputs=("1.out",), item=0)
    assert list(found.lines()) == [
        'audit: "t" does not declare all that it reads and writes; of item 0 its cache would say',
        "    cache:",
        "      files: [1.in]",
        "      outputs: [1.out]",
        "    with an expression in place of what is the item's own",
    ]


def test_without_it_nothing_is_seen(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("flowpar: 1\ntasks: {a: {python: {script: output = open('w.yaml').read()}}}\n")

    end = run(["run", "w.yaml", "--run-dir", "here"], cwd=tmp_path)

    assert end.returncode == 0
    assert not (tmp_path / "here" / "audit.jsonl").exists()
    assert "audit" not in end.stderr
