"""A report as one HTML file: it loads nothing, runs only the scripts that are in it, and shows any text as text.

Page ──render──►  head with a policy that names each script and style by its digest
                  what a person reads first: how it ended, failures, values, environment
                  data as JSON, and scripts that draw the graph, the timeline and the tables of it
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from flowpar.report.html_values import values
from flowpar.report.page_data import as_json
from flowpar.report.visible import html
from flowpar.report.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.report.page_model import FailureView, Head, Page

_MARKED = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="flowpar report">"""
# What a page starts with: a file that does may be replaced by a newer one.
BEGINNING: Final = _MARKED.encode()
_SCRIPTS = ("vendor/dagre.min.js", "format.js", "table.js", "graph.js", "timeline.js", "page.js")
_MOST_OPEN = 3
_SIGNS = {"good": "✓", "bad": "✕", "busy": "…", "odd": "!"}


def render(page: Page) -> str:
    """Return the report of a run."""
    style = _asset("page.css")
    scripts = [_asset(name) for name in _SCRIPTS]
    parts = [
        _MARKED,
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{html(page.head.workflow)} {html(page.head.status)} - flowpar</title>",
        '<link rel="icon" href="data:,">',
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#main">Skip to the content</a>',
        _head(page.head, page.description),
        _navigation(page),
        '<main id="main">',
        _summary(page),
        _failures(page),
        _GRAPH,
        _TIMELINE,
        _TASKS,
        _ATTEMPTS,
        _values(page),
        _environment(page),
        "</main>",
        _foot(page.head),
        f'<script type="application/json" id="data">{as_json(page)}</script>',
        *(f"<script>{script}</script>" for script in scripts),
        "</body>",
        "</html>",
    ]
    # Lone surrogates, of names of files, are no UTF-8.
    return "\n".join(parts).encode("utf-8", "replace").decode() + "\n"


def _policy(style: str, scripts: Sequence[str]) -> str:
    named = " ".join(_digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {named}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"


def _asset(name: str) -> str:
    """Return a file of the page, without the place of a map that is not there."""
    text = files("flowpar.report").joinpath("page", name).read_text("utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL"))


def _head(head: Head, description: str) -> str:
    code = "" if head.exit_code is None else f' <span class="faint">exit code {head.exit_code}</span>'
    facts = {
        "Run": f"<code>{html(head.run_id)}</code>",
        "Started": html(head.started),
        "File": f"<code>{html(head.file)}</code>",
        "Resumed": counted(head.resumes, "time") if head.resumes else "",
        "Stopped": html(head.stopping),
    }
    sign = f'<span aria-hidden="true">{_SIGNS[head.tone]}</span>'
    listed = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts.items() if text)
    parts = [
        '<header class="top"><div class="wrap">',
        f'<p class="status {head.tone}">{sign} {html(head.status)}{code}</p>',
        f"<h1>{html(head.workflow)}</h1>",
        f'<p class="about">{html(description)}</p>' if description else "",
        f'<dl class="facts">{listed}</dl>',
        *(f'<p class="notice" role="note">{html(notice)}</p>' for notice in head.notices),
        _command("Go on with it", head.way_on) if head.way_on else "",
        "</div></header>",
    ]
    return "\n".join(filter(None, parts))


def _command(label: str, text: str) -> str:
    return (
        f'<div class="command"><span class="label">{label}</span> <code>{html(text)}</code>'
        f'<button type="button" class="copy" hidden>Copy</button></div>'
    )


def _navigation(page: Page) -> str:
    names = [("graph", "Graph"), ("timeline", "Timeline"), ("tasks", "Tasks"), ("attempts", "Attempts")]
    names += [("values", "Values"), ("environment", "Environment")]
    if page.failures:
        names.insert(0, ("failures", "Failures"))
    links = "".join(f'<li><a href="#{place}">{name}</a></li>' for place, name in names)
    return f'<nav class="places" aria-label="Parts of the report"><ul class="wrap">{links}</ul></nav>'


def _summary(page: Page) -> str:
    took = "" if page.head.took_s is None else duration(page.head.took_s)
    return (
        '<section id="summary" aria-labelledby="summary-title"><h2 id="summary-title" class="quiet">Summary</h2>'
        f'<dl class="tiles" id="tiles"><div><dt>Took</dt><dd>{html(took) or "not known"}</dd></div>'
        f"<div><dt>Workers</dt><dd>{page.head.workers}</dd></div></dl>"
        '<div id="shares"></div>'
        "<noscript><p class=notice>The graph, the timeline and the tables are drawn by scripts, which do not run here. "
        "Failures, values and the environment are below.</p></noscript></section>"
    )


def _failures(page: Page) -> str:
    if not page.failures:
        return ""
    shown = "".join(
        _failure(failure, is_open=number < _MOST_OPEN and not failure.is_tolerated)
        for number, failure in enumerate(page.failures)
    )
    more = (
        f'<p class="faint">… and {page.more_failures} more, in the table of attempts.</p>' if page.more_failures else ""
    )
    tolerated = ", all tolerated" if all(failure.is_tolerated for failure in page.failures) else ""
    title = counted(len(page.failures) + page.more_failures, "failure") + tolerated
    return (
        f'<section id="failures" aria-labelledby="failures-title"><h2 id="failures-title">{title}</h2>'
        f"{shown}{more}</section>"
    )


def _failure(failure: FailureView, *, is_open: bool) -> str:
    attempt = f" on attempt {failure.attempt}" if failure.attempt > 1 else ""
    tolerated = " (tolerated)" if failure.is_tolerated else ""
    what = f"<strong>{html(failure.name)}</strong> {html(failure.verb)}{attempt}{tolerated}"
    parts = [
        f'<details class="failure"{" open" if is_open else ""}>',
        f'<summary>{what}: <span class="reason">{html(failure.reason)}</span></summary>',
        f"<h3>Where</h3>{_block(failure.traceback, 'Traceback')}" if failure.traceback.strip() else "",
        f"<h3>Its output ended with</h3>{_block(chr(10).join(failure.tail), 'Output')}" if failure.tail else "",
        f'<p class="faint log">Log: <code>{html(failure.log)}</code></p>' if failure.log else "",
        *(
            _command(label, text)
            for label, text in zip(
                ("Look into it", "What it was given", "All it printed"), failure.commands, strict=False
            )
        ),
        "</details>",
    ]
    return "\n".join(filter(None, parts))


def _block(text: str, label: str) -> str:
    return f'<pre tabindex="0" role="group" aria-label="{label}">{html(text)}</pre>'


def _values(page: Page) -> str:
    if page.outputs is None:
        outputs = '<p class="faint">The run has not given its outputs.</p>'
    else:
        outputs = values(page.outputs) or '<p class="faint">The workflow declares no outputs.</p>'
    of_tasks = values(page.task_outputs, is_folded=True) or '<p class="faint">No task has given a value.</p>'
    more = (
        f'<p class="faint">{counted(page.more_outputs, "value")} more are not shown.</p>' if page.more_outputs else ""
    )
    return (
        '<section id="values" aria-labelledby="values-title"><h2 id="values-title">Values</h2>'
        f"<h3>Outputs of the workflow</h3>{outputs}"
        f"<h3>Inputs</h3>{values(page.inputs) or '<p class=faint>The workflow took no inputs.</p>'}"
        f"<h3>What tasks gave</h3>{of_tasks}{more}</section>"
    )


def _environment(page: Page) -> str:
    rows = "".join(f"<div><dt>{html(name)}</dt><dd>{html(text)}</dd></div>" for name, text in page.environment if text)
    return (
        '<section id="environment" aria-labelledby="environment-title"><h2 id="environment-title">Environment</h2>'
        f'<dl class="rows">{rows}</dl></section>'
    )


def _foot(head: Head) -> str:
    return (
        f'<footer class="wrap"><p>Made by flowpar, {html(head.made)}. This file needs nothing beside it.</p></footer>'
    )


_GRAPH = """<section id="graph" aria-labelledby="graph-title"><h2 id="graph-title">Graph</h2>
<p class="faint" id="graph-note">What needs what. Choose a task to see its attempts.</p>
<div id="drawing"></div></section>"""
_TIMELINE = """<section id="timeline" aria-labelledby="timeline-title"><h2 id="timeline-title">Timeline</h2>
<div id="chart"></div></section>"""
_TASKS = """<section id="tasks" aria-labelledby="tasks-title"><h2 id="tasks-title">Tasks</h2>
<div id="task-table"></div></section>"""
_ATTEMPTS = """<section id="attempts" aria-labelledby="attempts-title"><h2 id="attempts-title">Attempts</h2>
<div id="attempt-table"></div></section>"""
