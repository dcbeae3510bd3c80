"""The declared inputs of a document, long form and short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.lang.fields import ID, ID_FORM
from flowpar.lang.model import InputModel
from flowpar.lang.node import MappingNode
from flowpar.lang.shape import NOTHING, keys_of
from flowpar.lang.vocabulary import FOREIGN_INPUT_KEYS
from flowpar.lang.wording import name_of, short

if TYPE_CHECKING:
    from flowpar.lang.model import InputType
    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader


def bind_inputs(shape: ShapeReader) -> dict[str, InputModel]:
    """Return the inputs by name; one with a finding accepts anything, so that references to it hold."""
    node = shape.document.root.get("inputs")
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        shape.find_wrong(("inputs",), "a mapping of names to inputs")
        return {}
    return {key.text: _input(shape, key.text, value) for key, value in node.items()}


def _input(shape: ShapeReader, name: str, node: Node) -> InputModel:
    path = ("inputs", name)
    if not ID.fullmatch(name):
        shown = f'"{short(name)}" is no input name' if name else "this input has an empty name"
        shape.find_key(path, shown, code="FP128", hint=f"names are {ID_FORM}")
    value = shape.plain.value(node)
    if isinstance(value, dict):
        return _long_form(shape, path, value)
    if value is None:
        hint = "write {type: string} for one without a default"
        shape.find_wrong(path, "a default value or a mapping with a type", hint=hint)
        return InputModel(has_default=True)
    return InputModel(type=type_of(value), default=value, has_default=True)


def _long_form(shape: ShapeReader, path: tuple[str, str], value: dict[str, Any]) -> InputModel:
    known = keys_of(InputModel)
    for key in value:
        if key not in known:
            hint = 'an input without "default" is required' if key in {"required", "optional"} else None
            shape.find_unknown((*path, key), name_of(path), sorted(known), hint=hint, foreign=FOREIGN_INPUT_KEYS)
    parts = {key: NOTHING if part is None and key != "default" else part for key, part in value.items() if key in known}
    parts["has_default"] = "default" in parts
    if "type" not in parts and "default" in parts:
        parts["type"] = type_of(parts["default"])
    elif "type" not in parts:
        shape.find_key(path, f"{name_of(path)} has no type", code="FP123", hint="add a type, such as type: string")
    return shape.model(InputModel, path, parts) or InputModel(has_default=True)


def type_of(value: object) -> InputType:
    """Return the type of an input whose default is `value`."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case dict():
            return "mapping"
        case _:
            return "any"
