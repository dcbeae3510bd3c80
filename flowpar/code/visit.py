"""How each kind of statement and expression lets objects flow, and changes them.

U = T; for row in T; with T as U; a, b = T; [row for row in T]; except E as e       a name gets an object
T[0] = 1; T += [1]; del T[0]; f(T); T.add(1); @register                             an object is another one
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.facts import Flow, Local
from flowpar.code.flow import Walk
from flowpar.code.purity import chain_of
from flowpar.code.scope import Comprehension, arguments_of, children_of
from flowpar.code.sources import At

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.code.facts import Key, Root
    from flowpar.code.flow import Visit
    from flowpar.code.origin import Way
    from flowpar.code.purity import Kind


def flow_of(
    node: ast.AST,
    package: str,
    kind_of: Callable[[Root], Kind | None],
    is_quiet: Callable[[Key], bool],
    *,
    is_whole: bool = True,
) -> Flow:
    """Read one piece; unless it `is_whole`, not into functions.

    `kind_of` says what is known of a function, `is_quiet` whether it is the project's and keeps nothing.
    """
    walk = Walk(package, kind_of, _VISITS, is_quiet, is_whole=is_whole)
    walk.run(node)
    return Flow(walk.now, walk.late)


def _assign(walk: Walk, node: ast.AST, at: At) -> None:
    value = getattr(node, "value", None)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    sources = walk.sources(value, at)
    if isinstance(node, ast.AugAssign):
        walk.use("change", walk.keys_of(node.target, at=at), at, is_deep=not isinstance(node.target, ast.Name))
        walk.use("iterate", sources, at)
        sources = dict.fromkeys(sources, "held")
    if value is not None:
        for target in targets:
            if target is not None:
                walk.bind(target, sources, at)
    walk.go_on([value, getattr(node, "annotation", None)], at)


def _loop(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.For | ast.AsyncFor)  # noqa: S101 - by the table
    sources = walk.keys_of(node.iter, at=at)
    walk.use("iterate", sources, at)
    walk.bind(node.target, dict.fromkeys(sources, "part"), at)
    walk.go_on([node.iter, *node.body, *node.orelse], at)


def _comprehension(walk: Walk, node: ast.AST, at: At) -> None:
    inside = At(walk.scope(node, at.scope), at.is_late)
    for index, generator in enumerate(getattr(node, "generators", ())):
        home = inside if index else at
        sources = walk.keys_of(generator.iter, at=home)
        walk.use("iterate", sources, home)
        walk.bind(generator.target, dict.fromkeys(sources, "part"), inside)
        walk.go_on([generator.iter], home)
        walk.go_on(generator.ifs, inside)
    walk.go_on((getattr(node, name, None) for name in ("elt", "key", "value")), inside)


def _with(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.With | ast.AsyncWith)  # noqa: S101 - by the table
    for item in node.items:
        sources = walk.keys_of(item.context_expr, at=at)
        walk.use("change", sources, at)
        if item.optional_vars is not None:
            walk.bind(item.optional_vars, dict.fromkeys(sources, "part"), at)
        walk.go_on([item.context_expr], at)
    walk.go_on(node.body, at)


def _match(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.Match)  # noqa: S101 - by the table
    sources = walk.keys_of(node.subject, at=at)
    for case in node.cases:
        for part in ast.walk(case.pattern):
            for name in (getattr(part, "name", None), getattr(part, "rest", None)):
                if isinstance(name, str):
                    walk.bind(ast.Name(name, ast.Store()), dict.fromkeys(sources, "part"), at)
        walk.go_on([case.pattern, case.guard, *case.body], at)
    walk.go_on([node.subject], at)


def _try(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.Try | ast.TryStar)  # noqa: S101 - by the table
    for handler in node.handlers:
        if handler.name is not None:  # an exception may hold what was at hand
            sources: dict[Key, Way] = dict.fromkeys(walk.keys_of(*node.body, at=at), "part")
            walk.bind(ast.Name(handler.name, ast.Store()), sources, at)
    walk.go_on(children_of(node), at)


def _call(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.Call)  # noqa: S101 - by the table
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    plain = [part.value if isinstance(part, ast.Starred) else part for part in arguments]
    if walk.kind(node.func, at.scope) != "atomic":
        walk.call(node.func, plain, set(), at)
    walk.go_on([node.func, *arguments], at)


def _function(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)  # noqa: S101 - by the table
    walk.define(node, at)
    told = [getattr(node, "returns", None), *(argument.annotation for argument in arguments_of(node.args))]
    walk.go_on(told, at)
    defaults = [*node.args.defaults, *(part for part in node.args.kw_defaults if part is not None)]
    if not walk.is_whole and not isinstance(node, ast.Lambda):
        walk.go_on(defaults, at)
        return
    inside = At(walk.scope(node, at.scope), at.is_late if isinstance(node, ast.Lambda) else True)
    held = walk.keys_of(*defaults, at=at)
    for argument in arguments_of(node.args) if held else ():
        walk.late.origins.add(Local(id(inside.scope), argument.arg), held, "part")
    walk.go_on(defaults, at)
    walk.go_on(node.body if isinstance(node.body, list) else [node.body], inside)


def _class(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.ClassDef)  # noqa: S101 - by the table
    walk.define(node, at)
    for keyword in node.keywords:  # a metaclass, above all
        walk.call(keyword.value, [], set(walk.named(node.name, (), at.scope)), at)
    walk.go_on([*node.bases, *node.keywords], at)
    walk.go_on(node.body, At(walk.scope(node, at.scope), at.is_late))


def _delete(walk: Walk, node: ast.AST, at: At) -> None:
    for target in getattr(node, "targets", ()):
        walk.bind(target, {}, at)


def _spread(walk: Walk, node: ast.AST, at: At) -> None:
    value = getattr(node, "value", None)
    walk.use("change" if isinstance(node, ast.Await) else "iterate", walk.keys_of(value, at=at), at)
    walk.go_on([value], at)


def _compare(walk: Walk, node: ast.AST, at: At) -> None:
    assert isinstance(node, ast.Compare)  # noqa: S101 - by the table
    if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
        walk.use("iterate", walk.keys_of(*node.comparators, at=at), at)
    walk.go_on([node.left, *node.comparators], at)


def _statement(walk: Walk, node: ast.AST, at: At) -> None:
    value = getattr(node, "value", None)
    if isinstance(value, ast.Call):
        walk.use("act", walk.keys_of(value.func, at=at), at)
    walk.go_on([value], at)


def _name(walk: Walk, node: ast.AST, at: At) -> None:
    inner, attributes = chain_of(node)
    if isinstance(inner, ast.Name):
        walk.facts(at).observed.update(walk.named(inner.id, attributes, at.scope))
    else:
        walk.go_on([inner], at)


def _nothing(_: Walk, __: ast.AST, ___: At) -> None:
    return


_VISITS: Mapping[type[ast.AST], Visit] = {
    **dict.fromkeys((ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr), _assign),
    **dict.fromkeys((ast.For, ast.AsyncFor), _loop),
    **dict.fromkeys(Comprehension.__args__, _comprehension),
    **dict.fromkeys((ast.With, ast.AsyncWith), _with),
    ast.Match: _match,
    **dict.fromkeys((ast.Try, ast.TryStar), _try),
    ast.Call: _call,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), _function),
    ast.ClassDef: _class,
    ast.Delete: _delete,
    **dict.fromkeys((ast.Await, ast.YieldFrom, ast.Starred), _spread),
    ast.Compare: _compare,
    ast.Expr: _statement,
    **dict.fromkeys((ast.Name, ast.Attribute), _name),
    **dict.fromkeys((ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Constant), _nothing),
}
