"""What is found before any request is made."""

from __future__ import annotations

import pytest
from flowpar.plugin import UNKNOWN, Finding

from flowpar_http.arguments import check


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "https://example.org/a"},
        {"url": UNKNOWN, "method": UNKNOWN, "json": UNKNOWN, "timeout_s": UNKNOWN},
        {"url": "http://[::1]:8000/", "method": "POST", "json": {}},
        {},
    ],
)
def test_good_arguments_have_no_finding(arguments: dict[str, object]) -> None:
    assert list(check(arguments)) == []


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "https://", "http://[", ""])
def test_what_is_no_web_address_is_found(url: str) -> None:
    (finding,) = check({"url": url})

    assert (finding.argument, finding.message) == ("url", f'"{url}" is not an address of the web')


def test_json_and_body_exclude_each_other() -> None:
    (finding,) = check({"method": "POST", "json": 1, "body": "a"})

    assert (finding.argument, finding.severity) == ("body", "error")


def test_a_get_with_a_body_is_worth_a_warning() -> None:
    assert [(found.argument, found.severity) for found in check({"body": "a"})] == [("body", "warning")]


def test_a_password_in_the_url_is_worth_a_warning() -> None:
    expected = Finding("the url holds a password", "url", 'pass it as "token"', "warning")
    assert list(check({"url": "https://a:b@example.org"})) == [expected]


def test_a_timeout_is_more_than_nothing() -> None:
    assert [found.message for found in check({"timeout_s": 0})] == ["timeout_s must be more than 0, and is 0"]
