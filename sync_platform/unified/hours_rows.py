"""The rows of `unified.opening_hours`: one per restaurant, day and interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl

from sync_platform.quality.opening_hours.osm_hours import stated_intervals
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.unified.queries import stored_rows
from sync_platform.unified.tables import OPENING_HOURS


def hours_rows(session: duckdb.DuckDBPyConnection, golden: pl.DataFrame, ended: list[str]) -> pl.DataFrame:
    """Rows of `tables.OPENING_HOURS`, with `ended`, of restaurants that are computed again, and of those that end.

    `golden`: the golden records, with `hours_platform` and `hours_source_id`: the listing that states the hours.
    """
    own = golden.select("restaurant_id", "opening_hours_osm", "hours_platform", "hours_source_id")
    names = [column.name for column in OPENING_HOURS.columns]
    schema = {column.name: _TYPES[column.sql_type] for column in OPENING_HOURS.columns}
    live = pl.DataFrame(_rows(own), schema=schema, orient="row")
    every = pl.concat(
        [own.select("restaurant_id"), pl.DataFrame({"restaurant_id": ended}, {"restaurant_id": pl.String})]
    )
    stored = stored_rows(session, OPENING_HOURS.name, "restaurant_id", every.unique())
    gone = stored.select(names).join(live, on=list(OPENING_HOURS.key), how="anti")
    parts = (live.with_columns(ended=False), gone.with_columns(ended=True))
    return pl.concat(parts, how="vertical_relaxed")


_TYPES: dict[str, Any] = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


def _rows(golden: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    for restaurant_id, text, platform, source_id in golden.drop_nulls("opening_hours_osm").iter_rows():
        hours = read_hours((text,))
        for interval in stated_intervals(hours) if hours else ():
            yield (restaurant_id, *interval.values(), platform, source_id)
