"""Whatever is in a file, reading it ends with a document or with findings that have a place; nothing is raised."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.source import NOWHERE, Source
from flowpar.lang.binding import bind
from flowpar.lang.loader import parse
from flowpar.lang.reading import decode
from flowpar.report.excerpt import render

SEEDS = sorted((Path(__file__).parents[1] / "golden" / "check").glob("*.yaml"))
PIECES = [
    b"\t", b"\n", b"  ", b": ", b"- ", b"[", b"]", b"{", b"}", b"'", b'"', b"&a ", b"*a", b"<<: ", b"|\n", b">-\n",
    b"#", b"---\n", b"${{", b"}}", b"\\", b"%", b"@", b"? ", b",", b"\r", b"\x00", b"\xff", "\u2028".encode(), b"~",
    b"no", b"1:30", b"!!x ", b"!!int ", b"9" * 50,
]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(SEEDS)).read_bytes()[:2000])
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 0, 0, 1, 2, 10, 50])))
        content[start:end] = draw(st.sampled_from(PIECES))
    return bytes(content)


def read(content: bytes, *, use_fast_parser: bool) -> None:
    source = decode(content, "w.yaml")
    if not isinstance(source, Source):
        assert source.code == "FP102"
        return
    loaded = parse(source, use_fast_parser=use_fast_parser)
    found = loaded.diagnostics
    if loaded.document is not None:
        found = (*found, *bind(loaded.document).diagnostics)
    else:
        assert found
    lines = source.lines()
    for finding in found:
        assert finding.span != NOWHERE
        assert 1 <= finding.span.line <= len(lines)
        assert 1 <= finding.span.column <= len(lines[finding.span.line - 1]) + 1
        assert (finding.span.end_line, finding.span.end_column) >= (finding.span.line, finding.span.column)
    assert all(line.isprintable() for line in render(found, {"w.yaml": source}).splitlines())


@given(mutants())
def test_no_document_breaks_the_reader(content: bytes) -> None:
    read(content, use_fast_parser=True)


@given(mutants())
def test_no_document_breaks_the_reader_without_the_c_parser(content: bytes) -> None:
    read(content, use_fast_parser=False)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    read(content, use_fast_parser=True)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(content: str) -> None:
    read(content.encode("utf-8", errors="surrogatepass"), use_fast_parser=True)
