"""How an evaluation ends without a value: `EvaluationError`, or `Missing`, which `default()` catches."""

from __future__ import annotations


class EvaluationError(Exception):
    """An expression has no value; the text of the expression is added where it is known."""

    def __init__(self, message: str, expression_text: str = "") -> None:
        """Keep the message and the expression as the user wrote it."""
        super().__init__(message, expression_text)
        self.message = message
        self.expression_text = expression_text

    def __str__(self) -> str:
        """Return the message with the expression that it is about."""
        text = " ".join(self.expression_text.split())
        return f"{self.message}, in ${{{{ {text} }}}}" if text else self.message


class Missing(EvaluationError):  # noqa: N818 - it is caught by default() as often as it is an error
    """An output, a key, an index or a field is not there."""
