"""What a function, lambda or class asks for and gives: `Signature` and its `Parameter`s, from the syntax tree."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from flowpar.code.annotation import NOTHING
from flowpar.code.generic import own_parameters
from flowpar.code.library import Defined, Foreign
from flowpar.code.parameter import Parameter, Signature
from flowpar.code.shape import Family, shape_of
from flowpar.code.spot import spot_of_name
from flowpar.code.standard import standard
from flowpar.core.frozen import dataclass
from flowpar.core.types import ANY, NONE, ListOf, show, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.code.annotation import Annotations, Given
    from flowpar.code.library import Library, Module, Resolved
    from flowpar.code.parameter import ParameterKind
    from flowpar.code.shape import Field, Shape
    from flowpar.core.types import Type

    Owner = tuple[Module, ast.ClassDef]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads callables with the help of a library and its annotations."""

    library: Library
    annotations: Annotations

    def function(
        self, module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef, *, owner: Owner | None = None
    ) -> Signature:
        """Read a `def`; `owner` is the class by which it is called."""
        spot = spot_of_name(module, node)
        docstring = ast.get_docstring(node) or ""
        effect = self._effect(module, node.decorator_list)
        if effect == "unknown":
            return Signature(node.name, spot.file, spot.line, spot.column, docstring=docstring, is_known=False)
        given = dict.fromkeys(own_parameters(node), ANY) | self._self(module, owner)
        parameters = self._parameters(module, node.args, drop_first=effect == "classmethod", given=given)
        is_generator = _yields(node)
        returns = self.annotations.type_of(module, node.returns, given=given)
        return Signature(
            node.name,
            spot.file,
            spot.line,
            spot.column,
            parameters=tuple(p for p in parameters if not p.is_context),
            returns=ListOf(ANY) if is_generator and not isinstance(returns, ListOf) else returns,
            returns_text=None if node.returns is None else ast.unparse(node.returns),
            docstring=docstring,
            context=next((p.name for p in parameters if p.is_context), None),
            is_generator=is_generator,
            is_async=isinstance(node, ast.AsyncFunctionDef),
        )

    def _self(self, module: Module, owner: Owner | None) -> dict[str, Type]:
        """Return what `Self` stands for in a module, where that is its name there."""
        meaning = None if owner is None else self.library.resolve(module, "Self", everywhere=False)
        is_known = isinstance(meaning, Foreign) and standard(meaning.qualified) == "typing.Self"
        return {"Self": self.annotations.of_class(*owner)} if is_known and owner is not None else {}

    def lambda_(self, module: Module, name: str, node: ast.Lambda) -> Signature:
        """Read `name = lambda …`."""
        parameters = self._parameters(module, node.args, drop_first=False)
        return Signature(name, module.source.file, node.lineno, node.col_offset + 1, parameters=parameters)

    def class_(self, module: Module, node: ast.ClassDef) -> Signature:
        """Read a class as the function that makes an instance."""
        spot = spot_of_name(module, node)
        shape = shape_of(self.library, module, node)
        parameters = self._constructor(shape)
        return Signature(
            node.name,
            spot.file,
            spot.line,
            spot.column,
            parameters=parameters or (),
            returns=self.annotations.of_class(module, node),
            returns_text=node.name,
            docstring=ast.get_docstring(node) or "",
            is_known=parameters is not None,
        )

    def _constructor(self, shape: Shape) -> tuple[Parameter, ...] | None:
        if not (shape.is_complete and shape.has_only_init) or shape.family is Family.ENUM:
            return None
        if shape.constructor is not None:
            init = shape.constructor
            if init.node.decorator_list:
                return None
            given = dict.fromkeys(own_parameters(init.node), ANY) | dict(self.annotations.through(init.bounds))
            return self._parameters(init.module, init.node.args, drop_first=True, given=given)
        if shape.family is Family.PLAIN:
            return ()
        parameters = [self._of_field(field, shape.family) for field in shape.fields]
        return None if None in parameters else tuple(p for p in parameters if p is not None and p.name)

    def _of_field(self, field: Field, family: Family) -> Parameter | None:
        """Return a field's parameter, one without a name if the constructor has none, None if that is unclear."""
        is_required = field.default is None and family is not Family.TYPED_DICT
        if isinstance(field.default, ast.Call):
            given = {keyword.arg for keyword in field.default.keywords}
            if family is Family.PYDANTIC or given & {"alias", "converter"} or None in given:
                return None
            if "init" in given:
                return Parameter("") if _is_left_out(field.default) else None
            maker = getattr(field.default.func, "id", getattr(field.default.func, "attr", ""))
            is_required = maker == "field" and not given & {"default", "default_factory"}
        kind = self.annotations.of_field(field)
        written = show(kind) if field.bounds and kind != ANY else ast.unparse(field.annotation)
        return Parameter(field.name, "keyword_only", kind, is_required, annotation=written)

    def _parameters(
        self, module: Module, arguments: ast.arguments, *, drop_first: bool, given: Given = NOTHING
    ) -> tuple[Parameter, ...]:
        found = list(_in_order(arguments))
        if drop_first and found and found[0][1] in {"positional_only", "positional_or_keyword"}:
            del found[0]
        return tuple(self._parameter(module, argument, kind, default, given=given) for argument, kind, default in found)

    def _parameter(
        self, module: Module, argument: ast.arg, kind: ParameterKind, default: ast.expr | None, *, given: Given
    ) -> Parameter:
        type_ = self.annotations.type_of(module, argument.annotation, given=given)
        if isinstance(default, ast.Constant) and default.value is None:
            type_ = union([type_, NONE])  # `x: int = None` is often written for `int | None`
        return Parameter(
            argument.arg,
            kind,
            type_,
            is_required=default is None and not kind.startswith("var_"),
            default=None if default is None else ast.unparse(default),
            annotation=self._written(argument.annotation, type_, given),
            is_context=self._is_context(module, argument.annotation),
            is_alias=self._is_alias(module, argument.annotation, given),
        )

    @staticmethod
    def _written(annotation: ast.expr | None, kind: Type, given: Given) -> str | None:
        """Return an annotation as it is written, or what it means where a type parameter is known."""
        if annotation is None:
            return None
        names = {part.id for part in ast.walk(annotation) if isinstance(part, ast.Name)}
        is_told = any(given.get(name, ANY) != ANY for name in names)
        return show(kind) if is_told else ast.unparse(annotation)

    def _is_alias(self, module: Module, annotation: ast.expr | None, given: Given) -> bool:
        """Whether an annotation is a name of the project's for a type that is no class."""
        if not isinstance(annotation, ast.Name) or annotation.id in given:
            return False
        meaning = self.library.meaning(module, annotation)
        return isinstance(meaning, Defined) and not isinstance(meaning.binding.value, ast.ClassDef)

    def _is_context(self, module: Module, annotation: ast.expr | None) -> bool:
        if isinstance(annotation, ast.BinOp):
            return self._is_context(module, annotation.left) or self._is_context(module, annotation.right)
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return annotation.value.rpartition(".")[2] == "TaskContext"
        if not isinstance(annotation, ast.Name | ast.Attribute):
            return False
        meaning = self.library.meaning(module, annotation)
        if isinstance(meaning, Foreign):
            return meaning.qualified.startswith("flowpar.") and meaning.qualified.endswith(".TaskContext")
        is_ours = isinstance(meaning, Defined) and meaning.module.name.startswith("flowpar.")
        return is_ours and isinstance(meaning, Defined) and meaning.name == "TaskContext"

    def _effect(self, module: Module, decorators: Sequence[ast.expr]) -> Literal["none", "classmethod", "unknown"]:
        """Say what decorators do to a signature."""
        effect: Literal["none", "classmethod"] = "none"
        for decorator in decorators:
            callee = decorator.func if isinstance(decorator, ast.Call) else decorator
            meaning = self.library.meaning(module, callee)
            if isinstance(meaning, Foreign) and meaning.qualified == "builtins.classmethod":
                effect = "classmethod"
            elif not _keeps_signature(meaning):
                return "unknown"
        return effect


_KEEPING = {
    "builtins.staticmethod",
    "functools.cache",
    "functools.lru_cache",
    "typing.final",
    "typing.no_type_check",
    "typing.override",
    "warnings.deprecated",
}


def _is_left_out(call: ast.Call) -> bool:
    """Whether a `field(init=False)` says that the constructor does not take it."""
    return any(k.arg == "init" and getattr(k.value, "value", True) is False for k in call.keywords)


def _keeps_signature(meaning: Resolved) -> bool:
    if isinstance(meaning, Foreign):
        name = standard(meaning.qualified)
        return name in _KEEPING or (name.startswith("flowpar.") and name.endswith(".task_type"))
    if not isinstance(meaning, Defined):
        return False
    if meaning.module.name.startswith("flowpar.plugin") and meaning.name == "task_type":
        return True
    return isinstance(meaning.binding.value, ast.FunctionDef) and _wraps_everything(meaning.binding.value)


def _wraps_everything(decorator: ast.FunctionDef) -> bool:
    """Whether a decorator of the project's gives back `@wraps(function) def wrapper(*args, **kwargs)`."""
    inner = [node for node in ast.walk(decorator) if isinstance(node, ast.FunctionDef) and node is not decorator]
    return any(
        node.args.vararg is not None
        and node.args.kwarg is not None
        and any("wraps" in ast.unparse(mark) for mark in node.decorator_list)
        for node in inner
    )


def _in_order(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ParameterKind, ast.expr | None]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    without = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        kind: ParameterKind = "positional_only" if index < len(arguments.posonlyargs) else "positional_or_keyword"
        yield argument, kind, arguments.defaults[index - without] if index >= without else None
    if arguments.vararg is not None:
        yield arguments.vararg, "var_positional", None
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield argument, "keyword_only", default
    if arguments.kwarg is not None:
        yield arguments.kwarg, "var_keyword", None


def _yields(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function's own body has a `yield`."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(part))
    return False
