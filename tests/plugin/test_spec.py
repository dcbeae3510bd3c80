"""What plugin authors may use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flowpar.plugin import API_VERSION, UNKNOWN, Finding, TaskContext, TaskOptions, task_type
from flowpar.plugin.logger import TaskLogger, plain
from flowpar.plugin.spec import OPTIONS_ATTRIBUTE


class Posted(list[tuple[str, dict[str, object]]]):
    def __call__(self, kind: str, body: object) -> None:
        assert isinstance(body, dict)
        self.append((kind, body))


def make_context(post: Posted, *, is_cancelled: bool = False) -> TaskContext:
    return TaskContext(
        run_id="r",
        task="t",
        item=None,
        attempt=1,
        idempotency_key="k",
        scratch=Path("scratch"),
        cwd=Path(),
        env={},
        logger=TaskLogger(post),
        post=post,
        is_cancelled=lambda: is_cancelled,
    )


def test_a_marked_function_stays_itself_and_carries_its_options() -> None:
    def fetch(url: str) -> str:
        return url

    marked = task_type(executor="thread", secrets=("token",), preload=("httpx",))(fetch)

    assert marked is fetch
    assert getattr(fetch, OPTIONS_ATTRIBUTE) == TaskOptions("thread", ("token",), ("httpx",))


def test_the_decorator_works_bare() -> None:
    @task_type
    def fetch(url: str) -> str:
        return url

    assert fetch("a") == "a"
    assert getattr(fetch, OPTIONS_ATTRIBUTE) == TaskOptions()


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        task_type(colour="red")  # type: ignore[call-overload]


def test_progress_is_posted_as_plain_numbers() -> None:
    posted = Posted()

    make_context(posted).progress(3, 10, "rows")

    assert posted == [("progress", {"done": 3.0, "total": 10.0, "note": "rows"})]


def test_progress_without_a_total_says_so() -> None:
    posted = Posted()

    make_context(posted).progress(3)

    assert posted == [("progress", {"done": 3.0, "total": None, "note": ""})]


def test_a_context_asks_whether_it_is_cancelled_each_time() -> None:
    assert make_context(Posted(), is_cancelled=True).cancelled()
    assert not make_context(Posted()).cancelled()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_log_line_carries_level_message_and_fields(level: str) -> None:
    posted = Posted()

    getattr(make_context(posted).logger, level)("page fetched", url="u", status=200)

    body = {"level": level, "message": "page fetched", "fields": {"url": "u", "status": 200}}
    assert posted == [("log", body)]


def test_bound_fields_go_with_each_line_and_do_not_leak_back() -> None:
    posted = Posted()
    logger = make_context(posted).logger

    logger.bind(page=1).info("a", row=2)
    logger.info("b")

    assert [body["fields"] for _, body in posted] == [{"page": 1, "row": 2}, {}]


def test_a_line_takes_arguments_as_logging_does() -> None:
    posted = Posted()

    make_context(posted).logger.info("row %d of %s", 3, "x")
    make_context(posted).logger.info("no place", 3)

    assert [body["message"] for _, body in posted] == ["row 3 of x", "no place 3"]


def test_an_exception_line_has_the_traceback() -> None:
    posted = Posted()

    empty: dict[str, str] = {}

    try:
        empty["gone"]
    except KeyError:
        make_context(posted).logger.exception("lookup failed")

    fields = posted[0][1]["fields"]
    assert isinstance(fields, dict)
    assert posted[0][1]["level"] == "error"
    assert str(fields["exception"]).endswith("KeyError: 'gone'")


class Foreign:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**70, str(2**70)),
        (1.5, 1.5),
        ("x" * 20_000, "x" * 10_000),
        ((1, [2]), [1, [2]]),
        ({1: Path("a")}, {"1": "a"}),
        (Foreign(), "<Foreign>"),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": {"b": {"c": {"d": "{'e': 1}"}}}}),
    ],
)
def test_logged_fields_become_plain_data(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_long_lists_are_cut() -> None:
    cut = plain(list(range(10_000)))

    assert isinstance(cut, list)
    assert len(cut) == 200


def test_a_finding_says_what_and_where() -> None:
    finding = Finding("no url", argument="url", hint="write one")

    assert (finding.message, finding.argument, finding.hint, finding.severity) == (
        "no url",
        "url",
        "write one",
        "error",
    )


def test_unknown_is_told_apart_from_every_value() -> None:
    values: list[object] = ["unknown", None, False]

    assert UNKNOWN not in values
    assert API_VERSION == 1


def test_the_contract_imports_nothing_heavy() -> None:
    heavy = {"pydantic", "networkx", "rich", "click", "structlog", "yaml", "orjson", "psutil"}
    code = "import sys, flowpar.plugin; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert not heavy & {name.partition(".")[0] for name in done.stdout.split()}
