"""The task type `http`, against a real server."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.task import Recorded, fake_context, run_task

from flowpar_http.request import UnexpectedStatus, http
from flowpar_http.response import HttpResponse

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WebServer


def test_the_address_comes_back_without_user_and_password(web: WebServer) -> None:
    address = web.url.replace("://", "://me:hidden@")

    assert run_task(http, url=f"{address}/json").url == f"{web.url}/json"


def test_a_get_gives_status_headers_body_and_parsed_json(web: WebServer) -> None:
    response = run_task(http, url=f"{web.url}/json")

    assert isinstance(response, HttpResponse)
    assert (response.status, response.url) == (200, f"{web.url}/json")
    assert response.headers["content-type"] == "application/json"
    assert response.json == {"words": ["a", "b"]}
    assert json.loads(response.body) == json.loads(response.text) == response.json


def test_text_is_decoded_as_the_server_says(web: WebServer) -> None:
    response = run_task(http, url=f"{web.url}/text")

    assert (response.text, response.json) == ("café", None)


def test_what_is_no_text_comes_as_bytes(web: WebServer) -> None:
    response = run_task(http, url=f"{web.url}/bytes")

    assert (response.body, response.text) == (bytes(range(256)), "")


def test_a_request_carries_what_the_task_says(web: WebServer) -> None:
    run_task(
        http,
        url=f"{web.url}/created",
        method="POST",
        params={"page": 2},
        headers={"X-Kind": "test"},
        json={"a": [1]},
        token="s3cret",
        expect=201,
    )

    (request,) = web.received
    assert (request.method, request.query, json.loads(request.body)) == ("POST", {"page": ["2"]}, {"a": [1]})
    assert request.headers["x-kind"] == "test"
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", ["text", b"bytes"])
def test_a_body_is_sent_as_it_is(web: WebServer, body: str | bytes) -> None:
    run_task(http, url=f"{web.url}/text", method="PUT", body=body)

    assert web.received[0].body == (body.encode() if isinstance(body, str) else body)


def test_a_post_is_sent_with_the_same_key_at_each_attempt(web: WebServer, tmp_path: Path) -> None:
    for attempt in (1, 2):
        context = fake_context(scratch=tmp_path, attempt=attempt)
        run_task(http, url=f"{web.url}/text", method="POST", context=context)
    run_task(http, url=f"{web.url}/text")

    keys = [request.headers.get("idempotency-key") for request in web.received]
    assert keys == [context.idempotency_key, context.idempotency_key, None]


def test_the_tasks_own_header_wins(web: WebServer) -> None:
    run_task(http, url=f"{web.url}/text", token="a", headers={"authorization": "Basic b"})

    assert web.received[0].headers["authorization"] == "Basic b"


def test_another_status_is_a_failure_that_shows_the_answer(web: WebServer) -> None:
    with pytest.raises(UnexpectedStatus, match=r"/none answered 404 Not Found, not 200: <h1>no such page</h1>"):
        run_task(http, url=f"{web.url}/none?key=hidden")


def test_an_expected_status_is_none(web: WebServer) -> None:
    assert run_task(http, url=f"{web.url}/none", expect=[200, 404]).status == 404


def test_a_redirect_is_followed_unless_it_is_expected(web: WebServer) -> None:
    followed = run_task(http, url=f"{web.url}/moved")
    stayed = run_task(http, url=f"{web.url}/moved", expect=302)

    assert (followed.status, followed.url) == (200, f"{web.url}/json")
    assert (stayed.status, stayed.headers["location"]) == (302, "/json")


def test_no_answer_in_time_is_a_timeout(web: WebServer) -> None:
    with pytest.raises(TimeoutError, match=r"GET http://127.0.0.1:\d+/slow took longer than 0.2 s"):
        run_task(http, url=f"{web.url}/slow", timeout_s=0.2)


def test_nobody_there_is_a_connection_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]

        with pytest.raises(ConnectionError, match=f"GET http://127.0.0.1:{port}/x failed: .*refused"):
            run_task(http, url=f"http://user:hidden@127.0.0.1:{port}/x?token=hidden")


def test_failures_show_neither_password_nor_query() -> None:
    with pytest.raises(ConnectionError) as caught:
        run_task(http, url="http://user:hidden@127.0.0.1:1/x?token=hidden")

    assert "hidden" not in str(caught.value)


def test_json_that_is_cut_off_is_said(web: WebServer) -> None:
    with pytest.raises(ValueError, match=r"/broken answered with JSON that cannot be read"):
        run_task(http, url=f"{web.url}/broken")


def test_a_token_with_a_line_end_is_sent_without_it(web: WebServer) -> None:
    run_task(http, url=f"{web.url}/text", token="s3cret\n")

    assert web.received[0].headers["authorization"] == "Bearer s3cret"


def test_a_token_that_cannot_be_sent_is_not_shown(web: WebServer) -> None:
    with pytest.raises(ValueError, match="characters that a header cannot carry") as caught:
        run_task(http, url=f"{web.url}/text", token="s3\ncret")

    assert "cret" not in str(caught.value)
    assert web.received == []


def test_an_answer_is_logged(web: WebServer, tmp_path: Path) -> None:
    recorded = Recorded()

    run_task(http, url=f"{web.url}/json?key=hidden", context=fake_context(scratch=tmp_path, recorded=recorded))

    assert recorded.messages == ["http.answered"]
    assert recorded.lines[0]["fields"] == {"request": f"GET {web.url}/json", "status": 200, "size_bytes": 21}
