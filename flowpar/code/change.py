"""What happens to variables of the project when a piece of a module runs, with all that is called then.

fill(TABLE)      ─► TABLE is changed, and what functions write to that `fill` reaches
next(ROWS)       ─► ROWS, an iterator, is another one
random.seed(1)   ─► acts: on what, nobody knows
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from flowpar.code.dynamic import is_dynamic
from flowpar.code.facts import RESULT, Facts, Flow, Root
from flowpar.code.names import Definition
from flowpar.code.purity import kind_of
from flowpar.code.visit import flow_of
from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.facts import Key, Use
    from flowpar.code.held import Held
    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece
    from flowpar.code.purity import Kind

# Who has such a name draws from a source that others draw from, too; the others make a source of their own.
_DRAWING = frozenset({"random", "seed", "secrets"})
_OWN_SOURCES = frozenset(
    {"Random", "RandomState", "Generator", "default_rng", "SeedSequence", "PCG64", "Philox", "MT19937"}
)
# What functions are called that change what all share, be they of packages or of Python: `seterr`, `register_error`.
_SETTING = re.compile("(manual_)?(seed|set|register|install|enable|disable|configure|patch)")
_NOTHING = Flow(Facts(), Facts())


@dataclass(slots=True)
class Change:
    """What is changed: nodes with what is in them, `shallow` ones without, and of `itself` a definition.

    `called` is reached by what is called; `stored` are definitions that get an attribute.

    Of functions that were `given` all that they give may be changed by one that `is_wild`.
    """

    nodes: set[str] = field(default_factory=set)
    shallow: set[str] = field(default_factory=set)
    itself: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    called: int = 0
    is_acting: bool = False
    is_wild: bool = False

    def add(self, other: Change) -> None:
        """Add what else is changed."""
        self.nodes |= other.nodes
        self.shallow |= other.shallow
        self.itself |= other.itself
        self.stored |= other.stored
        self.is_acting |= other.is_acting
        self.is_wild |= other.is_wild


class Changes:
    """Reads changes of pieces; what a variable does when it is called is read once."""

    def __init__(self, lookup: Lookup, held: Held) -> None:
        """Follow names by `lookup`, and ask `held` what they may stand for."""
        self._lookup = lookup
        self._held = held
        self._flows: dict[tuple[str, int, bool], Flow] = {}
        self._late: dict[str, Change] = {}

    def flow(self, outline: Outline, piece: Piece, *, is_whole: bool = False) -> Flow:
        """Return the flow of a piece, where it `is_whole` that of functions that are called, too."""
        if piece.is_import:
            return _NOTHING
        key = (outline.name, id(piece.node), is_whole)
        if key not in self._flows:
            follow, name = self._lookup.follow, outline.name
            self._flows[key] = flow_of(
                piece.node,
                outline.package,
                lambda root: self._kind_of(follow(root.base or name, root.path)),
                lambda key: isinstance(key, Root) and self._held.keeps_nothing(follow(key.base or name, key.path)),
                is_whole=is_whole,
            )
        return self._flows[key]

    def _kind_of(self, nodes: tuple[str, ...]) -> Kind | None:
        known = kind_of(nodes)
        return "plain" if known is None and nodes and all(map(self._held.is_container, nodes)) else known

    def of(self, outline: Outline, piece: Piece) -> Change:
        """Return what is changed when a piece runs."""
        if is_idle(piece):
            return Change()
        change = self._of_facts(outline, self.flow(outline, piece).now)
        for node in self._held.reached.nodes(change.called):
            change.add(self._when_called(node))
        if change.is_wild:
            for node in change.given:
                change.nodes.update(self._held.reached.nodes(self._held.reached.of(node)))
        now = (read for read in piece.reads if not read.is_late)
        found = (node for read in now for node in self._lookup.follow(read.base or outline.name, read.path))
        change.is_acting |= self._held.sees_all(change.called) or any(map(is_dynamic, found))
        return change

    def nodes_of(self, outline: Outline, keys: Iterable[Key]) -> set[str]:
        """Return the nodes that names lead to."""
        roots = (key for key in keys if isinstance(key, Root))
        return {node for root in roots for node in self._lookup.follow(root.base or outline.name, root.path)}

    def called_facts(self, node: str) -> Iterator[tuple[Outline, Facts]]:
        """Give what is done when a variable is called."""
        found = self._held.variable(node)
        for piece in () if found is None else found[1]:
            if found is not None and not piece.is_import:
                yield found[0], self.flow(found[0], piece, is_whole=True).late

    def _when_called(self, node: str) -> Change:
        if node not in self._late:
            change = self._late[node] = Change()
            for outline, facts in self.called_facts(node):
                change.add(self._of_facts(outline, facts, is_late=True))
        return self._late[node]

    def _of_facts(self, outline: Outline, facts: Facts, *, is_late: bool = False) -> Change:
        change = Change()
        for use in facts.uses:
            self._add_use(change, outline, facts, use)
            change.is_acting |= (
                is_late and use.how == "act" and any(map(_is_elsewhere, self.nodes_of(outline, use.keys)))
            )
        for node in self.nodes_of(outline, facts.origins.of(facts.observed)):
            if self._is_variable(node) and self._held.is_lively(node):
                self._change(change, [node])
        return change

    def _add_use(self, change: Change, outline: Outline, facts: Facts, use: Use) -> None:
        keys = facts.origins.of(use.keys, is_deep=use.is_deep)
        nodes = self.nodes_of(outline, keys)
        match use.how:
            case "store" | "change":
                change.is_wild |= RESULT in keys
                self._change(change, nodes, is_deep=use.is_deep)
                if use.how == "store":
                    stored = set(filter(self._held.is_definition, self.nodes_of(outline, use.keys)))
                    change.itself |= stored
                    change.stored |= stored
                    change.is_acting |= any(node[0] in "!~?#" for node in nodes)
            case "filling":
                change.is_wild |= RESULT in keys
                self._fill(change, outline, facts, use)
            case "call":
                self._call(change, outline, use, nodes)
            case "made":
                makers = self.nodes_of(outline, use.makers)
                self._change_objects(change, (nodes - makers) | {self._held.entered(node, 2) for node in makers})
            case "decorate":
                self._decorate(change, outline, use)
            case "run":
                self._called(change, nodes)
            case "given":
                self._called(change, nodes)
                change.given.update(filter(self._held.is_definition, nodes))
                direct = filter(self._held.is_definition, self.nodes_of(outline, use.keys))
                inside = {node for node in direct if self._is_part(use, node)}
                change.itself |= inside
                change.nodes |= inside
                change.nodes.update(node for node in nodes if self._is_variable(node) or node.endswith(":*"))
            case "iterate":
                self._change(change, [n for n in nodes if self._is_variable(n) and not self._held.is_container(n)])
            case "reading":
                own = [node for node in nodes if ":" in node]
                self._change(change, [node for node in own if self._held.may_obey(node, use.word)])

    def _fill(self, change: Change, outline: Outline, facts: Facts, use: Use) -> None:
        """Take `rows.append(x)`: what `rows` holds stays as it is, unless somebody wrote a method of that name."""
        deep = self.nodes_of(outline, facts.origins.of(use.keys))
        is_own = any(":" in node and self._held.may_obey(node, use.word) for node in deep)
        nodes = deep if is_own else self.nodes_of(outline, facts.origins.of(use.keys, is_deep=use.is_deep))
        self._change(change, nodes, is_deep=is_own or use.is_deep)
        direct = self.nodes_of(outline, use.keys)
        change.itself.update(node for node in direct if self._held.is_definition(node))
        change.is_acting |= any(node[0] in "!~" for node in direct)  # `os.environ.pop("X")`

    def _call(self, change: Change, outline: Outline, use: Use, nodes: set[str]) -> None:
        direct = self.nodes_of(outline, use.keys)
        for node in direct:
            if self._held.is_definition(node):
                if self._held.has_state(node):  # what wraps it is given it
                    change.given.add(node)
                if self._held.has_state(node) or self._is_part(use, node) or self._keeps(node):
                    change.itself.add(node)
            elif self._is_variable(node):
                change.nodes.add(node)
        self._called(change, (self._held.entered(node, 1) for node in direct))
        self._change_objects(change, nodes - direct)
        roots = (key for key in use.keys if isinstance(key, Root))
        asked = {word for root in roots for word in (*(root.base or "").split("."), *root.path)}
        change.is_acting |= any(_draws(node, asked) for node in direct if node[0] in "!~")

    def _decorate(self, change: Change, outline: Outline, use: Use) -> None:
        """Take a function that is given to one that keeps nothing: it may be called, as what it is until then."""
        calls = 2 if use.word else 1
        self._called(change, (self._held.entered(node, calls) for node in self.nodes_of(outline, use.makers)))
        given = {self._held.undecorated(node) for node in self.nodes_of(outline, use.keys)}
        self._called(change, given)
        change.given |= given

    def _keeps(self, node: str) -> bool:
        """Whether a function keeps what it gives, of which some may be another later: `@cache`."""
        return self._held.holds_something(node) and any(
            map(self._is_variable, self._held.reached.nodes(self._held.reached.of(node)))
        )

    def _change_objects(self, change: Change, nodes: Iterable[str]) -> None:
        """Take a call of what somebody gave or keeps: an object with a method `__call__` may be another one then."""
        inner = (node for node in self._held.reached.nodes(self._called(change, nodes)) if self._is_variable(node))
        change.nodes.update(node for node in inner if self._held.has_own_class(node))

    def _is_part(self, use: Use, node: str) -> bool:
        """Whether it is not a function that is called, but something that it holds: `f.rows.append(1)`."""
        name = node.partition(":")[2]
        ends = {root.path[-1] for root in use.keys if isinstance(root, Root) and root.path}
        return name not in ends and (self._held.is_function(node) or use.how == "given")

    def _change(self, change: Change, nodes: Iterable[str], *, is_deep: bool = True) -> None:
        found = [node for node in nodes if ":" in node]
        (change.nodes if is_deep else change.shallow).update(found)
        self._called(change, found if is_deep else ())

    def _called(self, change: Change, nodes: Iterable[str]) -> int:
        bits = 0
        for node in nodes:
            bits |= self._held.reached.of(node)
        change.called |= bits
        return bits

    def _is_variable(self, node: str) -> bool:
        """Whether a node may hold an object that changes, other than a definition."""
        return ":" in node and not self._held.is_definition(node) and not self._held.is_atom(node)


def is_idle(piece: Piece) -> bool:
    """Whether a piece does nothing but to give a name to a function or to something imported."""
    node = piece.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = (*node.args.defaults, *(part for part in node.args.kw_defaults if part is not None))
        return not node.decorator_list and all(isinstance(part, ast.Constant) for part in defaults)
    return piece.is_import or (isinstance(node, Definition) and not any(not read.is_late for read in piece.reads))


def _draws(node: str, asked: set[str]) -> bool:
    """Whether a function of others, of which somebody has `asked` by these names, changes what all share."""
    words = {*node[1:].split("."), *asked}
    if not words.isdisjoint(_OWN_SOURCES):
        return False
    return not words.isdisjoint(_DRAWING) or (
        not node.startswith("~builtins.") and any(map(_SETTING.match, (node.rpartition(".")[2], *asked)))
    )


def _is_elsewhere(node: str) -> bool:
    return node[0] in "!?" or (node[0] == "~" and kind_of((node,)) is None)
