"""What variables of the project may hold: something that changes, an iterator, objects of the project's classes.

RATE = 3           an atom: nobody can change it
ROWS = [1, 2]      a container: one can go through it as often as one likes
LOG = Journal()    holds objects of a class of the project's, whose methods may do anything
@cache def get()   a definition that holds what it gave
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.bodies import Bodies
from flowpar.code.closure import Closures
from flowpar.code.dynamic import is_dynamic
from flowpar.code.living import changes_class, classes_in, has_method, is_lively
from flowpar.code.names import Definition
from flowpar.code.purity import READING, Values, chain_of, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece

_ATOMS = ("~math.", "~string.", "~sys.platform", "~sys.version", "~sys.maxsize", "~os.sep", "~os.linesep", "~os.name")
_ATOMS_OF_MODULES = frozenset(
    {"~builtins.__file__", "~builtins.__name__", "~builtins.__package__", "~builtins.__doc__"}
)
_CACHES = frozenset({"~functools.cache", "~functools.lru_cache"})
# Their objects get another item where one is looked up that is not there.
_ADDING = frozenset({"~collections.defaultdict"})
_SHAPING = "~dataclasses.dataclass"
_SEEING_ALL = frozenset({"~builtins.vars", "~builtins.locals", "~builtins.dir"})


class Held:
    """Answers for the nodes of one lookup; each is asked once."""

    def __init__(self, lookup: Lookup) -> None:
        """Follow names by `lookup`."""
        self._lookup = lookup
        self._atoms: dict[str, bool] = {}
        self._containers: dict[str, bool] = {}
        self._states: dict[str, bool] = {}
        self._bodies = Bodies(lookup)
        self._mentions: dict[str, dict[str, list[Piece]]] = {}
        self._classes: dict[str, tuple[ast.ClassDef, ...]] = {}
        self.reached = Closures(self._reads)
        self._with_class = self._lively = self._foreign = self._dynamic = self._shaping = 0

    def variable(self, node: str) -> tuple[Outline, tuple[Piece, ...]] | None:
        """Return the pieces that bind a variable of the project, None for any other node."""
        if node.endswith(")"):
            return self._bodies.of(node)
        module, colon, name = node.partition(":")
        outline = self._lookup.outline(module) if colon and module[0] not in "!~?#" else None
        return None if outline is None or name not in outline.variables else (outline, outline.variables[name])

    def entered(self, node: str, calls: int) -> str:
        """Return a node for what of a function runs when it is called, and with two `calls` what it gives, too."""
        found = None if self.holds_something(node) or not self.is_function(node) else self.variable(node)
        return node if found is None else self._bodies.entered(node, *found, calls)

    def undecorated(self, node: str) -> str:
        """Return a node for a function as it is given to its decorators."""
        found = self.variable(node) if self.is_function(node) else None
        return node if found is None else self._bodies.undecorated(node, *found)

    def keeps_nothing(self, nodes: tuple[str, ...]) -> bool:
        """Whether all of some nodes are functions of the project that keep nothing in themselves."""
        return bool(nodes) and all(self.is_function(node) and not self.holds_something(node) for node in nodes)

    def is_definition(self, node: str) -> bool:
        """Whether a node is nothing but a function or a class."""
        found = self.variable(node)
        return found is not None and all(isinstance(piece.node, Definition) for piece in found[1])

    def is_defined(self, node: str) -> bool:
        """Whether a function or a class is among what a node stands for: `run = wrap(run)`."""
        found = self.variable(node)
        return found is not None and any(isinstance(piece.node, Definition) for piece in found[1])

    def is_function(self, node: str) -> bool:
        """Whether a node is nothing but a function."""
        found = self.variable(node)
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return found is not None and all(isinstance(piece.node, kinds) for piece in found[1])

    def is_atom(self, node: str) -> bool:
        """Whether what a node stands for can't be changed."""
        if node not in self._atoms:
            self._atoms[node] = True  # `X = X + 1` hangs on the rest alone
            self._atoms[node] = self._look_for_atom(node)
        return self._atoms[node]

    def is_container(self, node: str) -> bool:
        """Whether one can go through a variable as often as one likes."""
        if node not in self._containers:
            self._containers[node] = False
            found = self.variable(node)
            pieces = () if found is None else found[1]
            is_rebound = found is not None and node.partition(":")[2] in found[0].rebound
            self._containers[node] = self.is_atom(node) or (
                not is_rebound
                and all(
                    self._values(node).is_container(value, self.is_container)
                    for piece in pieces
                    for value in _values_of(piece)
                )
            )
        return self._containers[node]

    def holds_something(self, node: str) -> bool:
        """Whether a definition keeps what it gives: by a cache, defaults, attributes."""
        found = self.variable(node)
        is_cache = found is not None and any(
            not _CACHES.isdisjoint(self._nodes(found[0], decorator))
            for piece in found[1]
            for decorator in getattr(piece.node, "decorator_list", ())
        )
        return is_cache or self.has_state(node)

    def has_state(self, node: str) -> bool:
        """Whether a definition may be another one after it was called."""
        if node not in self._states:
            self._states[node] = False
            found = self.variable(node)
            self._states[node] = found is not None and any(self._piece_has_state(found[0], piece) for piece in found[1])
        return self._states[node]

    def has_own_class(self, node: str) -> bool:
        """Whether a variable may hold objects of the project's classes, or such of nobody knows which."""
        return bool(self.reached.of(node) & self._with_class)

    def may_obey(self, node: str, word: str) -> bool:
        """Whether a method with a name that is known to read may do anything else to what a variable holds."""
        bits = self.reached.of(node)
        if bits & self._foreign or (word in READING and not self.is_container(node)):
            return True
        classes = (
            each for inner in self.reached.nodes(bits & self._with_class) for each in self._classes.get(inner, ())
        )
        return any(has_method(each, word) for each in classes) or (
            bool(bits & self._with_class) and word not in READING
        )

    def is_foreign(self, node: str) -> bool:
        """Whether code of installed packages, or nobody knows whose, is reached from a node of the project."""
        return ":" in node and bool(self.reached.of(node) & self._foreign)

    def is_open(self, node: str) -> bool:
        """Whether a variable may hold anything, as what it reaches makes names at run time."""
        return ":" in node and self.sees_all(self.reached.of(node))

    def makes_fields(self, node: str) -> bool:
        """Whether a function makes dataclasses, or reaches one that does."""
        return node == _SHAPING or (":" in node and bool(self.reached.of(node) & self._shaping))

    def is_lively(self, node: str) -> bool:
        """Whether to look at what a variable holds may change it: properties, operators of the project's classes."""
        return bool(self.reached.of(node) & self._lively)

    def sees_all(self, bits: int) -> bool:
        """Whether something that is reached may do anything to any variable of its module."""
        return bool(bits & self._dynamic)

    def _look_for_atom(self, node: str) -> bool:
        if node.startswith(_ATOMS) or node in _ATOMS_OF_MODULES:
            return True
        found = self.variable(node)
        if found is None or node.partition(":")[2] in found[0].rebound:
            return False
        values = self._values(node)
        return all(values.is_atom(value) for piece in found[1] for value in _values_of(piece))

    def _values(self, node: str) -> Values:
        module = node.partition(":")[0]
        return Values(lambda path: self._lookup.follow(module, path), self.is_atom)

    def _nodes(self, outline: Outline, part: ast.AST) -> tuple[str, ...]:
        inner, attributes = chain_of(part.func if isinstance(part, ast.Call) else part)
        return self._lookup.follow(outline.name, (inner.id, *attributes)) if isinstance(inner, ast.Name) else ()

    def _piece_has_state(self, outline: Outline, piece: Piece) -> bool:
        if isinstance(piece.node, ast.ClassDef):
            return not self._is_simple(outline, piece.node)
        if not isinstance(piece.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        values = self._values(f"{outline.name}:")
        arguments = piece.node.args
        defaults = all(values.is_atom(value) for value in (*arguments.defaults, *arguments.kw_defaults))
        return not (defaults and self._are_known(outline, piece.node.decorator_list))

    def _are_known(self, outline: Outline, decorators: Iterable[ast.expr]) -> bool:
        found = [self._nodes(outline, decorator) for decorator in decorators]
        return all(kind_of(nodes) is not None or (nodes and _CACHES.issuperset(nodes)) for nodes in found)

    def _is_simple(self, outline: Outline, node: ast.ClassDef) -> bool:
        """Whether nothing that one does with a class and its objects can change the class."""
        if node.keywords or not self._are_known(outline, node.decorator_list):
            return False
        for base in node.bases:
            nodes = self._nodes(outline, base.value if isinstance(base, ast.Subscript) else base)
            is_plain = nodes and all(each.startswith(("~builtins.", "~typing.", "~abc.", "~enum.")) for each in nodes)
            is_own = nodes and all(self.is_definition(each) and not self.has_state(each) for each in nodes)
            if not is_plain and not is_own:
                return False
        return all(self._is_simple_statement(outline, part) for part in node.body) and not changes_class(node)

    def _is_simple_statement(self, outline: Outline, part: ast.stmt) -> bool:
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Pass() | ast.Expr(value=ast.Constant()):
                return True
            case ast.Assign() | ast.AnnAssign():
                return self._values(f"{outline.name}:").is_atom(part.value)
            case _:
                return False

    def _reads(self, node: str) -> Iterator[str]:
        """Give what a variable's own pieces read, which is what may run when it is called, and what it may hold."""
        self._mark(node)
        module, colon, name = node.partition(":")
        outline = self._lookup.outline(module) if colon and module[0] not in "!~?#" else None
        if outline is None:
            return
        for piece in self._pieces(outline, name):
            for read in piece.reads:
                yield from self._lookup.follow(read.base or module, read.path)

    def _pieces(self, outline: Outline, name: str) -> Iterator[Piece]:
        if name.endswith(")"):
            yield from self._bodies.of(f"{outline.name}:{name}")[1]
            return
        for each in outline.variables if name == "*" else (name,):
            yield from outline.variables.get(each, ())
        node = f"{outline.name}:{name}"
        if name in outline.variables and not (
            self.is_atom(node) or (self.is_definition(node) and not self.has_state(node))
        ):
            yield from self._mentioning(outline).get(name, ())

    def _mentioning(self, outline: Outline) -> dict[str, list[Piece]]:
        if outline.name not in self._mentions:
            found = self._mentions[outline.name] = {}
            for piece in outline.pieces:
                for read in piece.reads:
                    if not read.is_late and read.base is None:
                        found.setdefault(read.path[0], []).append(piece)
        return self._mentions[outline.name]

    def _mark(self, node: str) -> None:
        bit = self.reached.bit(node)
        self._foreign |= bit if node[0] in "!#?" else 0
        self._dynamic |= bit if is_dynamic(node) or node in _SEEING_ALL else 0
        self._lively |= bit if node in _ADDING else 0
        self._shaping |= bit if node == _SHAPING else 0
        if node.endswith(":*") or node[0] == "#":
            self._with_class |= bit
            self._lively |= bit
            return
        found = self.variable(node)
        classes = tuple(part for piece in (() if found is None else found[1]) for part in classes_in(piece.node))
        if classes:
            self._classes[node] = classes
            self._with_class |= bit
            self._lively |= bit if any(map(is_lively, classes)) else 0


def _values_of(piece: Piece) -> Iterator[ast.AST | None]:
    """Give what a piece binds its names to; what nobody can tell is a name that stands for nothing."""
    match piece.node:
        case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
            yield value
        case ast.AnnAssign(target=ast.Name(), value=value) | ast.AugAssign(target=ast.Name(), value=value):
            yield value
        case ast.Import() | ast.ImportFrom():
            return
        case ast.Delete():
            return
        case _:
            yield ast.Yield()
