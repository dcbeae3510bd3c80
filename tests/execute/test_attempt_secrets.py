"""What an attempt tells is masked before it leaves the worker; what it returns must hold no secret."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from flowpar.core.mask import Masker
from flowpar.core.outcome import FailureKind
from flowpar.execute.post_log import Announcer
from tests.execute.attempts import Bench, everything_put_back, expression

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIDDEN = "hunter2-hunter2"
STEPS = """
    import logging, os
    from collections import namedtuple
    from dataclasses import dataclass
    from pathlib import Path
    from flowpar.plugin import TaskContext

    Pair = namedtuple("Pair", "left right")

    @dataclass
    class Login:
        user: str
        password: object

    def fail(token): raise ValueError("x" * 4_990 + token + "y" * 9_000)
    def leave(token): raise SystemExit(token)
    def give(value): return value
    def count(number: int): return number
    def wrap(token): return Login("me", Pair(1, [token]))
    def tell(token, context: TaskContext):
        logging.getLogger("app").warning("logged %s", token)
        context.logger.info("x" * 9_995 + token, token=token)
        context.progress(1, 2, token)
        return context.mask(f"a {token}")
    def look(name): return os.environ.get(name)
    def look_in_context(name, context: TaskContext): return context.env.get(name)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with everything_put_back():
        made = Bench.at(tmp_path)
        made.module("hushed", "\n".join(line[4:] for line in STEPS.splitlines()))
        made.share(secrets={"TOKEN": HIDDEN, "other": "of no use"}, hidden=("FP_SOURCE",))
        yield made


def test_items_are_values_and_arrive_as_they_are() -> None:
    said: list[tuple[str, object]] = []
    announcer = Announcer(lambda kind, body: said.append((kind, body)), Masker(["1234", "cut off here"]))

    announcer("item", {"index": 12_345, "value": ["x" * 20_000 + "cut off"]})
    announcer("log", {"message": "12345", "fields": {"n": 12_345}})

    assert said == [
        ("item", {"index": 12_345, "value": ["x" * 20_000 + "cut off"]}),
        ("log", {"message": "***5", "fields": {"n": "***"}}),
    ]


def test_a_failure_is_masked_before_it_is_cut(bench: Bench) -> None:
    failure = bench.failure("hushed:fail", token=expression("secrets.TOKEN"))

    assert "hunter" not in failure.message + failure.traceback
    assert "***" in failure.message + failure.traceback


def test_what_it_exits_with_is_masked(bench: Bench) -> None:
    assert bench.failure("hushed:leave", token=expression("secrets.TOKEN")).message == 'called sys.exit("***")'


def test_an_expression_that_fails_tells_no_secret(bench: Bench) -> None:
    failure = bench.failure("hushed:give", value=expression("int(secrets.TOKEN)"))

    assert failure.kind is FailureKind.EXPRESSION
    assert "hunter" not in failure.message


def test_a_value_that_an_error_shows_in_part_shows_no_part_of_a_secret(bench: Bench) -> None:
    bench.share(secrets={"TOKEN": "abcdefgh" * 30})

    converted = bench.failure("hushed:give", value=expression("int(secrets.TOKEN)"))
    wanted = bench.failure("hushed:count", number=expression('"Bearer " + secrets.TOKEN'))
    key = bench.failure("hushed:give", value=expression("{secrets.TOKEN: 1}[1]"))

    for failure in (converted, wanted, key):
        assert "abcd" not in failure.message + failure.traceback, failure
        assert failure.message
    assert "***" in converted.message + wanted.message


def test_log_lines_and_progress_are_masked(bench: Bench) -> None:
    assert bench.call("hushed:tell", token=expression("secrets.TOKEN")) == "a ***"

    assert [kind for kind, _ in bench.said] == ["log", "log", "progress"]
    assert "hunt" not in repr(bench.said)
    assert [body["message"] for kind, body in bench.said if kind == "log"] == ["logged ***", "x" * 9_995 + "***"]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (HIDDEN, "output"),
        (["a", {"b": HIDDEN}], 'output[1]["b"]'),
        ({HIDDEN: 1}, 'output key "***"'),
        ((1, f"a {HIDDEN} b".encode()), "output[1]"),
        ({"a": base64.b64encode(f"me:{HIDDEN}".encode()).decode()}, 'output["a"]'),
        ([bytearray(100_000) + HIDDEN.encode()], "output[0]"),
    ],
    ids=["itself", "deep", "key", "bytes", "base64", "large"],
)
def test_a_value_that_holds_a_secret_is_refused_by_its_path(bench: Bench, value: object, place: str) -> None:
    failure = bench.failure("hushed:give", value=value)

    assert failure.kind is FailureKind.OUTPUT
    assert failure.message == (
        f'{place} holds secret "TOKEN", and what a task returns is written down; '
        "leave it out; whoever needs it reads secrets by itself"
    )
    assert not list((bench.folder / "run").rglob("*.val"))


def test_the_fields_of_an_object_are_looked_into(bench: Bench) -> None:
    failure = bench.failure("hushed:wrap", token=expression("secrets.TOKEN"))

    assert failure.message.startswith('output.password.right[0] holds secret "TOKEN"')


def test_what_holds_no_secret_is_returned_as_ever(bench: Bench) -> None:
    assert bench.call("hushed:give", value=["hunter2", "-hunter2"]) == ["hunter2", "-hunter2"]


def test_a_process_does_not_inherit_the_variable_of_a_secret(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FP_SOURCE", HIDDEN)

    assert bench.call("hushed:look", name="FP_SOURCE") is None
    assert bench.call("hushed:look_in_context", name="FP_SOURCE") is None


def test_a_thread_does_not_see_it_in_its_context(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FP_SOURCE", HIDDEN)
    bench.is_isolated = False

    assert bench.call("hushed:look_in_context", name="FP_SOURCE") is None


def test_env_gives_a_task_a_secret_even_by_the_name_of_its_variable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FP_SOURCE", "something else")

    failure = bench.failure("hushed:look", env={"FP_SOURCE": expression("secrets.TOKEN")}, name="FP_SOURCE")

    assert failure.message.startswith('output holds secret "TOKEN"')
