"""The task type `http`: send one request, settle what its answer means.

    arguments ─► httpx ─► HttpResponse, or an exception that says what was asked and what came

Failures are the builtin `ConnectionError` and `TimeoutError`, so `retry: {on: [ConnectionError]}`
reads as it should, and `UnexpectedStatus`.
"""

from __future__ import annotations

from typing import Any, Literal

import httpx
from flowpar.plugin import TaskContext, task_type

from flowpar_http.arguments import check
from flowpar_http.response import HttpResponse

_NOT_IDEMPOTENT = frozenset({"POST", "PATCH"})
_SHOWN_OF_BODY = 300
_TEXTUAL = ("text/", "application/json", "application/xml", "application/javascript")
_TEXTUAL_SUFFIXES = ("+json", "+xml")


class UnexpectedStatus(Exception):  # noqa: N818 - the name that `retry.on` and failure reports show
    """The server answered with a status that the task does not expect."""


@task_type(executor="thread", secrets=("token",), preload=("httpx",), check=check)
def http(
    url: str,
    *,
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET",
    headers: dict[str, str] | None = None,
    params: dict[str, Any] | None = None,
    json: Any = None,
    body: str | bytes | None = None,
    token: str | None = None,
    timeout_s: float = 30.0,
    expect: int | list[int] = 200,
    context: TaskContext,
) -> HttpResponse:
    """Send an HTTP request and return status, headers and body.

    Redirects are followed unless one is expected. `token` is sent as a bearer token. A POST or
    PATCH carries an `Idempotency-Key` that stays the same when the attempt is made again.
    """
    expected = {expect} if isinstance(expect, int) else set(expect)
    sent = _headers(headers or {}, method=method, token=token, context=context)
    asked = f"{method} {_shown(url)}"
    try:
        with httpx.Client(timeout=timeout_s, follow_redirects=not any(map(_is_redirect, expected))) as client:
            answer = client.request(method, url, headers=sent, params=params, json=json, content=body)
    except httpx.TimeoutException as error:
        raise TimeoutError(f"{asked} took longer than {timeout_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError(f"{asked} failed: {error}") from error
    context.logger.info("http.answered", request=asked, status=answer.status_code, size_bytes=len(answer.content))
    if answer.status_code not in expected:
        raise UnexpectedStatus(_complaint(asked, answer, expected))
    return _response(asked, answer)


def _headers(given: dict[str, str], *, method: str, token: str | None, context: TaskContext) -> httpx.Headers:
    headers = httpx.Headers({"Idempotency-Key": context.idempotency_key} if method in _NOT_IDEMPOTENT else {})
    if token is not None:
        # Refused here: what httpx says of a header that it cannot send would show the token.
        if not token.strip().isprintable():
            raise ValueError("the token holds characters that a header cannot carry")
        headers["Authorization"] = f"Bearer {token.strip()}"
    headers.update(given)
    return headers


def _is_redirect(status: int) -> bool:
    return status in {301, 302, 303, 307, 308}


def _shown(url: str) -> str:
    """Return the address without what may be secret in it: user, password and query."""
    try:
        return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))
    except httpx.InvalidURL:
        return "an invalid address"


def _complaint(asked: str, answer: httpx.Response, expected: set[int]) -> str:
    wanted = " or ".join(map(str, sorted(expected)))
    shown = " ".join(answer.text[:_SHOWN_OF_BODY].split()) if _is_text(answer) else ""
    said = f": {shown}" if shown else ""
    return f"{asked} answered {answer.status_code} {answer.reason_phrase}, not {wanted}{said}"


def _response(asked: str, answer: httpx.Response) -> HttpResponse:
    try:
        parsed = answer.json() if _is_json(answer) and answer.content else None
    except ValueError as error:
        raise ValueError(f"{asked} answered with JSON that cannot be read: {error}") from error
    return HttpResponse(
        status=answer.status_code,
        url=str(answer.url.copy_with(userinfo=b"")),
        headers=dict(answer.headers),
        body=answer.content,
        text=answer.text if _is_text(answer) else "",
        json=parsed,
    )


def _content_type(answer: httpx.Response) -> str:
    declared: str = answer.headers.get("content-type", "")
    return declared.partition(";")[0].strip().lower()


def _is_json(answer: httpx.Response) -> bool:
    kind = _content_type(answer)
    return kind == "application/json" or kind.endswith("+json")


def _is_text(answer: httpx.Response) -> bool:
    kind = _content_type(answer)
    return kind.startswith(_TEXTUAL) or kind.endswith(_TEXTUAL_SUFFIXES)
