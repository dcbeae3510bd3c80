"""A value in a shell text arrives as it is, or the text is refused: told to real shells."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpar.lang.shell.cursor import VALUE
from flowpar.lang.shell.scan import places_of

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = {name: found for name in ("dash", "bash", "busybox", "ksh") if (found := shutil.which(name))}
SHOW = "printf '%s\\0'"

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30) | st.text(
    st.sampled_from(list("'\"\\$`(){}[]<>|&;*?~!#=-+%^@:, \t\n\r\x01\x7f\x88xé\u2028")), max_size=20
)


def command_of(shell: str, text: str) -> list[str]:
    if shell == "bash":
        return [SHELLS[shell], "-eu", "-o", "pipefail", "-c", text]
    return [SHELLS[shell], *(["sh"] if shell == "busybox" else []), "-eu", "-c", text]


def run(shell: str, text: str, value: str, folder: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command_of(shell, text),
        env={"V": value, "PATH": "/nowhere", "LC_ALL": "C.UTF-8", **more},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def filled(text: str, *, is_bash: bool) -> str | None:
    """Return the text with references to the variable V, None where a value can't be passed."""
    places = iter(places_of(text, is_bash=is_bash))
    pieces = []
    for piece in text.split(VALUE)[:-1]:
        place = next(places)
        if place.why_not:
            return None
        pieces += [piece, "${V}" if place.is_quoted else '"${V}"']
    return "".join([*pieces, text.rpartition(VALUE)[2]])


TAKEN = [
    f"{SHOW} \0",
    f'{SHOW} "\0"',
    f"{SHOW} \\\n  \0",
    f'x=\0; {SHOW} "$x"',
    f'x=\0 y="\0"\n{SHOW} "$y"',
    f'export X=\0; {SHOW} "$X"',
    f'for x in \0; do {SHOW} "$x"; done',
    f'if [ \0 = "\0" ]; then {SHOW} \0; fi',
    f"x=$(printf '%s.' \0); {SHOW} \"${{x%.}}\"",
    f'x="$(printf \'%s.\' "\0")"; {SHOW} "${{x%.}}"',
    f'f() {{ {SHOW} "$1"; }}; f \0',
    f"( {SHOW} \0 )",
    f"{{ {SHOW} \0; }}",
    f"! false && {SHOW} \0",
    f"true | {SHOW} \0 | {{ while IFS= read -r _; do :; done; }}; {SHOW} \0",
    f'case \0 in "$V") {SHOW} \0;; esac',
    f'set -- \0; {SHOW} "$1"',
    f"# it's\n{SHOW} \0 # \"",
    f"case a in (a) {SHOW} \0;; esac",
    f": <<'END'\nit's $(\nEND\n{SHOW} \0",
    f": <<-END $((1 + (2)))\n\tit's\n\tEND\n{SHOW} \0",
    f": 'a'\"b\"\\'c${{x-d}}; {SHOW} \0",
]
TAKEN_BY_BASH = [
    f'a=(x \0); {SHOW} "${{a[1]}}"',
    f"[[ a == b || -n c ]] && {SHOW} \0",
    f"((1 + 2)); {SHOW} \0",
    f": $'it\\'s'; {SHOW} \0",
    f"for ((i = 0; i < 1; i++)); do {SHOW} \0; done",
    f'function f {{ {SHOW} "$1"; }}; f \0',
    f": >(:) <(:); {SHOW} \0",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", [*TAKEN, *TAKEN_BY_BASH])
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(words, min_size=5, max_size=5))
def test_what_a_command_receives_is_the_value_as_one_word(
    shell: str, text: str, tmp_path: Path, values: list[str]
) -> None:
    """Several values to a shell: its start is most of what it costs."""
    if text in TAKEN_BY_BASH and shell != "bash":
        return
    command = filled(text, is_bash=shell == "bash")

    assert command is not None
    each = "\n".join(f"(\nV=$V{number}\n{command}\n)" for number in range(len(values)))
    done = run(shell, each, "", str(tmp_path), **{f"V{number}": value for number, value in enumerate(values)})
    assert done.stdout.split(b"\0") == [*(value.encode() for value in values), b""], done.stderr


@pytest.mark.parametrize("is_bash", [False, True])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo '\0'", "in single quotes"),
        ("cat <<END\n\0\nEND", "in a heredoc"),
        ("cat <<'END'\n\0\nEND", "in a heredoc"),
        ("cat <<E\\\\\n\\\n\0\nE\n", "in a heredoc"),
        ("echo $((\0 + 1))", "in $((…))"),
        ("((x = \0))", "in ((…))"),
        ("[[ \0 == a ]]", "in [[…]]"),
        ('[[ "$(echo \0)" == a ]]', "in [[…]]"),
        ("eval \0", 'in the code that "eval" gets'),
        ('x=1 command eval "echo \0"', 'in the code that "eval" gets'),
        ("e'v'al \0", 'in the code that "eval" gets'),
        ('trap "rm \0" EXIT', 'in the code that "trap" gets'),
        ('sudo bash -euc "ls \0"', 'in the code that "bash" gets'),
        ('/usr/bin/python3.11 -c "print(\0)"', 'in the code that "python3.11" gets'),
        ("echo `ls \0`", "in backquotes"),
        ("true # \0", "in a comment"),
        ("echo ${x:-\0}", "in ${…}"),
        ('echo "${x:-\0}"', "in ${…}"),
        ("case x in \0) ;; esac", 'in a pattern of "case"'),
        ('case x in a|"\0") ;; esac', 'in a pattern of "case"'),
        ("echo \\\0", "behind a backslash"),
        ('echo "\\\0"', "behind a backslash"),
        ("export \0", 'in place of a name for "export"'),
        ("read \0", 'in place of a name for "read"'),
        ("printf -v \0 x", 'in place of a name for "printf -v"'),
        ("for \0 in a; do :; done", "in place of a name"),
        ("declare -i n; n=\0", "in an assignment that the shell evaluates"),
        ("RANDOM=\0", "in an assignment that the shell evaluates"),
        ("a[\0]=1", "behind a brace or bracket without quotes"),
        ("echo {a,\0}", "behind a brace or bracket without quotes"),
        ("echo x >&\0", "in place of the number of a descriptor"),
        ('echo "a', None),
        ('echo "a \0', "behind a quote that is never closed in line 1"),
        ("alias e='echo \"'\ne \0", 'behind "alias" in line 1'),
        ("echo $((ls) | (ls)) \0", "behind double brackets in line 1"),
        ("shopt -s extglob\necho \0", 'behind "extglob" in line 1'),
        ("true\necho $[1] \0", 'behind a "$" like this in line 2'),
        ("foo <\\\n<END\n\0\nEND", "behind an operator over two lines in line 1"),
    ],
)  # fmt: skip
def test_where_a_value_would_not_arrive_it_is_refused(text: str, why: str | None, is_bash: bool) -> None:  # noqa: FBT001 - a parameter of the test
    found = places_of(text, is_bash=is_bash)

    assert [place.why_not.partition(" of the text")[0] for place in found] == ([] if why is None else [why])


@pytest.mark.parametrize("text", [*TAKEN_BY_BASH[:1], TAKEN_BY_BASH[3], TAKEN_BY_BASH[6], "cat <<<\0"])
def test_what_only_bash_reads_is_refused_for_sh(text: str) -> None:
    assert filled(text, is_bash=False) is None


pieces = st.sampled_from(
    [
        *(VALUE, f" {VALUE}", f" {VALUE} ", f'"{VALUE}"', f"'{VALUE}'", f"x={VALUE}", f"$({SHOW} {VALUE})"),
        *(SHOW, f"{SHOW} ", "echo ", "set -- ", ": ", "x", "x=", "x+=", "a=(", "a", "in ", "-c ", "-", "1", "2>", "~"),
        *("'", '"', "\\", "`", "$", "$(", "${", "$((", "((", "[[", "]]", "))", "(", ")", "{", "}", "{ ", "; }", "$'"),
        *('$"', "<<E", "<<-E", "<<'E'", '<<"E"', "\nE\n", "\tE\n", "E", "<<<", "\n", "\\\n", " ", "\t", ";", ";;", "&"),
        *("&&", "|", "||", ">f ", "<f ", ">&2 ", "&>f ", "#", " #", "$x", "${x-", "${x#", "${x:+", "$#", "$$", "$!"),
        *("!", "*", "?", "[", "]", "=", "case x in ", "case ", "esac", " in a) ", "x) ", "|x) ", ";; ", "()", "f() "),
        *(
            "if :; then ",
            "fi",
            "; fi",
            "for y in ",
            "; do ",
            "do ",
            "done",
            "; done",
            "else ",
            "eval ",
            "trap ",
            "let ",
        ),
        *("export ", "local ", "printf ", "test ", "command ", "builtin ", "exec ", "read ", "declare -i y; y="),
        *("unset ", "alias e=", "function f ", "time ", "select ", "coproc "),
    ]
)
soups = st.lists(pieces, min_size=2, max_size=14).map("".join)

plain = st.sampled_from(
    ["a", "b#c", "-x", "=", "~", "]", "!", "\\'", '\\"', "\\ ", "\\\n", "\\$", "$#", "$?", "x=", "''"]
)
quoted = st.sampled_from(
    ["'a b'", "'\"'", "'$('", "'#'", "'a\nb'", "'\\'", '"\'"', '"#"', '"\\""', '")"', '"<<E"', '"a\nb"']
)
expanded = st.sampled_from(
    ["$((1+2))", "$(( (1) ))", "$((1<<2))", "${x-y}", "${x:-'a}'}", '${x-"}"}', "`:`", '"${x-"b"}"']
)
atoms = st.one_of(st.just(VALUE), st.just(f'"{VALUE}"'), plain, quoted, expanded)


def grown(commands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return commands with others in them."""
    nested = st.one_of(atoms, commands.map("$({})".format), commands.map('"$({})"'.format))
    word = st.lists(nested, min_size=1, max_size=3).map("".join)
    show = word.map(f"{SHOW} {{}}".format)
    heredocs = st.sampled_from(["<<E\nit's\nE", "<<'E'\n$( '\nE", "<<-E\n\tx\n\tE", "<<E\nx\\\nE\nE", '<<"E"\n`\nE'])
    return st.one_of(
        show,
        commands.map("( {} )".format),
        commands.map("{{ {}\n}}".format),
        st.builds("if {}; then {}\nfi".format, show, commands),
        st.builds("for y in {}; do {}\ndone".format, word, commands),
        st.builds("case {} in (a|'b)') :;; *) {}\n;; esac".format, word, commands),
        st.builds('z={}\n{} "$z"'.format, word, st.just(SHOW)),
        st.builds(": {}\n{}".format, heredocs, show),
        st.builds("{} # it's\n{}".format, show, commands),
        st.builds("{}; {}".format, commands, commands),
    )


scripts = st.recursive(st.just(f"{SHOW} {VALUE}"), grown, max_leaves=6)
HARMLESS = "zqz"
# Without white space, which `$(…)` outside of quotes divides as the user wants it.
EVIL = ["a'\"b$(pwned>&2)`pwned>&2`;pwned>&2;#\\", "x[$(pwned>&2)]"]


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=100, deadline=None)
@given(text=soups)
def test_no_value_becomes_a_command_in_a_soup(shell: str, text: str) -> None:
    command = filled(text, is_bash=shell == "bash")
    if VALUE not in text or command is None:
        return

    with tempfile.TemporaryDirectory() as folder:
        found = [run(shell, command, value, folder).stderr for value in EVIL]

    assert not any(b"pwned: " in told for told in found), command


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=60, deadline=None)
@given(text=scripts)
def test_what_a_value_says_changes_nothing_but_what_is_shown(shell: str, text: str) -> None:
    command = filled(text, is_bash=shell == "bash")
    if VALUE not in text or command is None:
        return

    with tempfile.TemporaryDirectory() as folder:
        calm = run(shell, command, HARMLESS, folder)
        found = [run(shell, command, value, folder) for value in EVIL]

    for value, done in zip(EVIL, found, strict=True):
        assert b"pwned: " not in done.stderr, command
        if calm.returncode == 0:
            assert done.stdout == calm.stdout.replace(HARMLESS.encode(), value.encode()), command


def test_a_long_text_is_read_in_time() -> None:
    text = f"echo {'a' * 20_000} " + "".join(f'"{n}"' for n in range(8_000)) + ' "$x"' * 5_000 + f" {VALUE}"

    assert [place.why_not for place in places_of(text, is_bash=True)] == [""]
