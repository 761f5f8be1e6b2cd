"""A set of 64-bit hashes that takes about 9 bytes per hash, where Python's own set takes some 70.

A list may have a million records, and an extraction keeps more than one such set.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

BUCKETS = 4_096


class Fingerprints:
    """Hashes made by Python's `hash`, in short sorted arrays. They are valid in this process only, because each process
    hashes text differently."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Iterable[int]) -> int:
        """Add hashes; returns how many of them are new."""
        before = self._count
        for each in hashes:
            bucket = self._buckets.get(each % BUCKETS)
            if bucket is None:
                bucket = self._buckets[each % BUCKETS] = array("q")
            place = bisect_left(bucket, each)
            if place == len(bucket) or bucket[place] != each:
                bucket.insert(place, each)
                self._count += 1
        return self._count - before

    def __contains__(self, each: int) -> bool:
        bucket = self._buckets.get(each % BUCKETS)
        if bucket is None:
            return False
        place = bisect_left(bucket, each)
        return place < len(bucket) and bucket[place] == each
