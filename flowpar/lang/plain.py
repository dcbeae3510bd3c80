"""From nodes to plain values: text, numbers, booleans, None, lists and mappings with text keys.

    value   as YAML means it; a plain scalar that YAML 1.1 reads otherwise gets a warning
    texts   as it was written: `env` and the words of a `shell` list are text whatever they look like

Collections that an alias repeats become the same object each time; nobody changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.diagnostics import Diagnostic, Severity
from flowpar.lang.node import MappingNode, ScalarNode, SequenceNode
from flowpar.lang.scalars import LONGEST_NUMBER, NumberTooLongError, is_surely_text, old_meaning, resolve

if TYPE_CHECKING:
    from flowpar.lang.node import Document, Node
    from flowpar.lang.scalars import Scalar

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


class PlainReader:
    """Reads values and keeps what it finds on the way."""

    def __init__(self, document: Document) -> None:
        """Read nodes of `document`."""
        self.findings: list[Diagnostic] = []
        self._path = document.source.path
        self._known: dict[int, Any] | None = {} if document.has_aliases else None

    def value(self, node: Node) -> Any:
        """Return the value of a node."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if self._known is None:
            return self._collection(node)
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = self._collection(node)
        return known

    def _collection(self, node: MappingNode | SequenceNode) -> Any:
        if isinstance(node, MappingNode):
            return {key.text: self.value(child) for key, child in node.items()}
        return [self.value(child) for child in node.items]

    def texts(self, node: Node) -> Any:
        """Return the value with the scalars of one level as text; None and collections stay what they are."""
        if isinstance(node, MappingNode):
            return {key.text: self._text(child) for key, child in node.items()}
        if isinstance(node, SequenceNode):
            return [self._text(child) for child in node.items]
        return self.value(node)

    def _text(self, node: Node) -> Any:
        if isinstance(node, ScalarNode) and node.tag != "null" and not (node.is_plain and is_null(node)):
            return node.text
        return self.value(node)

    def _scalar(self, node: ScalarNode) -> Scalar:
        if node.tag == "str" or (not node.tag and (node.style or is_surely_text(node.text))):
            return node.text
        try:
            found = resolve(node.text)
        except NumberTooLongError:
            self._find("FP124", f"this number has more than {LONGEST_NUMBER:,} digits", node, hint="put it in quotes")
            return 0
        if node.tag:
            return self._tagged(node, found)
        meaning = old_meaning(node.text)
        if meaning is not None:
            shown = f'the text "{found}"' if isinstance(found, str) else f"the number {found}"
            message = f'"{node.text}" is {shown} here, but {meaning} to readers of YAML 1.1'
            hint = (
                f'write "{node.text}" in quotes'
                if isinstance(found, str)
                else f'write {found}, or "{node.text}" as text'
            )
            self._find("FP113", message, node, hint=hint, severity=Severity.WARNING)
        return found

    def _tagged(self, node: ScalarNode, found: Scalar) -> Scalar:
        is_right = isinstance(found, _TYPES[node.tag]) and (node.tag == "bool" or not isinstance(found, bool))
        if not is_right:
            self._find("FP106", f'the tag "!!{node.tag}" does not fit this value', node)
        return float(found) if node.tag == "float" and isinstance(found, int) else found

    def _find(
        self, code: str, message: str, node: ScalarNode, *, hint: str | None = None, severity: Severity = Severity.ERROR
    ) -> None:
        self.findings.append(Diagnostic(code, message, self._path, node.span, severity, hint))


def is_null(node: ScalarNode) -> bool:
    """Whether a plain scalar is nothing."""
    return not node.text or (len(node.text) <= 4 and resolve(node.text) is None)  # noqa: PLR2004 -- len("null")
