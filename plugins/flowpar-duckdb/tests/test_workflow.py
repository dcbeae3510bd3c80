"""The kind `duckdb` in whole workflows, and the README as it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flowpar.core.events import TaskEnded, TaskRetrying
from flowpar.core.outcome import Failure
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.page import blocks, run_commands

from flowpar_duckdb.query import duckdb

if TYPE_CHECKING:
    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

README = Path(__file__).parents[1] / "README.md"
STEPS = """
import pyarrow as pa


def load(count: int) -> pa.Table:
    return pa.table({"n": range(count)})


def is_mapped(table: pa.Table) -> bool:
    address = table.column(0).chunks[0].buffers()[1].address
    with open("/proc/self/maps") as maps:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if low <= address < high:
                return "/values/" in line
    return False
"""


class TestContract(TaskTypeContract):
    """What each task type must do."""

    kind = "duckdb"
    function = staticmethod(duckdb)

    @pytest.fixture
    def arguments(self) -> dict[str, object]:
        """SQL that needs nothing."""
        return {"sql": "SELECT 1 AS n"}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say what is mapped")
def test_a_large_table_is_passed_on_without_a_copy(run_workflow: RunWorkflow, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    text = """
        flowpar: 1
        name: large
        tasks:
          load: {python: "steps:load", with: {count: 300000}}
          large: {duckdb: {sql: SELECT n FROM t, tables: {t: "${{ tasks.load.output }}"}, fetch: arrow}}
          mapped: {python: "steps:is_mapped", with: {table: "${{ tasks.large.output }}"}}
          counted: {duckdb: {sql: SELECT count(*) AS n FROM t, tables: {t: "${{ tasks.large.output }}"}}}
        outputs: {mapped: "${{ tasks.mapped.output }}", n: "${{ tasks.counted.output[0].n }}"}
    """

    run = run_workflow(text)

    assert run.outputs == {"mapped": True, "n": 300_000}


def test_what_duckdb_raises_is_the_failure(run_workflow: RunWorkflow) -> None:
    run = run_workflow('{flowpar: 1, name: none, tasks: {a: {duckdb: "SELECT * FROM nowhere"}}}')

    assert run.states == {"a": "failed"}
    (failure,) = [event.outcome for event in run.events if isinstance(event, TaskEnded)]
    assert isinstance(failure, Failure)
    assert failure.type == "_duckdb.CatalogException"
    assert "nowhere does not exist" in failure.message


def test_a_failure_of_duckdb_is_retried_by_its_name(run_workflow: RunWorkflow) -> None:
    run = run_workflow("""
        flowpar: 1
        name: again
        tasks:
          a:
            duckdb: SELECT * FROM nowhere
            retry: {attempts: 2, delay: 0s, on: [CatalogException]}
    """)

    assert [event.failure.type for event in run.events if isinstance(event, TaskRetrying)] == [
        "_duckdb.CatalogException"
    ]


def test_the_readme_is_true(tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "jan.csv").write_text("region,amount\nnorth,20\nsouth,5\n")
    (tmp_path / "orders" / "feb.csv").write_text("region,amount\nnorth,11\nsouth,30\n")
    for number, block in enumerate(block for block in found if block.language == "yaml"):
        (tmp_path / (block.name or f"{number}.yaml")).write_text(block.text)
    done = run_commands(README.read_text(), tmp_path)

    assert json.loads(done[-1]) == {"totals": [{"region": "north", "total": 31}, {"region": "south", "total": 30}]}
    assert (tmp_path / "totals.parquet").read_bytes()[:4] == b"PAR1"
    run_commands("```console\n$ flowpar check 1.yaml\n```\n", tmp_path)
