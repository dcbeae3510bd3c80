"""What a request gives: `HttpResponse`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer of a server.

    `headers` have lower-case names; `text` is the decoded body, empty for a body that is no text;
    `json` is the parsed body where the server says that it is JSON, else None.
    """

    status: int
    url: str
    headers: dict[str, str]
    body: bytes
    text: str
    json: Any
