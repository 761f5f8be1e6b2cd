"""Assignment: finds the restaurant of each affected listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from sync_platform.unified.identity import Founding, Identities, Key, identify
from sync_platform.unified.queries import foundings, frame_of, members_with, restaurants_of
from sync_platform.unified.rematch import ChangedListings

IDS = ["source", "source_id"]


@dataclass(frozen=True)
class Assignment:
    """The restaurant of each affected listing.

    `placed`: every affected listing, in the columns of cluster_members.SCHEMA, with `restaurant_id`. `identities`: ids
    and identity events. `foundings`: the foundings of all restaurants concerned. `moved`: the number of known listings
    that now belong to another restaurant.
    """

    placed: pl.DataFrame
    identities: Identities
    foundings: Mapping[str, Founding]
    moved: int


def assign(
    session: duckdb.DuckDBPyConnection, placed: pl.DataFrame, changed: ChangedListings, now: datetime
) -> Assignment:
    """Find the restaurant of each cluster of listings (cluster_members.SCHEMA), given the stored restaurants."""
    gone = changed.gone.drop_nulls("restaurant_id")
    before = restaurants_of(session, placed.select(IDS))
    ids = pl.concat([before.select("restaurant_id"), gone.select("restaurant_id")]).unique()
    together = members_with(session, ids).join(gone, on=IDS, how="anti")
    # listings that are not affected keep their restaurant, and help to decide which id continues
    others = together.join(placed, on=IDS, how="anti")
    clusters = placed.group_by("cluster", maintain_order=True).agg(IDS)
    unaffected = others.group_by("restaurant_id", maintain_order=True).agg(IDS)
    affected = pl.concat([placed.select(IDS), others.select(IDS)])
    known = foundings(session, ids, affected)
    identities = identify(
        [*_keys(clusters), *_keys(unaffected)],
        {(source, source_id): name for source, source_id, name in together.iter_rows()},
        known,
        _first_seen(session, changed.table, affected),
        now,
    )
    named = pl.Series("restaurant_id", identities.ids[: clusters.height], pl.String)
    by_cluster = clusters.select("cluster", named)
    assigned = placed.join(by_cluster, on="cluster", maintain_order="left")
    moved = assigned.join(together, on=IDS, suffix="_before")
    return Assignment(
        assigned,
        identities,
        {**known, **identities.foundings},
        moved.filter(pl.col("restaurant_id") != pl.col("restaurant_id_before")).height,
    )


def _keys(groups: pl.DataFrame) -> list[list[Key]]:
    return [list(zip(*members, strict=True)) for members in groups.select(IDS).iter_rows()]


def _first_seen(session: duckdb.DuckDBPyConnection, listings: str, ids: pl.DataFrame) -> dict[Key, datetime]:
    frame = frame_of(
        session,
        f"SELECT source, source_id, first_seen_at FROM {listings} SEMI JOIN asked USING (source, source_id)",
        asked=ids,
    )
    return {(source, source_id): first_seen_at for source, source_id, first_seen_at in frame.iter_rows()}
