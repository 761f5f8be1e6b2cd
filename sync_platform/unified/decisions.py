"""Decisions: people's word on which listings are one place, kept as data and followed in every run."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import polars as pl

from sync_platform.errors import UsageError
from sync_platform.matching.clusters import Decision
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.identity import Key


def parse_listing(text: str) -> Key:
    """A listing named as `platform/source_id`; UsageError for anything else."""
    platform, _, source_id = text.partition("/")
    if not platform or not source_id:
        raise UsageError(f"{text!r} names no listing: write PLATFORM/ID, such as openrice/123456")
    return platform, source_id


def decision_row(one: Key, other: Key, *, is_same: bool, reason: str, decided_by: str) -> pl.DataFrame:
    """A decision as a row of `tables.DECISIONS`; UsageError for one of a listing on itself, or without a reason."""
    if one == other:
        raise UsageError("a listing is always itself: name two")
    if not reason.strip():
        raise UsageError("say why: --reason stands in the record of the decision")
    first, second = sorted(("/".join(one), "/".join(other)))
    row = {
        "one": first,
        "other": second,
        "is_same": is_same,
        "reason": reason.strip(),
        "decided_by": decided_by,
        "decided_at": datetime.now(UTC),
        "ended": False,
    }
    return pl.DataFrame([row])


def read_decisions(session: duckdb.DuckDBPyConnection) -> list[Decision]:
    """The decisions that hold, in the matcher's terms."""
    rows = session.execute(
        f"SELECT one, other, is_same FROM {LAKE}.unified.decisions WHERE removed_at IS NULL ORDER BY ALL"
    ).fetchall()
    return [Decision(parse_listing(one), parse_listing(other), is_same) for one, other, is_same in rows]


def stated_moves(listings: pl.DataFrame) -> list[Decision]:
    """What platforms themselves say of two of their listings: one is where the other moved to."""
    ids = set(listings.select("source", "source_id").iter_rows())
    moved = listings.filter(pl.col("moved_to").is_not_null()).select("source", "source_id", "moved_to")
    return [
        Decision((source, source_id), (source, to), same=True)
        for source, source_id, to in moved.iter_rows()
        if (source, to) in ids and to != source_id
    ]
