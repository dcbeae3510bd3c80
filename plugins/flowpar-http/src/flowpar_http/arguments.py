"""What can be wrong with the arguments of `http` before any request is made."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowpar.plugin import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WITHOUT_BODY = frozenset({"GET", "HEAD"})


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    yield from _check_url(arguments.get("url"))
    has_json, has_body = (arguments.get(name) is not None for name in ("json", "body"))
    if has_json and has_body:
        yield Finding('a request has "json" or "body", not both', argument="body", hint='leave "json" for JSON')
    method = arguments.get("method", "GET")
    if method in _WITHOUT_BODY and (has_json or has_body):
        yield Finding(
            f"a {method} request with a body is ignored by many servers",
            argument="json" if has_json else "body",
            hint="set method: POST",
            severity="warning",
        )
    timeout_s = arguments.get("timeout_s")
    if isinstance(timeout_s, int | float) and timeout_s <= 0:
        yield Finding(f"timeout_s must be more than 0, and is {timeout_s}", argument="timeout_s")


def _check_url(url: object) -> Iterator[Finding]:
    if not isinstance(url, str):
        return
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in {"http", "https"} and bool(parts.hostname)
        has_password = parts.password is not None
    except ValueError:
        is_complete, has_password = False, False
    if not is_complete:
        yield Finding(f'"{url}" is not an address of the web', argument="url", hint="write https://host/path")
    if has_password:
        yield Finding("the url holds a password", argument="url", hint='pass it as "token"', severity="warning")
