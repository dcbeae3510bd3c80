"""Rows S5 and S6: a canary secret is in no byte that a run writes or shows, and in no command line of its processes."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from flowpar.execute import tree
from tests.catalogue.conftest import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.catalogue.conftest import Yard

pytestmark = pytest.mark.timeout(180)

CANARY = 'c4n4ry-7f3a/"+9é'
INHERITED = "inh3rited-and-never-declared"
WRITTEN = (
    CANARY,
    CANARY[:-1],
    json.dumps(CANARY)[1:-1],
    urllib.parse.quote(CANARY),
    urllib.parse.quote_plus(CANARY),
    CANARY.encode().hex(),
    *(base64.b64encode(bytes(before) + CANARY.encode()).decode()[4:-4] for before in range(3)),
    *(base64.urlsafe_b64encode(bytes(before) + CANARY.encode()).decode()[4:-4] for before in range(3)),
)
STEPS = """
    import base64, json, logging, os, signal, subprocess, sys, time, urllib.parse
    from dataclasses import dataclass
    from pathlib import Path
    from flowpar.plugin import TaskContext, task_type

    @dataclass
    class Login:
        user: str
        password: str

    def tell(token: str, context: TaskContext) -> int:
        forms = [token, repr(token), json.dumps(token), urllib.parse.quote(token), urllib.parse.quote_plus(token),
                 token.encode().hex(), *(base64.b64encode(b"x" * n + token.encode()).decode() for n in range(3))]
        for form in forms:
            print(form)
            print(form, file=sys.stderr)
            logging.getLogger("app").warning("found %s", form, extra={"form": form})
            context.logger.info(form, form=form, deep={"a": [form]})
        for letter in token:
            sys.stdout.write(letter)
            sys.stdout.flush()
        print()
        context.logger.info("x" * 9_990 + token)
        context.progress(1, 2, note=token)
        subprocess.run(["sh", "-c", 'printf "%s" "$SECRET"'], env={**os.environ, "SECRET": token}, check=True)
        return len(token)

    def fail(token: str) -> None:
        local = Login("me", token)
        try:
            raise KeyError(token)
        except KeyError as error:
            error.add_note("note " + token)
            raise RuntimeError("y" * 4_990 + f"{local!r} {token}" + "z" * 9_000) from error

    def leave(token: str) -> None:
        sys.exit(f"no {token}")

    def crash(token: str) -> None:
        print("before the crash", token, end="", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)

    def give(token: str) -> list[object]:
        return [1, {"login": Login("me", token)}]

    def give_encoded(token: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}

    def give_much(token: str) -> bytes:
        return bytes(100_000) + token.encode()

    def give_one_by_one(token: str):
        yield "harmless"
        yield ["a", token]

    def give_as_key(token: str) -> dict[str, int]:
        return {token: 1}

    def look() -> list[str]:
        return sorted(name for name, value in os.environ.items() if "c4n4ry" in value)

    @task_type(secrets=("token",))
    def send(url: str, *, token: str, context: TaskContext) -> int:
        print("sent", token, context.env.get("AUTH"))
        return tell(token, context)

    def wait(token: str, flag: Path) -> str:
        print("waiting with", token, flush=True)
        Path("begun").touch()
        while not flag.exists():
            time.sleep(0.02)
        return "done"
"""
WORKFLOW = """
    plugins: [steps.py]
    secrets:
      TOKEN: {env: CANARY}
      key: {file: key.pem}
    env:
      AUTH: Bearer ${{ secrets.TOKEN }}
    tasks:
      python: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}}
      thread: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}, executor: thread}
      pool: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}, for_each: "${{ range(40) }}", executor: pool}
      fail-pool: {python: "steps:fail", with: {token: "${{ secrets.TOKEN }}"}, executor: pool}
      inline: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}, executor: inline}
      items: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}, for_each: [1, 2]}
      plugin: {send: {url: https://example.org, token: "${{ secrets.TOKEN }}"}}
      shell:
        shell: 'printf "%s" "$AUTH"; printf "%s" "$T" | base64 >&2; printf "%s" "$KEY"'
        env: {T: "user:${{ secrets.TOKEN }}", KEY: "${{ secrets.key }}"}
      words: {shell: [sh, -c, 'echo "$AUTH"']}
      fail: {python: "steps:fail", with: {token: "${{ secrets.TOKEN }}"}, retry: 1}
      fail-thread: {python: "steps:fail", with: {token: "${{ secrets.TOKEN }}"}, executor: thread}
      fail-shell: {shell: 'echo "no $AUTH" >&2; exit 7', retry: 1}
      fail-expression: {python: "steps:tell", with: {token: "${{ str(int(secrets.TOKEN)) }}"}}
      leave: {python: "steps:leave", with: {token: "${{ secrets.TOKEN }}"}}
      crash: {python: "steps:crash", with: {token: "${{ secrets.TOKEN }}"}}
      give: {python: "steps:give", with: {token: "${{ secrets.TOKEN }}"}}
      give-encoded: {python: "steps:give_encoded", with: {token: "${{ secrets.TOKEN }}"}}
      give-much: {python: "steps:give_much", with: {token: "${{ secrets.TOKEN }}"}}
      give-as-key: {python: "steps:give_as_key", with: {token: "${{ secrets.TOKEN }}"}}
      give-items: {python: "steps:give_one_by_one", with: {token: "${{ secrets.TOKEN }}"}}
      take-items: {shell: 'echo "$I"', for_each: "${{ tasks.give-items.output }}", env: {I: "${{ json(each.item) }}"}}
      look: {python: "steps:look"}
"""


class Spy:
    """Looks at the command lines of all processes again and again, while it is open."""

    def __init__(self) -> None:
        self.seen = 0
        self.found: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes()
                except OSError:
                    continue
                self.seen += 1
                self.found |= {line} if any(form.encode() in line for form in WRITTEN) else set()


def bytes_written(yard: Yard) -> Iterator[tuple[Path, bytes]]:
    for path in (yard.folder / ".flowpar").rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def assert_nowhere(yard: Yard, *shown: str) -> None:
    leaks = [path for path, data in bytes_written(yard) for form in WRITTEN if form.encode() in data]
    assert not leaks
    # What the journal has of values is base64 of their encodings.
    for record in yard.records():
        inline = base64.b64decode((record.get("value") or {}).get("inline", ""))
        assert not [form for form in WRITTEN if form.encode() in inline]
    assert not [form for form in WRITTEN for text in shown if form in text]


def lay_out(yard: Yard) -> None:
    yard.write(WORKFLOW, STEPS)
    (yard.folder / "key.pem").write_text(f"-----BEGIN-----\n{CANARY}-second-line\n-----END-----\n")


def reasons(yard: Yard) -> dict[str, str]:
    return {task: record["error"]["message"] for task, record in yard.ends().items() if record.get("error")}


@pytest.mark.parametrize("options", [(), ("--log-format", "json"), ("--log-format", "console"), ("-v",)])
def test_s05_s06_a_secret_is_written_and_shown_nowhere(yard: Yard, options: tuple[str, ...]) -> None:
    lay_out(yard)

    with Spy() as spy:
        ended = yard.run(*options, CANARY=CANARY, INHERITED=INHERITED)

    assert ended.code == 1, ended.stderr
    assert spy.seen > 0
    assert not spy.found
    assert_nowhere(yard, ended.stderr, ended.stdout, *(yard.command(*command).stdout for command in LOOKS))
    assert not [path for path, data in bytes_written(yard) if INHERITED.encode() in data]
    assert yard.succeeded() == {"python", "thread", "pool", "inline", "items", "plugin", "shell", "words", "look"}


LOOKS = (("show", "last"), ("show", "last", "--json"), ("logs", "last"), ("runs", "--json"))


def test_s05_the_output_of_a_task_is_there_but_for_the_secret(yard: Yard) -> None:
    lay_out(yard)

    yard.run(CANARY=CANARY)

    logs = {path.name.split("-", 1)[1]: path.read_text() for path in (yard.run_dir / "logs").iterdir()}
    assert logs["python.1.log"].count("***") == 9 + 9 + 1 + 1
    assert logs["words.1.log"] == "Bearer ***\n"
    assert logs["fail-shell.2.log"] == "no Bearer ***\n"
    assert "before the crash ***" in logs["crash.1.log"]
    assert logs["shell.1.log"].startswith("Bearer ***")


def test_s06_a_task_that_returns_a_secret_fails_and_says_where_it_is(yard: Yard) -> None:
    lay_out(yard)

    yard.run(CANARY=CANARY)

    told = reasons(yard)
    assert told["give"].startswith('output[1]["login"].password holds secret "TOKEN"')
    assert told["give-encoded"].startswith('output["Authorization"] holds secret "TOKEN"')
    assert told["give-much"].startswith('output holds secret "TOKEN"')
    assert told["give-items"].startswith('output[1][1] holds secret "TOKEN"')
    assert told["give-as-key"].startswith('output key "***" holds secret "TOKEN"')
    assert not list((yard.run_dir / "values").glob("*"))


def test_s05_a_run_that_was_killed_goes_on_with_the_secret_read_anew(yard: Yard) -> None:
    yard.write(
        """
        secrets: {TOKEN: {env: CANARY}}
        tasks:
          first: {python: "steps:tell", with: {token: "${{ secrets.TOKEN }}"}}
          wait: {python: "steps:wait", with: {token: "${{ secrets.TOKEN }}", flag: go}, needs: [first]}
          last: {shell: 'echo "$T"', env: {T: "${{ secrets.TOKEN }}"}, needs: [wait]}
        outputs: {last: "${{ tasks.last.output.stdout }}"}
        """,
        STEPS,
    )
    process = yard.start("run", "workflow.yaml", CANARY=CANARY)
    begun = yard.folder / "begun"
    until(begun.exists)
    os.kill(engine_of(process.pid), 9)
    killed = yard.end_of(process)
    assert_nowhere(yard, killed.stderr)

    unset = yard.command("resume")
    (yard.folder / "go").touch()
    other = yard.end_of(yard.start("resume", "--json", CANARY=f"other-{CANARY}"))

    assert (unset.code, other.code) == (2, 0), unset.stderr + other.stderr
    assert '[FP804]: secret "TOKEN" is read from the variable "CANARY", which is not set' in unset.stderr
    assert json.loads(other.stdout) == {"last": "***\n"}
    assert [record["task"] for record in yard.records() if record["event"] == "task.started"].count("first") == 1
    assert_nowhere(yard, unset.stderr, other.stderr, other.stdout)


def until(is_met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def engine_of(guard: int) -> int:
    (engine,) = (pid for pid in tree.children_of(guard) if tree.name_of(pid) != "flowpar:launch")
    return engine


def test_s05_a_sub_workflow_has_secrets_of_its_own(yard: Yard) -> None:
    (yard.folder / "sub").mkdir()
    (yard.folder / "sub" / "key").write_text(f"sub-{CANARY}\n")
    (yard.folder / "sub" / "send.yaml").write_text(
        """
flowpar: 1
secrets: {TOKEN: {file: key}, other: {env: SUB_CANARY}}
inputs: {n: 1}
tasks:
  tell:
    shell: echo "$T $O ${SUB_CANARY-none} ${CANARY-none}"
    env: {T: "${{ secrets.TOKEN }}", O: "${{ secrets.other }}"}
  give: {shell: 'printf "%s" "$T" | wc -c', env: {T: "${{ secrets.TOKEN }}"}}
outputs: {told: "${{ tasks.tell.output.stdout }}", length: "${{ tasks.give.output.stdout }}"}
"""
    )
    yard.write(
        """
        secrets: {TOKEN: {env: CANARY}}
        tasks:
          mine: {shell: 'printf "%s" "$T" | wc -c', env: {T: "${{ secrets.TOKEN }}"}}
          one: {workflow: sub/send.yaml}
          two: {workflow: sub/send.yaml, with: {n: "${{ len(tasks.mine.output.stdout) }}"}}
        outputs:
          mine: ${{ tasks.mine.output.stdout }}
          one: ${{ tasks.one.output }}
          two: ${{ tasks.two.output }}
        """
    )

    unset = yard.run(CANARY=CANARY)
    ended = yard.run("--json", CANARY=CANARY, SUB_CANARY=f"other-{CANARY}")

    assert unset.code == 2
    assert 'send.yaml:3:31: error[FP804]: secret "other" is read from the variable "SUB_CANARY"' in unset.stderr
    assert ended.code == 0, ended.stderr
    theirs = {"told": "*** *** none none\n", "length": f"{len(f'sub-{CANARY}'.encode())}\n"}
    assert json.loads(ended.stdout) == {"mine": f"{len(CANARY.encode())}\n", "one": theirs, "two": theirs}
    assert_nowhere(yard, ended.stderr, ended.stdout)
