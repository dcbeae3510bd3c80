"""The command that measures: what it takes, what it refuses, how it shows a figure."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import main
from benchmarks.measure import Figure


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lunch"], 'there is no benchmark "lunch"; there are startup, launch,'),
        (["launch", "--repeats", "0"], '"0" is not a whole number of rounds, 1 or more'),
        (["launch", "--repeats", "many"], '"many" is not a whole number of rounds, 1 or more'),
    ],
)
def test_a_wrong_argument_is_refused_with_what_may_stand_there(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_figure_is_judged_by_its_median() -> None:
    figure = Figure("P0 cost / bare", (1.0, 9.0, 1.2), 1.4, "1 ms against 1 ms")

    assert figure.line().split("\n") == [
        f"{'P0 cost / bare':<68}     1.20  (min 1.00, max 9.00)  goal at most 1.4: reached",
        "    1 ms against 1 ms",
    ]


@pytest.mark.parametrize(("goal", "is_reached"), [(3.0, True), (4.0, True), (4.1, False), (None, None)])
def test_where_more_is_better_the_goal_is_the_least(goal: float | None, is_reached: bool | None) -> None:  # noqa: FBT001
    figure = Figure("peer / ours", (4.0,), goal, "", is_more_better=True)

    assert figure.is_reached is is_reached
