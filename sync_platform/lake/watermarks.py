"""The watermarks of incremental syncs: `sync.cursors`."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.lake.schema import schemas_present
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table


def move_cursor(session: duckdb.DuckDBPyConnection, context: CommitContext, watermark: datetime) -> None:
    """Move a dataset's watermark forward, within the caller's transaction. It moves back only from the future."""
    platform, dataset = context.platform, context.dataset
    is_of_dataset = "platform = $platform AND dataset = $dataset"
    values = {"platform": platform, "dataset": dataset}
    current = session.execute(f"SELECT watermark FROM {LAKE}.sync.cursors WHERE {is_of_dataset}", values).fetchone()
    if current and watermark <= current[0] <= context.committed_at + CLOCK_TOLERANCE:
        return
    if current:
        session.execute(f"DELETE FROM {LAKE}.sync.cursors WHERE {is_of_dataset}", values)
    session.execute(
        f"INSERT INTO {LAKE}.sync.cursors VALUES (?, ?, ?, ?)", [platform, dataset, watermark, context.sync_id]
    )


def return_cursor(session: duckdb.DuckDBPyConnection, context: CommitContext, earlier: str) -> datetime | None:
    """Move a dataset's watermark back to that of another lake, within the caller's transaction.

    `earlier`: the name of that lake in the session. Where it has no watermark, everything is read again. Returns the
    watermark if it went back, else None; it never moves forward here.
    """
    of_dataset = "WHERE platform = $platform AND dataset = $dataset"
    values = {"platform": context.platform, "dataset": context.dataset}
    query = f"SELECT watermark FROM {{}}.sync.cursors {of_dataset}"
    current = session.execute(query.format(LAKE), values).fetchone()
    wanted = (
        session.execute(query.format(earlier), values).fetchone()
        if has_table(session, "sync.cursors", earlier)
        else None
    )
    if current is None or (wanted and wanted[0] >= current[0]):
        return None
    session.execute(f"DELETE FROM {LAKE}.sync.cursors {of_dataset}", values)
    if wanted is None:
        return None
    session.execute(
        f"INSERT INTO {LAKE}.sync.cursors VALUES ($platform, $dataset, $watermark, $sync_id)",
        {**values, "watermark": wanted[0], "sync_id": context.sync_id},
    )
    moment: datetime = wanted[0]
    return moment


def watermarks(lake: Lake, platform: str) -> dict[str, datetime]:
    """The watermark of each dataset, from which the next incremental sync reads.

    A watermark in the future is left out: everything is read, because it would hide what changes until then.
    """
    with lake.session() as session:
        if "sync" not in schemas_present(session):
            return {}
        rows = session.execute(
            f"SELECT dataset, watermark FROM {LAKE}.sync.cursors WHERE platform = ? AND watermark <= ?",
            [platform, datetime.now(UTC) + CLOCK_TOLERANCE],
        )
        return {dataset: watermark.astimezone(UTC) for dataset, watermark in rows.fetchall()}
