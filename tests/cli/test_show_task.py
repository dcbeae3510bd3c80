"""`flowpar show RUN TASK[ITEM]`: values are shown without running anything, whatever they hold."""

from __future__ import annotations

import json
from shutil import copytree
from typing import TYPE_CHECKING

import pytest

from flowpar.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Desk

STEPS = """
from dataclasses import dataclass

@dataclass
class Box:
    name: str
    size: int

def boxes() -> list:
    return [Box("small", 1), Box("large", 20)]

def large() -> bytes:
    return bytes(20 << 20)

def middle() -> list:
    return list(range(100_000))

def steer() -> dict:
    return {"\\x1b[31mred": "\\x1b]0;title\\x07 <script>", "many": 2 ** 70}

def take(**given) -> dict:
    if given.get("size") == 20:
        raise ValueError("too large")
    return {"took": sorted(given)}
"""
WORKFLOW = """flowpar: 1
name: shown
secrets: {TOKEN: {env: A_TOKEN}}
env: {GREETING: hello}
tasks:
  boxes: {python: steps:boxes}
  large: {python: steps:large}
  middle: {python: steps:middle}
  steer: {python: steps:steer}
  take:
    for_each: ${{ tasks.boxes.output }}
    python: steps:take
    with:
      box: ${{ each.item }}
      size: ${{ each.item.size }}
      large: ${{ tasks.large.output }}
      middle: ${{ tasks.middle.output }}
      steer: ${{ tasks.steer.output }}
      token: ${{ secrets.TOKEN }}
      said: ${{ env.GREETING }} from ${{ each.index }}
    env: {MINE: "${{ each.item.name }}"}
    on_item_error: collect
"""
SECRET = "correct-horse"  # noqa: S105 - it is none


@pytest.fixture(scope="module")
def shown(module_desk: Desk) -> Path:
    """A run whose code is gone."""
    module_desk.folder.joinpath("steps.py").write_text(STEPS)
    module_desk.folder.joinpath("workflow.yaml").write_text(WORKFLOW)
    done = module_desk.run("run", "workflow.yaml", "-q", A_TOKEN=SECRET)
    assert done.returncode == 0, done.stderr
    module_desk.folder.joinpath("steps.py").unlink()
    return module_desk.folder


def say(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["show", *arguments])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def _there(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shown)
    monkeypatch.setenv("A_TOKEN", SECRET)


def test_an_item_is_shown_with_all_that_it_was_given_though_its_classes_are_gone(
    shown: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = say(capfd, "last", "take[1]")

    assert (code, err) == (0, "")
    assert "take[1] of " in out
    assert "failed" in out.splitlines()[0]
    assert "ValueError: too large" in out.splitlines()[0]
    assert "  box = Box(name='large', size=20)    from ${{ each.item }}\n" in out
    assert "  size = 20 " in out
    assert f"  large = ? (20.0 MiB, too large to be shown: it is in {next((shown / '.flowpar').rglob('2.val'))})" in out
    assert "  said = 'hello from 1'\n" in out
    assert "  token = '***' " in out
    assert "  MINE = 'large' " in out
    assert f"folder: {shown}\n" in out
    assert "there is none: it failed" in out
    assert "Traceback" not in out


def test_nothing_that_is_shown_steers_a_terminal_or_tells_a_secret(capfd: pytest.CaptureFixture[str]) -> None:
    for form in ([], ["--json"]):
        _, out, err = say(capfd, "last", "take[0]", *form)

        assert "\x1b" not in out + err
        assert "\x07" not in out + err
        assert SECRET not in out + err
        assert "x1b[31mred" in out or "u001b[31mred" in out


def test_programs_get_values_as_they_are_where_json_has_them(capfd: pytest.CaptureFixture[str]) -> None:
    record = json.loads(say(capfd, "last", "take[0]", "--json")[1])

    assert record["state"] == "succeeded"
    assert record["inputs"]["box"] == {"text": "Box(name='small', size=1)"}
    assert record["inputs"]["middle"] == {"value": list(range(100_000))}
    assert record["inputs"]["large"]["problem"].startswith("20.0 MiB, too large to be shown")
    assert record["output"]["value"]["took"] == ["box", "large", "middle", "said", "size", "steer", "token"]


def test_what_is_long_is_shortened_and_says_where_all_of_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = say(capfd, "last", "middle", "--output")

    assert "(shortened; " in out
    assert ".val)" in out
    assert out.count("\n") < 60


def test_the_run_is_written_as_a_trace(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = main(["trace", "last", "-o", str(tmp_path / "trace.json")])
    out, err = capfd.readouterr()
    written = json.loads((tmp_path / "trace.json").read_text())

    assert (code, out) == (0, "")
    assert "https://ui.perfetto.dev" in err
    slices = [event for event in written["traceEvents"] if event["ph"] == "X"]
    assert {"boxes", "take[0]", "take[1]"} < {event["name"] for event in slices}
    assert {event["name"] for event in written["traceEvents"] if event["ph"] == "s"} == {"needs"}
    assert main(["trace", "last"]) == 0
    assert json.loads(capfd.readouterr().out) == written

    assert main(["trace", "last", "-o", "-"]) == 0
    assert json.loads(capfd.readouterr().out) == written

    assert main(["trace", "last", "-o", str(tmp_path / "trace.json")]) == 0
    assert main(["trace", "last", "-o", str(tmp_path / "no" / "where.json")]) == 2
    assert main(["trace", "last", "-o", "workflow.yaml"]) == 2


def test_a_damaged_journal_is_shown_up_to_the_damage_and_ends_the_command_with_3(
    shown: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_dir = next((shown / ".flowpar" / "runs").iterdir())
    copied = tmp_path / run_dir.name
    copytree(run_dir, copied)
    journal = copied / "events.jsonl"
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-1], b"garbage\n", last]))

    for task in ([], ["boxes"]):
        code, _, err = say(capfd, str(copied), *task)

        assert code == 3, err
        assert "the journal is corrupt at record" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("last", "--inputs"), "--inputs and --output are of one task; name it after the run"),
        (("last", "take"), "\"take\" has items; say which: 'take[1]'"),
        (("last", "tkae[0]"), '"tkae" is not a task of this run; did you mean "take"?'),
    ],
)
def test_what_cannot_be_shown_is_said(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str) -> None:
    code, out, err = say(capfd, *arguments)

    assert (code, out) == (2, "")
    assert err.startswith(f"flowpar: {told}")
