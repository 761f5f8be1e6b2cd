"""Columns of texts: prepared once per distinct value, and compared for many pairs at once.

What belongs here: comparing values of any kind. What does not: the meaning of names, addresses and phones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from rapidfuzz.process import cpdist

Array = np.ndarray
Value = TypeVar("Value", bound=Hashable)
ALL_CORES = -1
FEW_PAIRS = 10_000
"""So few pairs are compared by one thread: starting others takes longer."""


class TextColumn:
    """Strings by position, with their lengths and a code that equal strings share."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = _as_objects(values)
        self.lengths = np.fromiter(map(len, values), dtype=np.int32, count=len(values))
        self.codes = codes_of(values)


def similarity(
    one: TextColumn, left: Array, other: TextColumn, right: Array, scorer: Callable[..., Any], shortest: int = 1
) -> Array:
    """The scorer's result for each pair of strings; -1 where either is shorter than `shortest`."""
    found = np.full(len(left), -1.0, dtype=np.float32)
    known = np.flatnonzero((one.lengths[left] >= shortest) & (other.lengths[right] >= shortest))
    if len(known):
        mine, theirs = one.values[left[known]].tolist(), other.values[right[known]].tolist()
        found[known] = cpdist(mine, theirs, scorer=scorer, workers=ALL_CORES if len(known) > FEW_PAIRS else 1)
    return found


class DistinctValues(Generic[Value]):
    """The distinct values of listings. `numbers`: for each listing the position of its value in `values`.

    Listings that are compared often have equal values, so each two values are compared once for all their listings.
    """

    def __init__(self, values: Sequence[Value]) -> None:
        numbers: dict[Value, int] = {}
        listed = (numbers.setdefault(value, len(numbers)) for value in values)
        self.numbers = np.fromiter(listed, dtype=np.int64, count=len(values))
        self.values = list(numbers)

    def compare(self, left: Array, right: Array, find: Callable[[Array, Array], Array]) -> Array:
        """The result of a comparison for pairs of listings.

        `find` gives the results for pairs of positions in `values`; their order within a pair makes no difference.
        """
        one, other = self.numbers[left], self.numbers[right]
        pairs = np.minimum(one, other) * len(self.values) + np.maximum(one, other)
        # The index that nobody needs has numpy sort stably, which is fast here: pairs are nearly in order.
        distinct, _, which = np.unique(pairs, return_index=True, return_inverse=True)
        return np.asarray(find(*np.divmod(distinct, max(len(self.values), 1)))[which])

    def compare_known(
        self, known: Array, left: Array, right: Array, find: Callable[[Array, Array], Array], unknown: int
    ) -> Array:
        """As `compare`, for pairs of values that are `known` (a mask by position in `values`); `unknown` for others."""
        both = np.flatnonzero(known[self.numbers[left]] & known[self.numbers[right]])
        found = np.full(len(left), unknown, dtype=np.int8)
        found[both] = self.compare(left[both], right[both], find)
        return found


def codes_of(values: Sequence[Hashable]) -> Array:
    """A code for each value: equal values have equal codes, the empty value has 0."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter(
        (numbers.setdefault(value, len(numbers) + 1) if value else 0 for value in values),
        dtype=np.int32,
        count=len(values),
    )


def _as_objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
