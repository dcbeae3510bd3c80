"""What is wrong with an expression, as a value: `ExpressionError`; and all of it, to be raised: `ExpressionErrors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, replace

if TYPE_CHECKING:
    from flowpar.core.diagnostics import Label


@dataclass(frozen=True, slots=True)
class ExpressionError:
    """One finding; `start` and `end` are offsets into the text that was given to the parser or checker.

    `labels` are places in the user's code that explain it.
    """

    message: str
    start: int
    end: int
    hint: str | None = None
    code: str = "FP301"
    labels: tuple[Label, ...] = ()

    def shifted(self, offset: int) -> ExpressionError:
        """Return the finding as one of a text in which this one begins at `offset`."""
        return replace(self, start=self.start + offset, end=self.end + offset)


class ExpressionErrors(Exception):  # noqa: N818 - it is several, each of which is an error
    """The findings of one text, in its order; never empty."""

    def __init__(self, errors: tuple[ExpressionError, ...]) -> None:
        """Keep the findings."""
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
