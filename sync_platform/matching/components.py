"""Connected components of listings."""

from __future__ import annotations

import numpy as np


def components_of(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """For each of `count` positions the smallest position that it is connected with, by the pairs of `one`, `other`."""
    smallest = np.arange(count)
    while True:
        found = smallest.copy()
        smaller = np.minimum(smallest[one], smallest[other])
        np.minimum.at(found, one, smaller)
        np.minimum.at(found, other, smaller)
        found = found[found]
        if np.array_equal(found, smallest):
            return smallest
        smallest = found
