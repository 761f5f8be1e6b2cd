"""Columns of texts: prepared once per listing, and compared for many pairs at once.

What belongs here: comparing texts of any kind. What does not: the meaning of names, addresses and phones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from rapidfuzz.process import cpdist

Array = np.ndarray


class TextColumn:
    """Strings by listing, with their lengths and a code that equal strings share."""

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
        found[known] = cpdist(one.values[left[known]].tolist(), other.values[right[known]].tolist(), scorer=scorer)
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
