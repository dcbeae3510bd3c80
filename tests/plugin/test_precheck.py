"""A task type's own check, in a process that soon ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import PluginError
from flowpar.plugin import UNKNOWN, Finding
from flowpar.plugin.local import read_local
from flowpar.plugin.precheck import CheckRequest, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.plugin.registry import TaskTypeSource

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def source_of(tmp_path: Path) -> Callable[[str], TaskTypeSource]:
    def make(body: str) -> TaskTypeSource:
        lines = [
            "import os, sys, time",
            "from flowpar.plugin import UNKNOWN, Finding, task_type",
            "def look(arguments):",
            *(f"    {line}" for line in body.splitlines()),
            "@task_type(check=look)",
            "def fetch(url: str): ...",
        ]
        (tmp_path / "mine.py").write_text("\n".join(lines))
        return read_local(["./mine.py"], workflow_dir=tmp_path).sources[0]

    return make


def test_findings_come_back_as_they_were_made(source_of: Callable[[str], TaskTypeSource], tmp_path: Path) -> None:
    source = source_of("yield Finding('bad ' + arguments['url'], argument='url', hint='h', severity='warning')")

    found = run_checks([CheckRequest(source, {"url": "u"})], python_path=[str(tmp_path)])

    assert found == ((Finding("bad u", "url", "h", "warning"),),)


def test_each_request_gets_its_own_findings(source_of: Callable[[str], TaskTypeSource], tmp_path: Path) -> None:
    source = source_of("return [Finding(n) for n in arguments['names']]")
    requests = [CheckRequest(source, {"names": names}) for names in (["a", "b"], [], ["c"])]

    found = run_checks(requests, python_path=[str(tmp_path)])

    assert [[finding.message for finding in each] for each in found] == [["a", "b"], [], ["c"]]


def test_what_the_run_will_make_is_unknown(source_of: Callable[[str], TaskTypeSource], tmp_path: Path) -> None:
    source = source_of("return [Finding('known')] if arguments['url'] is not UNKNOWN else []")

    found = run_checks([CheckRequest(source, {"url": UNKNOWN})], python_path=[str(tmp_path)])

    assert found == ((),)


def test_without_checks_no_process_is_started(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from flowpar.plugin import task_type\n@task_type\ndef fetch(): ...\n")
    source = read_local(["./mine.py"], workflow_dir=tmp_path).sources[0]

    assert run_checks([CheckRequest(source, {})], deadline_s=-1) == ((),)


def test_what_a_check_prints_spoils_nothing(source_of: Callable[[str], TaskTypeSource], tmp_path: Path) -> None:
    source = source_of("print('{'); os.write(1, b'junk'); return []")

    assert run_checks([CheckRequest(source, {})], python_path=[str(tmp_path)]) == ((),)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "raise ValueError('odd')",
            r'check of task type "fetch" of \./mine\.py failed: ValueError: odd \(.*/mine\.py:\d+\)',
        ),
        ("return ['text']", "failed: it gave something else than a flowpar.plugin.Finding"),
        ("return None", "failed: TypeError"),
        ("sys.exit(3)", "failed: SystemExit: 3"),
        ("os._exit(7)", r'check of task type "fetch" of \./mine\.py ended with exit code 7'),
    ],
)
def test_a_broken_check_is_the_plugins_fault(
    source_of: Callable[[str], TaskTypeSource], tmp_path: Path, body: str, message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        run_checks([CheckRequest(source_of(body), {})], python_path=[str(tmp_path)])


def test_a_check_that_hangs_is_ended(source_of: Callable[[str], TaskTypeSource], tmp_path: Path) -> None:
    source = source_of("time.sleep(600)")

    with pytest.raises(PluginError, match=r"took longer than 0\.5 s"):
        run_checks([CheckRequest(source, {})], python_path=[str(tmp_path)], deadline_s=0.5)
