from __future__ import annotations

import json
import os
import re
import stat
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.cli.reported import reported
from flowpar.core.errors import StateError
from flowpar.record.journal import sealed
from flowpar.report.html import render

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

WORKFLOW = """
name: words
description: Counts <b>words</b>.
inputs: {top: {type: integer, default: 3}}
secrets: {token: {env: TOKEN}}
tasks:
  load: {python: "steps:double", with: {n: "${{ inputs.top }}"}}
  kept: {python: "keeper:keep", needs: [load]}
  say:
    shell: 'printf "\\033[31mit is $TOKEN\\n"; exit 3'
    env: {TOKEN: "${{ secrets.token }}"}
    needs: [load]
  after: {python: "steps:double", with: {n: 1}, needs: [say]}
outputs: {n: "${{ tasks.load.output }}"}
"""
KEEPER = """
from dataclasses import dataclass


@dataclass
class Kept:
    rows: list


def keep() -> Kept:
    return Kept([1, 2])
"""
SECRET = "correct-horse-battery"  # noqa: S105


@pytest.fixture(scope="module")
def failed(module_desk: Desk) -> Desk:
    """A run that failed, of a workflow whose class is gone since."""
    module_desk.write(WORKFLOW)
    (module_desk.folder / "keeper.py").write_text(KEEPER)
    done = module_desk.run("run", "workflow.yaml", "-w", "2", TOKEN=SECRET)
    assert done.returncode == 1, done.stderr
    (module_desk.folder / "keeper.py").unlink()
    return module_desk


def data_of(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.split('id="data">')[1].split("</script>", maxsplit=1)[0])
    return found


def test_a_run_becomes_a_page_named_after_it_and_its_path_is_printed(failed: Desk) -> None:
    done = failed.run("report", "last")

    run_id = failed.newest_run().name
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{run_id}.html\n", "")
    page = (failed.folder / f"{run_id}.html").read_text()
    assert page.startswith("<!doctype html>")
    assert f"flowpar resume {run_id}" in page
    assert f"flowpar debug {run_id} say" in page
    assert "Counts &lt;b&gt;words&lt;/b&gt;." in page


def test_a_page_knows_what_needs_what_and_how_each_ended(failed: Desk) -> None:
    found = data_of(failed.run("report", "last", "-o", "-").stdout)

    needs = {task["name"]: (task["needs"], task["state"]) for task in found["tasks"]}
    assert needs == {
        "load": ([], "succeeded"),
        "kept": (["load"], "succeeded"),
        "say": (["load"], "failed"),
        "after": (["say"], "skipped"),
    }
    assert next(found["names"][found["attempts"]["name"][n]] for n in found["critical"]) == "load"


def test_a_value_whose_class_is_gone_is_shown_and_a_secret_is_not(failed: Desk) -> None:
    page = failed.run("report", "last", "-o", "-").stdout

    assert "Kept(rows=[1, 2])" in page
    assert SECRET not in page
    assert "it is ***" in page
    assert "\x1b" not in page


def test_the_environment_has_versions_and_the_commit(failed: Desk) -> None:
    page = failed.run("report", "last", "-o", "-").stdout

    for name in ("flowpar", "Python", "Platform", "Plugins"):
        assert f"<dt>{name}</dt>" in page


@pytest.mark.parametrize("target", ["workflow.yaml", "mine.html", "there", "no/such/folder/a.html"])
def test_nothing_but_a_report_is_ever_written_over(failed: Desk, target: str) -> None:
    (failed.folder / "there").mkdir(exist_ok=True)
    (failed.folder / "mine.html").write_text("<!doctype html>\n<p>Mine")
    before = (failed.folder / "workflow.yaml").read_text()

    done = failed.run("report", "last", "-o", target)

    assert done.returncode in {2, 3}
    assert target in done.stderr
    assert "Traceback" not in done.stderr
    assert (failed.folder / "workflow.yaml").read_text() == before
    assert (failed.folder / "mine.html").read_text().endswith("Mine")
    assert not list(failed.folder.glob(".flowpar-*"))


def test_a_report_is_written_over_an_older_one(failed: Desk) -> None:
    for _ in range(2):
        assert failed.run("report", "last", "-o", "again.html").returncode == 0


def test_an_id_that_is_none_does_not_choose_where_a_report_goes(failed: Desk, desk: Desk) -> None:
    desk.become(failed)
    run_dir = desk.newest_run()
    journal = run_dir / "events.jsonl"
    lines = journal.read_bytes().replace(run_dir.name.encode(), b"../chosen").splitlines()
    journal.write_bytes(b"".join(sealed(line.rpartition(b',"crc32"')[0] + b"}") for line in lines))

    done = desk.run("report", str(run_dir))

    assert done.stdout == f"{run_dir.name}.html\n", done.stderr
    assert not (desk.folder.parent / "chosen.html").exists()


def test_a_journal_cut_short_is_shown_as_far_as_it_goes(failed: Desk, desk: Desk) -> None:
    desk.become(failed)
    journal = desk.newest_run() / "events.jsonl"
    whole = journal.read_bytes()
    for end in (len(whole) - 20, len(whole) // 2, len(whole) // 3):
        journal.write_bytes(whole[:end])

        done = desk.run("report", "last", "-o", "-")

        assert done.returncode == 0
        assert "was cut" in done.stdout
        assert "Traceback (most" not in done.stderr


def test_whatever_becomes_of_a_journal_there_is_a_page_or_a_state_error(failed: Desk, desk: Desk) -> None:
    desk.become(failed)
    run_dir = desk.newest_run()
    journal = run_dir / "events.jsonl"
    whole = journal.read_bytes()
    changed = [whole[:end] for end in range(0, len(whole), 211)]
    changed += [whole[:at] + b"\xff<!--" + whole[at + 5 :] for at in range(0, len(whole), 397)]
    pages = 0
    for content in changed:
        journal.write_bytes(content)
        with suppress(StateError):
            page, _, _ = reported(run_dir, datetime.now(UTC))
            pages += render(page).startswith("<!doctype html>")

    assert pages > len(changed) // 2


def test_a_damaged_journal_is_shown_up_to_the_damage_and_ends_the_command_with_3(failed: Desk, desk: Desk) -> None:
    desk.become(failed)
    journal = desk.newest_run() / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], b"garbage\n", *lines[4:]]))

    done = desk.run("report", "last", "-o", "page.html")

    assert done.returncode == 3
    assert "corrupt at record 4" in done.stderr
    assert "corrupt at record 4" in (desk.folder / "page.html").read_text()


def test_what_is_missing_in_a_folder_is_said_or_left_out(failed: Desk, desk: Desk) -> None:
    desk.become(failed)
    for name in ("plan", "workflow.yaml"):
        (desk.newest_run() / name).unlink(missing_ok=True)
    for log in (desk.newest_run() / "logs").iterdir():
        log.unlink()

    done = desk.run("report", "last", "-o", "-")

    assert done.returncode == 0
    assert "Which task needs which was not kept" in done.stdout


@pytest.mark.parametrize(("run", "code"), [("nothing", 2), ("..", 2), ("empty", 2), ("foreign", 3)])
def test_what_is_no_run_is_told_in_a_line(failed: Desk, run: str, code: int) -> None:
    (failed.folder / "empty").mkdir(exist_ok=True)
    (failed.folder / "foreign").mkdir(exist_ok=True)
    (failed.folder / "foreign" / "events.jsonl").write_text("no journal\n")

    done = failed.run("report", run, "-o", "-")

    assert done.returncode == code, done.stderr
    assert re.fullmatch(r"flowpar: .*\n", done.stderr), done.stderr
    assert done.stdout == ""


def test_a_page_is_as_readable_as_any_other_file(failed: Desk) -> None:
    failed.run("report", "last", "-o", "mode.html")

    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((failed.folder / "mode.html").stat().st_mode) == 0o666 & ~mask


def test_a_run_that_was_resumed_counts_how_each_task_ended_in_the_end(desk: Desk) -> None:
    desk.write("name: again\ntasks:\n  ready: {shell: 'test -e ready'}\n  after: {shell: 'true', needs: [ready]}\n")
    desk.run("run", "workflow.yaml")
    (desk.folder / "ready").touch()
    desk.run("resume")

    page = desk.run("report", "last", "-o", "-").stdout

    found = data_of(page)
    assert [task["counts"] for task in found["tasks"]] == [{"retried": 1, "succeeded": 1}, {"succeeded": 1}]
    assert len(found["resumed"]) == 1
    assert "Resumed" in page
    assert 'id="failures"' not in page
