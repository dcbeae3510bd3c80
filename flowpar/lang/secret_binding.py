"""The declared secrets of a document: where each is read from, never what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.lang.fields import ID, ID_FORM, has_expression
from flowpar.lang.model import SecretModel
from flowpar.lang.node import MappingNode
from flowpar.lang.shape import keys_of
from flowpar.lang.wording import name_of, short

if TYPE_CHECKING:
    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader
    from flowpar.lang.wording import Path

_SOURCES = ("env", "file")
_FORM = "write {env: VARIABLE} or {file: PATH}"
_NO_TEXT = f"{_FORM}: what stands in a workflow is no secret"


def bind_secrets(shape: ShapeReader) -> dict[str, SecretModel]:
    """Return the secrets by name; one with a finding is there without a source, so that references to it hold."""
    node = shape.document.root.get("secrets")
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        shape.find_wrong(("secrets",), "a mapping of names to sources", hint="such as TOKEN: {env: TOKEN}")
        return {}
    return {key.text: _secret(shape, key.text, value) for key, value in node.items()}


def _secret(shape: ShapeReader, name: str, node: Node) -> SecretModel:
    path = ("secrets", name)
    if not ID.fullmatch(name):
        shown = f'"{short(name)}" is no secret name' if name else "this secret has an empty name"
        shape.find_key(path, shown, code="FP128", hint=f"names are {ID_FORM}")
    if not isinstance(node, MappingNode):
        # What stands there may be the secret itself: no message repeats it.
        shape.find_key(path, f"{name_of(path)} does not say where it is read from", code="FP801", hint=_NO_TEXT)
        return SecretModel()
    unknown = [key.text for key in node.keys if key.text not in keys_of(SecretModel)]
    for key in unknown:
        hint = _NO_TEXT if key in {"value", "default"} else None
        shape.find_unknown((*path, key), name_of(path), sorted(keys_of(SecretModel)), hint=hint)
    given = [key.text for key in node.keys if key.text in _SOURCES]
    if not given and unknown:
        return SecretModel()  # the misspelt one is found already
    if len(given) != 1:
        message = "has two sources" if given else "does not say where it is read from"
        shape.find_key(path, f"{name_of(path)} {message}", code="FP801", hint=_FORM)
        return SecretModel()
    return _sourced(shape, (*path, given[0]), node)


def _sourced(shape: ShapeReader, path: Path, node: MappingNode) -> SecretModel:
    kind = str(path[-1])
    wanted = "the name of a variable" if kind == "env" else "the path of a file"
    value = shape.plain.texts(node).get(kind)
    if not isinstance(value, str) or not value or "\0" in value or (kind == "env" and "=" in value):
        shape.find_wrong(path, wanted)
    elif has_expression(value):
        hint = "a secret is read before anything else, so it depends on nothing"
        shape.find(path, f"{name_of(path)} wants {wanted}, found an expression", code="FP124", hint=hint)
    else:
        return SecretModel(**{kind: value})
    return SecretModel()
