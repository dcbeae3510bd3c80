from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpar import report
from flowpar.report.html import render
from flowpar.report.visible import visible

sys.path.insert(0, str(Path(__file__).parent))
from pages import large, page_of, small

if TYPE_CHECKING:
    from collections.abc import Sequence

VENDOR = Path(report.__file__).parent / "page" / "vendor"
HOSTILE = "</script></style><!--<script>x=1</script><img src=x onerror=x=1>\"'`${x}\x1b[31m\u202e\x00"


class Seen(HTMLParser):
    """What a page is made of: tags with their attributes, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.tags[-1][0] if self.tags else ""
        self.texts.append((tag, data))

    def scripts(self) -> list[str]:
        return [text for tag, text in self.texts if tag == "script" and text.strip()]

    def data(self) -> dict[str, object]:
        place = next(i for i, text in enumerate(self.scripts()) if text.startswith("{"))
        found: dict[str, object] = json.loads(self.scripts()[place])
        return found


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(attributes)) for tag, attributes in Seen(text).tags]


def test_the_policy_names_each_script_and_style_by_its_digest_and_nothing_else() -> None:
    seen = Seen(render(small()))
    policy = next(a["content"] or "" for tag, a in seen.tags if tag == "meta" and "http-equiv" in a)

    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    styles = [text for tag, text in seen.texts if tag == "style" and text.strip()]
    scripts = [text for text in seen.scripts() if not text.startswith("{")]
    assert len(scripts) == 6
    for text in (*styles, *scripts):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_nothing_is_loaded_from_anywhere() -> None:
    for tag, attributes in Seen(render(small())).tags:
        assert tag not in {"iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/", "data:,")), (tag, attributes)


def test_no_text_of_the_users_becomes_markup() -> None:
    assert shape(render(small(HOSTILE))) == shape(render(small("words")))


@settings(max_examples=20, deadline=None)
@given(st.text() | st.text("<>&\"'/!-= \x1b\u202ea"))
def test_whatever_a_text_is_a_page_has_no_other_elements(text: str) -> None:
    known = {element for plain in ("a", "a\nb", "a" * 100) for element in shape(render(small(plain)))}

    assert set(shape(render(small(f"a{text}")))) <= known


def test_the_data_has_no_sign_that_could_end_its_element() -> None:
    text = render(small(HOSTILE))
    start = text.index('id="data">') + len('id="data">')
    data = text[start : text.index("</script>", start)]

    assert not set("<>&\u2028\u2029") & set(data)
    assert json.loads(data)["tasks"][0]["kind"] == visible(HOSTILE)


def test_what_steers_a_terminal_is_seen() -> None:
    text, _, _ = render(small("\x1b[31mred\x1b[0m \u202eback \x07")).partition("<script")

    assert "\\x1b[31mred\\x1b[0m \\u202eback \\x07" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_names_of_files_that_are_no_utf_8_are_shown() -> None:
    assert "\\udcff" in render(small("\udcff"))


def test_a_run_without_tasks_is_a_page() -> None:
    assert "data-ready" not in render(page_of([]))


def test_a_page_on_10_000_items_has_less_than_5_mb() -> None:
    text = render(large())

    assert len(text.encode()) < 5_000_000


def test_what_others_wrote_is_as_they_published_it_and_its_licence_is_beside_it() -> None:
    notice = (VENDOR / "NOTICE").read_text("utf-8")

    for name in ("dagre.min.js",):
        assert sha256((VENDOR / name).read_bytes()).hexdigest() in notice
        assert "Permission is hereby granted" in (VENDOR / f"{name.partition('.')[0]}.LICENSE").read_text("utf-8")
    named = set(re.findall(r"^\S+\.js$", notice, re.MULTILINE))
    assert named == {path.name for path in VENDOR.glob("*.js")}


@pytest.mark.parametrize(
    "sign", ["eval(", "innerHTML", "insertAdjacentHTML", "document.write", "new Function", "outerHTML"]
)
def test_scripts_of_ours_never_read_a_text_as_html_or_code(sign: str) -> None:
    for path in VENDOR.parent.glob("*.js"):
        assert sign not in path.read_text("utf-8"), path
