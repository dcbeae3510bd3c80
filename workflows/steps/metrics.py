"""Code metrics of Python packages: lines, functions, classes, branches."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from dataclasses import dataclass
from pathlib import Path

SKIPPED = {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3", "__pycache__"}
BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.IfExp, ast.comprehension, ast.match_case)


@dataclass(frozen=True)
class Package:
    """What was counted in one package; `branches` counts the places where code can go two ways."""

    name: str
    files: int
    lines: int
    functions: int
    classes: int
    branches: int


@dataclass(frozen=True)
class Total:
    """The sums over all packages."""

    packages: int
    files: int
    lines: int
    functions: int


def list_packages() -> list[Path]:
    """Return the folders of the standard library's packages, in the order of their names."""
    library = Path(sysconfig.get_path("stdlib"))
    folders = (path.parent for path in library.glob("*/__init__.py"))
    return sorted(folder for folder in folders if folder.name not in SKIPPED)


def measure(package: Path) -> Package:
    """Parse every module below `package` and count what is in it."""
    files = lines = functions = classes = branches = 0
    for path in sorted(package.rglob("*.py")):
        if SKIPPED & set(path.relative_to(package).parts):
            continue
        source = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in old modules are not ours to report
            nodes = list(ast.walk(ast.parse(source)))
        files += 1
        lines += source.count(b"\n")
        functions += sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)
        classes += sum(isinstance(node, ast.ClassDef) for node in nodes)
        branches += sum(isinstance(node, BRANCHES) for node in nodes)
    return Package(package.name, files, lines, functions, classes, branches)


def total(packages: list[Package]) -> Total:
    """Add up all packages."""
    return Total(
        len(packages),
        sum(package.files for package in packages),
        sum(package.lines for package in packages),
        sum(package.functions for package in packages),
    )


def rank(packages: list[Package], top: int) -> list[Package]:
    """Return the `top` largest packages by lines."""
    return sorted(packages, key=lambda package: (-package.lines, package.name))[:top]
