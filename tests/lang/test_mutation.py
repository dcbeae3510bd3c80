"""Whatever is in a file, reading it ends with a document or with findings that have a place; nothing is raised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.source import NOWHERE, Source
from flowpar.lang.binding import bind
from flowpar.lang.loader import parse
from flowpar.lang.reading import decode
from flowpar.report.excerpt import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.source import Span

SEEDS = sorted((Path(__file__).parents[1] / "golden" / "check").glob("*.yaml"))
PIECES = [
    b"\t", b"\n", b"  ", b": ", b"- ", b"[", b"]", b"{", b"}", b"'", b'"', b"&a ", b"*a", b"<<: ", b"|\n", b">-\n",
    b"#", b"---\n", b"${{", b"}}", b"\\", b"%", b"@", b"? ", b",", b"\r", b"\x00", b"\xff", "\u2028".encode(), b"~",
    b"no", b"1:30", b"!!x ", b"!!int ", b"9" * 50,
]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(SEEDS)).read_bytes()[:3000])
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 0, 0, 1, 2, 10, 50])))
        content[start:end] = draw(st.sampled_from(PIECES))
    return bytes(content)


def wrongs(content: bytes, *, use_fast_parser: bool = True) -> list[object]:
    """Read a document and return what is wrong with how it was read or refused: nothing, whatever it is."""
    source = decode(content, "w.yaml")
    if not isinstance(source, Source):
        return [] if source.code == "FP102" else [source]
    loaded = parse(source, use_fast_parser=use_fast_parser)
    found = loaded.diagnostics
    if loaded.document is not None:
        found = (*found, *bind(loaded.document).diagnostics)
    elif not found:
        return ["no document, and no finding that says why"]
    lines = source.lines()
    unprintable = [line for line in render(found, {"w.yaml": source}).splitlines() if not line.isprintable()]
    return [*(finding for finding in found if not has_place(finding.span, lines)), *unprintable]


def has_place(span: Span, lines: Sequence[str]) -> bool:
    return (
        span != NOWHERE
        and 1 <= span.line <= len(lines)
        and 1 <= span.column <= len(lines[span.line - 1]) + 1
        and (span.end_line, span.end_column) >= (span.line, span.column)
    )


@given(mutants())
def test_no_document_breaks_the_reader(content: bytes) -> None:
    assert not wrongs(content)


@given(mutants())
def test_no_document_breaks_the_reader_without_the_c_parser(content: bytes) -> None:
    assert not wrongs(content, use_fast_parser=False)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    assert not wrongs(content)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(content: str) -> None:
    assert not wrongs(content.encode("utf-8", errors="surrogatepass"))
