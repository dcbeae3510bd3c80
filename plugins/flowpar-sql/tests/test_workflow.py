"""The kind `sql` in whole workflows, and the README as it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.page import blocks, run_commands

from flowpar_sql.statements import sql

if TYPE_CHECKING:
    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

README = Path(__file__).parents[1] / "README.md"


class TestContract(TaskTypeContract):
    """What each task type must do."""

    kind = "sql"
    function = staticmethod(sql)

    @pytest.fixture
    def arguments(self, sqlite: str) -> dict[str, object]:
        """A statement that needs nothing."""
        return {"query": "SELECT 1 AS n", "url": sqlite}


def test_a_secret_password_opens_a_real_server(
    run_workflow: RunWorkflow, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret")
    text = """
        flowpar: 1
        name: shop
        inputs: {url: {type: string}}
        secrets: {PASSWORD: {env: SHOP_PASSWORD}}
        tasks:
          make:
            sql:
              query: [DROP TABLE IF EXISTS sold, "CREATE TABLE sold (day DATE, amount NUMERIC(6, 2))"]
              url: ${{ inputs.url }}
              password: ${{ secrets.PASSWORD }}
          fill:
            needs: [make]
            for_each: {day: ["2026-01-01", "2026-01-02"]}
            sql:
              query: INSERT INTO sold VALUES (CAST(:day AS DATE), :amount)
              url: ${{ inputs.url }}
              password: ${{ secrets.PASSWORD }}
              parameters: {day: "${{ each.day }}"}
              rows: [{amount: 1.5}, {amount: 2}]
              fetch: count
          total:
            needs: [fill]
            sql:
              query: SELECT CAST(sum(amount) AS DOUBLE PRECISION) FROM sold
              url: ${{ inputs.url }}
              password: ${{ secrets.PASSWORD }}
              fetch: value
        outputs: {counts: "${{ tasks.fill.output }}", total: "${{ tasks.total.output }}"}
    """

    run = run_workflow(text, inputs={"url": postgresql})

    assert run.outputs == {"counts": [2, 2], "total": 7.0}
    assert not [path for path in run.run_dir.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_the_readme_is_true(tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    for block in found:
        if block.language == "yaml" and block.name:
            (tmp_path / block.name).write_text(block.text)
    done = run_commands(README.read_text(), tmp_path)

    assert json.loads(done[-1]) == {"stock": [{"name": "ink", "amount": 30}, {"name": "pen", "amount": 12}]}
