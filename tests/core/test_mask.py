from __future__ import annotations

import base64
import html
import json
import pickle
import shlex
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from flowpar.core.forms import SHORTEST, forms_of
from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "c4n4ry /+\"'&<é"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nAgEAAoIBAQC7/abc+def==\n-----END KEY-----"
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*\0"), min_size=SHORTEST, max_size=40).filter(
    lambda text: len(text.strip()) >= SHORTEST
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": b64,
    "base64 url-safe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "quote": urllib.parse.quote,
    "quote all": lambda text: urllib.parse.quote(text, safe=""),
    "quote_plus": urllib.parse.quote_plus,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
    "shell": lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    "HTML": html.escape,
}


@given(SECRETS)
@example(CANARY)
@example("trailing \n")
def test_a_secret_is_hidden_however_it_is_written(secret: str) -> None:
    masker = Masker([secret])

    shown = {how: masker.text(f"a: {write(secret)} :b") for how, write in ENCODINGS.items()}

    assert shown == dict.fromkeys(ENCODINGS, "a: *** :b")


@given(SECRETS, st.sampled_from(["", "u", "us", "use", "user:"]), st.sampled_from(["", "\n", "!!", "abc"]))
def test_base64_of_a_text_around_it_shows_no_whole_byte_of_it(secret: str, before: str, after: str) -> None:
    whole = b64(before + secret + after)

    left, mask, right = Masker([secret]).text(whole).partition("***")

    hidden = len(whole) - len(left) - len(right)
    assert mask
    assert hidden >= len(secret.encode()) * 8 // 6 - 1


@given(SECRETS, st.lists(st.integers(1, 30), max_size=20))
def test_a_secret_that_comes_in_pieces_is_hidden(secret: str, cuts: list[int]) -> None:
    data = f"before {secret} between {b64(secret)} {secret}{secret} after".encode()
    stream = Masker([secret]).stream()
    assert stream is not None

    told, place = b"", 0
    for cut in [*cuts, len(data)]:
        told += stream.take(data[place : place + cut])
        place += cut
    told += stream.finish()

    assert told == Masker([secret]).data(data)


@given(st.lists(SECRETS, min_size=1, max_size=4), st.text(max_size=60), st.integers(1, 7))
def test_a_stream_tells_what_a_whole_text_does(secrets: list[str], between: str, size: int) -> None:
    masker = Masker(secrets)
    data = between.join(["", *secrets, ""]).encode("utf-8", "replace")
    stream = masker.stream()
    assert stream is not None

    told = b"".join(stream.take(data[start : start + size]) for start in range(0, len(data), size)) + stream.finish()

    assert not any(secret.encode() in told for secret in secrets)
    assert told == masker.data(data)


def test_what_cannot_be_the_beginning_of_a_secret_is_not_held_back() -> None:
    stream = Masker(["hunter2-hunter2"]).stream()
    assert stream is not None

    assert stream.take(b"a line\n") == b"a line\n"
    assert stream.take(b"a prompt: hunt") == b"a prompt: "
    assert stream.take(b"ing\n") == b"hunting\n"


def test_a_stream_of_overlapping_secrets_does_not_grow() -> None:
    stream = Masker(["abcd", "cdab"]).stream()
    assert stream is not None

    told = sum(len(stream.take(b"abcd" * 20_000)) for _ in range(40))

    assert told > 0


def test_secrets_that_overlap_are_hidden_as_one() -> None:
    assert Masker(["abcdef", "defghi"]).text("xabcdefghix") == "x***x"
    assert Masker(["hunter2", "hunter2-long"]).text("hunter2-long hunter2") == "*** ***"


@given(st.permutations(["hunter2", "hunter2hunter2", "ter2hu"]))
def test_the_order_of_secrets_does_not_matter(secrets: list[str]) -> None:
    assert Masker(secrets).text("hunter2hunter2 ter2hu hunter2") == "*** *** ***"


@pytest.mark.parametrize("line", KEY.splitlines())
def test_a_secret_of_many_lines_is_hidden_line_by_line(line: str) -> None:
    masker = Masker([KEY])

    assert masker.text(f"  {line}\r\n") == "  ***\r\n"
    assert masker.text(KEY) == "***"
    assert masker.text(json.dumps(KEY)) == '"***"'
    assert masker.text(b64(KEY)) == "***"


@pytest.mark.parametrize("width", [64, 76])
def test_wrapped_base64_of_a_long_secret_is_hidden(width: int) -> None:
    written = b64(KEY * 3)
    wrapped = "\n".join(written[start : start + width] for start in range(0, len(written), width))

    assert set(Masker([KEY * 3]).text(wrapped)) == {"*", "\n"}


def test_lines_that_are_too_short_are_not_hidden() -> None:
    assert Masker(["{\n  abcdefgh\n}"]).text("{ } abcdefgh") == "{ } ***"


def test_a_long_key_has_few_forms() -> None:
    key = "\n".join(f"line {number} of a key/{number}+" for number in range(60))

    assert len(forms_of(key)) < 250


@given(SECRETS)
def test_no_form_is_shorter_than_what_may_be_a_secret(secret: str) -> None:
    assert min(map(len, forms_of(secret))) >= SHORTEST


def test_without_secrets_nothing_is_done() -> None:
    masker, failure = Masker(), Failure(FailureKind.EXCEPTION, "E", "m")
    body = {"a": [1]}

    assert not masker
    assert masker.stream() is None
    assert masker.plain(body) is body
    assert masker.failure(failure) is failure
    assert not masker.holds([b"anything"])


def test_secrets_are_hidden_anywhere_in_plain_data() -> None:
    masker = Masker(["hunter2", "123456"])

    found = masker.plain({"a": ["x hunter2", ("hunter2", 1.5)], "hunter2": {"n": 1234567, "t": True, "o": None}})

    assert found == {"a": ["x ***", ["***", 1.5]], "***": {"n": "***", "t": True, "o": None}}


def test_a_text_that_was_cut_off_shows_no_beginning_of_a_secret() -> None:
    masker = Masker(["hunter2-hunter2"])

    assert masker.plain("the token is hunter2-hun", cut_at=10) == "the token is ***"
    assert masker.plain("ter2-hunter2 was the token", cut_at=10) == "*** was the token"
    assert masker.plain("hunter", cut_at=10) == "hunter"


@given(SECRETS.filter(lambda text: len(text) > 10), st.integers(SHORTEST, 9), st.sampled_from(["…", "...", '"', "'"]))
def test_an_error_shows_no_beginning_of_a_secret_that_it_cuts(secret: str, length: int, mark: str) -> None:
    # A secret that goes on as the mark does hides more than was cut, which is no harm.
    assume(not secret[length:].startswith(mark[0]))
    text = f"wants int, this is the text {secret[:length]}{mark} and more"

    assert Masker([secret]).error(text) == f"wants int, this is the text ***{mark} and more"


def test_what_only_begins_as_a_secret_does_is_left_in_an_error() -> None:
    text = 'File "hunt.py", line 3: the hunter is "hun"'

    assert Masker(["hunter2-hunter2"]).error(text) == text


def test_a_failure_tells_no_secret() -> None:
    failure = Failure(FailureKind.EXCEPTION, "KeyError", "'hunter2'", traceback="line\n'hunter2'")

    found = Masker(["hunter2"]).failure(failure)

    assert (found.message, found.traceback) == ("'***'", "line\n'***'")


@pytest.mark.parametrize("size", [0, 5, 100_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-le"])
def test_a_secret_is_found_in_a_buffer(size: int, encoding: str) -> None:
    masker = Masker(["hunter2-hunter2"])
    buffer = bytearray(size) + "hunter2-hunter2".encode(encoding) + bytearray(size)

    assert masker.holds([memoryview(buffer)])
    assert masker.holds([b"", pickle.dumps(bytes(buffer))])
    assert not masker.holds([memoryview(buffer)[: size + 10]])


def test_a_secret_at_the_border_of_two_windows_is_found() -> None:
    masker = Masker(["hunter2-hunter2"])
    window = 4 << 20

    assert all(masker.holds([memoryview(bytes(window - back) + b"hunter2-hunter2" + bytes(9))]) for back in (1, 7, 15))


def test_in_a_very_large_buffer_a_secret_is_looked_for_as_it_is() -> None:
    masker, size = Masker(["hunter2-hunter2"]), (64 << 20) + 1

    assert masker.holds([memoryview(bytes(size) + b"hunter2-hunter2")])
    assert not masker.holds([memoryview(bytes(size) + b64("hunter2-hunter2").encode())])
    assert masker.holds([memoryview(bytes(1 << 20) + b64("hunter2-hunter2").encode())])


@pytest.mark.timeout(180)  # it takes half a second
def test_much_output_takes_little_time() -> None:
    masker = Masker(["hunter2-hunter2", "AKIAIOSFODNN7EXAMPLE", KEY])
    line = b"2026-11-28 12:00:00 an ordinary line of an ordinary log, with numbers like 1234567 in it\n"
    chunk = (line * 800)[:65_536]
    stream = masker.stream()
    assert stream is not None

    for _ in range(128):
        stream.take(chunk)
