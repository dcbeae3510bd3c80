"""The kind `http` in whole workflows: checked before the run, and run."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow

from flowpar_http.request import http

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WebServer
    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

WORKFLOW = """
flowpar: 1
name: words
inputs:
  base: {type: string}
tasks:
  fetch:
    http: ${{ inputs.base }}/json
  send:
    for_each:
      word: ${{ tasks.fetch.output.json.words }}
    http:
      url: ${{ inputs.base }}/created
      method: POST
      json: {word: "${{ each.word }}"}
      expect: 201
outputs:
  words: ${{ tasks.fetch.output.json.words }}
  statuses: ${{ [answer.status for answer in tasks.send.output] }}
"""


def flowpar(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowpar", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


class TestContract(TaskTypeContract):
    kind = "http"
    function = staticmethod(http)

    @pytest.fixture
    def arguments(self, web: WebServer) -> dict[str, object]:
        return {"url": f"{web.url}/json"}


def test_a_workflow_fetches_and_sends(run_workflow: RunWorkflow, web: WebServer) -> None:
    run = run_workflow(WORKFLOW, inputs={"base": web.url})

    assert run.states == {"fetch": "succeeded", "send": "succeeded"}
    assert run.outputs == {"words": ["a", "b"], "statuses": [201, 201]}
    sent = sorted(json.loads(request.body)["word"] for request in web.received if request.path == "/created")
    assert sent == ["a", "b"]


def test_items_have_idempotency_keys_of_their_own(run_workflow: RunWorkflow, web: WebServer) -> None:
    run_workflow(WORKFLOW, inputs={"base": web.url})

    keys = [request.headers["idempotency-key"] for request in web.received if request.method == "POST"]
    assert len(set(keys)) == 2


def test_a_failed_request_is_tried_again(run_workflow: RunWorkflow, web: WebServer) -> None:
    text = """
        flowpar: 1
        name: again
        inputs: {base: {type: string}}
        tasks:
          fetch:
            http: ${{ inputs.base }}/none
            retry: {attempts: 3, on: [UnexpectedStatus]}
    """

    run = run_workflow(text, inputs={"base": web.url})

    assert run.states == {"fetch": "failed"}
    assert len(web.received) == 3


def test_a_mocked_request_is_not_made(run_workflow: RunWorkflow, web: WebServer) -> None:
    mocks = {"fetch": {"json": {"words": ["c"]}}, "send": {"status": 0}}

    run = run_workflow(WORKFLOW, inputs={"base": web.url}, mocks=mocks)

    assert run.outputs == {"words": ["c"], "statuses": [0]}
    assert web.received == []


def test_a_misspelt_key_is_found_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "flowpar: 1\nname: w\ntasks:\n  a:\n    http: {url: https://example.org, metod: POST}\n"
    )

    done = flowpar(tmp_path, "check", "w.yaml")

    assert done.returncode == 2
    assert 'w.yaml:5:38: error[FP406]: "http" has no parameter "metod"; did you mean "method"?' in done.stdout
    assert 'request.py:30:5: note: "http" is defined here' in done.stdout


def test_what_the_plugin_itself_finds_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("flowpar: 1\nname: w\ntasks:\n  a:\n    http: example.org\n")

    done = flowpar(tmp_path, "check", "w.yaml")

    assert done.returncode == 2
    assert 'w.yaml:5:11: error[FP608]: "example.org" is not an address of the web; write https://' in done.stdout


def test_the_schema_has_the_kind_with_its_keys(tmp_path: Path) -> None:
    done = flowpar(tmp_path, "schema")

    schema = json.loads(done.stdout)
    assert '"http"' in json.dumps(schema)
    assert '"timeout_s"' in json.dumps(schema)


def test_the_plugin_is_listed_with_its_version(tmp_path: Path) -> None:
    done = flowpar(tmp_path, "plugins", "--json")

    listed = {line["kind"]: line for line in json.loads(done.stdout)}
    assert listed["http"]["distribution"] == "flowpar-http"
    assert listed["http"]["problem"] is None


def test_without_plugins_the_kind_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("flowpar: 1\nname: w\ntasks:\n  a:\n    http: https://example.org\n")

    done = flowpar(tmp_path, "check", "--no-plugins", "w.yaml")

    assert done.returncode == 2
    assert '"http"' in done.stdout
