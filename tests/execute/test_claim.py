"""A job that was handed over ahead is begun by the worker or had back by the engine, never both."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.claim import Claims, Grants

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def grants() -> Iterator[Grants]:
    made = Grants()
    yield made
    made.close()


@given(st.integers(1, 64), st.lists(st.one_of(st.none(), st.integers(1, 70)), max_size=80))
def test_each_job_is_begun_or_taken_back_once(count: int, moves: list[int | None]) -> None:
    grants = Grants()
    try:
        claims = Claims(os.dup(grants.claims))
        grants.grant(count)

        begun = back = 0
        for most in moves:
            if most is None:
                begun += claims.claim(grants.bundle)
            else:
                back += grants.take_back(most)

        assert begun + back + grants.take_back() == count
        assert not claims.claim(grants.bundle)
        os.close(claims._number)  # noqa: SLF001 - the test opened it
    finally:
        grants.close()


def test_what_was_granted_for_the_next_bundle_is_not_spent_on_the_last(grants: Grants) -> None:
    claims = Claims(grants.claims)
    grants.grant(2)
    first = grants.bundle
    assert claims.claim(first)
    assert grants.take_back() == 1
    grants.grant(2)

    assert not claims.claim(first)
    assert not claims.claim(first)

    assert [claims.claim(grants.bundle) for _ in range(3)] == [True, True, False]


def test_bundles_are_told_apart_for_ever(grants: Grants) -> None:
    claims = Claims(grants.claims)

    for _ in range(600):
        grants.grant(1)
        assert claims.claim(grants.bundle)
        assert not claims.claim(grants.bundle)
