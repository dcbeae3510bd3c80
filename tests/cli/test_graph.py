"""`flowpar graph` and `plan` of a workflow that is too large to be looked at as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def chain(folder: Path, count: int) -> str:
    tasks = [f"  t{n}: {{shell: 'true'{f', needs: [t{n - 1}]' if n else ''}}}" for n in range(count)]
    (folder / "chain.yaml").write_text("\n".join(["flowpar: 1", "tasks:", *tasks, ""]))
    return str(folder / "chain.yaml")


def test_mermaid_that_github_would_not_draw_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", chain(tmp_path, 501), "--format", "mermaid"]) == 0
    assert capfd.readouterr().err == ""

    assert main(["graph", chain(tmp_path, 502), "--format", "mermaid"]) == 0

    out, err = capfd.readouterr()
    assert out.count(" --> ") == 501
    assert err.startswith("flowpar: GitHub draws up to 500 arrows and 50,000 characters, and this has 501 and ")


def test_tasks_of_a_sub_workflow_stand_in_a_frame_of_their_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "part.yaml").write_text("flowpar: 1\ntasks: {end: {shell: 'true'}}\n")
    items = "for_each: {x: ['a\"]b', c]}, key: each.x"
    (tmp_path / "whole.yaml").write_text(f"flowpar: 1\ntasks:\n  part: {{workflow: part.yaml, {items}}}\n")

    assert main(["graph", str(tmp_path / "whole.yaml"), "--format", "mermaid"]) == 0

    out = capfd.readouterr().out
    assert out.count("subgraph ") == out.splitlines().count("    end") == 2
    assert '    subgraph s1["part[a%22%5Db]"]\n        t1["part[a%22%5Db]/end"]\n    end\n' in out


def test_the_middle_of_a_long_path_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", chain(tmp_path, 120)]) == 0

    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith("longest path: t0 -> t1 -> ")
    assert " -> t9 -> (100 more tasks) -> t110 -> " in last
    assert last.endswith(" -> t119")
