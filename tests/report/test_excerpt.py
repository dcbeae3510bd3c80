"""Findings are printed where and what, with the line and a caret below the place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.diagnostics import Diagnostic, Label, Severity
from flowpar.core.source import NOWHERE, Source, Span
from flowpar.report.excerpt import count_line, crop, one_line, render

TEXT = "flowpar: 1\ntasks:\n  load:\n    needs: [laod]\n\tx: 1\n"
SOURCES = {"w.yaml": Source("w.yaml", TEXT), "steps.py": Source("steps.py", "\n" * 99 + "def load(a):\n")}


def finding(span: Span, **more: object) -> Diagnostic:
    parts: dict[str, object] = {"code": "FP201", "message": "it is wrong", "file": "w.yaml", "span": span, **more}
    return Diagnostic(**parts)  # type: ignore[arg-type]


def test_a_finding_with_hint_and_caret() -> None:
    text = render([finding(Span.at(4, 13, length=4), hint='did you mean "load"?')], SOURCES)

    assert text == (
        'w.yaml:4:13: error[FP201]: it is wrong; did you mean "load"?\n'
        "  |\n"
        "4 |     needs: [laod]\n"
        "  |             ^~~~\n"
    )  # fmt: skip


def test_a_label_shows_its_own_file_and_shares_the_gutter() -> None:
    label = Label("steps.py", Span.at(100, 5, length=4), "it is defined here")

    text = render([finding(Span.at(1, 1), labels=(label,), severity=Severity.WARNING)], SOURCES)

    assert text == (
        "w.yaml:1:1: warning[FP201]: it is wrong\n"
        "    |\n"
        "  1 | flowpar: 1\n"
        "    | ^\n"
        "steps.py:100:5: note: it is defined here\n"
        "    |\n"
        "100 | def load(a):\n"
        "    |     ^~~~\n"
    )


def test_findings_stand_apart() -> None:
    one = finding(Span.at(1, 1))

    assert render([one, one], {}) == "w.yaml:1:1: error[FP201]: it is wrong\n\nw.yaml:1:1: error[FP201]: it is wrong\n"
    assert render([], {}) == ""


def test_a_finding_about_a_file_has_no_line() -> None:
    assert render([finding(NOWHERE)], SOURCES) == "w.yaml: error[FP201]: it is wrong\n"


def test_a_place_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    text = render([finding(Span(3, 3, 5, 2))], SOURCES)

    assert text.endswith("3 |   load:\n  |   ^~~~~\n")


def test_a_tab_is_shown_as_blanks_and_still_marked() -> None:
    assert render([finding(Span.at(5, 2))], SOURCES).endswith("5 |     x: 1\n  |     ^\n")


def test_wide_characters_take_two_columns() -> None:
    sources = {"w.yaml": Source("w.yaml", "漢字: テスト")}

    assert render([finding(Span.at(1, 5, length=3))], sources).endswith("1 | 漢字: テスト\n  |       ^~~~~~\n")


def test_a_line_past_the_end_has_no_excerpt() -> None:
    assert render([finding(Span.at(77, 1))], SOURCES) == "w.yaml:77:1: error[FP201]: it is wrong\n"


def test_a_terminal_is_not_given_orders() -> None:
    sources = {"a\x1b": Source("a\x1b", "x\x1b[31my\x07")}

    text = render([finding(Span.at(1, 2), file="a\x1b", message="red\x1b[31m\nline")], sources)

    assert text == "a\\x1b:1:2: error[FP201]: red\\x1b[31m\\nline\n  |\n1 | x·[31my·\n  |  ^\n"


def test_colours_only_where_asked_for() -> None:
    assert "\x1b[1;31merror\x1b[0m" in render([finding(Span.at(1, 1))], SOURCES, is_coloured=True)
    assert "\x1b" not in render([finding(Span.at(1, 1))], SOURCES)


def test_excerpts_can_be_left_out() -> None:
    assert render([finding(Span.at(1, 1))], SOURCES, has_excerpts=False) == "w.yaml:1:1: error[FP201]: it is wrong\n"


@given(st.text(max_size=400), st.integers(0, 450), st.integers(0, 50))
def test_the_mark_is_always_below_what_is_shown(line: str, start: int, length: int) -> None:
    text, before, width = crop(line, start, start + length)

    assert len(text) <= 4 * 142
    assert text.isprintable()
    assert before >= 0
    assert width >= 1


@given(st.integers(0, 5000))
def test_a_long_line_is_cut_around_the_place(start: int) -> None:
    line = "x" * start + "HERE" + "y" * 3000

    text, before, width = crop(line, start, start + 4)

    assert text[before : before + width] == "HERE"
    assert len(text) <= 142


def test_counts_read_well() -> None:
    error, warning = finding(Span.at(1, 1)), finding(Span.at(1, 1), severity=Severity.WARNING)

    assert count_line([error]) == "1 error"
    assert count_line([error, error, warning]) == "2 errors, 1 warning"
    assert count_line([warning, warning]) == "2 warnings"
    assert count_line([]) == "no findings"


def test_a_long_message_is_cut() -> None:
    assert len(one_line("x" * 5000)) == 1000
