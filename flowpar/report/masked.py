"""Events without secrets: what any sink is told has `***` where one stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.events import (
    RunNoted,
    RunStopping,
    TaskEnded,
    TaskLogged,
    TaskPrinted,
    TaskProgressed,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
)
from flowpar.core.outcome import Failure

if TYPE_CHECKING:
    from flowpar.core.events import Event
    from flowpar.core.mask import Masker


def masked(event: Event, masker: Masker) -> Event:
    """Return an event as it may be told; what holds ids and numbers only is what it was."""
    match event:
        case TaskEnded(outcome=Failure() as failure):
            return replace(event, outcome=_failure(failure, masker), warnings=_texts(event.warnings, masker))
        case TaskEnded(warnings=warnings) | TaskRepeating(warnings=warnings) if warnings:
            return replace(event, warnings=_texts(warnings, masker))
        case TaskRetrying(failure=failure):
            return replace(event, failure=_failure(failure, masker))
        case TaskSkipped(reason=reason) | RunStopping(reason=reason):
            return replace(event, reason=masker.text(reason))
        case TaskProgressed(note=note):
            return replace(event, note=masker.text(note))
        case RunNoted(message=message, text=text):
            return replace(event, message=masker.text(message), text=masker.text(text))
        case TaskPrinted(text=text):
            return replace(event, text=masker.text(text))
        case TaskLogged(message=message, fields=fields):
            shown = masker.plain(fields)
            fields = shown if isinstance(shown, Mapping) else {}
            return replace(event, message=masker.text(message), fields=fields)
        case _:
            return event


def _failure(failure: Failure, masker: Masker) -> Failure:
    return replace(masker.failure(failure), type=masker.text(failure.type))


def _texts(texts: tuple[str, ...], masker: Masker) -> tuple[str, ...]:
    return tuple(map(masker.text, texts))
