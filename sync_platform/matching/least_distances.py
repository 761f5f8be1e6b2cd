"""How far apart two listings are at least, where not both of them state coordinates.

A listing lies at its coordinates; without them, within the area that its address names. The boxes of an area contain
all of it (`quality.areas`), so the distance to the nearest of them is a lower bound.
"""

from __future__ import annotations

import numpy as np

from sync_platform.matching.text_columns import Array
from sync_platform.quality.areas import METRES_PER_DEGREE, METRES_PER_DEGREE_EAST, Box, NamedArea

_SOUTH, _NORTH, _WEST, _EAST = range(4)


class LeastDistances:
    """Coordinates and areas by listing. `areas`: None for listings with coordinates, and where no area is named."""

    def __init__(self, latitude: Array, longitude: Array, areas: list[NamedArea | None]) -> None:
        self._points = np.column_stack((latitude, latitude, longitude, longitude))
        boxes = {area.code: area.boxes for area in areas if area}
        numbers = {code: number for number, code in enumerate(boxes, start=1)}
        self._areas = np.array([numbers[area.code] if area else 0 for area in areas], dtype=np.int32)
        self._boxes = _aligned([(), *boxes.values()])
        self._between_areas = np.array([[_nearest(one, other) for other in self._boxes] for one in self._boxes])

    def between(self, left: Array, right: Array) -> Array:
        """Metres for each pair of positions: 0 where one may be in the other's area, NaN where one is unknown."""
        found = self._between_areas[self._areas[left], self._areas[right]]
        for one, other in ((left, right), (right, left)):
            known = np.flatnonzero((self._areas[one] > 0) & ~np.isnan(self._points[other]).any(axis=1))
            areas, points = self._areas[one[known]], self._points[other[known]]
            for number in range(self._boxes.shape[1]):
                found[known] = np.fmin(found[known], _gap(self._boxes[areas, number], points))
        return np.asarray(found)


def _aligned(areas: list[tuple[Box, ...]]) -> Array:
    """The boxes of areas as one array: shape (areas, most boxes of one, 4); NaN where an area has fewer."""
    found = np.full((len(areas), max(1, *map(len, areas), 1), 4), np.nan)
    for number, boxes in enumerate(areas):
        found[number, : len(boxes)] = np.array(boxes).reshape(-1, 4)
    return found


def _nearest(one: Array, other: Array) -> float:
    """Metres between the boxes of two areas that are nearest to each other."""
    return float(np.fmin.reduce(_gap(one[:, None], other[None]), axis=None))


def _gap(one: Array, other: Array) -> Array:
    """Metres between boxes, by their last axis; 0 where they overlap."""
    down = np.maximum(one[..., _SOUTH] - other[..., _NORTH], other[..., _SOUTH] - one[..., _NORTH])
    across = np.maximum(one[..., _WEST] - other[..., _EAST], other[..., _WEST] - one[..., _EAST])
    return np.asarray(np.hypot(np.maximum(down, 0) * METRES_PER_DEGREE, np.maximum(across, 0) * METRES_PER_DEGREE_EAST))
