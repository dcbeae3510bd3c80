from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import command

from flowpar.cli.main import main


def test_a_starter_is_written_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["init", str(tmp_path / "new" / "demo")])

    written = capsys.readouterr().out.splitlines()
    assert code == 0
    assert written[0] == str(tmp_path / "new" / "demo" / "workflow.yaml")
    assert len(written) == sum(path.is_file() for path in tmp_path.rglob("*"))


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "steps.py").write_text("precious = 1\n")

    code = main(["init", str(tmp_path)])

    assert code == 2
    assert f'"{tmp_path}/steps.py" is there already' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["steps.py"]


@pytest.mark.parametrize("folder", ["notes.txt", "notes.txt/demo", "link"])
def test_a_file_is_no_place_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    (tmp_path / "notes.txt").write_text("precious\n")
    (tmp_path / "link").symlink_to("nowhere")

    code = main(["init", str(tmp_path / folder)])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == (
        f'flowpar: "{tmp_path / folder.partition("/")[0]}" is not a folder; '
        "name a new or an empty one: flowpar init DIR\n"
    )
    assert (tmp_path / "notes.txt").read_text() == "precious\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "notes.txt"]


def test_a_place_that_takes_no_files_is_the_machines_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "/proc/demo"]) == 3

    assert 'cannot write to "/proc/demo"' in capsys.readouterr().err


def test_the_starter_passes_check_and_runs(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0
    assert main(["check", "--strict", str(tmp_path / "workflow.yaml")]) == 0

    run = command(tmp_path, "run", "workflow.yaml", "--json", "-i", "top=2")

    assert json.loads(run.stdout) == {"words": [{"word": "the", "count": 21}, {"word": "and", "count": 6}]}
