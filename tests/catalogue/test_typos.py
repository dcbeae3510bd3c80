"""Wrong documents as figures: how many findings have a place, how many typos of one letter the right suggestion.

`python -m pytest -s tests/catalogue/test_typos.py` prints both.
"""

from __future__ import annotations

import random
import re
import string
import sys
from pathlib import Path

import pytest

from flowpar.core.diagnostics import Severity
from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

GOLDEN = Path(__file__).parents[1] / "golden" / "check"
GOAL = 0.9
EDITS = 12
STEPS = """
def download() -> list[str]:
    return []

def normalize(row: str, language: str) -> str:
    return row

def summary(rows: list) -> int:
    return len(rows)
"""
# A word between bars is one that somebody may misspell.
WORKFLOW = """flowpar: 1
name: numbers
|inputs|: {threshold: 3, language: english}
|tasks|:
  download: {python: "steps:|download|", retry: {|attempts|: 3, |max_delay|: 1m}}
  normalize:
    |needs|: [|download|]
    if: ${{ inputs.|threshold| > 2 }}
    |for_each|: {row: "${{ tasks.|download|.|output| }}"}
    |max_parallel|: 4
    |on_item_error|: |collect|
    |python|: steps:|normalize|
    with: {row: "${{ |each|.row }}", |language|: "${{ |inputs|.|language| }}"}
    |timeout|: 10m
    |allow_failure|: true
  summary:
    |executor|: |thread|
    python: steps:|summary|
    with: {rows: "${{ |sorted|([1, 2]) }}"}
    needs: [|normalize|]
|outputs|: {total: "${{ default(tasks.|summary|.output, 0) }}", many: "${{ |len|(inputs.language) }}"}
"""
PARTS = WORKFLOW.split("|")
PLACES = range(1, len(PARTS), 2)


def typos_of(word: str, draw: random.Random) -> list[str]:
    """Return some of what is one edit away: a letter left out, doubled, put in, taken for another, two swapped."""
    at = range(len(word))
    letters = string.ascii_lowercase
    edits = {word[:n] + word[n + 1 :] for n in at}
    edits |= {word[:n] + word[n] + word[n:] for n in at}
    edits |= {word[:n] + draw.choice(letters) + word[n:] for n in at}
    edits |= {word[:n] + draw.choice(letters) + word[n + 1 :] for n in at}
    edits |= {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in at[:-1]}
    return draw.sample(sorted(edits - {word}), EDITS)


def findings_of(text: str, folder: Path) -> list[str]:
    """Return the messages of all errors in a document."""
    (folder / "workflow.yaml").write_text(text)
    found = check(folder / "workflow.yaml", registry=Registry(allows_plugins=False)).diagnostics
    assert all(finding.span.line >= 1 and finding.span.column >= 1 for finding in found)
    return [f"{finding.message}; {finding.hint}" for finding in found if finding.severity is Severity.ERROR]


def is_suggested(word: str, findings: list[str]) -> bool:
    meant = [name for text in findings for name in re.findall(r'did you mean "([^"]*)"', text)]
    return any(re.split(r"[.:]", name)[-1] == word for name in meant)


def test_the_document_itself_is_sound(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)

    assert findings_of("".join(PARTS), tmp_path) == []


@pytest.mark.timeout(300)
def test_nine_of_ten_typos_get_the_right_suggestion(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    draw = random.Random(1)  # noqa: S311 - the same each time, and no secret
    missed, count = list[str](), 0

    for place in PLACES:
        word = PARTS[place]
        for typo in typos_of(word, draw):
            findings = findings_of("".join([*PARTS[:place], typo, *PARTS[place + 1 :]]), tmp_path)
            assert findings, f'"{typo}" for "{word}" is no error'
            count += 1
            if not is_suggested(word, findings):
                missed.append(f"{typo} ({word})")

    right = count - len(missed)
    sys.stderr.write(f"typos with the right suggestion: {right} of {count}, {right / count:.1%}; not: {missed[:20]}\n")
    assert right >= GOAL * count


def test_each_finding_of_wrong_documents_has_a_place_and_none_is_a_traceback() -> None:
    files = sorted(GOLDEN.glob("*.out"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    heads = [
        (name, head) for name, text in texts.items() for head in re.findall(r"^.*: error\[.*$", text, re.MULTILINE)
    ]

    placed = [
        head
        for name, head in heads
        if re.match(rf"({re.escape(name)}|sub/[\w-]+)\.yaml:[1-9]\d*:[1-9]\d*: error\[FP\d", head)
    ]

    sys.stderr.write(f"errors with file, line and column: {len(placed)} of {len(heads)} in {len(files)} documents\n")
    assert len(placed) == len(heads)
    assert not any("Traceback" in text for text in texts.values())
