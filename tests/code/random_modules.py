"""Modules made at random, whose statements give objects several names and change them by some of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

DEFINITIONS = """
import contextlib, functools, itertools, operator, types
class Box:
    shared = []
    def __init__(self, x): self.x = x
    def add(self, y):
        grow(self.x, y)
        return self
    def get(self): return self.x
    def info(self, y): self.shared.append(y)
    def __len__(self):
        grow(self.x, 0)
        return 1
    def __call__(self, y): return self.add(y)
    @property
    def top(self):
        grow(self.x, 9)
        return self.x
KEPT = []
def grow(x, y):
    if isinstance(x, list): x.append(y)
    elif isinstance(x, dict): x[y] = y
    elif isinstance(x, types.SimpleNamespace): x.a = y
    elif isinstance(x, Box): grow(x.x, y)
    return y
def same(x): return x
def hold(x): KEPT.append(x)
def last(): return KEPT[-1] if KEPT else []
def pair(x): return x, [x]
def shared(x=[]): return x
@functools.cache
def cached(): return []
def first(x):
    for each in x: return each
def spread(x):
    for each in x: grow(each, 7)
def apply(f, *given): return f(*given)
def late(x):
    def inner(y): return grow(x, y)
    return inner
def keep(f):
    KEPT.append(f)
    return f
def drain(x): return [each for each in x]
def bump():
    global COUNT
    COUNT = COUNT + 1
    return COUNT
def numbers():
    for each in (1, 2, 3):
        KEPT.append(each)
        yield each
COUNT = 0
def wrapped(f):
    @functools.wraps(f)
    def inner(*given):
        grow(f(*given), 6)
        return f(*given)
    return inner
def times(n):
    def wrap(f):
        def inner(*given):
            KEPT.append(n)
            return f(*given)
        return inner
    return wrap
def once(f):
    f()
    return f
def maybe(f=None, n=1):
    def wrap(f):
        def inner(*given):
            KEPT.append(n)
            return f(*given)
        KEPT.append(inner)
        return inner
    return wrap if f is None else wrap(f)
"""

# `$` is a variable, `#` a number, `%` a variable that is bound.
STATEMENTS = [
    "% = [$, #]", "% = {'k': $}", "% = $", "% = same($)", "% = Box($)", "% = types.SimpleNamespace(a=$)", "% = [#]",
    "%, % = [$, #]", "%, % = pair($)", "% = % = []", "% = [each for each in [$]]", "% = $ if # > 1 else $",
    "% = $ or $", "% = first([$])", "% = last()", "% = shared()", "% = cached()", "% = iter([#, #, #])",
    "% = next($, #)", "% = list($)", "% = (each for each in [$, #])", "% = numbers()", "% = functools.partial(grow, $)",
    "% = $(#)", "% = late($)", "% = lambda y=$: grow(y, #)", "% = $.x", "% = $.get()", "% = $[0]", "% = dict(k=$)",
    "% = bump()", "% = tuple([$, $])", "% = copy_of = [*$]", "% = {**$}", "% = sorted([[#], [#]])", "% = $.top",
    "grow($, #)", "grow([$][0], #)", "grow(same($), #)", "grow($[0], #)", "grow($.a, #)", "grow(y=#, x=$)",
    "% = grow($, #)", "% = [grow(each, #) for each in [$]]", "$.append(#)", "$.append($)", "$['k'] = $", "$[0] = #",
    "$.a = $", "$.x = #", "$.add(#)", "% = $.add(#)", "$.info(#)", "% += [#]", "$[0].append(#)", "del $[0]",
    "hold($)", "% = hold($)", "last().append(#)", "KEPT[-1].append(#)", "grow(last(), #)", "shared().append(#)",
    "cached().append(#)", "Box.shared.append(#)", "Box.shared = $", "grow.rows = $", "grow.rows.append(#)",
    "spread($)", "% = spread([$])", "apply(grow, $, #)", "% = apply(late($), #)", "% = apply(same, $)", "$()",
    "apply($, #)", "% = len($)", "% = bool($)", "% = str($)", "% = drain($)", "% = # in $", "% = max([#, #])",
    "for % in $: pass", "for % in [$]: grow(%, #)", "for %, % in [($, $)]: %.append(#)",
    "with contextlib.nullcontext($) as %: %.append(#)",
    "match $:\n    case [%, *_]: %.append(#)\n    case _: pass",
    "try:\n    $.append(#)\nexcept AttributeError:\n    % = #",
    "if (% := $) is not None: grow(%, #)",
    "class A#:\n    x = $\n    x.append(#)",
    "@keep\ndef f#(): return $",
    "def g#(x=$):\n    x.append(#)\n    return x\n% = g#()",
    "operator.iadd($, [#])", "setattr($, 'a', #)", "globals()['%'] = [#]", "% = itertools.chain([$], [#])",
    "% = list(map(same, [$]))", "list(map(spread, [[$]]))", "% = next(map(late, [$]))(#)", "% = list(zip([$], [#]))",
    "exec('% = [#]')", "% = $.__class__", "% = vars($)", "%: list = [$]", "% = (lambda x: x)($)",
    "@wrapped\ndef f#(): return $\n% = f#()", "@times(#)\ndef f#(): return $\n% = f#()",
    "@times(#)\ndef h#(): return $", "% = times(#)(last)()",
    "@once\ndef k#(): $.append(#)", "@once\n@wrapped\ndef m#(): return $", "@maybe\ndef f#(): return $",
    "@maybe(n=#)\ndef f#(): return $\n% = f#()", "% = wrapped(last)()", "% = times(#)(last)",
    "% = list(map(wrapped(same), [$]))", "% = sorted([#], key=times(#)(same))", "[#, #].sort(key=wrapped(same))",
    "% = KEPT[-1]()", "% = wrapped(same)($)", "wrapped(same)", "% = wrapped(same)", "apply(wrapped(same), $)",
    "% = [lambda: $][0]", "$().append(#)", "% = pair($)[#]",
]  # fmt: skip
NAMES = "TUVW"


def made(chance: Random) -> list[str]:
    """Return the statements of a module; one that can't be done is left out when the module is imported."""
    count = chance.randrange(3, 9)
    return [f"{name} = [{number}]" for number, name in enumerate(NAMES)] + [statement(chance) for _ in range(count)]


def statement(chance: Random) -> str:
    """Return one statement, filled in."""
    text = chance.choice(STATEMENTS)
    names: dict[str, str] = {}
    out = []
    for letter in text:
        if letter == "%" and "%:" not in text and "%, #" not in text and text.count("%") > 1 and "%, %" not in text:
            out.append(names.setdefault("%", chance.choice(NAMES)))  # the same in all places
        elif letter in "$%":
            out.append(chance.choice(NAMES))
        elif letter == "#":
            out.append(
                names.setdefault("#", str(chance.randrange(1, 9))) if "def " in text else str(chance.randrange(1, 4))
            )
        else:
            out.append(letter)
    return "".join(out)


def edited(statements: list[str], chance: Random) -> list[str]:
    """Return the statements after one edit."""
    changed = list(statements)
    at = chance.randrange(len(changed))
    match chance.randrange(3):
        case 0:
            changed[at] = statement(chance)
        case 1:
            del changed[at]
        case _:
            other = chance.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
    return changed


def text_of(statements: list[str], shown: str) -> str:
    """Return the text of a module whose function `run` shows one of its names."""
    return f"{DEFINITIONS}{chr(10).join(statements)}\ndef run(): return show({shown})\n{SHOW}"


SHOW = """
def show(x, depth=6):
    import types
    if depth == 0: return "..."
    if isinstance(x, (list, tuple)): return [type(x).__name__, *(show(each, depth - 1) for each in x)]
    if isinstance(x, dict): return [(k, show(v, depth - 1)) for k, v in x.items()]
    if isinstance(x, types.SimpleNamespace): return ["ns", show(vars(x), depth - 1)]
    if isinstance(x, (int, str, type(None))): return x
    if type(x).__name__ == "Box": return ["box", show(vars(x), depth - 1)]
    if hasattr(x, "__next__"): return ["rows", *(show(each, depth - 1) for each in list(x))]
    if callable(x) and type(x).__name__ == "partial": return ["partial", show(x.args, depth - 1)]
    if isinstance(x, type): return [x.__name__, show(list(getattr(x, "shared", ())), depth - 1)]
    return type(x).__name__
"""
