"""A run told to an OpenTelemetry collector as it goes: `--sink otel[=http://host:4318]`, OTLP over HTTP.

    engine ── emit ──► a queue of bounded length ──► a thread ── POST /v1/traces ──► collector

The engine only appends: no collector, slow or gone, holds it up. What does not fit into the queue is dropped and
counted, and what went wrong is said once, at the end. Needs the extra `otel`.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from flowpar import __version__
from flowpar.core.errors import PluginError, UsageError
from flowpar.report.spans import Spans
from flowpar.report.terminal import one_line
from flowpar.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.events import Event
    from flowpar.core.sink import SinkSetting
    from flowpar.report.spans import Span

_DEFAULT = "http://localhost:4318"
_MOST_QUEUED = 20_000
_MOST_AT_ONCE = 512
_EVERY_S = 1.0
_PATIENCE_S = 5.0
_LAST_PATIENCE_S = 2.0
_OK, _ERROR = 1, 2
_USER = re.compile(r"^([A-Za-z]+://)?.*@", re.DOTALL)
_BELOW_REDIRECTS = 300
_RETRIED = frozenset({429, 502, 503, 504})


def open_sink(target: str, setting: SinkSetting) -> OtelSink:
    """Return the sink for a collector; raises UsageError where its address is none, PluginError without the extra."""
    url = target or _url("", os.environ)
    try:
        url = _url(target, os.environ)
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of urlsplit, and of a port that is none
        is_address = False
    if not is_address:
        raise UsageError(f'the sink otel needs an address like {_DEFAULT}, not "{_without_user(target or url)}"')
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.proto") is None:
        raise PluginError("the sink otel needs the package opentelemetry-proto", hint="pip install 'flowpar[otel]'")
    return OtelSink(url, setting, os.environ)


def _url(target: str, environment: Mapping[str, str]) -> str:
    """Return where traces go, by the option, or else by the variables that all exporters of OpenTelemetry know."""
    if target:
        path = urlsplit(target).path.rstrip("/")
        return target if path else f"{target.rstrip('/')}/v1/traces"
    whole = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return whole or f"{(environment.get('OTEL_EXPORTER_OTLP_ENDPOINT') or _DEFAULT).rstrip('/')}/v1/traces"


def _without_user(url: str) -> str:
    """Return an address as it can be told: without the name and the password in it, though it may be none."""
    return _USER.sub(r"\1", url)


class OtelSink:
    """An event sink that hands spans to a thread of its own."""

    def __init__(self, url: str, setting: SinkSetting, environment: Mapping[str, str]) -> None:
        """Send to `url`; nothing is sent, and no thread started, before the first span."""
        self._spans = Spans(setting.needs, environment)
        self._tell = setting.tell
        self._sender = _Sender(url, environment)
        self._thread: threading.Thread | None = None

    def emit(self, event: Event) -> None:
        """Queue the spans that are over with an event."""
        for span in self._spans.take(event):
            self._sender.queue(span)
            if self._thread is None:
                self._thread = threading.Thread(target=self._sender.run, name="flowpar-otel", daemon=True)
                self._thread.start()

    def commit(self) -> None:
        """Do nothing: spans are no record."""

    def close(self) -> None:
        """Send what is left, for a moment, and say what could not be sent."""
        if self._thread is None:
            return
        self._sender.finish()
        self._thread.join(_LAST_PATIENCE_S)
        left = self._sender.lost
        if left or self._sender.problem:
            lost = f"{counted(left, 'span')} of this run were not sent" if left else "all spans were sent in the end"
            why = one_line(self._sender.problem) or "it takes too long"
            self._tell(f"the sink otel had trouble with {_without_user(self._sender.where)}: {why}; {lost}")


class _Sender:
    """The thread's side: takes spans from the queue, and sends them as one request each time."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.where = url
        self.problem = ""
        self._headers = _headers(environment)
        self._resource = _resource(environment)
        self._queue: deque[Span] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._is_over = False
        self._pending = 0

    @property
    def lost(self) -> int:
        return self._dropped + len(self._queue) + self._pending

    def queue(self, span: Span) -> None:
        if len(self._queue) >= _MOST_QUEUED:
            self._dropped += 1
            return
        self._queue.append(span)
        if len(self._queue) >= _MOST_AT_ONCE:
            self._wake.set()

    def finish(self) -> None:
        self._is_over = True
        self._wake.set()

    def run(self) -> None:
        while True:
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            is_over = self._is_over  # before the queue is looked at: what comes later is not this thread's
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST_AT_ONCE))]
                self._pending = len(batch)
                if not self._send(batch):
                    break
                self._pending = 0
            if is_over:
                return

    def _send(self, batch: Sequence[Span]) -> bool:
        """Send spans; where the collector is not there just now, they are sent again later, as far as there is room."""
        try:
            status, reason = self._post(_request(batch, self._resource))
        except (OSError, HTTPException) as error:
            status, reason = 0, f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - of the package that encodes: it must not end the thread
            status, reason = -1, f"{type(error).__name__}: {error}"
        if 0 < status < _BELOW_REDIRECTS:
            return True
        self.problem = self.problem or (reason if status <= 0 else f"it answers {status} {reason}")
        self._pending = 0
        if status == 0 or status in _RETRIED:
            room = max(0, _MOST_QUEUED - len(self._queue))
            self._dropped += max(0, len(batch) - room)
            self._queue.extendleft(reversed(batch[:room]))
        else:
            self._dropped += len(batch)
        return False

    def _post(self, body: bytes) -> tuple[int, str]:
        parts = urlsplit(self.where)
        patience_s = _LAST_PATIENCE_S if self._is_over else _PATIENCE_S
        kind: Any = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=patience_s)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/x-protobuf", **self._headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.reason
        finally:
            connection.close()


def _headers(environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"):
        found |= _pairs(environment.get(name, ""))
    return found


def _resource(environment: Mapping[str, str]) -> dict[str, object]:
    service = environment.get("OTEL_SERVICE_NAME", "")
    given = _pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    named = {"service.name": service} if service else {}
    return {"service.name": "flowpar", "service.version": __version__, "process.pid": os.getpid(), **given, **named}


def _pairs(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {unquote(name.strip()): unquote(value.strip()) for name, sign, value in pairs if sign and name.strip()}


def _request(spans: Sequence[Span], resource: Mapping[str, object]) -> bytes:
    """Encode spans as one request of OTLP."""
    # Late, and in this thread: it takes longer to import than most runs have to begin.
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request: Any = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    _attributes(of_resource.resource.attributes, resource)
    scope = of_resource.scope_spans.add()
    scope.scope.name, scope.scope.version = "flowpar", __version__
    for span in spans:
        _encode(scope.spans.add(), span)
    encoded: bytes = request.SerializeToString()
    return encoded


def _encode(made: Any, span: Span) -> None:
    made.trace_id, made.span_id = bytes.fromhex(span.trace_id), bytes.fromhex(span.span_id)
    made.parent_span_id = bytes.fromhex(span.parent_id)
    made.name, made.kind = _text(span.name), 1
    made.start_time_unix_nano, made.end_time_unix_nano = _nanoseconds(span.start), _nanoseconds(span.end)
    _attributes(made.attributes, span.attributes)
    for link in span.links:
        linked = made.links.add()
        linked.trace_id, linked.span_id = made.trace_id, bytes.fromhex(link)
    if span.raised is not None:
        event = made.events.add()
        event.name, event.time_unix_nano = "exception", made.end_time_unix_nano
        names = ("exception.type", "exception.message", "exception.stacktrace")
        _attributes(event.attributes, dict(zip(names, span.raised, strict=True)))
    if span.error:
        made.status.code, made.status.message = _ERROR, _text(span.error)
    elif span.is_good:
        made.status.code = _OK


def _attributes(into: Any, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value is None:
            continue
        made = into.add()
        made.key = _text(name)
        if isinstance(value, bool):
            made.value.bool_value = value
        elif isinstance(value, int):
            made.value.int_value = value
        elif isinstance(value, float):
            made.value.double_value = value
        else:
            made.value.string_value = _text(str(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e6)) * 1000  # what a float of a date has no more of
