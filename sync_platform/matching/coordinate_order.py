"""The order of coordinates: sources whose latitude and longitude stand in each other's place.

What belongs here: finding such sources by the coordinates of the other sources. Latitudes above 90 degrees are found
without them (`listing_table`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from sync_platform.matching.listing_table import ListingTable

NEAR_DEGREES = 3.0
"""Centres of sources of one region are nearer to each other than this."""
_MOST_NORTHERN = 72.0  # degrees; hardly a restaurant is nearer to a pole


class _Centre(NamedTuple):
    """The medians of a source's coordinates."""

    source: str
    latitude: float
    longitude: float

    def is_near(self, other: _Centre) -> bool:
        apart = max(abs(self.latitude - other.latitude), abs(self.longitude - other.longitude))
        return apart < NEAR_DEGREES

    @property
    def exchanged(self) -> _Centre:
        return _Centre(self.source, self.longitude, self.latitude)


def in_one_order(listings: ListingTable) -> ListingTable:
    """The listings with the coordinates of all sources in one order, and a warning for each source that differs.

    A source is exchanged where its centre is near that of more sources exchanged than as it is, or lies at a pole.
    Where nothing decides, there is only a warning.
    """
    centres = _centres(listings.table)
    wrong, doubtful = [], []
    for centre in centres:
        others = [other for other in centres if other is not centre]
        near, near_exchanged = _count_near(centre, others), _count_near(centre.exchanged, others)
        if not near_exchanged or near_exchanged < near:
            continue
        if near_exchanged > near + 1 or abs(centre.latitude) > _MOST_NORTHERN:
            wrong.append(centre.source)
        elif not any(abs(other.latitude) > _MOST_NORTHERN for other in others):
            doubtful.append(centre.source)
    exchanged = pl.col("source").is_in(wrong)
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    table = listings.table.with_columns(
        pl.when(exchanged).then(longitude).otherwise(latitude).alias("latitude"),
        pl.when(exchanged).then(latitude).otherwise(longitude).alias("longitude"),
    )
    warnings = [f"{source}: latitude and longitude are in each other's place; they are exchanged" for source in wrong]
    if len(doubtful) > 1 and not wrong:
        warnings.append(
            f"{' and '.join(doubtful)} have latitude and longitude in different order: exchange the columns of one"
        )
    return ListingTable(table, [*listings.warnings, *warnings])


def _count_near(centre: _Centre, others: Iterable[_Centre]) -> int:
    return sum(map(centre.is_near, others))


def _centres(table: pl.DataFrame) -> list[_Centre]:
    located = table.filter(pl.col("latitude").is_not_null())
    medians = located.group_by("source").agg(pl.col("latitude").median(), pl.col("longitude").median())
    return [_Centre(*row) for row in medians.sort("source").iter_rows()]
