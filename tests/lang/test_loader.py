"""What a file holds becomes nodes, and what can't be read is refused with its place, at once."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from flowpar.core.source import NOWHERE, Source, Span
from flowpar.lang.loader import Loaded, load, parse
from flowpar.lang.node import MappingNode, ScalarNode
from flowpar.lang.plain import PlainReader

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.diagnostics import Diagnostic


def read(text: str) -> Loaded:
    return parse(Source("w.yaml", text))


def only_finding(loaded: Loaded) -> Diagnostic:
    assert len(loaded.diagnostics) == 1, loaded.diagnostics
    return loaded.diagnostics[0]


def refusal(text: str) -> Diagnostic:
    loaded = read(text)
    assert loaded.document is None
    return only_finding(loaded)


def plain(text: str) -> object:
    document = read(text).document
    assert document is not None
    return PlainReader(document).value(document.root)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n", "---\n"])
def test_an_empty_file_has_no_tasks(text: str) -> None:
    finding = refusal(text)

    assert finding.code == "FP120"
    assert finding.message == "the workflow has no tasks: the file is empty"


def test_a_byte_order_mark_is_not_content(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(b"\xef\xbb\xbfflowpar: 1\n")

    document = load(file).document

    assert document is not None
    assert document.span(("flowpar",), of_key=True) == Span(1, 1, 1, 8)


def test_a_lone_byte_order_mark_is_an_empty_file(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(b"\xef\xbb\xbf")

    assert only_finding(load(file)).code == "FP120"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    finding = only_finding(load(tmp_path / "no.yaml"))

    assert (finding.code, finding.span) == ("FP101", NOWHERE)
    assert finding.file == str(tmp_path / "no.yaml")
    assert finding.message == "the file can't be read: no such file or directory"


@pytest.mark.parametrize("name", ["etl", "elt.yaml", "etl.yml"])
def test_the_file_that_was_meant_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "etl.yaml").touch()
    (tmp_path / "report.yaml").touch()

    assert only_finding(load(tmp_path / name)).hint == f'did you mean "{tmp_path}/etl.yaml"?'


def test_where_nothing_is_like_it_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "etl.yaml").touch()

    assert only_finding(load(tmp_path / "report.yaml")).hint is None
    assert only_finding(load(tmp_path / "nowhere" / "etl.yaml")).hint is None
    assert only_finding(load(tmp_path / ("x" * 5000))).hint is None


def test_a_folder_is_refused_and_what_is_in_it_named(tmp_path: Path) -> None:
    for name in ("d.yaml", "c.yml", "b.yaml", "a.yaml", "e.txt"):
        (tmp_path / name).touch()

    finding = only_finding(load(tmp_path))

    assert finding.message == "this is a folder, not a file of text"
    assert finding.hint == "give a file in it: a.yaml, b.yaml, c.yml, …"


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert only_finding(load(tmp_path / "pipe")).message == "this is a FIFO (a pipe), not a file of text"


def test_a_device_is_refused() -> None:
    assert only_finding(load("/dev/zero")).message == "this is a device, not a file of text"


def test_a_path_with_a_nul_is_refused() -> None:
    assert only_finding(load("a\0b")).code == "FP101"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("flowpar: 1\n")
    file.chmod(0)

    assert only_finding(load(file)).message == "the file can't be read: permission denied"


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    with file.open("wb") as out:
        out.truncate(100 * 1024 * 1024)

    tracemalloc.start()
    finding = only_finding(load(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert finding.message == "the file is larger than 64 MiB, the most that is read"
    assert peak < 200 * 1024 * 1024


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        ("flowpar: 1\n".encode("utf-16"), "the file is UTF-16, and must be UTF-8", (1, 1)),
        (b"flowpar: 1\nname: \xe9t\xe9\n", "the file is not UTF-8: byte 0xe9 can't be read", (2, 7)),
        (b"flowpar: 1\nname: a\0b\n", "the file holds a NUL character", (2, 8)),
        (b"flowpar: 1\nname: \x1b[31m\n", "the file holds the control character U+001B", (2, 7)),
    ],
)
def test_what_is_no_text_is_refused_at_its_place(
    tmp_path: Path, content: bytes, message: str, place: tuple[int, int]
) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(content)

    finding = only_finding(load(file))

    assert (finding.code, finding.message) == ("FP102", message)
    assert (finding.span.line, finding.span.column) == place


def test_dos_and_old_mac_line_ends_count_as_lines() -> None:
    for end in ("\r\n", "\r"):
        document = read(end.join(["flowpar: 1", "tasks:", "  load:", "    shell: x", ""])).document

        assert document is not None
        assert document.span(("tasks", "load", "shell")) == Span(4, 12, 4, 13)


def test_a_unicode_line_separator_is_no_line_of_its_own() -> None:
    document = read('name: "a\u2028b"\nflowpar: 1\n').document

    assert document is not None
    assert document.span(("flowpar",)) == Span(2, 10, 2, 11)


@pytest.mark.parametrize(
    ("text", "code", "message", "place"),
    [
        ("tasks:\n  a: [b, c\n  d: e\n", "FP103", 'this "[" is never closed', (2, 6)),
        ("tasks:\n  a: {b: c\n", "FP103", 'this "{" is never closed', (2, 6)),
        ("tasks:\n  a: 'b\n", "FP103", "this quote is never closed", (2, 6)),
        (
            "tasks:\n  a: 1\n   b: 2\n",
            "FP103",
            '"b" is indented deeper than "a" in line 2, which has its value already',
            (3, 4),
        ),
        ("tasks:\n  a: |\n  b\n", "FP103", 'the text of "a" in line 2 is not indented', (3, 3)),
        ("tasks:\n  a: b: c\n", "FP103", 'a ":" is not allowed here', (2, 7)),
        ("tasks:\n    a:\n      b: 1\n   c:\n", "FP103", "this line does not fit the mapping above it", (4, 4)),
        ("tasks:\n  a: @b\n", "FP103", 'a value can\'t start with "@"', (2, 6)),
        ("tasks:\n  a: %b\n", "FP103", 'a value can\'t start with "%"', (2, 6)),
        ('tasks:\n  a: "\\d"\n', "FP103", "this escape is not known in double quotes", (2, 7)),
        ('tasks:\n  a: "b" c\n', "FP103", "this can't follow the value before it", (2, 10)),
        ("tasks:\n\ta: 1\n", "FP104", "a tab can't indent YAML", (2, 1)),
        ("tasks:\n  a:\n  \tb: 1\n", "FP104", "a tab can't indent YAML", (3, 3)),
        ("a: 1\n---\nb: 2\n", "FP105", "a second document starts here", (2, 1)),
        ("a: *b\n", "FP107", 'the alias "*b" names no anchor above it', (1, 4)),
        ("a: &b [*b]\n", "FP107", 'the alias "*b" stands inside the value it names', (1, 8)),
        ("a: &b\n  c: *b\n", "FP107", 'the alias "*b" stands inside the value it names', (2, 6)),
        ("a: &b\n  <<: *b\n", "FP107", 'the alias "*b" stands inside the value it names', (2, 7)),
        ("[" * 20_000, "FP109", "lists and mappings are nested deeper than 64", (1, 65)),
        ("- a\n- b\n", "FP120", "a workflow is a mapping with the key tasks, this file holds a list", (1, 1)),
        ("just text\n", "FP120", "a workflow is a mapping with the key tasks, this file holds text", (1, 1)),
    ],
)
def test_what_is_no_workflow_is_refused(text: str, code: str, message: str, place: tuple[int, int]) -> None:
    finding = refusal(text)

    assert (finding.code, finding.message) == (code, message)
    assert (finding.span.line, finding.span.column) == place


@pytest.mark.parametrize(
    ("text", "code", "message", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "FP110", 'the key "a" stands twice, first on line 1', (3, 1)),
        ("a: {<<: {b: 1}, <<: {c: 1}}\n", "FP110", 'the key "<<" stands twice, first on line 1', (1, 17)),
        ("x: &m {b: 1, b: 2}\na:\n  <<: *m\n", "FP110", 'the key "b" stands twice, first on line 1', (1, 14)),
        ("? [a]\n: 1\n", "FP111", "a key must be text, this is a list or mapping", (1, 3)),
        ("a:\n  <<: [1]\n", "FP112", "a merge key takes a mapping or a list of mappings", (2, 8)),
        (
            "a: !!python/object/apply:os.system [id]\n",
            "FP106",
            'the tag "!!python/object/apply:os.system" is not allowed here',
            (1, 4),
        ),
        ("a: &x !env HOME\n", "FP106", 'the tag "!env" is not allowed here', (1, 7)),
        ("a: !!binary aGk=\n", "FP106", 'the tag "!!binary" is not allowed here', (1, 4)),
        ("a: !!map [1]\n", "FP106", 'the tag "!!map" is not allowed here', (1, 4)),
    ],
)
def test_what_is_wrong_in_a_document_is_found(text: str, code: str, message: str, place: tuple[int, int]) -> None:
    loaded = read(text)

    finding = only_finding(loaded)

    assert loaded.document is not None
    assert (finding.code, finding.message) == (code, message)
    assert (finding.span.line, finding.span.column) == place


def test_a_duplicate_key_points_at_both() -> None:
    finding = only_finding(read("tasks:\n  load: {}\n  save: {}\n  load: {}\n"))

    assert finding.span == Span(4, 3, 4, 7)
    assert [label.span for label in finding.labels] == [Span(2, 3, 2, 7)]


def test_all_duplicates_are_reported_at_once() -> None:
    loaded = read("a: 1\na: 2\na: 3\nb: 1\nb: 2\n")

    assert [finding.span.line for finding in loaded.diagnostics] == [2, 3, 5]


def bomb(levels: int, line: str) -> str:
    return "l0: &l0 [x, x, x]\n" + "".join(f"l{n}: &l{n} {line.format(n - 1)}\n" for n in range(1, levels))


@pytest.mark.parametrize(
    "text",
    [
        bomb(30, "[*l{0}, *l{0}]"),
        bomb(12, "[*l{0}, *l{0}, *l{0}, *l{0}, *l{0}, *l{0}, *l{0}, *l{0}, *l{0}]"),
        "m0: &m0 {a: 1}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 22)),
    ],
)
def test_bombs_are_refused_before_they_take_memory(text: str) -> None:
    tracemalloc.start()
    finding = refusal(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert finding.code == "FP108"
    assert peak < 50 * 1024 * 1024


def test_depth_counts_aliases_written_out() -> None:
    text = "l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [*l{n - 1}]\n" for n in range(1, 100))

    finding = refusal(text)

    assert finding.code == "FP109"
    assert finding.message == "with its aliases written out, this is nested deeper than 64"


def test_an_anchor_may_be_used_often() -> None:
    text = "x-list: &list [1, 2, 3]\n" + "".join(f"t{n}: *list\n" for n in range(20_000))

    loaded = read(text)

    assert loaded.diagnostics == ()


def test_merged_keys_give_way_to_written_ones() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {c: 5, <<: [*x, *y], d: 6}\n"

    assert plain(text) == {"x": {"a": 1, "b": 2}, "y": {"b": 3, "c": 4}, "z": {"a": 1, "b": 2, "c": 5, "d": 6}}


def test_a_merged_key_keeps_the_place_where_it_was_written() -> None:
    document = read("x: &x {a: 1}\ny:\n  <<: *x\n").document

    assert document is not None
    assert document.span(("y", "a")) == Span(1, 11, 1, 12)
    assert document.span(("y", "a"), of_key=True) == Span(1, 8, 1, 9)


def test_a_quoted_merge_sign_is_a_key() -> None:
    assert plain('a: {"<<": 1}\n') == {"a": {"<<": 1}}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert plain("no: 1\n1: 2\n010: 3\n~: 4\n=: 5\n.nan: 6\ntrue: 7\n") == {
        "no": 1,
        "1": 2,
        "010": 3,
        "~": 4,
        "=": 5,
        ".nan": 6,
        "true": 7,
    }


def test_a_node_with_an_anchor_or_tag_starts_after_them() -> None:
    document = read("a: &x !!str 12\nb: !!map\n  c: 1\n").document

    assert document is not None
    assert document.span(("a",)) == Span(1, 13, 1, 15)
    assert document.span(("b",)) == Span(3, 3, 3, 7)


def test_a_place_that_is_not_there_is_that_of_its_parent() -> None:
    document = read("tasks:\n  load: {python: x}\n").document

    assert document is not None
    assert document.span(("tasks", "load", "needs", 3)) == Span(2, 3, 2, 7)
    assert document.node(("tasks", "load", "python", "x")) is None


def test_many_keys_are_found_by_an_index() -> None:
    document = read("".join(f"k{n}: {n}\n" for n in range(50))).document

    assert document is not None
    node = document.node(("k49",))
    assert isinstance(node, ScalarNode)
    assert node.text == "49"
    assert isinstance(document.root, MappingNode)
    assert document.root.get("nope") is None


@pytest.mark.parametrize("use_fast_parser", [True, False])
def test_both_parsers_refuse_the_same(use_fast_parser: bool) -> None:  # noqa: FBT001
    for text in ("tasks:\n  a: [b\n", "tasks:\n\ta: 1\n", "a: *b\n", "[" * 100, "a: 'b\n", "a: b: c\n"):
        fast = parse(Source("w.yaml", text), use_fast_parser=True)
        loaded = parse(Source("w.yaml", text), use_fast_parser=use_fast_parser)

        assert loaded.document is None
        assert loaded.diagnostics[0].message == fast.diagnostics[0].message
        assert loaded.diagnostics[0].span.line == fast.diagnostics[0].span.line
