"""`--sink`: others are told what a run does, and tasks go on with their spans."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.cli.sinks import open_sinks
from flowpar.core.errors import PluginError, UsageError
from flowpar.planning.model import Plan

pytest.importorskip("opentelemetry.proto")
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from collector import collecting

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

STEPS = """
import os
from flowpar import TaskContext

def told() -> str:
    return os.environ.get("TRACEPARENT", "")

def told_in_thread(context: TaskContext) -> str:
    return context.env.get("TRACEPARENT", "")
"""
WORKFLOW = """flowpar: 1
name: traced
tasks:
  one: {python: steps:told}
  two: {python: steps:told_in_thread, executor: thread}
  three: {shell: {run: "echo ${TRACEPARENT:-}", capture: text}, for_each: [1, 2]}
outputs: {all: "${{ [tasks.one.output, tasks.two.output, tasks.three.output] }}"}
"""
NOTING = """
class Noting:
    def __init__(self, target, setting):
        self.target, self.setting, self.count = target, setting, 0
    def emit(self, event):
        self.count += 1
        if self.count > 1:
            raise ValueError("enough")
        open(self.target, "w").write(f"{type(event).__name__} {dict(self.setting.needs)}")
    def commit(self): pass
    def close(self): pass

open_sink = Noting
"""
PLAN = Plan("w", "w.yaml", "/", "", (), (), {}, {}, {}, {}, {}, ())


@pytest.fixture
def traced(desk: Desk) -> Desk:
    desk.folder.joinpath("steps.py").write_text(STEPS)
    desk.folder.joinpath("workflow.yaml").write_text(WORKFLOW)
    return desk


def test_each_attempt_knows_its_own_span_and_a_collector_gets_the_same(traced: Desk) -> None:
    with collecting() as collector:
        sinks = ("--sink", "otel", "--sink", "prometheus=run.prom")
        done = traced.run("run", "workflow.yaml", "--json", *sinks, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)

    assert done.returncode == 0, done.stderr
    assert "otel" not in done.stderr
    one, two, three = json.loads(done.stdout)["all"]
    spans = {span.name: span for span in collector.spans()}
    for name, seen in (("one", one), ("two", two), ("three[0]", three[0]), ("three[1]", three[1])):
        span = spans[f"{name} attempt 1"]
        assert seen == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert "flowpar_run_exit_code" in (traced.folder / "run.prom").read_text()


def test_a_run_that_nobody_traces_leaves_the_variable_alone(traced: Desk) -> None:
    done = traced.run("run", "workflow.yaml", "--json", TRACEPARENT="mine")

    assert json.loads(done.stdout)["all"] == ["mine", "mine", ["mine", "mine"]]


def test_a_collector_that_is_not_there_is_one_line_after_a_good_run(traced: Desk) -> None:
    done = traced.run("run", "workflow.yaml", "--sink", "otel=http://127.0.0.1:9")

    assert done.returncode == 0
    assert done.stderr.count("the sink otel had trouble") == 1


@pytest.mark.parametrize(
    ("sink", "told"),
    [
        ("otle", 'there is no sink "otle"; did you mean "otel"?'),
        ("prometheus", "the sink prometheus needs a file; --sink prometheus=FILE.prom"),
        ("prometheus=/dev/stdout", 'the sink prometheus writes no "/dev/stdout": it is no regular file'),
        ("otel=http://x:port", 'the sink otel needs an address like http://localhost:4318, not "http://x:port"'),
        ("otel=nowhere", "the sink otel needs an address like http://localhost:4318"),
    ],
)
def test_a_sink_that_cannot_be_had_is_refused_before_anything_runs(traced: Desk, sink: str, told: str) -> None:
    done = traced.run("run", "workflow.yaml", "--sink", sink)

    assert done.returncode == 2
    assert done.stderr.startswith(f"flowpar: {told}")
    assert not (traced.folder / ".flowpar").exists()


def test_a_sink_of_another_distribution_is_found_and_one_that_breaks_is_left_behind(
    traced: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = traced.folder / "installed"
    for name, point in (("lines", "noting:open_sink"), ("broken", "nowhere:open_sink")):
        info = installed / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[flowpar.sinks]\n{name} = {point}\n")
    (installed / "noting.py").write_text(NOTING)
    plain = {"PYTHONPATH": str(installed)}

    done = traced.cold("run", "workflow.yaml", "--sink", "lines=seen.txt", **plain)

    assert done.returncode == 0, done.stderr
    assert "left out from here on: enough" in done.stderr
    assert (traced.folder / "seen.txt").read_text().startswith("RunStarted {'one': ()")
    monkeypatch.syspath_prepend(str(installed))
    with pytest.raises(PluginError, match='the sink "broken" of broken cannot be imported: ModuleNotFoundError'):
        open_sinks(["broken"], PLAN, allows_plugins=True, tell=print)
    with pytest.raises(UsageError, match='there is no sink "lines"'):
        open_sinks(["lines"], PLAN, allows_plugins=False, tell=print)
