"""Plans that are kept, by the command itself: an unchanged workflow starts light, a changed one as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.cli.conftest import Desk


pytestmark = pytest.mark.timeout(180)
FAILING = """name: failing
tasks:
  first: {python: "steps:double", with: {n: 2}}
  second: {shell: "test -e fixed", needs: [first]}
"""
DOUBLE = """name: doubles
env_file: [.env]
tasks:
  two: {python: "steps:double", with: {n: 4}}
  told: {shell: "printf %s $WORD > told", env: {WORD: "${{ env.WORD }}"}}
outputs:
  doubled: ${{ tasks.two.output }}
"""
HEAVY = ("yaml", "pydantic", "networkx")


def imported(finished: subprocess.CompletedProcess[str]) -> list[str]:
    return [name for name in HEAVY if any(line.endswith(f"| {name}") for line in squeezed(finished.stderr))]


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_resume_of_an_unchanged_workflow_imports_nothing_heavy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(FAILING)
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    first = desk.cold("run", "workflow.yaml", "-q")
    (desk.folder / "fixed").touch()

    second = desk.cold("resume", "-q")

    assert first.returncode == 1
    assert second.returncode == 0, second.stderr
    assert imported(first) == list(HEAVY)
    assert imported(second) == []


def test_a_change_of_the_code_is_run_though_nothing_else_changed(desk: Desk) -> None:
    desk.write(DOUBLE)
    (desk.folder / ".env").write_text("WORD=one\n")
    before = desk.run("run", "workflow.yaml", "-q")
    steps = desk.folder / "steps.py"
    steps.write_text(steps.read_text().replace("2 * n", "3 * n"))
    (desk.folder / ".env").write_text("WORD=two\n")

    after = desk.run("run", "workflow.yaml", "-q")

    assert (before.stdout.strip(), after.stdout.strip()) == ("8", "12")
    assert (desk.folder / "told").read_text() == "two"


def test_an_error_is_found_though_there_is_a_plan_of_before(desk: Desk) -> None:
    desk.write(DOUBLE.replace("env_file: [.env]\n", "env: {WORD: a}\n"))
    assert desk.run("run", "workflow.yaml", "-q").returncode == 0
    steps = desk.folder / "steps.py"
    steps.write_text(steps.read_text().replace("def double(n: int)", "def double(m: int)"))

    after = desk.run("run", "workflow.yaml", "-q")

    assert after.returncode == 2
    assert "FP4" in after.stderr


def test_a_run_in_a_folder_of_its_own_has_its_plan_there_and_nowhere_else(desk: Desk) -> None:
    desk.write(FAILING)

    desk.run("run", "workflow.yaml", "-q", "--run-dir", "mine")

    assert (desk.folder / "mine" / "plan").stat().st_mode & 0o777 == 0o600
    assert not (desk.folder / ".flowpar").exists()


def test_clean_removes_plans_with_the_last_of_their_runs(desk: Desk) -> None:
    desk.write(FAILING)
    for _ in range(2):
        desk.run("run", "workflow.yaml", "-q")
    plans = desk.folder / ".flowpar" / "plans"
    assert len(list(plans.iterdir())) == 1

    desk.run("clean", "--keep", "1")
    after_one = len(list(plans.iterdir()))
    desk.run("clean", "--keep", "0")

    assert (after_one, len(list(plans.iterdir()))) == (1, 0)
