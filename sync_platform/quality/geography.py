"""Geography, the geographic part of accuracy: compares a record's coordinate with its stated district.

What belongs here: the comparison, for one record and for a table. Names and approximate shapes are in `areas`. A record
with an unknown district or without a coordinate is not measured, so it is never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import NamedTuple

import duckdb
import pyarrow as pa

from sync_platform.quality.areas import METRES_PER_DEGREE, METRES_PER_DEGREE_EAST, all_areas, find_area

WORST_SHOWN = 5
UNKNOWN_SHOWN = 20


class Outlier(NamedTuple):
    """A record outside its stated district; `metres` is the distance to the district's shape, margin included."""

    source_id: str
    district: str
    latitude: float
    longitude: float
    metres: int


@dataclass(frozen=True)
class Geography:
    """The number of a table's records whose coordinate lies in the stated district.

    `measured` of `rows` have a known district and a coordinate. `worst`: the records farthest outside. `unknown`: the
    districts that are not known with their row counts, most rows first, at most UNKNOWN_SHOWN.
    """

    rows: int
    measured: int
    inside: int
    worst: list[Outlier]
    unknown: dict[str, int]

    @property
    def share(self) -> float | None:
        return self.inside / self.measured if self.measured else None


def is_inside(stated: str | None, latitude: float | None, longitude: float | None) -> bool | None:
    """True if a coordinate (degrees, WGS84) lies in the stated district; None if unknown."""
    if stated is None or latitude is None or longitude is None or not (isfinite(latitude) and isfinite(longitude)):
        return None
    place = find_area(stated)
    return place.contains(latitude, longitude) if place else None


def shapes_table() -> pa.Table:
    """One row per box: the place's English name, and four edges in degrees, margin included."""
    boxes = [(place.english, *box) for place in all_areas().values() for box in place.boxes]
    return pa.table(dict(zip(("place", "south", "north", "west", "east"), zip(*boxes, strict=True), strict=True)))


def measure_geography(session: duckdb.DuckDBPyConnection, relation: str, worst: int = WORST_SHOWN) -> Geography:
    """Compare every row of a relation, with the same names and shapes as `is_inside`.

    `relation` is a table name or a SELECT in brackets, with the columns source_id, district, latitude and longitude.
    During the call the session has two temporary views: geography_names and geography_shapes.
    """
    stated = session.execute(
        f"SELECT district, count(*) FROM {relation} GROUP BY district ORDER BY count(*) DESC, district"
    ).fetchall()
    rows = {district: count for district, count in stated if district is not None}
    places = {district: place.english for district in rows if (place := find_area(district))}
    names = pa.table({"district": pa.array(places, pa.string()), "place": pa.array(places.values(), pa.string())})
    session.register("geography_names", names)
    session.register("geography_shapes", shapes_table())
    try:
        figures = session.execute(
            f"""WITH measured AS MATERIALIZED (
                SELECT r.source_id, district, r.latitude, r.longitude, n.place
                FROM {relation} r JOIN geography_names n USING (district)
                WHERE isfinite(r.latitude) AND isfinite(r.longitude)
            ), outside AS MATERIALIZED (
                SELECT * FROM measured m WHERE NOT EXISTS (
                    FROM geography_shapes s WHERE s.place = m.place
                    AND m.latitude BETWEEN s.south AND s.north AND m.longitude BETWEEN s.west AND s.east)
            ), distances AS (
                SELECT source_id, district, latitude, longitude, round(min(sqrt(
                    (greatest(south - latitude, latitude - north, 0) * {METRES_PER_DEGREE}) ** 2
                    + (greatest(west - longitude, longitude - east, 0) * {METRES_PER_DEGREE_EAST}) ** 2
                )))::BIGINT AS metres
                FROM outside JOIN geography_shapes USING (place) GROUP BY ALL
                ORDER BY metres DESC, source_id LIMIT {worst:d}
            )
            SELECT (SELECT count(*) FROM measured), (SELECT count(*) FROM outside),
                (SELECT list((source_id, district, latitude, longitude, metres) ORDER BY metres DESC, source_id)
                FROM distances)"""
        ).fetchone()
    finally:
        session.unregister("geography_names")
        session.unregister("geography_shapes")
    assert figures is not None  # noqa: S101 - an aggregate always returns one row
    measured, outside, farthest = figures
    return Geography(
        rows=sum(count for _, count in stated),
        measured=measured,
        inside=measured - outside,
        worst=[Outlier(*row) for row in farthest or ()],
        unknown=dict(islice(((name, count) for name, count in rows.items() if name not in places), UNKNOWN_SHOWN)),
    )
