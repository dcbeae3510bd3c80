"""Why an attempt is not the one that was made before."""

from __future__ import annotations

import pytest

from flowpar.report.reasons import MadeOf, reasons

RATE = ("constant", "lib.rates:RATE", "lib/rates.py", 14, "a1")
RUN = ("function", "steps:run", "steps.py", 3, "b1")
PARTS = {
    "cache": 1,
    "kind": "python",
    "code": "c1",
    "python": "3.11",
    "packages": {"numpy": "1.26"},
    "arguments": {"rows": "d1", "top": "d2"},
    "files": {"data/a.csv": "e1"},
    "variables": {"LANG": "f1"},
    "version": "g1",
}


def told(now: MadeOf, before: MadeOf) -> list[str]:
    return [reason.text for reason in reasons(now, before)]


def test_nothing_is_told_of_equal_parts() -> None:
    assert told(MadeOf(PARTS, [RUN]), MadeOf(dict(PARTS), None)) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"python": "3.12"}, "Python is 3.12, was 3.11"),
        ({"packages": {"numpy": "2.0"}}, "package numpy is 2.0, was 1.26"),
        ({"packages": {}}, "package numpy 1.26 is reached no more"),
        ({"arguments": {"rows": "other", "top": "d2"}}, 'argument "rows" changed'),
        ({"arguments": {"rows": "d1"}}, 'argument "top" is gone'),
        ({"files": {"data/a.csv": "e1", "data/b.csv": "e2"}}, "file data/b.csv is new"),
        ({"variables": {"LANG": "other"}}, 'environment variable "LANG" changed'),
        ({"env": {"MODE": "x"}}, 'variable "MODE" of the task\'s env is new'),
        ({"version": "other"}, "the version of its cache changed"),
        ({"workflow": "x"}, "the env of the workflow changed"),
        ({"code": "c2"}, "the code that it reaches changed"),
        ({"surprise": 1}, "surprise changed"),
        (
            {"cache": 2, "arguments": {}, "workflow": "y"},
            "the cache is another folder, or was made anew, or flowpar makes keys in another way",
        ),
    ],
)
def test_each_part_that_differs_is_told(changed: dict[str, object], text: str) -> None:
    assert told(MadeOf({**PARTS, **changed}), MadeOf(PARTS)) == [text]


def test_of_code_it_is_told_which_part_of_it_changed() -> None:
    now = MadeOf({**PARTS, "code": "c2"}, [RUN, (*RATE[:4], "a2"), ("class", "steps:Row", "steps.py", 9, "x")])
    before = MadeOf(PARTS, [RUN, RATE, ("module", "lib.old", "lib/old.py", 1, "y")])

    assert told(now, before) == [
        "constant RATE (lib/rates.py:14) changed",
        "class Row (steps.py:9) is reached now",
        "what lib/old.py does when imported (lib/old.py:1) is reached no more",
    ]


def test_a_reason_of_code_has_its_place() -> None:
    [reason] = reasons(MadeOf({**PARTS, "code": "c2"}, [(*RATE[:4], "a2")]), MadeOf(PARTS, [RATE]))

    assert reason.record() == {
        "kind": "constant",
        "name": "lib.rates:RATE",
        "change": "changed",
        "file": "lib/rates.py",
        "line": 14,
        "text": "constant RATE (lib/rates.py:14) changed",
    }
