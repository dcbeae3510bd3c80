"""What a task gives away: an output that holds a secret is refused, by the path that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from flowpar.core.mask import Masker
from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.data.codec import encoding_of
from flowpar.data.culprit import place_of
from flowpar.execute.failure import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.data.codec import Encoded


def refuse_secret(value: object, encoded: Encoded, secrets: Mapping[str, str], root: str) -> NoReturn:
    """Raise TaskFailed for a value, called `root`, whose encoding holds one of the secrets."""
    held = [name for name, secret in secrets.items() if Masker([secret]).holds(encoded.chunks)]
    masker = Masker(secrets[name] for name in held)

    def refuses(part: object) -> Exception | None:
        found = encoding_of(part)
        return ValueError() if found is not None and masker.holds(found.chunks) else None

    names = " and ".join(f'secret "{name}"' for name in held) or "a secret"
    message = f"{place_of(value, refuses, root)} holds {names}, and what a task returns is written down"
    hint = "leave it out; whoever needs it reads secrets by itself"
    raise TaskFailed(refusal(FailureKind.OUTPUT, f"{message}; {hint}"))
