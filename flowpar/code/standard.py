"""What the names of the standard library that stand in annotations mean, so that its source need not be read."""

from __future__ import annotations

from flowpar.core.types import (
    ANY,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    PATH,
    STR,
    ListOf,
    MapOf,
    Named,
    Type,
    union,
)

_LISTS = (
    *(f"builtins.{name}" for name in ("list", "set", "frozenset")),
    *(f"typing.{name}" for name in ("List", "Set", "FrozenSet", "Deque")),
    *(
        f"{module}.{name}"
        for module in ("typing", "collections.abc")
        for name in ("Iterable", "Iterator", "Sequence", "MutableSequence", "Collection", "Reversible", "Generator")
    ),
    *(
        f"{module}.{name}"
        for module in ("typing", "collections.abc")
        for name in ("MutableSet", "KeysView", "ValuesView")
    ),
    "typing.AbstractSet",
    "collections.abc.Set",
    "collections.deque",
)
_MAPPINGS = (
    "builtins.dict",
    "typing.Dict",
    "typing.DefaultDict",
    "typing.OrderedDict",
    "collections.defaultdict",
    "collections.OrderedDict",
    "types.MappingProxyType",
    *(f"{module}.{name}" for module in ("typing", "collections.abc") for name in ("Mapping", "MutableMapping")),
)

LISTS = frozenset(_LISTS)
MAPPINGS = frozenset(_MAPPINGS)
COUNTERS = frozenset({"collections.Counter", "typing.Counter"})
TUPLES = frozenset({"builtins.tuple", "typing.Tuple"})
WRAPPERS = frozenset(
    f"typing.{name}" for name in ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "Annotated")
) | {"dataclasses.InitVar"}

_NAMED = (
    "decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
    "datetime.timedelta",
    "datetime.time",
    "builtins.complex",
)

_SIMPLE: dict[str, Type] = {
    "builtins.int": INT,
    "builtins.float": FLOAT,
    "builtins.str": STR,
    "builtins.bool": BOOL,
    "builtins.bytes": BYTES,
    "builtins.bytearray": BYTES,
    "builtins.range": ListOf(INT),
    "builtins.None": NONE,
    "types.NoneType": NONE,
    "typing.Text": STR,
    "typing.LiteralString": STR,
    "typing.AnyStr": union([STR, BYTES]),
    "pathlib.Path": PATH,
    "pathlib.PurePath": PATH,
    "pathlib.PosixPath": PATH,
    "os.PathLike": PATH,
    "datetime.datetime": DATETIME,
    "datetime.date": DATE,
}


def standard(qualified: str) -> str:
    """Return the one name under which a standard type is known here."""
    return qualified.replace("typing_extensions.", "typing.", 1)


def bare(qualified: str) -> Type:
    """Return what a standard name means without subscript; `ANY` for all that is not in the tables."""
    if qualified in _SIMPLE:
        return _SIMPLE[qualified]
    if qualified in LISTS or qualified in TUPLES:
        return ListOf(ANY)
    if qualified in MAPPINGS:
        return MapOf(ANY, ANY)
    if qualified in COUNTERS:
        return MapOf(ANY, INT)
    return Named(qualified.rpartition(".")[2]) if qualified in _NAMED else ANY
