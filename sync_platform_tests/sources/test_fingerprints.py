"""Fingerprints: a set of values in little memory."""

from __future__ import annotations

import sys
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from sync_platform.sources.fingerprints import BUCKETS, Fingerprints

HASHES = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3).map(lambda number: number * BUCKETS)


@given(st.lists(st.lists(HASHES)))
def test_it_counts_like_a_set(pages: list[list[int]]) -> None:
    fingerprints, known = Fingerprints(), set[int]()
    for page in pages:
        assert fingerprints.add(page) == len({*page} - known)
        known |= {*page}
        assert len(fingerprints) == len(known)


def test_a_hundred_thousand_take_less_than_a_third_of_a_set() -> None:
    hashes = [hash(str(number)) for number in range(100_000)]
    tracemalloc.start()
    try:
        fingerprints = Fingerprints()
        fingerprints.add(hashes)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(fingerprints) == 100_000
    assert used < (sys.getsizeof({*hashes}) + sum(map(sys.getsizeof, hashes))) / 3
