"""Reads a regular expression into the steps that `pattern` follows.

text ─ re.compile (is it well-formed?) ─ read ─► tree ─ emit ─► Program
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Literal

from flowpar.core.frozen import dataclass

_LONGEST = 1_000
_DEEPEST = 40
_MOST_STEPS = 5_000
_ESCAPE = re.compile(r"\\(?:0[0-7]{0,2}|x..|u.{4}|U.{8}|N\{[^}]*\}|.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
_REPEAT = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})")
_FLAGS = re.compile(r"\(\?([aims]+)\)")

At = Literal["^", "$", "A", "Z", "b", "B"]


class PatternError(ValueError):
    """The pattern is wrong, or asks for more than can be searched safely."""


@dataclass(frozen=True, slots=True)
class One:
    """One character that `test` accepts."""

    test: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A place between characters."""

    at: At


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Either:
    ways: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    part: _Node
    least: int
    most: int | None


_Node = One | Place | _Row | _Either | _Times


@dataclass(frozen=True, slots=True)
class Fork:
    """Go on at all of these steps."""

    ways: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The pattern is found."""


Step = One | Place | Fork | Found


@dataclass(frozen=True, slots=True)
class Program:
    """A pattern ready to be searched for."""

    steps: tuple[Step, ...]
    is_multiline: bool


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Program:
    """Return a pattern ready to be searched for; raises PatternError."""
    if len(pattern) > _LONGEST:
        raise PatternError(f"the pattern has more than {_LONGEST:,} characters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "[[" and the like, which may mean something else one day
        _refuse_malformed(pattern)
        reader = _Reader(pattern)
        steps: list[Step] = []
        _emit(reader.either(), steps)
    steps.append(Found())
    return Program(tuple(steps), is_multiline="m" in reader.flags)


def _refuse_malformed(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise PatternError(f"the pattern is wrong: {error.msg} at position {error.pos}") from None
    except (RecursionError, OverflowError):
        raise PatternError("the pattern is nested too deeply or repeats too often") from None


class _Reader:
    """Reads a well-formed pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        head = _FLAGS.match(pattern)
        self.flags = head[1] if head else ""
        if "a" in self.flags:
            raise PatternError("the flag (?a) is not supported; write [a-z0-9] for what is meant")
        self._mask = re.RegexFlag(0)
        for letter in self.flags:
            self._mask |= re.RegexFlag[letter.upper()]
        self._pattern = pattern
        self._at = head.end() if head else 0
        self._depth = 0

    def either(self) -> _Node:
        """Read ways divided by "|", up to a closing bracket or the end."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError("the pattern is nested too deeply")
        ways = [self._row()]
        while self._next() == "|":
            self._at += 1
            ways.append(self._row())
        self._depth -= 1
        return ways[0] if len(ways) == 1 else _Either(tuple(ways))

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _row(self) -> _Node:
        parts: list[_Node] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return _Row(tuple(parts))

    def _repeated(self, part: _Node) -> _Node:
        while found := _REPEAT.match(self._pattern, self._at):
            self._at = found.end()
            if self._next() == "+":
                raise PatternError('possessive repeats such as "a++" are not supported')
            self._at += self._next() == "?"  # a lazy repeat finds the same texts
            part = _Times(part, *_bounds(found.group()))
        return part

    def _atom(self) -> _Node:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter in "^$":
            self._at += 1
            return Place("^" if letter == "^" else "$")
        if letter == "\\":
            return self._escape()
        found = _CLASS.match(self._pattern, self._at) if letter == "[" else None
        return self._one(found.group() if found else letter)

    def _group(self) -> _Node:
        found = _GROUP.match(self._pattern, self._at)
        if found is None:
            raise PatternError(f'"{self._pattern[self._at : self._at + 3]}" is not supported in matches()')
        self._at = found.end()
        inner = self.either()
        self._at += 1
        return inner

    def _escape(self) -> _Node:
        found = _ESCAPE.match(self._pattern, self._at)
        source = found.group() if found else "\\\\"
        if source[1] in "123456789":
            raise PatternError(f'backreferences such as "{source}" are not supported in matches()')
        for place in ("A", "Z", "b", "B"):
            if source == f"\\{place}":
                self._at += 2
                return Place(place)
        return self._one(source)

    def _one(self, source: str) -> _Node:
        self._at += len(source)
        escaped = re.escape(source) if source in {"{", "}", "]", "#", " "} else source
        return One(re.compile(escaped, self._mask))


def _bounds(repeat: str) -> tuple[int, int | None]:
    if repeat in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[repeat]
    least, comma, most = repeat[1:-1].partition(",")
    return int(least or 0), (int(most) if most else None if comma else int(least))


def _emit(node: _Node, steps: list[Step]) -> None:
    if len(steps) > _MOST_STEPS:
        raise PatternError("the pattern repeats too often")
    match node:
        case _Row(parts):
            for part in parts:
                _emit(part, steps)
        case _Either(ways):
            _emit_either(ways, steps)
        case _Times():
            _emit_times(node, steps)
        case One() | Place():
            steps.append(node)


def _emit_either(ways: tuple[_Node, ...], steps: list[Step]) -> None:
    fork = len(steps)
    steps.append(Fork(()))
    starts, ends = [], []
    for way in ways:
        starts.append(len(steps))
        _emit(way, steps)
        ends.append(len(steps))
        steps.append(Fork(()))
    steps[fork] = Fork(tuple(starts))
    for end in ends:
        steps[end] = Fork((len(steps),))


def _emit_times(node: _Times, steps: list[Step]) -> None:
    for _ in range(node.least):
        _emit(node.part, steps)
    if node.most is None:
        fork = len(steps)
        steps.append(Fork(()))
        _emit(node.part, steps)
        steps.append(Fork((fork,)))
        steps[fork] = Fork((fork + 1, len(steps)))
        return
    forks = []
    for _ in range(node.most - node.least):
        forks.append(len(steps))
        steps.append(Fork(()))
        _emit(node.part, steps)
    for fork in forks:
        steps[fork] = Fork((fork + 1, len(steps)))
