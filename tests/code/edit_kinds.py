"""Edits of a syntax tree, made at random: those that keep the meaning of any program, and those that may not."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

Function = ast.FunctionDef | ast.AsyncFunctionDef
SHOWS_NAMES = re.compile(r"locals|eval|exec|query|=\}|__name__|\(n :=")


def reformat(text: str, _: Random) -> str:
    return ast.unparse(ast.parse(text)) + "\n"


def comment(text: str, chance: Random) -> str:
    """Put comments and empty lines before statements of the module, and behind some."""
    lines = text.splitlines()
    starts = [min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", ()))]) for s in ast.parse(text).body]
    for start in sorted(starts, reverse=True):
        if chance.random() < 0.6:
            lines[start - 1 : start - 1] = ["", "# why", f"# {chance.random()}"]
    return "\n".join([*lines, "# the end"]) + "\n"


def document(text: str, chance: Random) -> str:
    """Give docstrings to what has none, the module included."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef | ast.Module) and ast.get_docstring(node) is None:
            node.body.insert(0, ast.Expr(ast.Constant(f"What it does: {chance.random()}.")))
    return unparsed(tree)


def rename(text: str, chance: Random) -> str:
    """Give another name to each variable that is local wherever its name occurs."""
    if SHOWS_NAMES.search(text):
        return text
    for name in sorted(local_names(ast.parse(text))):
        text = re.sub(rf"\b{name}\b", f"{name}_{chance.randrange(100)}", text)
    return text


def local_names(tree: ast.Module) -> set[str]:
    inside: set[str] = set()
    elsewhere: set[str] = set()
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, Function) for part in ast.walk(node)}
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bodies = [part for node in classes for part in node.body if not isinstance(part, Function)]
    own = {id(name) for part in bodies for name in ast.walk(part)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                (inside if id(node) in inner and id(node) not in own else elsewhere).add(name)
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.Attribute(attr=name) | ast.alias(name=name):
                elsewhere.add(name)
            case ast.alias(asname=str(name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                elsewhere.add(name)
            case ast.Constant(value=str(words)):
                elsewhere.update(re.findall(r"\w+", words))
            case ast.Global(names=names):
                elsewhere.update(names)
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return (inside & stored) - elsewhere - {"_"}


def reorder(text: str, chance: Random) -> str:
    """Let definitions that stand beside each other change places."""
    tree = ast.parse(text)
    for at in range(len(tree.body) - 1):
        pair = tree.body[at : at + 2]
        names = {node.name for node in pair if isinstance(node, Function)}
        is_free = len(names) == 2 and all(is_plain(node) for node in pair)
        if is_free and chance.random() < 0.7:
            tree.body[at : at + 2] = pair[::-1]
    return unparsed(tree)


def is_plain(node: ast.stmt) -> bool:
    return isinstance(node, Function) and not (node.decorator_list or node.args.defaults or node.args.kw_defaults)


def add_spare(text: str, chance: Random) -> str:
    """Add a function that nobody uses."""
    tree = ast.parse(text)
    spare = ast.parse(f"def spare_{chance.randrange(1000)}(x):\n    y = x + {chance.randrange(9)}\n    return y")
    tree.body[len(tree.body) : len(tree.body)] = spare.body
    return unparsed(tree)


def annotate(text: str, chance: Random) -> str:
    """Annotate local variables, and parameters of functions that are not the target."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            node.body = [annotated(part, node) for part in node.body]
            if node.name != "run" and not node.decorator_list and chance.random() < 0.7:
                node.returns = ast.Name("object")
                for parameter in node.args.args:
                    parameter.annotation = ast.Name("object")
    return unparsed(tree)


def annotated(part: ast.stmt, function: Function) -> ast.stmt:
    outer = {name for node in ast.walk(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    match part:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in outer:
            return ast.AnnAssign(ast.Name(name, ast.Store()), ast.Name("object"), value, simple=1)
        case _:
            return part


def add_pass(text: str, chance: Random) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.If | ast.For | ast.While | ast.ClassDef) and chance.random() < 0.6:
            node.body.append(ast.Pass())
    return unparsed(tree)


def unparsed(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


KEEPING: list[Callable[[str, Random], str]] = [
    reformat,
    comment,
    document,
    rename,
    reorder,
    add_spare,
    annotate,
    add_pass,
]


def mutate(text: str, chance: Random) -> str:
    """Change one thing, whatever becomes of it."""
    tree = ast.parse(text)
    return unparsed(chance.choice([exchange_names, exchange_statements, drop_statement, change_constant])(tree, chance))


def exchange_names(tree: ast.Module, chance: Random) -> ast.Module:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if names:
        chance.choice(names).id = chance.choice(names).id
    return tree


def blocks(tree: ast.Module) -> list[list[ast.stmt]]:
    found = [getattr(node, "body", None) for node in ast.walk(tree)]
    return [body for body in found if isinstance(body, list) and body]


def exchange_statements(tree: ast.Module, chance: Random) -> ast.Module:
    body = chance.choice(blocks(tree) or [tree.body])
    at = chance.randrange(len(body) or 1)
    body[at : at + 2] = body[at : at + 2][::-1]
    return tree


def drop_statement(tree: ast.Module, chance: Random) -> ast.Module:
    for body in chance.sample(blocks(tree), k=1) if tree.body else ():
        body[chance.randrange(len(body))] = ast.Pass()
    return tree


def change_constant(tree: ast.Module, chance: Random) -> ast.Module:
    joined = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in joined]
    if constants:
        chance.choice(constants).value = chance.choice([0, 1, 2, "a", None])
    return tree
