"""A web server on a socket of this machine, for all tests of the plugin."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Received:
    """A request as the server saw it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    """Where the server is, and what it was asked."""

    url: str
    received: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: WebServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that no longer waits for `/slow` is what its test is about."""


class _Answers(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.web.received.append(Received(self.command, parts.path, parse_qs(parts.query), headers, body))
        match parts.path:
            case "/json":
                self._send(200, "application/json", json.dumps({"words": ["a", "b"]}).encode())
            case "/text":
                self._send(200, "text/plain; charset=iso-8859-1", "café".encode("latin-1"))
            case "/bytes":
                self._send(200, "application/octet-stream", bytes(range(256)))
            case "/broken":
                self._send(200, "application/json", b'{"words": [')
            case "/created":
                self._send(201, "application/json", b"{}")
            case "/moved":
                self._send(302, "text/plain", b"", location="/json")
            case "/slow":
                self.server.web.release.wait(30)
                self._send(200, "text/plain", b"late")
            case _:
                self._send(404, "text/html", b"<h1>no such page</h1>")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815 - the base's names

    def _send(self, status: int, content_type: str, body: bytes, *, location: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = _Server(("127.0.0.1", 0), _Answers)
    server.web = WebServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.web
    server.web.release.set()
    server.shutdown()
    thread.join(10)
    server.server_close()
