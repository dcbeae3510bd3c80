"""Golden pairs: `flowpar check NAME.yaml` prints NAME.out, to the byte, and ends with the code on its last line.

    check/NAME.yaml   a workflow
    check/NAME.out    what check prints on stdout, then "exit code: N"

To write the .out files anew after a change of wording, then read the difference:

    REGENERATE=1 pytest tests/golden && git diff tests/golden
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from flowpar.cli.main import main

FOLDER = Path(__file__).parent / "check"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))


def observed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    code = main(["check", "--no-plugins", "--color", "never", f"{name}.yaml"])
    return f"{capsys.readouterr().out}exit code: {code}\n"


@pytest.mark.parametrize("name", NAMES)
def test_check_prints_what_it_should(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    out = FOLDER / f"{name}.out"

    found = observed(name, capsys)

    if os.environ.get("REGENERATE"):
        out.write_text(found, encoding="utf-8")
    assert found == out.read_text(encoding="utf-8")


def test_there_are_many_pairs() -> None:
    outs = {file.stem for file in FOLDER.glob("*.out")}

    assert len(NAMES) >= 60
    assert outs == set(NAMES), "a .yaml without .out, or the other way round"


@pytest.mark.parametrize("name", NAMES)
def test_each_finding_names_its_place_and_code(name: str) -> None:
    text = (FOLDER / f"{name}.out").read_text(encoding="utf-8")
    heads = re.findall(r"^.*: (?:error|warning)\[.*$", text, re.MULTILINE)

    assert heads or text == "exit code: 0\n"
    for head in heads:
        assert re.match(
            rf"({re.escape(name)}|sub/[\w-]+)\.yaml:[1-9]\d*:[1-9]\d*: (error|warning)\[FP[1-8]\d\d\]: \S", head
        )
    assert text.endswith("exit code: 2\n") == ("error[" in text)


def test_nothing_is_written_by_check() -> None:
    kinds = {file.suffix for file in FOLDER.rglob("*") if file.is_file() and "__pycache__" not in file.parts}

    assert kinds <= {".yaml", ".out", ".py", ".env"}
