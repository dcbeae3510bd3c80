"""The kinds in whole workflows, and the README as it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.page import blocks, run_commands

from flowpar_files.copying import copy_files
from flowpar_files.find import find_files
from flowpar_files.waiting import wait_for_files

if TYPE_CHECKING:
    from conftest import Store
    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

README = Path(__file__).parents[1] / "README.md"


class TestFind(TaskTypeContract):
    """What each task type must do."""

    kind = "find_files"
    function = staticmethod(find_files)

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> dict[str, object]:
        """A pattern."""
        return {"pattern": f"{tmp_path}/*"}


class TestCopy(TaskTypeContract):
    """What each task type must do."""

    kind = "copy_files"
    function = staticmethod(copy_files)

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> dict[str, object]:
        """A file and where to."""
        (tmp_path / "a").write_text("one")
        return {"source": f"{tmp_path}/a", "to": f"{tmp_path}/b"}


class TestWait(TaskTypeContract):
    """What each task type must do."""

    kind = "wait_for_files"
    function = staticmethod(wait_for_files)

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> dict[str, object]:
        """A file that is there."""
        (tmp_path / "a").write_text("one")
        return {"urls": f"{tmp_path}/a"}


def test_a_secret_opens_a_bucket(run_workflow: RunWorkflow, s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_SECRET", "very secret")
    s3.write(a_txt=b"one", b_txt=b"three")
    text = """
        flowpar: 1
        name: bucket
        inputs: {root: {type: string}, address: {type: string}}
        secrets: {SECRET: {env: S3_SECRET}}
        tasks:
          find:
            find_files:
              pattern: ${{ inputs.root }}/*.txt
              storage: {endpoint_url: "${{ inputs.address }}"}
              credentials: {key: somebody, secret: "${{ secrets.SECRET }}"}
          fetch:
            for_each: {file: "${{ tasks.find.output }}"}
            copy_files:
              source: ${{ each.file.url }}
              to: fetched/
              storage: {endpoint_url: "${{ inputs.address }}"}
              credentials: {key: somebody, secret: "${{ secrets.SECRET }}"}
              to_storage: {}
        outputs: {sizes: "${{ [files[0].size_bytes for files in tasks.fetch.output] }}"}
    """

    run = run_workflow(text, inputs={"root": s3.root, "address": s3.options["storage"]["endpoint_url"]})

    assert run.outputs == {"sizes": [3, 5]}
    assert not [path for path in run.run_dir.rglob("*") if path.is_file() and b"very secret" in path.read_bytes()]


def test_the_readme_is_true(tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "emma.txt").write_text("Emma Woodhouse\n")
    (tmp_path / "inbox" / "moby.txt").write_text("Call me Ishmael\n")
    for block in found:
        if block.language == "yaml" and block.name:
            (tmp_path / block.name).write_text(block.text)
    done = run_commands(README.read_text(), tmp_path)

    assert json.loads(done[-1]) == {"sizes": [15, 16]}
    assert (tmp_path / "archive" / "moby.txt").read_text() == "Call me Ishmael\n"
