"""Functions and methods of Python itself of which is known what they leave alone, and values that nobody can change.

len(T)          "atomic"     looks at what it is given, and gives something that shares nothing with it
sorted(T)       "consuming"  goes through what it is given, which is the end of an iterator
Path("a")       "settled"    makes something of its own, which nobody can change
f(T), T.add(1)  None         nobody knows
T               "plain"      no function at all, but a container of the project's
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal["atomic", "consuming", "settled", "plain"]

# Methods that leave their object as it is, where that is a container, a text, a pattern, a path, a date or a log.
READING = frozenset(
    "get keys values items copy index count format join split rsplit splitlines strip lstrip rstrip lower upper title "  # noqa: SIM905 - words read better than a list
    "startswith endswith replace encode decode isdigit match fullmatch search sub findall finditer debug info warning "
    "error exception critical log isoformat strftime is_file is_dir exists read_text read_bytes joinpath with_name "
    "with_suffix with_stem resolve absolute expanduser as_posix relative_to issubset issuperset union intersection "
    "difference total_seconds".split()
)
# Methods of containers that change them alone: what they are given is in them from then on.
FILLING = frozenset(
    "append extend insert add update setdefault pop popitem popleft appendleft extendleft remove discard clear sort "  # noqa: SIM905 - the same
    "reverse difference_update intersection_update symmetric_difference_update".split()
)
# Reading ones that give something which nobody can change, where their object is a text, a number, a path or a date.
_GIVING_ATOMS = READING - frozenset(
    "keys values items copy split rsplit splitlines findall finditer debug info warning error exception critical log "  # noqa: SIM905 - the same
    "union intersection difference".split()
)
_ATOMIC = (
    "len isinstance issubclass callable hash ord chr bool int float str complex repr ascii format hex oct bin id print"
)
_CONSUMING = "list tuple set frozenset dict sorted sum min max any all enumerate zip map filter reversed bytes"
_SETTLED_BUILT_IN = "range abs round divmod pow slice property staticmethod classmethod compile super type object"
_SETTLED = (
    "pathlib.Path pathlib.PurePath pathlib.PurePosixPath re.compile re.escape decimal.Decimal fractions.Fraction "
    "datetime.datetime datetime.date datetime.time datetime.timedelta datetime.timezone datetime.UTC zoneinfo.ZoneInfo "
    "uuid.UUID os.path os.getenv os.fspath os.sep os.cpu_count math.pi typing.TypeVar typing.ParamSpec typing.NewType "
    "typing.TypeVarTuple collections.namedtuple types.MappingProxyType functools.partial functools.wraps "
    "functools.cached_property functools.total_ordering dataclasses.field dataclasses.dataclass enum.auto enum.unique "
    "abc.abstractmethod typing.final typing.override typing.overload typing.runtime_checkable typing.cast "
    "contextlib.contextmanager contextlib.asynccontextmanager operator.itemgetter operator.attrgetter"
)
_KINDS: Mapping[str, Kind] = {
    **{f"~builtins.{name}": "atomic" for name in _ATOMIC.split()},
    **{f"~builtins.{name}": "consuming" for name in _CONSUMING.split()},
    **{f"~builtins.{name}": "settled" for name in _SETTLED_BUILT_IN.split()},
    **{f"~{name}": "settled" for name in _SETTLED.split()},
}
# Of what the settled ones make, this may hold what can be changed.
_HOLDING = frozenset(
    f"~{name}"
    for name in (
        "types.MappingProxyType",
        "functools.partial",
        "typing.cast",
        "dataclasses.field",
        "builtins.type",
        "builtins.object",
        "builtins.super",
        "collections.namedtuple",
    )
)
# Functions of others that make plain data, or objects whose reading methods do but read.
_PLAIN_DATA = frozenset(
    f"~{name}"
    for name in (
        *("json.load", "json.loads", "tomllib.load", "tomllib.loads", "ast.literal_eval", "logging.getLogger"),
        *("collections.OrderedDict", "collections.Counter", "collections.deque", "copy.deepcopy", "copy.copy"),
    )
)
_CONTAINERS = frozenset(
    f"~builtins.{name}" for name in ["list", "tuple", "set", "frozenset", "dict", "sorted", "range"]
)
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)


def kind_of(nodes: tuple[str, ...]) -> Kind | None:
    """Return what is known of a function, by all nodes that its name may lead to."""
    kinds = {_KINDS.get(node.replace("typing_extensions.", "typing.")) for node in nodes}
    return kinds.pop() if len(kinds) == 1 else None


def is_shared(node: str) -> bool:
    """Whether a function that is not the project's gives an object that others get, too: `logging.getLogger`."""
    return node[0] in "!~" and not node.startswith("~builtins.") and node.rpartition(".")[2].startswith("get")


def chain_of(node: ast.AST) -> tuple[ast.AST, tuple[str, ...]]:
    """Return what a chain of attributes starts from, and the attributes."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, tuple(reversed(attributes))


class Values:
    """What values of a module's expressions are, where names lead to where `follow` says."""

    def __init__(self, follow: Callable[[tuple[str, ...]], tuple[str, ...]], is_atom: Callable[[str], bool]) -> None:
        """Ask `is_atom` of the variables of the project."""
        self._follow = follow
        self._is_atom = is_atom

    def is_atom(self, value: ast.AST | None) -> bool:
        """Whether nobody can change a value, nor anything that it holds."""
        waiting: list[ast.AST | None] = [value]
        while waiting:
            part = waiting.pop()
            match part:
                case ast.Constant() | ast.JoinedStr() | None:
                    continue
                case ast.UnaryOp() | ast.BinOp() | ast.BoolOp() | ast.IfExp() | ast.Tuple() | ast.Subscript():
                    waiting += [inner for inner in ast.iter_child_nodes(part) if isinstance(inner, ast.expr)]
                case ast.Slice() | ast.Starred() | ast.FormattedValue():
                    waiting += list(ast.iter_child_nodes(part))
                case ast.Name() | ast.Attribute():
                    if not self._is_name_of_atom(part):
                        return False
                case ast.Call():
                    if not self._makes_atom(part, waiting):
                        return False
                case ast.expr_context() | ast.operator() | ast.unaryop() | ast.boolop():
                    continue
                case _:
                    return False
        return True

    def _is_name_of_atom(self, part: ast.Name | ast.Attribute) -> bool:
        inner, attributes = chain_of(part)
        if not isinstance(inner, ast.Name):
            return self.is_atom(inner)  # `Path(x).parent`
        nodes = self._follow((inner.id, *attributes))
        return bool(nodes) and all(self._is_atom(node) for node in nodes)

    def _makes_atom(self, call: ast.Call, waiting: list[ast.AST | None]) -> bool:
        inner, attributes = chain_of(call.func)
        if isinstance(inner, ast.Name):
            nodes = self._follow((inner.id, *attributes))
            if kind_of(nodes) == "atomic" or (kind_of(nodes) == "settled" and _HOLDING.isdisjoint(nodes)):
                return True
        if isinstance(call.func, ast.Attribute) and call.func.attr in _GIVING_ATOMS:
            waiting += [call.func.value, *call.args, *(keyword.value for keyword in call.keywords)]
            return True
        return False

    def is_container(self, value: ast.AST | None, holds: Callable[[str], bool]) -> bool:
        """Whether one can go through a value as often as one likes; `holds` says that of a variable."""
        match value:
            case ast.Name() | ast.Attribute():
                inner, attributes = chain_of(value)
                nodes = self._follow((inner.id, *attributes)) if isinstance(inner, ast.Name) else ()
                return bool(nodes) and all(holds(node) for node in nodes)
            case ast.Call(func=ast.Name(id=name)):
                nodes = self._follow((name,))
                return bool(nodes) and (_CONTAINERS | _PLAIN_DATA).issuperset(nodes)
            case ast.Call(func=ast.Attribute() as func) if isinstance(chain_of(func)[0], ast.Name):
                inner, attributes = chain_of(func)
                nodes = self._follow((getattr(inner, "id", ""), *attributes))
                return (bool(nodes) and _PLAIN_DATA.issuperset(nodes)) or self.is_atom(value)
            case _:
                return isinstance(value, _DISPLAYS) or self.is_atom(value)
