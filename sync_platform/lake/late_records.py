"""Late records: records that a source shows only after others that changed later, such as a review that is moderated.

An incremental sync reads from the watermark minus an overlap. A record that comes later than that is missed until the
next full list. So the overlap is learnt from the records that come late, up to the platform's limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.lake.difference import Difference
from sync_platform.lake.schema import ensure_other_tables, schemas_present
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table

MARGIN = timedelta(days=1)
"""An overlap is so much longer than the latest record was late, because the next one may be a little later."""
LATE_RECORDS = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("sync_id", "VARCHAR", "Sync that brought them: sync.runs"),
    Column("late", "BIGINT", "Records whose change time lies before the watermark, and that came only now"),
    Column("latest_s", "BIGINT", "Seconds by which the latest of them lies before the watermark"),
    Column(
        "beyond", "BIGINT", "Those that lie further before it than the longest overlap: only a full list shows such"
    ),
    Column("overlap_s", "BIGINT", "Seconds before the watermark from which incremental syncs read since then"),
)
LATE_RECORDS_DESCRIPTION = "Records that came late, per sync, and the overlap of incremental syncs that follows"


@dataclass(frozen=True)
class Lateness:
    """The late records of one sync. `latest`: how far the latest lies before the watermark. `beyond`: how many lie
    further before it than the longest overlap. `overlap`: what incremental syncs need to have found the others."""

    late: int
    latest: timedelta
    beyond: int
    overlap: timedelta

    @property
    def in_words(self) -> str:
        words = f"late records: {self.late:,} came up to {duration_in_words(self.latest)} behind the watermark"
        if self.beyond:
            words += f" ({self.beyond:,} of them so late that only a full sync can find them)"
        return f"{words}; incremental syncs now read {duration_in_words(self.overlap)} back"


def record_late_records(
    session: duckdb.DuckDBPyConnection, context: CommitContext, platform: Platform, rows: str, difference: Difference
) -> Lateness | None:
    """Find the late records among the changed `rows`, and store the overlap that they need; None where none is late.

    Within the caller's transaction, before the watermark moves. A row is not late if its change time stayed the same
    or went back. A watermark in the future shows nothing.
    """
    cursor = platform.dataset(context.dataset).cursor
    if cursor is None or not platform.has_delta:
        return None
    of_dataset = {"platform": context.platform, "dataset": context.dataset}
    late, latest, beyond, needed = session.execute(
        f"""SELECT count(*), max(behind), count(*) FILTER (behind > $longest), max(behind) FILTER (behind <= $longest)
        FROM (SELECT w.watermark - i."{cursor}" AS behind
            FROM {difference.operations} d JOIN {rows} i USING (source_id)
                LEFT JOIN {difference.old} c USING (source_id)
                JOIN {LAKE}.sync.cursors w ON w.platform = $platform AND w.dataset = $dataset
                    AND w.watermark <= $now
            WHERE d.operation IN ('insert', 'update', 'remove') AND i."{cursor}" < w.watermark
                AND (c."{cursor}" IS NULL OR i."{cursor}" > c."{cursor}"))""",
        {**of_dataset, "longest": platform.longest_overlap, "now": context.committed_at},
    ).fetchall()[0]
    if not late:
        return None
    ensure_other_tables(session, {("sync", "late_records"): (LATE_RECORDS, LATE_RECORDS_DESCRIPTION)})
    learnt = _overlaps(session, context.platform).get(context.dataset, timedelta())
    needed = min(needed + MARGIN, platform.longest_overlap) if needed else timedelta()
    lateness = Lateness(late, latest, beyond, max(platform.delta_overlap, learnt, needed))
    session.execute(
        f"""INSERT INTO {LAKE}.sync.late_records
        VALUES ($platform, $dataset, $sync_id, $late, $latest_s, $beyond, $overlap_s)""",
        {
            **of_dataset,
            "sync_id": context.sync_id,
            "late": late,
            "latest_s": round(latest.total_seconds()),
            "beyond": beyond,
            "overlap_s": round(lateness.overlap.total_seconds()),
        },
    )
    return lateness


def overlap_of(learnt: dict[str, timedelta], platform: Platform, dataset: str) -> timedelta:
    """How far before the watermark an incremental sync of a dataset reads. `learnt`: `learnt_overlaps`."""
    return max(platform.delta_overlap, min(learnt.get(dataset, timedelta()), platform.longest_overlap))


def learnt_overlaps(lake: Lake, platform: str) -> dict[str, timedelta]:
    """The overlap of each dataset of a platform that had late records."""
    with lake.session() as session:
        return _overlaps(session, platform) if "sync" in schemas_present(session) else {}


def _overlaps(session: duckdb.DuckDBPyConnection, platform: str) -> dict[str, timedelta]:
    if not has_table(session, "sync.late_records"):
        return {}
    rows = session.execute(
        f"SELECT dataset, max(overlap_s) FROM {LAKE}.sync.late_records WHERE platform = ? GROUP BY dataset", [platform]
    ).fetchall()
    return {dataset: timedelta(seconds=seconds) for dataset, seconds in rows}
