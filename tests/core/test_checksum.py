from __future__ import annotations

import hashlib

import pytest

from flowpar.core.checksum import checksum, is_checksum_of

LARGE = 16 << 20


def test_a_checksum_says_by_which_algorithm_it_was_taken() -> None:
    assert checksum([b"ab", b"c"]) == f"blake2b:{hashlib.blake2b(b'abc', digest_size=32).hexdigest()}"


def test_the_checksum_of_a_large_value_is_one_that_any_machine_can_check() -> None:
    taken = checksum([bytes(LARGE)], size_bytes=LARGE)

    assert taken.partition(":")[0] == "crc32"
    assert is_checksum_of([bytes(LARGE // 2), bytes(LARGE // 2)], taken)


@pytest.mark.parametrize("expected", ["crc32:352441c2", checksum([b"abc"])])
def test_a_checksum_is_checked_by_the_algorithm_that_it_names_on_every_machine(expected: str) -> None:
    assert is_checksum_of([memoryview(b"abc")], expected)
    assert not is_checksum_of([b"abd"], expected)


@pytest.mark.parametrize("expected", ["", "md5:0", "sha256", "blake2b:"])
def test_nothing_has_a_checksum_of_an_unknown_kind(expected: str) -> None:
    assert not is_checksum_of([b""], expected)
