"""Files of sub-workflows: within the project, none inside itself, each checked once, all within bounds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.lang.checked import Checked

LEAF = "flowpar: 1\ntasks:\n  leaf: {shell: date}\noutputs:\n  at: ${{ tasks.leaf.output.stdout }}\n"


def calling(*files: str) -> str:
    tasks = "".join(f"  t{number}: {{workflow: {file}}}\n" for number, file in enumerate(files))
    return f"flowpar: 1\ntasks:\n{tasks}"


def checked(folder: Path, **files: str) -> Checked:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return check(folder / "main.yaml", registry=Registry(allows_plugins=False))


def codes(found: Checked) -> list[str]:
    return [finding.code for finding in found.diagnostics.found]


def test_a_file_is_checked_once_however_many_tasks_are_it(tmp_path: Path) -> None:
    found = checked(tmp_path, main=calling("leaf.yaml", "./leaf.yaml", "leaf.yaml"), leaf=LEAF.replace("date", '""'))

    assert len(codes(found)) == 1
    assert found.tasks["t0"].sub is found.tasks["t1"].sub is found.tasks["t2"].sub


@pytest.mark.parametrize("way", ["link", "up", "absolute"])
def test_a_file_outside_of_the_project_is_not_even_opened(tmp_path: Path, way: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    secret = tmp_path / "secret.yaml"
    secret.write_text("the canary: sings\n")
    (project / "link.yaml").symlink_to(secret)
    file = {"link": "link.yaml", "up": "../secret.yaml", "absolute": str(secret)}[way]

    found = checked(project, main=calling(file))

    assert codes(found) == ["FP251"]
    assert "outside of the project" in found.diagnostics.found[0].message
    assert "canary" not in str(found.diagnostics.found)
    assert str(secret) not in found.sources


def test_the_project_is_the_checkout_that_holds_the_workflow(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "flows").mkdir()
    (tmp_path / "leaf.yaml").write_text(LEAF)

    assert codes(checked(tmp_path / "flows", main=calling("../leaf.yaml"))) == []


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "round.yaml").symlink_to("round.yaml")

    found = checked(tmp_path, main=calling("fifo.yaml", "folder.yaml", "lost.yaml", "round.yaml"))

    assert set(codes(found)) == {"FP251"}
    assert len(codes(found)) == 4


def test_a_circle_is_named_in_order(tmp_path: Path) -> None:
    found = checked(tmp_path, main=calling("a.yaml"), a=calling("b.yaml"), b=calling("main.yaml"))

    (finding,) = found.diagnostics.found
    names = [str(tmp_path / f"{name}.yaml") for name in ("main", "a", "b", "main")]
    assert " → ".join(f'"{name}"' for name in names) in finding.message
    assert finding.file == str(tmp_path / "b.yaml")


def test_nesting_has_a_bound(tmp_path: Path) -> None:
    chain = {f"n{depth}": calling(f"n{depth + 1}.yaml") for depth in range(40)}

    found = checked(tmp_path, main=calling("n0.yaml"), n40=LEAF, **chain)

    assert codes(found) == ["FP252"]
    assert "deeper than 16" in found.diagnostics.found[0].message


def test_documents_that_double_at_each_level_are_bounded(tmp_path: Path) -> None:
    files = [f"n{depth}.yaml" for depth in range(12)]
    chain = {f"n{depth}": calling(*[files[depth + 1]] * 10) for depth in range(11)}

    found = checked(tmp_path, main=calling("n0.yaml"), n11=LEAF, **chain)

    assert "FP252" in codes(found)
    assert f"over {MOST_PART_TASKS:,} tasks" in str(found.diagnostics.found)


def test_the_bounds_of_a_document_hold_in_a_sub_workflow(tmp_path: Path) -> None:
    aliases = "".join(f"x-{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10))
    bomb = f"flowpar: 1\nx-0: &a0 [1, 2]\n{aliases}tasks:\n  t: {{shell: date}}\n"

    found = checked(tmp_path, main=calling("bomb.yaml"), bomb=bomb)

    assert codes(found) == ["FP108"]
    assert found.diagnostics.found[0].file == str(tmp_path / "bomb.yaml")


def test_types_of_outputs_flow_to_who_calls(tmp_path: Path) -> None:
    reader = "  r: {shell: 'echo $A', env: {A: '${{ tasks.t0.output.att }}'}}\n"

    found = checked(tmp_path, main=calling("leaf.yaml") + reader, leaf=LEAF)

    (finding,) = found.diagnostics.found
    assert (finding.code, 'did you mean "at"' in (finding.hint or "")) == ("FP308", True)
