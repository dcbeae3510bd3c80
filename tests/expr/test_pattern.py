from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.expr.failure import EvaluationError
from flowpar.expr.pattern import is_found
from flowpar.expr.pattern_program import PatternError, compiled
from flowpar.expr.work import IN_WORKER, Work


def found(pattern: str, text: str) -> bool:
    return is_found(pattern, text, Work(IN_WORKER))


@pytest.mark.parametrize(
    "pattern",
    [
        "release/.*",
        r"^v\d+\.\d+$",
        r"^\s*$",
        "a{2,3}b",
        "a{,2}b",
        "a{2}$",
        "x{",
        "x{a}",
        "(?i)ABC",
        "(?im)^b$",
        "(?s)a.b",
        r"\bcat\b",
        r"\Bcat",
        r"\A[^]a]\Z",
        "[]a-c-]+$",
        r"[\w.-]+@[\w-]+\.\w+",
        "(?P<year>[0-9]{4})-(?:0[1-9]|1[0-2])",
        "a|b|",
        "(a|ab)(c|bcd)(d*)$",
        r"\x41\u0042\n",
        r"\$\{\{",
        "(?:a*)*$",
        "(a?){3}a{3}",
        "a+?b*?c??$",
        r"é+\N{LATIN SMALL LETTER E WITH ACUTE}",
        "",
    ],
)
def test_patterns_answer_as_re_does(pattern: str) -> None:
    texts = [
        "",
        "a",
        "aaab",
        "ab\n",
        "release/1",
        "v1.20",
        " \t",
        "concat cat",
        "ABC",
        "x\nb\ny",
        "a\nb",
        "]",
        "x{",
        "x{a}",
    ]
    texts += ["me@site.org", "2026-11", "abcd", "abbcd", "AB\n", "${{", "aaa", "éé", "b", "aab", "aabcc", "cat\n"]

    answers = {text: found(pattern, text) for text in texts}

    assert answers == {text: re.search(pattern, text) is not None for text in texts}


pieces = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\s", "^", "$", r"\b", "\n", "é"])
patterns = st.recursive(
    pieces,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("(?:{})*".format, inner),
        st.builds("(?:{})+?".format, inner),
        st.builds("(?:{})?".format, inner),
        st.builds("(?:{}){{1,2}}".format, inner),
        st.builds("{}|{}".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=6,
)


@given(patterns, st.text("ab \né_", max_size=6))
def test_random_patterns_answer_as_re_does(pattern: str, text: str) -> None:
    assert found(pattern, text) == (re.search(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*a){12}$", "(?:a?){50}a{50}$"])
def test_evil_patterns_end(pattern: str) -> None:
    assert not found(pattern, "a" * 40 + "!")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(a)\1", "backreferences"),
        ("(?=a)", "is not supported"),
        ("(?<!a)b", "is not supported"),
        ("(?>a)", "is not supported"),
        ("(?i:a)", "is not supported"),
        ("a++", "possessive"),
        ("(", "the pattern is wrong"),
        ("a" * 2_000, "more than 1,000 characters"),
        ("(" * 60 + ")" * 60, "nested too deeply"),
        ("(" * 400 + ")" * 400, "nested too deeply"),
        ("(a{200}){200}", "repeats too often"),
        ("((a{60000}){60000}){60000}", "repeats too often"),
        ("(?x)a b", "is not supported"),
        ("(?a)a", "is not supported"),
    ],
)
def test_what_cannot_be_searched_safely_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        compiled(pattern)
    with pytest.raises(EvaluationError, match=message):
        found(pattern, "a")


@given(st.text("ab(){}[]?*+|^$.\\dwbAZ<>=!:P12,-i", max_size=12), st.text("ab1 ", max_size=4))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        answer = found(pattern, text)
    except EvaluationError:
        return
    assert answer == (re.search(pattern, text) is not None)
