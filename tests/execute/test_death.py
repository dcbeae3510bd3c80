"""What an exit code without an outcome means, in words."""

from __future__ import annotations

import signal

import pytest

from flowpar.core.outcome import FailureKind
from flowpar.execute.death import PIPE_LOST, failure_of, kernel_kill_count, signal_name


def message(code: int, *, rss: int | None = None, oom: bool = False, garbled: bool = False) -> str:
    return failure_of(code, max_rss_bytes=rss, is_out_of_memory=oom, is_garbled=garbled).message


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exited without a result (exit code 0)"),
        (75, "exited without a result (exit code 75)"),
        (PIPE_LOST, "closed the pipe that carries its result"),
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-63, "killed by signal 63"),
    ],
)
def test_each_end_has_its_words(code: int, text: str) -> None:
    assert message(code) == text


def test_a_kill_for_lack_of_memory_says_so() -> None:
    text = message(-signal.SIGKILL, rss=512 << 20, oom=True)

    assert text == "killed by SIGKILL, probably out of memory; its peak memory was 512 MiB"


def test_an_exit_code_of_its_own_can_be_retried_on() -> None:
    failure = failure_of(75, max_rss_bytes=None, is_out_of_memory=False, is_garbled=False)

    assert (failure.kind, failure.exit_code) == (FailureKind.EXIT, 75)


def test_garbage_is_named_before_the_exit() -> None:
    assert "wrote to the pipe" in message(0, garbled=True)


def test_the_kernel_counts_its_kills() -> None:
    assert kernel_kill_count() >= 0
    assert signal_name(9) == "SIGKILL"
