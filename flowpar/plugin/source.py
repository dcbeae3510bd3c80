"""What a module's text says of the task types in it, read without importing anything.

    module name ─ find_source ─► file ─ parse ─► tree ─ read_function, read_marked ─► TaskFunction*

A function is found through `from … import`, too, so a package may gather its task types in its
`__init__`. Options of `@task_type` are literals; `check` is the name of a function.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass
from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LARGEST_SOURCE = 4 * 1024 * 1024
_MOST_HOPS = 8
_HOMES_OF_DECORATOR = frozenset({"flowpar.plugin", "flowpar.plugin.spec"})


@dataclass(frozen=True, slots=True)
class DeclaredOptions:
    """The options of `@task_type` as its source has them; `check` is "module:function"."""

    executor: str | None = None
    secrets: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    streams: bool = False
    resources: Mapping[str, float | str] = field(default_factory=dict)
    check: str | None = None
    api: int = 1
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskFunction:
    """A function that is or may be a task type; `line` and `column` are those of its name."""

    name: str
    module: str
    file: Path
    line: int
    column: int
    options: DeclaredOptions


class SourceProblem(Exception):  # noqa: N818 - a finding in somebody's text, named as one
    """A source text does not hold what is looked for; `line` counts from 1, 0 is the file as a whole."""

    def __init__(self, message: str, *, file: Path | None = None, line: int = 0, column: int = 1) -> None:
        """Keep what is wrong and where."""
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column


def find_source(module: str, search_path: Sequence[str]) -> Path | None:
    """Return the file that `import module` would run, found by walking folders."""
    *packages, last = module.split(".")
    folders = [Path(folder or ".") for folder in search_path]
    for package in packages:
        folders = _enter(package, folders)
    for folder in folders:
        for candidate in (folder / last / "__init__.py", folder / f"{last}.py"):
            if _is_file(candidate):
                return candidate
    return None


def _enter(package: str, folders: Sequence[Path]) -> list[Path]:
    portions = [folder / package for folder in folders]
    regular = (portion for portion in portions if _is_file(portion / "__init__.py"))
    first = next(regular, None)
    return portions if first is None else [first]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a folder that may not be read, a name that no file can have
        return False


def parse(file: Path) -> ast.Module:
    """Return the syntax tree of a source file; raise `SourceProblem` where there is none."""
    try:
        if file.stat().st_size > _LARGEST_SOURCE:
            raise SourceProblem("is larger than 4 MiB, which is no source text", file=file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of somebody's escapes is not ours to say
            return ast.parse(file.read_bytes())
    except OSError as error:
        raise SourceProblem(f"cannot be read: {error.strerror}", file=file) from error
    except SyntaxError as error:
        raise SourceProblem(
            f"is not valid Python: {error.msg}", file=file, line=error.lineno or 0, column=error.offset or 1
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceProblem("is not valid Python", file=file) from error


def read_function(target: str, search_path: Sequence[str]) -> TaskFunction:
    """Return the function that `module:function` names; raise `SourceProblem` where it is not found."""
    module, _, name = target.partition(":")
    for _ in range(_MOST_HOPS):
        file = find_source(module, search_path)
        if file is None:
            raise SourceProblem(f'module "{module}" is not found')
        tree = parse(file)
        node = _function(tree, name)
        if node is not None:
            return _task_function(node, tree, module=module, file=file)
        origin = _origin(tree, name, package=_package_of(module, file))
        if origin is None:
            break
        module, name = origin
    raise SourceProblem(f'function "{name}" is not found in module "{module}"')


def read_marked(file: Path, module: str) -> tuple[TaskFunction, ...]:
    """Return the functions of a file that carry `@task_type`, in its order."""
    tree = parse(file)
    nodes = [node for node in _functions(tree) if _decorator(node, tree) is not None]
    return tuple(_task_function(node, tree, module=module, file=file) for node in nodes)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    found = [node for node in _functions(tree) if node.name == name]
    return found[-1] if found else None


def _origin(tree: ast.Module, name: str, *, package: str) -> tuple[str, str] | None:
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                return _absolute(node, package), alias.name
    return None


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _package_of(module: str, file: Path) -> str:
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


def _task_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module, *, module: str, file: Path
) -> TaskFunction:
    decorator = _decorator(node, tree)
    options = DeclaredOptions()
    if isinstance(decorator, ast.Call):
        options = _options(decorator, node, tree, module=module, file=file)
    before = len("async def " if isinstance(node, ast.AsyncFunctionDef) else "def ")
    return TaskFunction(node.name, module, file, node.lineno, node.col_offset + before + 1, options)


def _decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> ast.expr | None:
    names = _names_of_decorator(tree)
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Name) and called.id in names:
            return decorator
        if isinstance(called, ast.Attribute) and called.attr == "task_type":
            return decorator
    return None


def _names_of_decorator(tree: ast.Module) -> frozenset[str]:
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module in _HOMES_OF_DECORATOR)
    aliases = (alias for node in imports for alias in node.names if alias.name == "task_type")
    return frozenset(alias.asname or alias.name for alias in aliases)


def _options(
    call: ast.Call, node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module, *, module: str, file: Path
) -> DeclaredOptions:
    known = [option.name for option in fields(DeclaredOptions)]
    given: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg not in known:
            near = nearest(keyword.arg or "", known)
            allowed = f'did you mean "{near}"?' if near else f"it has {', '.join(known)}"
            raise _misfit(keyword, file, f'gives task_type the unknown option "{keyword.arg or "**"}"; {allowed}')
        if keyword.arg == "check":
            value = _check_target(keyword.value, tree, module=module, file=file)
        else:
            value = _literal(keyword.value)
        if not _fits(keyword.arg, value):
            raise _misfit(keyword, file, f'gives task_type another "{keyword.arg}" than {_WANTED[keyword.arg]}')
        if keyword.arg in _OF_PARAMETERS:
            _refuse_strangers(keyword, node, file, names=value)
        given[keyword.arg] = tuple(value) if isinstance(value, list) else value
    return DeclaredOptions(**{name: value for name, value in given.items() if value is not None})


def _refuse_strangers(
    keyword: ast.keyword, node: ast.FunctionDef | ast.AsyncFunctionDef, file: Path, *, names: Any
) -> None:
    """Find a name that is no parameter: what it was meant for would be left out in silence."""
    arguments = node.args
    parameters = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    for name in names if arguments.kwarg is None else ():
        if name not in parameters:
            near = nearest(name, parameters)
            hint = f'did you mean "{near}"?' if near else f"it has {', '.join(parameters) or 'none'}"
            message = f'names "{name}" in "{keyword.arg}" of task_type, no parameter of "{node.name}"; {hint}'
            raise _misfit(keyword, file, message)


_OF_PARAMETERS = frozenset({"secrets", "files"})
_WANTED = {
    "executor": "a literal text",
    "secrets": "a literal tuple of parameter names",
    "preload": "a literal tuple of module names",
    "files": "a literal tuple of parameter names",
    "streams": "True or False",
    "resources": "a literal mapping of names to numbers or sizes",
    "check": "the name of a function",
    "api": "a literal whole number",
}


def _fits(option: str, value: object) -> bool:
    match option:
        case "executor" | "check":
            return value is None or isinstance(value, str)
        case "secrets" | "preload" | "files":
            return isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)
        case "streams":
            return isinstance(value, bool)
        case "resources":
            return value is None or (isinstance(value, dict) and all(isinstance(name, str) for name in value))
        case _:
            return type(value) is int


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ...  # fits no option


def _check_target(node: ast.expr, tree: ast.Module, *, module: str, file: Path) -> object:
    """Name a check where it is defined, so that its process need not import the task type itself."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if not isinstance(node, ast.Name):
        return ...  # fits no option
    origin = _origin(tree, node.id, package=_package_of(module, file))
    return ":".join(origin or (module, node.id))


def _misfit(keyword: ast.keyword, file: Path, message: str) -> SourceProblem:
    return SourceProblem(message, file=file, line=keyword.value.lineno, column=keyword.value.col_offset + 1)
