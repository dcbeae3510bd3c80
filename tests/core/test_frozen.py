"""What `flowpar.core.frozen` makes is held against what `dataclasses` makes of the same class."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
import subprocess
import sys
from dataclasses import dataclass as standard
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpar.core.frozen import complete_dataclasses
from flowpar.core.frozen import dataclass as own

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: list[dict[str, Any]] = [
    {"frozen": True},
    {"frozen": True, "order": True},
    {"frozen": True, "kw_only": True},
    {"frozen": False},
    {"frozen": False, "eq": False},
    {"frozen": False, "order": True},
]
VALUES: st.SearchStrategy[object] = st.integers() | st.text() | st.none()
if sys.version_info < (3, 13):
    VALUES |= st.just(math.nan)  # from then on the standard one finds a class with it unequal to itself


def job() -> type[Any]:
    class Job:
        """A job."""

        kind: ClassVar[str] = "job"
        key: object
        size: int = 3
        tags: list[str] = field(default_factory=list)
        hidden: str = field(default="h", repr=False, compare=False)
        made: int = field(default=0, init=False, compare=False)

        def __post_init__(self) -> None:
            self.tags.append("made")

    return Job


def lone() -> type[Any]:
    class Lone:
        """One field."""

        key: object

    return Lone


def empty() -> type[Any]:
    class Empty:
        """No field."""

    return Empty


def written() -> type[Any]:
    class Written:  # noqa: PLW1641 (the options say how it hashes)
        """One that has methods of its own."""

        key: object

        def __init__(self, key: object) -> None:
            object.__setattr__(self, "key", key)

        def __eq__(self, other: object) -> bool:
            return self is other

        def __repr__(self) -> str:
            return "mine"

    return Written


def pair(make: Callable[[], type[Any]], options: dict[str, Any]) -> tuple[type[Any], type[Any]]:
    return own(slots=True, **options)(make()), standard(slots=True, **options)(make())


def said(act: Callable[[], object]) -> object:
    try:
        return act()
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("make", [job, lone, written])
def test_a_class_does_what_the_standard_one_does(make: Callable[[], type[Any]], options: dict[str, Any]) -> None:
    classes = pair(make, options)
    is_hashed = options.get("eq", True) and make is not written  # elsewhere by identity

    @settings(max_examples=20)
    @given(one=VALUES, other=VALUES)
    def hold(one: object, other: object) -> None:
        ours, theirs = (seen(cls, one, other, is_hashed=is_hashed) for cls in classes)
        assert repr(ours) == repr(theirs)

    hold()


def seen(cls: type[Any], one: object, other: object, *, is_hashed: bool) -> list[object]:
    first, second = cls(key=one), cls(key=other)
    return [
        repr(first),
        first == first,  # noqa: PLR0124
        first == second,
        first != second,
        first == one,
        said(lambda: first < second),
        said(lambda: first >= second),
        said(lambda: hash(first)) if is_hashed else None,
        cls.__hash__ is None,
        said(lambda: setattr(first, "key", 1)),
        said(lambda: delattr(first, "key")),
        [getattr(copy.copy(second), each.name) for each in dataclasses.fields(cls)],
        repr(copy.deepcopy(second)),
    ]


@pytest.mark.parametrize("make", [job, lone, empty])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_class_looks_as_the_standard_one_does(make: Callable[[], type[Any]], options: dict[str, Any]) -> None:
    ours, theirs = pair(make, options)

    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours.__match_args__ == theirs.__match_args__
    assert ours.__slots__ == theirs.__slots__
    assert ours.__init__.__qualname__ == theirs.__init__.__qualname__
    assert [each.name for each in dataclasses.fields(ours)] == [each.name for each in dataclasses.fields(theirs)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        ((), {"key": 1, "sise": 2}),
        ((), {"key": 1, "made": 2}),
        ((1,), {"key": 1}),
        ((1, 2, [], "h", 5), {}),
    ],
)
@pytest.mark.parametrize("made_before", [0, 20])
def test_a_wrong_call_is_refused_in_the_standards_words(
    arguments: tuple[object, ...], named: dict[str, object], options: dict[str, Any], made_before: int
) -> None:
    ours, theirs = pair(job, options)
    for _ in range(made_before):
        ours(key=1)

    refused = said(lambda: ours(*arguments, **named))

    assert refused == said(lambda: theirs(*arguments, **named))
    assert isinstance(refused, tuple)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_first_instances_are_as_the_later_ones(options: dict[str, Any]) -> None:
    ours, theirs = pair(job, options)
    plain = () if options.get("kw_only") else (1,)
    named = {"hidden": "x"} if plain else {"hidden": "x", "key": 1}
    before = type(vars(ours)["__init__"])

    made = [ours(*plain, **named) for _ in range(20)]

    assert len({str(dataclasses.astuple(each)) for each in [*made, theirs(*plain, **named)]}) == 1
    assert len({id(each.tags) for each in made}) == len(made)
    assert before is not type(vars(ours)["__init__"]) is type(vars(theirs)["__init__"])


def test_a_default_factory_makes_a_new_value_each_time() -> None:
    ours, _ = pair(job, {"frozen": True})

    assert ours(key=1).tags is not ours(key=1).tags


def test_a_changed_copy_has_the_other_values() -> None:
    ours, _ = pair(job, {"frozen": True})

    assert dataclasses.replace(ours(key=1, size=5), key=2, tags=[]) == ours(key=2, size=5)
    assert dataclasses.asdict(ours(key=1)) == {"key": 1, "size": 3, "tags": ["made"], "hidden": "h", "made": 0}


@own(frozen=True, slots=True)
class Sent:
    """Found by pickle, so of the module."""

    key: int
    other: Sent | None = None


@own(slots=True)
class Ring:
    """One that may hold itself."""

    inner: object = None


def test_a_frozen_one_travels_by_pickle() -> None:
    sent = Sent(1, other=Sent(2))

    assert pickle.loads(pickle.dumps(sent)) == sent


def test_annotations_are_looked_up_in_the_module() -> None:
    assert get_type_hints(Sent.__init__) == {"key": int, "other": Sent | None, "return": type(None)}


def test_one_that_holds_itself_can_be_shown() -> None:
    ring = Ring()
    ring.inner = ring

    assert repr(ring) == "Ring(inner=...)"


def test_without_slots_there_is_none() -> None:
    with pytest.raises(TypeError, match="has slots"):
        own(slots=False)


def test_nothing_is_left_to_compile_once_all_is_complete() -> None:
    code = (
        "import flowpar.core.events as events\n"
        "from flowpar.core.frozen import complete_dataclasses\n"
        "before = type(vars(events.RunStarted)['__init__']).__name__\n"
        "complete_dataclasses()\n"
        "print(before, type(vars(events.RunStarted)['__init__']).__name__)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["_FirstCalls", "function"]


def test_completing_twice_is_as_well() -> None:
    complete_dataclasses()
    complete_dataclasses()

    assert Sent(1) == Sent(1)
