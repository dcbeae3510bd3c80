"""What a report does in a browser: Debian's Chromium, where there is one, and axe-core, where npm could get it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.report.html import render

sys.path.insert(0, str(Path(__file__).parent))
from pages import large, page_of, ran, small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from flowpar.report.page_model import Page as Report

CHROMIUM = shutil.which("chromium")
AXE = Path(sys.prefix, "axe.min.js")
pytestmark = pytest.mark.browser

# A hundred ways to be run where a text is taken for something else: eleven openings, nine deeds, and a polyglot.
_DEEDS = [
    "<script>x=1</script>",
    "<img src=x onerror=x=1>",
    "<svg onload=x=1>",
    "<iframe srcdoc='<script>top.x=1</script>'>",
    "<details open ontoggle=x=1>",
    "<a href=javascript:x=1 autofocus onfocus=x=1>",
    "<style>@import 'data:text/css,*{}'</style><b onmouseover=x=1>",
    "<math><mtext><script>x=1</script>",
    "<body onload=x=1>",
]
_OPENINGS = ["", '"', "'", ">", "'>", '">', "</script>", "</style>", "</title>", "--><!--", "</pre></code>"]
_MADE = tuple(f"{opening}{deed}" for opening in _OPENINGS for deed in _DEEDS)
PAYLOADS = (*_MADE, "${x=1}`{{x=1}}\\u003cscript>x=1</script>")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium, then make test")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=50_000)
        yield browser
        browser.close()


class Shown:
    """A report in a browser, and what went wrong in it."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", lambda message: self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.problems.append(url)

    def asked(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    opened = []

    def shown(report: Report, *, width: int = 1280, scheme: str = "light", bypasses: bool = False) -> Shown:
        path = tmp_path / "report.html"
        path.write_text(render(report), "utf-8")
        context: Any = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            bypass_csp=bypasses,
        )
        context.set_default_timeout(50_000)
        opened.append(context)
        return Shown(context.new_page(), path)

    yield shown
    for context in opened:
        context.close()


def test_of_a_hundred_hostile_texts_none_is_run(show: Any) -> None:
    assert len(PAYLOADS) == 100
    # Each is the name of a task; all of them stand in the header, errors, values, logs and data.
    states = ["failed" if number % 2 else "succeeded" for number in range(100)]
    attempts = [ran(text, number, 1, state=states[number]) for number, text in enumerate(PAYLOADS)]

    found = show(page_of(attempts, needs=dict.fromkeys(PAYLOADS[1:], PAYLOADS[:1]), text=" ".join(PAYLOADS)))
    found.page.locator("canvas").focus()
    found.page.keyboard.press("n")
    found.page.locator("#task-table button.link").first.click()

    assert found.asked("window.x") is None
    assert found.problems == []
    assert found.asked("document.querySelectorAll('script').length") == 7
    assert found.asked("document.querySelectorAll('iframe, math, img[onerror], body style').length") == 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (375, "light")])
def test_a_report_has_no_violation_that_axe_knows_of(show: Any, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("there is no axe-core: npm pack axe-core puts it where make test finds it")
    found = show(small(), width=width, scheme=scheme, bypasses=True)
    found.page.add_script_tag(path=AXE)

    violations = found.asked("axe.run().then(found => found.violations.map(one => [one.id, one.nodes[0].html]))")

    assert violations == []


def test_10_000_items_are_shown_without_a_word_on_the_console(show: Any) -> None:
    found = show(large())

    assert found.problems == []
    assert found.asked("document.querySelectorAll('#attempt-table tbody tr').length") == 50
    found.page.fill("#attempt-table-search", "item[7777]")
    assert found.page.locator("#attempt-table tbody tr").count() == 1
    found.page.select_option("#attempt-table-state", "failed")
    assert found.page.locator("#attempt-table .status-line").inner_text() == "Nothing matches."


@pytest.mark.parametrize("width", [375, 768])
def test_nothing_is_wider_than_a_phone(show: Any, width: int) -> None:
    found = show(small("a_very_long_name_without_any_place_to_break_it_" * 5), width=width)

    assert found.asked("document.documentElement.scrollWidth") <= width


def test_the_graph_and_the_timeline_are_reached_and_read_by_keyboard(show: Any) -> None:
    found = show(small())
    keys = found.page.keyboard

    found.page.locator("#graph a.task").first.focus()
    keys.press("ArrowRight")
    assert found.asked("document.activeElement.querySelector('.title').textContent") == "clean"
    keys.press("Space")
    assert found.page.locator(".chosen-task").inner_text().startswith("Only clean")
    assert found.page.locator("#attempt-table tbody tr").count() == 1
    found.page.locator("canvas").focus()
    keys.press("n")
    keys.press("n")
    assert "clean" in found.page.locator("#chart-details").inner_text()
    assert found.page.locator("#chart-details").get_attribute("role") == "status"


def test_why_a_task_ran_is_said_beside_it_and_where_it_is_chosen(show: Any) -> None:
    why = "ran because: constant LIMIT (helpers.py:12) changed, against run 20251122-101400-words-8ff"
    page = small()
    found = show(replace(page, tasks=tuple(replace(task, because=(why,)) for task in page.tasks)))

    assert found.page.locator("#task-table tbody .because").first.inner_text() == why
    found.page.locator("#task-table button.link").first.click()
    assert found.page.locator("#attempt-table .chosen-task .because").inner_text() == why


def test_tables_are_sorted_by_their_columns_and_say_so(show: Any) -> None:
    found = show(large(200))
    took = found.page.locator("#attempt-table th", has_text="Started")

    took.locator("button").click()
    assert took.get_attribute("aria-sort") == "descending"
    assert found.page.locator("#attempt-table tbody th").first.inner_text() == "end"
    took.locator("button").click()
    assert found.page.locator("#attempt-table tbody th").first.inner_text() == "list"


def test_a_page_on_nothing_says_so(show: Any) -> None:
    found = show(page_of([]))

    assert found.problems == []
    assert found.page.locator("#chart").inner_text() == "Nothing ran."
    assert found.page.locator("#graph-note").inner_text() == "There are no tasks to draw."


def test_on_paper_all_is_open_and_nothing_is_to_be_pressed(show: Any) -> None:
    found = show(small())
    found.page.emulate_media(media="print")

    found.asked("dispatchEvent(new Event('beforeprint'))")

    assert found.asked("document.querySelectorAll('details:not([open])').length") == 0
    assert not found.page.locator("nav").is_visible()
    assert not found.page.locator("#timeline button").first.is_visible()


def test_without_scripts_failures_and_values_are_there(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(render(small("wörds")), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())

    text = page.inner_text("body")

    context.close()
    assert "drawn by scripts" in text
    assert "1 failure" in text
    assert "Traceback" not in text
    assert "wörds" in text


def test_the_timeline_is_zoomed_and_moved_and_never_leaves_the_run(show: Any) -> None:
    found = show(large(500))
    found.asked("window.chart = new Timeline(document.body.appendChild(document.createElement('div')))")
    part = "[chart.from, chart.to].map(at => Math.round(at * 1000) / 1000)"
    whole = found.asked(part)

    found.asked("chart.zoom(0.1, 2)")
    near = found.asked(part)
    found.asked("chart.move(-50)")
    first = found.asked(part)
    found.asked("chart.move(5000)")
    last = found.asked(part)

    assert near[1] - near[0] == pytest.approx((whole[1] - whole[0]) / 10, abs=0.01)
    assert near[0] <= 2 <= near[1]
    assert first[0] == 0
    assert last[1] == whole[1]
    found.asked("chart.zoom(1000)")
    assert found.asked(part) == whole
