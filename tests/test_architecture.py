"""The shape of the house: arrows run down, rooms are small, and the worker stays weightless."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT / "flowpar"

FLOORS: list[set[str]] = [
    {"core"},
    {"code", "data", "expr", "plugin", "report"},
    {"execute", "lang", "record", "tasks"},
    {"planning"},
    {"schedule"},
    {"engine"},
    {"cli", "testing"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_MODULE = 300
MOST_POSITIONAL = 4
NAMES_WITHOUT_A_HOME = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base_classes"}
PUBLIC_FACES = {ROOT / "__init__.py", ROOT / "plugin" / "__init__.py"}

MODULES = sorted(ROOT.rglob("*.py"))
# What authors of plugins copy is held to the same sizes.
SIZED = [*MODULES, *sorted((PROJECT / "plugins").glob("*/src/**/*.py"))]


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path: Path) -> str | None:
    """Return the room of a module, None for the lazy face of the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return None if parts == ("__init__",) else parts[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Return every imported name as "package.module.name", whatever part of it is a module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported_by(path: Path) -> set[str]:
    """Return the rooms that a module imports at its top, late, or for its annotations."""
    named = (name.split(".") for name in imports(ast.walk(tree_of(path))) if name.split(".")[0] == "flowpar")
    return {parts[1] for parts in named if len(parts) > 1 and parts[1] in FLOOR}


def ids(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def test_every_room_is_on_a_floor() -> None:
    rooms = {room for path in MODULES if (room := room_of(path)) is not None}

    assert rooms <= FLOOR.keys()


def test_arrows_only_run_down() -> None:
    """No module imports from its own floor or above."""
    upward = {ids(path): found for path in MODULES if (found := rooms_not_below(path))}

    assert not upward


def rooms_not_below(path: Path) -> set[str]:
    room = room_of(path)
    if room is None:
        assert path in PUBLIC_FACES
        return set()
    return {other for other in rooms_imported_by(path) - {room} if FLOOR[other] >= FLOOR[room]}


def test_the_lazy_face_is_imported_for_its_version_only() -> None:
    named = {
        (name.partition(".")[2], ids(path))
        for path in MODULES
        for name in imports(ast.walk(tree_of(path)))
        if name.count(".") == 1 and name.startswith("flowpar.")
    }

    assert not [(name, path) for name, path in named if name not in {"__version__", *FLOOR}]


def test_a_module_is_small_and_says_what_it_is() -> None:
    large = [ids(path) for path in SIZED if path.read_text(encoding="utf-8").count("\n") > MOST_LINES_OF_A_MODULE]
    unsaid = [ids(path) for path in SIZED if not ast.get_docstring(tree_of(path))]

    assert not large, f"modules over {MOST_LINES_OF_A_MODULE} lines"
    assert not unsaid, "a module opens with one sentence that says what it is"
    assert not [ids(path) for path in SIZED if path.stem in NAMES_WITHOUT_A_HOME]


def test_functions_are_small() -> None:
    functions = [
        (f"{node.name} at {ids(path)}:{node.lineno}", node)
        for path in SIZED
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    long = [place for place, function in functions if lines_of(function) > MOST_LINES_OF_A_FUNCTION]
    wide = [place for place, function in functions if positional(function) > MOST_POSITIONAL]

    assert not long, f"functions over {MOST_LINES_OF_A_FUNCTION} lines"
    assert not wide, f"functions with over {MOST_POSITIONAL} positional parameters"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in {"self", "cls"}])


def test_a_package_holds_a_docstring_only() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py" and path not in PUBLIC_FACES]

    assert not [ids(path) for path in packages if tree_of(path).body[1:]]


def test_no_module_keeps_mutable_state() -> None:
    """Tables are constants, named in capitals, and nothing says `global`."""
    rebound = [ids(path) for path in MODULES if any(isinstance(node, ast.Global) for node in ast.walk(tree_of(path)))]
    kept = [
        (name, ids(path)) for path in MODULES for node in tree_of(path).body for name in names_bound_to_containers(node)
    ]

    assert not rebound, "no module globals are rebound"
    assert not [(name, path) for name, path in kept if name != name.upper() and not name.startswith("__")]


def names_bound_to_containers(node: ast.stmt) -> list[str]:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, CONTAINERS):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def imported_by_running(path: Path) -> Iterator[str]:
    """Return what a module imports at its top or late, or names as a target ("flowpar.data.managed:serve").

    The lazy face and the entry point are there to import late; what they do at once counts.
    """
    tree = tree_of(path)
    is_lazy = path in {ROOT / "__init__.py", ROOT / "__main__.py"}
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if is_lazy and isinstance(node, ast.FunctionDef | ast.Constant):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        yield from imports(iter([node]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TARGET.fullmatch(node.value):
            yield node.value.partition(":")[0]
        pending.extend(ast.iter_child_nodes(node))


TARGET = re.compile(r"flowpar(\.\w+)+(:\w+)?")


def file_of(name: str) -> Path | None:
    base = PROJECT.joinpath(*name.split("."))
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def closure(start: str) -> dict[str, list[str]]:
    """Return each module that importing `start` imports, with the chain that leads there."""
    chains: dict[str, list[str]] = {}
    pending = [[start]]
    while pending:
        chain = pending.pop()
        name = chain[-1]
        if name in chains:
            continue
        chains[name] = chain
        path = file_of(name) if name.split(".")[0] == "flowpar" else None
        if path is None:
            continue
        parts = name.split(".")
        around = [".".join(parts[:length]) for length in range(1, len(parts))]
        named = [*around, *imported_by_running(path)]
        pending.extend([*chain, other] for other in map(module_part, named) if other not in chains)
    return chains


def module_part(name: str) -> str:
    """Cut "flowpar.core.types.Type" to the module in it."""
    while name.startswith("flowpar.") and file_of(name) is None:
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize(
    "entry",
    [
        "flowpar.__main__",
        "flowpar.execute.guard",
        "flowpar.execute.launcher",
        "flowpar.execute.worker",
        "flowpar.execute.attempt",
        "flowpar.execute.thread_worker",
        "flowpar.execute.inline_worker",
        "flowpar.data.managed",
        "flowpar.plugin",
        "flowpar.tasks.python",
        "flowpar.tasks.shell",
    ],
)
def test_the_worker_is_weightless(entry: str) -> None:
    assert file_of(entry) is not None

    foreign = {
        name: " > ".join(chain)
        for name, chain in closure(entry).items()
        if name.split(".")[0] not in sys.stdlib_module_names | {"flowpar"}
    }

    assert not foreign


HEAVY = (
    "asyncio",
    "email",
    "importlib.metadata",
    "flowpar.expr.references",
    "flowpar.report.github",
    "logging",
    "networkx",
    "pydantic",
    "random",
    "rich",
    "shutil",
    "sqlite3",
    "ssl",
    "structlog",
    "traceback",
    "yaml",
)


def test_a_start_imports_nothing_heavy_before_it_knows_what_for() -> None:
    """With the plan that was kept a run needs none of these, and `docs/performance.md` says what each costs."""
    code = f"import sys, flowpar.cli.run; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_check_asks_for_nothing_that_is_installed_and_reads_no_code_before_a_task_wants_it() -> None:
    """A search of all distributions takes as long as reading a small workflow, and so does what reads code."""
    code = "import sys, flowpar.planning.planner; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pydantic" in done.stdout.split()
    assert not set(done.stdout.split()) & {"email", "importlib.metadata", "flowpar.code.reach", "ssl"}


@pytest.mark.parametrize(
    ("module", "package", "part"),
    [
        ("flowpar.planning.graph", "networkx", "networkx.generators"),
        ("flowpar.report.logs", "structlog", "structlog.dev"),
    ],
)
def test_of_a_package_only_what_is_used_is_imported(module: str, package: str, part: str) -> None:
    """`docs/decisions/parts-of-packages.md`; a plugin gets all of it, also in a thread of its own."""
    code = f"""if True:
        import sys, threading
        read = []
        sys.addaudithook(lambda name, given: read.append(given[0]) if name == "import" else None)
        import {module}
        print([name for name in sys.modules if name.partition(".")[0] == "{package}"], "{part}" in read)
        def use():
            import {package}
            print({part}.__name__, "{part}" in read)
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        use()
    """

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[] False", f"{part} True", f"{part} True"]


def test_a_worker_reaches_no_engine() -> None:
    rooms = {
        name.split(".")[1] for name in closure("flowpar.execute.attempt") if name.count(".") >= 1 and "flowpar." in name
    }

    assert not rooms & {"lang", "planning", "schedule", "engine", "cli", "report", "record", "code"}


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("pydantic", {"lang", "record", "report"}),
        ("networkx", {"planning"}),
        ("structlog", {"report"}),
        ("rich", set()),
        ("click", {"cli"}),
        ("yaml", {"lang", "cli"}),
        ("psutil", set(FLOOR)),
    ],
)
def test_a_library_is_used_in_its_room_only(library: str, rooms: set[str]) -> None:
    users = {
        room_of(path)
        for path in MODULES
        if any(name.split(".")[0] == library for name in imports(ast.walk(tree_of(path))))
    }

    assert users - {None} <= rooms


def test_no_source_names_what_a_newcomer_cannot_see() -> None:
    """Comments and docs stand alone: they name no ticket file, private path or session."""
    hidden = ("/tmp/fp", "TEAM.md", "shared/design", "/work/main")
    folders = ("flowpar", "docs", "plugins", "workflows", "schemas", "benchmarks", "tests")
    suffixes = {".py", ".md", ".yaml", ".toml", ".json", ".out", ".txt"}
    texts = (file for folder in folders for file in (PROJECT / folder).rglob("*") if file.suffix in suffixes)
    this = Path(__file__)

    found = [file for file in texts if file != this and any(word in file.read_text(errors="ignore") for word in hidden)]

    assert not found


def test_dataclasses_are_those_that_are_cheap_to_import() -> None:
    """`docs/decisions/dataclasses-are-cheap.md`: they come from `flowpar.core.frozen`."""
    standard = {
        ids(path)
        for path in MODULES
        if "dataclasses.dataclass" in imports(ast.walk(tree_of(path))) or "dataclasses.dataclass(" in path.read_text()
    }

    assert standard == {"flowpar/core/frozen.py"}


def test_every_module_starts_with_future_annotations() -> None:
    """Annotations cost nothing at import, and types may be imported for the checker alone."""
    lacking = [path for path in MODULES if len(tree_of(path).body) > 1 and not has_future(tree_of(path))]

    assert not lacking


def has_future(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
