"""What a shell makes of the words of one command, and which of them it, or who it starts, takes for code."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from flowpar.core.frozen import dataclass, field

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# A variable that is declared so evaluates what is assigned to it.
_EVALUATING = re.compile(r"\b(?:declare|typeset|local|readonly|export|integer)\b[^\n;&|]*\s[-+]\w*[in]|\binteger\b")
_EVALUATED: Final = re.compile(
    r"(?:SECONDS|RANDOM|SRANDOM|OPTIND|LINENO|HISTCMD|PS[0-9]|PROMPT_COMMAND|BASH_ENV|ENV|BASHOPTS|SHELLOPTS)\+?="
)
_GO_ON: Final = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_ENDS: Final = frozenset({"}", "fi", "done"})
_BEFORE_COMMAND: Final = frozenset({"command", "builtin", "exec", "env", "nohup", "nice", "sudo", "doas"})
_CODE: Final = frozenset({"eval", "trap", "let", "alias", "bind", "complete", "compgen", "fc"})
_NAMES: Final = frozenset({"declare", "typeset", "integer", "unset", "read", "mapfile", "readarray", "getopts", "wait"})
_ASSIGNS: Final = frozenset({"export", "readonly", "local"})
_INTERPRETERS: Final = MappingProxyType(
    {
        **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox"), "c"),
        **dict.fromkeys(("su", "runuser", "flock", "script", "python", "pypy"), "c"),
        **dict.fromkeys(("perl", "ruby", "lua", "Rscript", "osascript"), "eE"),
        "node": "ep",
        "php": "rBRE",
    }
)
_CHANGES_READING: Final = frozenset({"alias", "coproc", "unalias"})
_OPTIONS_OF_READING: Final = frozenset({"extglob", "expand_aliases"})


def bare(part: str) -> str:
    """Return a quoted part of a word as the shell makes it a part of a name; what is expanded is unknown, "$"."""
    if part[0] in "$`\0":
        return "$"
    inner = part[1:-1] if part[0] in "'\"" else part[1:].removeprefix("\n")
    return inner.replace("{", "_").replace("[", "_") if inner not in {"[", "[["} else inner


@dataclass(slots=True)
class Command:
    """The command that is being read: its words so far, and in which part of a `case` it stands.

    `target` is set where the next word belongs to a redirection; it says why a value can't be it, or nothing.
    `cases` has for each open `case` the part that is read: "subject", "in", "pattern" or "body".
    """

    words: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    target: str | None = None
    is_array: bool = False
    is_conditional: bool = False
    changes_reading: str = ""
    _name: str = ""
    _letters: str = ""
    _interpreter: str = ""
    _rest: str = ""
    _next: str = ""
    _is_function: bool = False

    @property
    def is_at_start(self) -> bool:
        """Whether the next word would be the name of a command."""
        return not self.words and self.target is None and (not self.cases or self.cases[-1] == "body")

    @property
    def is_pattern(self) -> bool:
        """Whether a pattern of a `case` is read."""
        return bool(self.cases) and self.cases[-1] == "pattern"

    @property
    def is_head(self) -> bool:
        """Whether the head of a `case` is read."""
        return bool(self.cases) and self.cases[-1] in {"subject", "in"}

    @property
    def may_be_function(self) -> bool:
        """Whether `()` makes a function of what was read."""
        return self._is_function or (len(self.words) == 1 and self.target is None)

    def end(self) -> None:
        """Begin the next command."""
        self.words = []
        self.target = None
        self.is_array = self.is_conditional = self._is_function = False
        self._name = self._letters = self._interpreter = self._rest = self._next = ""

    def open_branch(self) -> None:
        """Begin the commands behind a pattern."""
        self.cases[-1] = "body"
        self.end()

    def close_branch(self) -> bool:
        """Go on to the next pattern; returns whether there is a case to be in."""
        if not self.cases or self.cases[-1] != "body":
            return False
        self.cases[-1] = "pattern"
        self.end()
        return True

    def drop_descriptor(self, before: str) -> None:
        """Take the last word for the number of a descriptor, if it stands right before a redirection."""
        if self.words and before not in " \t" and re.fullmatch(r"\d+|\{\w+\}", self.words[-1]):
            self.words.pop()
            if not self.words:
                self._name = ""

    def why_not(self, prefix: str, text: str) -> str:
        """Return why a value can't stand behind `prefix` in the next word, "" where it can."""
        if self.target is not None:
            return self.target
        if self.is_pattern or self.is_head:
            return "" if self.cases[-1] == "subject" else 'in a pattern of "case"'
        if self._is_function or (len(self.words) == 1 and self.words[0] in {"for", "select"}):
            return "in place of a name"
        if "{" in prefix or "[" in prefix:
            return "behind a brace or bracket without quotes"
        if not self.words and _ASSIGNMENT.match(prefix):
            is_code = _EVALUATED.match(prefix) or _EVALUATING.search(text)
            return "in an assignment that the shell evaluates" if is_code else ""
        if self._name in _ASSIGNS and (not _ASSIGNMENT.match(prefix) or _EVALUATING.search(text)):
            return f'in place of a name for "{self._name}"'
        return self._rest or self._next

    def take(self, word: str, *, is_plain: bool) -> None:
        """Take a word that was read; `is_plain` says that nothing in it was quoted or expanded."""
        if self.target is not None:
            self.target = None
            return
        if self.is_head or self.is_pattern:
            self._take_in_case(word, is_plain=is_plain)
            return
        self.is_array = is_plain and word.endswith("=")
        if not self.words and self._is_reserved(word, is_plain=is_plain):
            return
        self._is_function = False
        self.words.append(word)
        self._note(word)

    def _take_in_case(self, word: str, *, is_plain: bool) -> None:
        part = self.cases[-1]
        if part == "subject":
            self.cases[-1] = "in"
        elif part == "in":
            self.cases[-1] = "pattern"
            if word != "in" or not is_plain:
                self.changes_reading = "case"
        elif word == "esac" and is_plain:
            self.cases.pop()
            self.words = ["esac"]

    def _is_reserved(self, word: str, *, is_plain: bool) -> bool:
        """Take the first word where it is no name of a command."""
        if self._is_function:  # the name of the function
            self._is_function = False
            self.changes_reading = "" if is_plain else "function"
            return True
        if _ASSIGNMENT.match(word) or word.startswith("-"):
            return True
        if not is_plain:
            return False
        if word == "case":
            self.cases.append("subject")
        elif word == "esac" and self.cases:
            self.cases.pop()
            self.words = [word]
        elif word == "function":
            self._is_function = True
        elif word in _ENDS:
            self.words = [word]
        elif word not in _GO_ON:
            self.is_conditional = word == "[["
            return False
        return True

    def _note(self, word: str) -> None:
        """Keep what a word says of those that follow it."""
        base = word.rpartition("/")[2]
        if not word.startswith(("-", "+")):
            self._next = ""
        if not self._name and base not in _BEFORE_COMMAND and not word.startswith("-") and not _ASSIGNMENT.match(word):
            self._name = base
            if base in _CODE:
                self._rest = f'in the code that "{base}" gets'
            elif base in _NAMES:
                self._rest = f'in place of a name for "{base}"'
        if word in _CHANGES_READING or word in _OPTIONS_OF_READING:
            self.changes_reading = word
        if word == "eval":
            self._rest = 'in the code that "eval" gets'
        self._note_interpreter(base, word)

    def _note_interpreter(self, base: str, word: str) -> None:
        interpreter = re.sub(r"[\d.]+$", "", base)
        if interpreter in _INTERPRETERS:
            self._letters, self._interpreter = _INTERPRETERS[interpreter], base
        elif self._letters and re.fullmatch(rf"[-+]\w*[{self._letters}]\w*", word):
            self._next = f'in the code that "{self._interpreter}" gets'
        elif self._name in {"printf", "test", "["} and word in {"-v", "-R"}:
            self._next = f'in place of a name for "{self._name} {word}"'
