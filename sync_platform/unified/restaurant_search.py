"""Search of restaurants: filters and an order over the index, page by page.

Without a point, restaurants whose name is the query come first, then those with the most reviews. With a point, the
nearest come first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from sync_platform.quality.areas import METRES_PER_DEGREE, METRES_PER_DEGREE_EAST
from sync_platform.unified.open_moments import is_open
from sync_platform.unified.restaurant_index import RestaurantIndex, Rows

TENTH_M = 0.1 / METRES_PER_DEGREE
"""0.1 m in degrees of latitude: distances are rounded so."""


@dataclass(frozen=True)
class SearchCircle:
    """A point (degrees, WGS84) and a distance from it in metres."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class RestaurantQuery:
    """What is searched for; None and False mean no filter.

    `name`: words in either script; `open_at`: open at this moment. `now`: the moment for which results say whether a
    restaurant is open.
    """

    now: datetime
    name: str | None = None
    district: str | None = None
    cuisine: str | None = None
    near: SearchCircle | None = None
    open_at: datetime | None = None


@dataclass(frozen=True)
class ResultPlace:
    """The place of a restaurant in the order of results: the smaller ones come first, and of `reviews` the larger."""

    rank: float
    reviews: int
    restaurant_id: str


@dataclass(frozen=True)
class FoundRestaurants:
    """A page of results. `total`: how many there are on all pages. `after`: the place of the last one, if more follow.

    Each result has the columns of the index, `distance_m` (None without a point) and `is_open_now` (None where the
    hours are not known).
    """

    rows: list[dict[str, Any]]
    total: int
    after: ResultPlace | None


def search(
    index: RestaurantIndex, query: RestaurantQuery, limit: int, after: ResultPlace | None = None
) -> FoundRestaurants:
    """The page of results that begins after a place; the first page without one."""
    rows = _filtered(index, query)
    ranks = _ranks(index, query, rows)
    if query.near:
        is_near = ranks <= query.near.radius_m
        rows, ranks = rows[is_near], ranks[is_near]
    total = len(rows)
    if after:
        is_later = _is_later(index, rows, ranks, after)
        rows, ranks = rows[is_later], ranks[is_later]
    order = _first(ranks, limit)
    page, has_more = rows[order], len(rows) > limit
    results = [
        _result(index.row(int(row)), float(rank) if query.near else None, query.now)
        for row, rank in zip(page, ranks[order], strict=True)
    ]
    return FoundRestaurants(results, total, _place(index, rows, ranks, order[-1]) if has_more else None)


def _place(index: RestaurantIndex, rows: Rows, ranks: npt.NDArray[np.float64], last: np.intp) -> ResultPlace:
    """The place of the last result of a page."""
    row = rows[last]
    return ResultPlace(float(ranks[last]), int(index.reviews[row]), str(index.ids[row]))


def _filtered(index: RestaurantIndex, query: RestaurantQuery) -> Rows:
    """The rows that meet every filter; of the distance, only that it is not too far north or south."""
    lists = []
    if query.name is not None:
        lists.append(index.with_name(query.name))
    if query.district is not None:
        lists.append(index.in_district(query.district))
    if query.cuisine is not None:
        lists.append(index.of_cuisine(query.cuisine))
    if query.open_at is not None:
        lists.append(index.open_at(query.open_at))
    rows = index.in_all(lists)
    return _in_strip(index, query.near, rows) if query.near else rows


def _ranks(index: RestaurantIndex, query: RestaurantQuery, rows: Rows) -> npt.NDArray[np.float64]:
    """What orders the rows first: the distance in metres; without a point 0 for an exact name, else 1."""
    if query.near:
        return _distances_m(index, query.near, rows)
    if query.name is None:
        return np.zeros(len(rows))
    return np.where(np.isin(rows, index.named_exactly(query.name), assume_unique=True), 0.0, 1.0)


def _in_strip(index: RestaurantIndex, near: SearchCircle, rows: Rows) -> Rows:
    """The rows whose latitude allows the distance: most are left out before distances are computed."""
    north = near.radius_m / METRES_PER_DEGREE + TENTH_M
    return rows[np.abs(index.latitudes[rows] - near.latitude) <= north]


def _distances_m(index: RestaurantIndex, near: SearchCircle, rows: Rows) -> npt.NDArray[np.float64]:
    """Distances on a plane, which is exact to a metre in a city; infinite for a restaurant without coordinates."""
    north = (index.latitudes[rows] - near.latitude) * METRES_PER_DEGREE
    east = (index.longitudes[rows] - near.longitude) * METRES_PER_DEGREE_EAST
    distances = np.round(np.hypot(north, east), 1)
    return np.where(np.isnan(distances), np.inf, distances)


def _first(ranks: npt.NDArray[np.float64], limit: int) -> npt.NDArray[np.intp]:
    """The positions of the first `limit` rows in order of rank; rows of one rank stay in the order of the index."""
    if len(ranks) > 4 * limit:
        highest = np.partition(ranks, limit)[limit]
        candidates = np.flatnonzero(ranks <= highest)
        if len(candidates) < len(ranks):
            return candidates[np.argsort(ranks[candidates], kind="stable")][:limit]
        if ranks.min() == highest:  # all of one rank
            return candidates[:limit]
    return np.argsort(ranks, kind="stable")[:limit]


def _is_later(
    index: RestaurantIndex, rows: Rows, ranks: npt.NDArray[np.float64], after: ResultPlace
) -> npt.NDArray[np.bool_]:
    """For each row, whether its place is after another; also where the restaurant of that place is gone."""
    reviews = index.reviews[rows]
    is_later: npt.NDArray[np.bool_] = (ranks > after.rank) | ((ranks == after.rank) & (reviews < after.reviews))
    equal = np.flatnonzero((ranks == after.rank) & (reviews == after.reviews))  # in order of their ids
    first = bisect_right(equal, after.restaurant_id, key=lambda position: str(index.ids[rows[position]]))
    is_later[equal[first:]] = True
    return is_later


def _result(row: Mapping[str, Any], distance_m: float | None, now: datetime) -> dict[str, Any]:
    text = row["opening_hours_osm"]
    open_now = is_open(text, now) if row["status"] == "open" else False
    return {**row, "distance_m": distance_m, "is_open_now": open_now}
