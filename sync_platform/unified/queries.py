"""Queries of unified restaurants: members, foundings, the model, the last run.

What belongs here: reading only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from sync_platform.errors import UsageError
from sync_platform.lake.chain import has_chain, last_change_at
from sync_platform.matching.model import Model, read_model
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.unified.identity import Founding
from sync_platform.unified.match_decisions import parse_listing
from sync_platform.unified.tables import KEPT_TABLES

UNIFIED = f"{LAKE}.unified"


@dataclass(frozen=True)
class StoredModel:
    """The model in use; `listings`: the number of listings from which it was estimated."""

    model_id: str
    model: Model
    listings: int


@contextmanager
def registered_frames(session: duckdb.DuckDBPyConnection, **frames: pl.DataFrame) -> Iterator[None]:
    """Register the frames as relations of these names for the duration of the `with` block."""
    for name, frame in frames.items():
        session.register(name, frame.to_arrow())
    try:
        yield
    finally:
        for name in frames:
            session.unregister(name)


def frame_of(
    session: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None, **frames: pl.DataFrame
) -> pl.DataFrame:
    """The result of a query with these values, which may read the frames as relations of these names."""
    with registered_frames(session, **frames):
        frame = pl.from_arrow(session.execute(query, dict(values or {})).to_arrow_table())
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


def present_columns(session: duckdb.DuckDBPyConnection, table: str, names: Iterable[str]) -> str:
    """SQL: these columns of a table; a column that a lake of an earlier version does not have yet is empty."""
    present = {name for name, *_ in session.execute(f"DESCRIBE {UNIFIED}.{table}").fetchall()}
    declared = next(each for each in KEPT_TABLES if each.name == table)
    kinds = {column.name: column.sql_type for column in declared.every_column}
    return ", ".join(name if name in present else f"NULL::{kinds[name]} AS {name}" for name in names)


def has_unified(session: duckdb.DuckDBPyConnection) -> bool:
    """True if restaurants were ever unified in this lake."""
    return has_table(session, "unified.runs") and last_run(session) is not None


def newest_model(session: duckdb.DuckDBPyConnection) -> StoredModel | None:
    """The newest model; None where there is none, or where this version of the program cannot use it."""
    row = session.execute(
        f"SELECT model_id, model, listings FROM {UNIFIED}.models ORDER BY made_at DESC, model_id LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    try:
        return StoredModel(row[0], read_model(row[1].encode()), row[2])
    except UsageError:
        return None


def has_model(session: duckdb.DuckDBPyConnection) -> bool:
    """True if listings of several sources were compared before, by this version of the program or another."""
    return session.execute(f"SELECT 1 FROM {UNIFIED}.models LIMIT 1").fetchone() is not None


def last_run(session: duckdb.DuckDBPyConnection) -> datetime | None:
    """When restaurants were last unified."""
    committed_at: datetime | None = session.execute(f"SELECT max(committed_at) FROM {UNIFIED}.runs").fetchall()[0][0]
    return committed_at


def last_vocabularies(session: duckdb.DuckDBPyConnection) -> list[str] | None:
    """The vocabularies that the last run used (`Edition.mark`), sorted; None where that is not known."""
    query = f"SELECT arg_max(vocabularies, committed_at) FROM {UNIFIED}.runs"
    vocabularies: list[str] | None = session.execute(query).fetchall()[0][0]
    return vocabularies


def unified_before_changes(session: duckdb.DuckDBPyConnection, places: Iterable[tuple[str, str]]) -> bool:
    """True if one of these datasets (platform, dataset) has changes from after the last unification."""
    changed_at = last_change_at(session, places) if has_chain(session) else None
    if changed_at is None or not has_table(session, "unified.runs"):
        return changed_at is not None
    last = session.execute(f"SELECT max(committed_at) FROM {UNIFIED}.runs").fetchall()[0][0]
    return last is None or changed_at > last


def run_of(session: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    """The row of `unified.runs` of a run."""
    return frame_of(session, f"FROM {UNIFIED}.runs WHERE run_id = $run_id", {"run_id": run_id}).row(0, named=True)


def identity_events_of(session: duckdb.DuckDBPyConnection, run_id: str) -> list[dict[str, Any]]:
    """The identity events of a run, without foundings."""
    query = f"""SELECT restaurant_id, kind, other_id, listings FROM {UNIFIED}.identity_turns
        WHERE run_id = $run_id AND kind <> 'founded' ORDER BY ALL"""
    return frame_of(session, query, {"run_id": run_id}).to_dicts()


def changed_listings(session: duckdb.DuckDBPyConnection, listings: str) -> pl.DataFrame:
    """Listings that are new, changed or gone since the last run; `listings`: the table of all (unified/listings.py).

    Columns: `source`, `source_id`, `is_gone`, `is_compared` (a column that matching compares changed), and the stored
    `restaurant_id` and `decided_by`.
    """
    return frame_of(
        session,
        f"""SELECT coalesce(l.source, m.platform) AS source, coalesce(l.source_id, m.source_id) AS source_id,
            l.source IS NULL AS is_gone, l.compared IS DISTINCT FROM m.compared AS is_compared,
            m.restaurant_id, m.decided_by
        FROM {listings} l FULL JOIN (FROM {UNIFIED}.members WHERE removed_at IS NULL) m
            ON l.source = m.platform AND l.source_id = m.source_id
        WHERE l.content IS DISTINCT FROM m.content ORDER BY ALL""",
    )


def members_with(session: duckdb.DuckDBPyConnection, ids: pl.DataFrame) -> pl.DataFrame:
    """The listings of these restaurants (`restaurant_id`): `source`, `source_id`, `restaurant_id`."""
    return frame_of(
        session,
        f"""SELECT m.platform AS source, m.source_id, m.restaurant_id FROM {UNIFIED}.members m
        SEMI JOIN asked USING (restaurant_id) WHERE m.removed_at IS NULL""",
        asked=ids,
    )


def restaurants_of(session: duckdb.DuckDBPyConnection, listings: pl.DataFrame) -> pl.DataFrame:
    """The restaurants of these listings (`source`, `source_id`), in the columns of `members_with`."""
    return frame_of(
        session,
        f"""SELECT m.platform AS source, m.source_id, m.restaurant_id FROM {UNIFIED}.members m
        SEMI JOIN asked ON m.platform = asked.source AND m.source_id = asked.source_id WHERE m.removed_at IS NULL""",
        asked=listings,
    )


def live_restaurants(session: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All live restaurants: `restaurant_id`."""
    return frame_of(session, f"SELECT restaurant_id FROM {UNIFIED}.restaurants WHERE removed_at IS NULL")


def lapsed_restaurants(session: duckdb.DuckDBPyConnection, today: date) -> pl.DataFrame:
    """Restaurants whose licence expired since they were last computed: `restaurant_id`."""
    return frame_of(
        session,
        f"""SELECT restaurant_id FROM {UNIFIED}.restaurants WHERE removed_at IS NULL
        AND licence_state IN ('in_force', 'provisional') AND licence_expires_on < DATE '{today}'""",
    )


def foundings(session: duckdb.DuckDBPyConnection, ids: pl.DataFrame, listings: pl.DataFrame) -> dict[str, Founding]:
    """The restaurants of these ids, and all that any of these listings (`source`, `source_id`) founded."""
    query = f"""SELECT restaurant_id, founded_by, founded_at, removed_at IS NULL AS is_live FROM {UNIFIED}.restaurants
        WHERE restaurant_id IN (SELECT restaurant_id FROM asked)
            OR founded_by IN (SELECT source || '/' || source_id FROM founders)"""
    with registered_frames(session, asked=ids, founders=listings):
        rows = session.execute(query).fetchall()
    return {name: Founding(name, parse_listing(by), founded_at, is_live) for name, by, founded_at, is_live in rows}


def stored_rows(
    session: duckdb.DuckDBPyConnection, table: str, key: str, keys: pl.DataFrame, columns: str = "t.*"
) -> pl.DataFrame:
    """The live rows of a table whose column `key` has one of the values in `keys`; `columns`: SQL, those to read."""
    query = f"SELECT {columns} FROM {UNIFIED}.{table} t SEMI JOIN asked USING ({key}) WHERE t.removed_at IS NULL"
    return frame_of(session, query, asked=keys)
