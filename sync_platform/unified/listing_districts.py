"""The district of each listing: what its platform states, what its address names, and where its coordinates lie.

What belongs here: the three kinds of evidence, each as a path `district/neighbourhood` or `district`, in codes of the
vocabulary `districts`. `survivorship` chooses the district of a restaurant among those of its listings.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sync_platform.matching.area_in_address import area_in_address
from sync_platform.quality.areas import (
    METRES_PER_DEGREE,
    METRES_PER_DEGREE_EAST,
    AreaKind,
    NamedArea,
    all_areas,
    area_of,
    find_area,
)

EVIDENCE = {"statement": "district_stated", "address": "district_in_address", "coordinates": "district_at_coordinates"}
"""The kinds of evidence and their columns. Where districts have equal support, the first kind outweighs the others."""
PLACE_NAMES = tuple(
    f"{place}{ending}" for place in ("area", "district", "neighbourhood") for ending in ("", "_en", "_zh")
)
"""The columns of a restaurant that its path of codes determines."""
MAX_DISTANCE_M = 1_500
"""Coordinates farther from the centre of every neighbourhood are no evidence."""
_READ = ["district", "address_en", "address_zh", "is_reference"]


def with_districts(listings: pl.DataFrame) -> pl.DataFrame:
    """The listings with a column for each kind of evidence; null where there is none.

    A neighbourhood in two districts counts for the one that the listing's other evidence names, else for its main one.
    The register states its own districts, some of which have the names of neighbourhoods: they count as districts.
    """
    nearest = _nearest(listings["latitude"].to_numpy(), listings["longitude"].to_numpy())
    rows = []
    for (text, english, chinese, is_reference), nearest_area in zip(
        listings.select(_READ).iter_rows(), nearest, strict=True
    ):
        stated = find_area(text) if text else None
        if stated and is_reference and stated.districts:
            stated = stated.districts[0]
        areas = (stated, area_in_address(english or "", chinese or ""), nearest_area)
        rows.append(tuple(_path(area, areas) for area in areas))
    columns = pl.DataFrame(rows, schema=dict.fromkeys(EVIDENCE.values(), pl.String), orient="row")
    return listings.with_columns(columns)


def _path(area: NamedArea | None, areas: Iterable[NamedArea | None]) -> str | None:
    """The codes of a place: its district, and the neighbourhood if it is one; None for a whole area."""
    if area is None or not area.districts:
        return None
    named = {
        stated_area.districts[0].code
        for stated_area in areas
        if stated_area and stated_area is not area and len(stated_area.districts) == 1
    }
    district = next((each for each in area.districts if each.code in named), area.districts[0])
    return district.code if area.kind is AreaKind.DISTRICT else f"{district.code}/{area.code}"


@cache
def _centres() -> tuple[list[NamedArea], npt.NDArray[np.float64]]:
    """The places with a centre, and their centres in metres north and east."""
    areas = [area for area in all_areas().values() if area.centre]
    return areas, _metres(np.array([area.centre for area in areas]))


def _metres(degrees: Any) -> npt.NDArray[np.float64]:
    metres: npt.NDArray[np.float64] = np.asarray(degrees, np.float64) * (METRES_PER_DEGREE, METRES_PER_DEGREE_EAST)
    return metres


def _nearest(latitudes: Any, longitudes: Any) -> list[NamedArea | None]:
    """Per point the place with the nearest centre, if that is near enough and the place's shape contains the point."""
    areas, centres = _centres()
    points = np.column_stack([np.asarray(latitudes, np.float64), np.asarray(longitudes, np.float64)])
    nearest: list[NamedArea | None] = [None] * len(points)
    for first in range(0, len(points), 10_000):
        block = _metres(points[first : first + 10_000])
        squares = ((block[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
        squares[np.isnan(squares)] = np.inf
        best = squares.argmin(axis=1)
        for number in np.flatnonzero(squares[np.arange(len(block)), best] <= MAX_DISTANCE_M**2):
            area = areas[best[number]]
            if area.contains(*points[first + number]):
                nearest[first + number] = area
    return nearest


def place_names(path: str) -> dict[str, str | None]:
    """The codes and the names of the area, the district and the neighbourhood of a path, in both languages."""
    codes = path.split("/")
    district = area_of(codes[0])
    area = area_of(district.within[0])
    names: dict[str, str | None] = {}
    for column, place in (("area", area), ("district", district), ("neighbourhood", _second(codes))):
        names[column] = place.code if place else None
        names[f"{column}_en"] = place.english if place else None
        names[f"{column}_zh"] = place.chinese if place else None
    return names


def _second(codes: list[str]) -> NamedArea | None:
    return area_of(codes[1]) if len(codes) > 1 else None
