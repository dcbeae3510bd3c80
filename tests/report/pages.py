"""Reports of runs that never took place, for tests of what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.report.page_model import FailureView, Head, Page, TaskView, ValueView
from flowpar.report.past import Past, PastAttempt
from flowpar.report.preview import Picture, Pictures, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = 1_763_806_500.0
# The smallest PNG: one pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def ran(task: str, start: float, took: float, item: int | None = None, *, state: str = "succeeded") -> PastAttempt:
    failure = Failure(FailureKind.EXCEPTION, "ValueError", "bad row", None, "steps.py") if state == "failed" else None
    return PastAttempt(
        task=task,
        item=item,
        attempt=1,
        layer=0,
        executor="process",
        state=state,
        pid=1000 + int(start * 1000),
        started_at=AT + start,
        duration_s=took,
        wait_s=0.001,
        cpu_s=took / 2,
        max_rss_bytes=20 << 20,
        failure=failure,
    )


def page_of(
    attempts: Sequence[PastAttempt], *, needs: dict[str, tuple[str, ...]] | None = None, text: str = "words"
) -> Page:
    """Return a page on attempts; `text` stands wherever a text of the user's can."""
    ends = [one.ended_at or AT for one in attempts]
    names = list(dict.fromkeys([one.task for one in attempts] + list(needs or {})))
    worst = {one.task: one.state for one in sorted(attempts, key=lambda one: one.state == "failed")}
    failed = [one for one in attempts if one.state == "failed"]
    table = Table((text, "n"), ((text, "1"), (text, "2")), frozenset({1}), text)
    return Page(
        head=Head(
            run_id="20251122-101500-words-900",
            workflow=text,
            file=text,
            status="failed" if failed else "succeeded",
            tone="bad" if failed else "good",
            started="2025-11-22 10:15:00 UTC",
            took_s=max([AT, *ends]) - AT,
            exit_code=1 if failed else 0,
            workers=2,
            resumes=0,
            way_on=f"flowpar resume {text}" if failed else "",
            stopping=text,
            notices=(text,),
            made="0.1.0",
        ),
        description=text,
        past=Past(tuple(attempts), ((AT, max([AT, *ends])),), needs or {}),
        tasks=tuple(
            TaskView(
                name,
                text,
                (needs or {}).get(name, ()),
                (name,),
                worst.get(name, "skipped"),
                {"succeeded": 1},
                reason=text,
                because=(text,),
            )
            for name in names
        ),
        knows_needs=needs is not None,
        failures=tuple(
            FailureView(
                one.task,
                "failed",
                text,
                1,
                is_tolerated=False,
                traceback=text,
                tail=(text, text),
                log=text,
                commands=(text, text, text),
            )
            for one in failed[:30]
        ),
        more_failures=0,
        inputs=(ValueView(text, None, Text(text, "text")),),
        outputs=(ValueView(text, None, table),),
        task_outputs=(
            ValueView(text, 10, Pictures((Picture(text, "image/png", PIXEL),), text)),
            ValueView("long", 10, Text(f"{text}\n" * 3, "code", text)),
        ),
        more_outputs=0,
        environment=((text, text), ("Python", "3.11")),
    )


def small(text: str = "words") -> Page:
    """Return a page on a diamond of which one task fails."""
    needs: dict[str, tuple[str, ...]] = {"load": (), "clean": ("load",), "count": ("load",), "end": ("clean", "count")}
    attempts = [ran("load", 0, 1), ran("clean", 1, 0.5), ran("count", 1, 2, 0), ran("count", 1.6, 1, 1, state="failed")]
    attempts.append(replace(ran("end", 3, 0), state="skipped", started_at=None, duration_s=None, reason=text))
    return page_of(attempts, needs=needs, text=text)


def large(items: int = 10_000) -> Page:
    """Return a page on a fan-out of many items, a few of which fail."""
    each = [ran("item", 1 + n * 0.01, 0.02, n, state="failed" if n % 2500 == 7 else "succeeded") for n in range(items)]
    attempts = [ran("list", 0, 1), *each, ran("end", 2 + items * 0.01, 0.5)]
    return page_of(attempts, needs={"list": (), "item": ("list",), "end": ("item",)})
