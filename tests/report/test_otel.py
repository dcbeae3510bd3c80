"""Spans reach a collector as the protocol has them, and no collector ever holds up a run."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.errors import UsageError
from flowpar.core.events import TaskEnded, TaskRetrying, TaskStarted
from flowpar.core.outcome import Success
from flowpar.core.sink import SinkSetting
from flowpar.core.span import attempt_span, parent_of, trace_of, traceparent
from flowpar.core.states import RunStatus, TaskState
from flowpar.report.otel import OtelSink, open_sink
from flowpar.testing.contracts import SinkContract
from flowpar.testing.events import AT, MEASURE, RAISED, REF, run_finished, run_started, subject

pytest.importorskip("opentelemetry.proto")
sys.path.insert(0, str(Path(__file__).parent))
from collector import attributes, collecting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector

    from flowpar.core.events import Event

RUN = run_started().run_id
OUTER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def told(url: str, events: list[Event], needs: dict[str, tuple[str, ...]] | None = None, **variables: str) -> list[str]:
    said: list[str] = []
    sink = OtelSink(f"{url}/v1/traces", SinkSetting(needs or {}, said.append), variables)
    for event in events:
        sink.emit(event)
        sink.commit()
    sink.close()
    return said


def a_run() -> list[Event]:
    """A task that succeeds, and an item that fails, is tried again and fails for good."""
    item = subject("count", 3)
    again = subject("count", 3, attempt=2)
    return [
        run_started(),
        TaskStarted(subject("load"), AT, 4242, 0.25),
        TaskEnded(subject("load"), AT + 1.5, TaskState.SUCCEEDED, Success(REF), MEASURE),
        TaskStarted(item, AT, 4242, 0.25),
        TaskRetrying(item, AT + 1.5, 0.1, RAISED, MEASURE),
        TaskStarted(again, AT + 1.6, 4243, 0.0),
        TaskEnded(again, AT + 3, TaskState.FAILED, RAISED, MEASURE),
        TaskEnded(subject("count", attempt=0), AT + 3, TaskState.FAILED, RAISED, None, items=4),
        run_finished(RunStatus.FAILED, failed=1),
    ]


def test_a_run_is_a_tree_of_spans_with_links_status_and_what_was_raised(collector: Collector) -> None:
    said = told(collector.url, a_run(), {"count": ("load",)})

    spans = {span.name: span for span in collector.spans()}
    assert said == []
    assert {path for path, _, _ in collector.requests} == {"/v1/traces"}
    assert set(spans) == {
        "run words", "load", "load attempt 1", "count", "count[3]", "count[3] attempt 1", "count[3] attempt 2"
    }  # fmt: skip
    assert {span.trace_id.hex() for span in spans.values()} == {trace_of(RUN, {})}
    assert len({span.span_id for span in spans.values()}) == len(spans)
    parents = {
        "run words": None, "load": "run words", "load attempt 1": "load", "count": "run words", "count[3]": "count",
        "count[3] attempt 1": "count[3]", "count[3] attempt 2": "count[3]",
    }  # fmt: skip
    for name, parent in parents.items():
        assert spans[name].parent_span_id == (b"" if parent is None else spans[parent].span_id)
    assert [link.span_id for link in spans["count"].links] == [spans["load"].span_id]
    assert [link.span_id for link in spans["count[3] attempt 2"].links] == [spans["count[3] attempt 1"].span_id]
    assert {name for name, span in spans.items() if span.status.code == 2} == set(spans) - {"load", "load attempt 1"}
    failed = spans["count[3] attempt 2"]
    assert failed.status.message == "ValueError: bad row"
    assert attributes(failed.events[0])["exception.type"] == "ValueError"
    assert attributes(failed)["flowpar.item"] == 3
    assert attributes(failed)["flowpar.cpu_s"] == 0.5
    assert failed.end_time_unix_nano - failed.start_time_unix_nano == 1_500_000_000
    assert attributes(spans["run words"])["flowpar.exit_code"] == 1
    assert failed.span_id.hex() == attempt_span(RUN, "count", 3, 2)


def test_the_variables_of_opentelemetry_are_heeded(collector: Collector) -> None:
    variables = {
        "OTEL_SERVICE_NAME": "nightly",
        "OTEL_RESOURCE_ATTRIBUTES": "team=data,deployment.environment=prod%20eu",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=abc%20d",
        "TRACEPARENT": OUTER,
    }

    told(collector.url, a_run(), None, **variables)

    root = next(span for span in collector.spans() if span.name == "run words")
    assert collector.resource()["service.name"] == "nightly"
    assert collector.resource()["deployment.environment"] == "prod eu"
    assert collector.requests[0][1]["x-key"] == "abc d"
    assert f"00-{root.trace_id.hex()}-{root.parent_span_id.hex()}-01" == OUTER


@pytest.mark.parametrize(
    ("target", "variables", "url"),
    [
        ("", {}, "http://localhost:4318/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://there:1/"}, "http://there:1/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://there:1/x"}, "http://there:1/x"),
        ("http://here:2", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://there:1"}, "http://here:2/v1/traces"),
        ("https://here/otlp/v1/traces", {}, "https://here/otlp/v1/traces"),
    ],
)
def test_where_traces_go(monkeypatch: pytest.MonkeyPatch, target: str, variables: dict[str, str], url: str) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert open_sink(target, SinkSetting())._sender.where == url  # noqa: SLF001 - where it would send to


@pytest.mark.parametrize(
    "target", ["localhost:4318", "ftp://x", "http://", "http://x:port", "http://x:99999", "http://["]
)
def test_an_address_that_is_none_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="needs an address like http://localhost:4318"):
        open_sink(target, SinkSetting())


def test_who_sends_is_not_told_with_the_address() -> None:
    with pytest.raises(UsageError) as refused:
        open_sink("http://ada:pa@word@x:port/?as=http://y", SinkSetting())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        [said] = told(f"http://ada:word@127.0.0.1:{taken.getsockname()[1]}", a_run())

    for text in (str(refused.value), said):
        assert "word" not in text
        assert "ada" not in text
    assert "trouble with http://127.0.0.1:" in said


def test_a_collector_that_is_not_there_is_said_once_and_never_raises() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        said = told(f"http://127.0.0.1:{taken.getsockname()[1]}", a_run())

    assert len(said) == 1
    assert said[0].endswith("7 spans of this run were not sent")
    assert "ConnectionRefusedError" in said[0]


def test_a_collector_that_refuses_is_said_and_one_that_is_busy_gets_it_again(collector: Collector) -> None:
    collector.answer = 400
    assert told(collector.url, a_run())[0].endswith("it answers 400 Bad Request; 7 spans of this run were not sent")

    collector.answer = 503
    said: list[str] = []
    sink = OtelSink(f"{collector.url}/v1/traces", SinkSetting({}, said.append), {})
    *most, last = a_run()
    for event in most:
        sink.emit(event)
    deadline = time.monotonic() + 60
    while collector.refused < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    collector.answer = 200
    sink.emit(last)
    sink.close()

    assert len(collector.spans()) == 7
    assert said[0].endswith("it answers 503 Service Unavailable; all spans were sent in the end")


def test_a_collector_that_says_nothing_holds_up_neither_the_run_nor_its_end() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said: list[str] = []
        sink = OtelSink(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces", SinkSetting({}, said.append), {})
        for _ in range(5000):
            for event in a_run():
                sink.emit(event)
        sink.close()  # it waits for two seconds

    assert "not sent" in said[0]
    assert len(sink._sender._queue) <= 20_000  # noqa: SLF001 - the bound


def test_what_goes_on_with_a_span_is_told_in_the_form_of_w3c() -> None:
    made = traceparent(trace_of(RUN, {}), attempt_span(RUN, "load", None, 1))

    assert parent_of({"TRACEPARENT": made}) == (trace_of(RUN, {}), attempt_span(RUN, "load", None, 1))
    assert trace_of(RUN, {"TRACEPARENT": OUTER}) == OUTER.split("-")[1]
    for wrong in ("", "x", OUTER[:-1], OUTER.replace("00-", "ff-"), f"00-{'0' * 32}-b7ad6b7169203331-01"):
        assert parent_of({"TRACEPARENT": wrong}) is None


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, collector: Collector) -> Any:
        return OtelSink(f"{collector.url}/v1/traces", SinkSetting({}, lambda _: None), {})
