"""What classes of the project do when nobody calls a method of theirs: operators, properties, counts of objects."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.purity import READING, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Methods that run when an object is made, which others do not see.
_AT_BIRTH = frozenset(
    {"__init__", "__new__", "__post_init__", "__set_name__", "__init_subclass__", "__class_getitem__"}
)
_OF_CLASSES = frozenset({"__class__", "__dict__", "__subclasses__", "__init_subclass__", "__class_getitem__"})


def classes_in(node: ast.stmt) -> list[ast.ClassDef]:
    """Return the classes that a statement makes."""
    if isinstance(node, ast.ClassDef):
        return [node]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Import | ast.ImportFrom):
        return []
    return [part for part in ast.walk(node) if isinstance(part, ast.ClassDef)]


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (part for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))


def has_method(node: ast.ClassDef, word: str) -> bool:
    """Whether a class has, or may have, a method of its own of a name."""
    return any(part.name in {word, "__getattr__", "__getattribute__"} for part in _methods(node))


def is_lively(node: ast.ClassDef) -> bool:
    """Whether operators or properties of a class do something."""
    for method in _methods(node):
        is_special = method.name.startswith("__") and method.name not in _AT_BIRTH
        names = {getattr(part, "id", getattr(part, "attr", "")) for part in method.decorator_list}
        if (is_special or names - {"staticmethod", "classmethod", "abstractmethod", "override"}) and _does_something(
            method
        ):
            return True
    return False


def _does_something(method: ast.AST) -> bool:
    for part in ast.walk(method):
        match part:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                return True
            case ast.AugAssign() | ast.Global() | ast.Nonlocal():
                return True
            case ast.Call(func=ast.Attribute(attr=word)) if word not in READING:
                return True
            case ast.Call(func=ast.Name(id=name)) if kind_of((f"~builtins.{name}",)) is None and not name[:1].isupper():
                return True
    return False


def changes_class(node: ast.ClassDef) -> bool:
    """Whether methods may write to the class itself: `cls.count += 1`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in _OF_CLASSES:
            return True
        if isinstance(part, ast.FunctionDef) and part.name in _OF_CLASSES:
            return True
        if isinstance(part, ast.Name) and part.id in {"setattr", "vars", "delattr"}:
            return True
        if isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store | ast.Del):
            inner: ast.AST = part
            while isinstance(inner, ast.Attribute | ast.Subscript):
                inner = inner.value
            if isinstance(part, ast.Attribute) and not (isinstance(inner, ast.Name) and inner.id == "self"):
                return True
    return False
