"""The record of every sync: `sync.runs`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, Literal

import duckdb
import orjson

from sync_platform.documents.states import state_of
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.observations import Observation
from sync_platform.lake.schema import ensure_sync_tables, schemas_present
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_text import lake_value

MAX_IDS = 100
Status = Literal["complete", "degraded", "failed"]
WORST_FIRST: tuple[Status, ...] = ("failed", "degraded", "complete")
CHANGE_COUNTS = ("inserted", "updated", "removed", "past", "restored")
"""The counts of a record that are changes of rows."""
SHOWN_COUNTS = ("new", *CHANGE_COUNTS[1:])
"""The same for people: inserted rows of a late sync that were known already are not new."""
COUNTS = ("records", "rows", *CHANGE_COUNTS, "unchanged", "quarantined", "not_retired")
"""The counts of a record that summaries and reports show."""


def worst_status(statuses: Iterable[Status | None], default: Status) -> Status:
    """The worst of the statuses; `default` where there is none."""
    present = set(statuses)
    return next((status for status in WORST_FIRST if status in present), default)


@dataclass(frozen=True)
class SyncRecord:
    """One sync of one dataset: a row of `sync.runs`, whose columns lake/schema.py describes."""

    sync_id: str
    run_id: str
    platform: str
    dataset: str | None
    partition: str
    mode: str
    status: Status
    observed_at: datetime
    started_at: datetime
    committed_at: datetime
    reasons: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    claimed: int | None = None
    records: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    removed: int = 0
    restored: int = 0
    unchanged: int = 0
    quarantined: int = 0
    not_ours: int = 0
    left_out: int = 0
    duplicates: int = 0
    not_retired: int = 0
    pages: int = 0
    pages_expected: int = 0
    manifest: str | None = None
    capped_slices: list[str] = field(default_factory=list)
    omitted_ids: list[str] = field(default_factory=list)
    list_complete: bool = False
    list_proven: bool = True
    shrink_rejected: bool = False
    shrink_accepted: str | None = None
    request_id: str | None = None
    requested_by: str | None = None
    request_reason: str | None = None
    request_priority: str | None = None
    notes: list[str] = field(default_factory=list)
    generation: date | None = None
    is_outdated: bool = False
    past: int = 0
    already_known: int = 0

    @property
    def new(self) -> int:
        """Rows that no sync had shown before."""
        return self.inserted - self.already_known

    @property
    def state(self) -> str:
        """The status in the word that people read."""
        return state_of(self.status, has_gaps=bool(self.gaps))

    @property
    def out_of_scope(self) -> int:
        """Records that a filter left out, before or after they were requested."""
        return self.not_ours + self.left_out

    @property
    def changes(self) -> int:
        return sum(getattr(self, count) for count in CHANGE_COUNTS)


@dataclass(frozen=True)
class Trigger:
    """The emergency request that triggered a sync, in the columns of its record; empty for none."""

    request_id: str | None = None
    requested_by: str | None = None
    request_reason: str | None = None
    request_priority: str | None = None


NO_TRIGGER = Trigger()


def write_sync(session: duckdb.DuckDBPyConnection, record: SyncRecord) -> None:
    """Append to `sync.runs`, within the caller's transaction."""
    values = {name: lake_value(value) for name, value in asdict(record).items()}  # reasons may quote the source
    listed = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f"${name}" for name in values)
    session.execute(f"INSERT INTO {LAKE}.sync.runs ({listed}) VALUES ({marks})", values)


def write_not_retired(session: duckdb.DuckDBPyConnection, context: CommitContext, unretired: str) -> None:
    """List the source_ids of the relation `unretired` in `sync.not_retired`, within the caller's transaction."""
    if session.execute(f"FROM {unretired} LIMIT 1").fetchone():
        session.execute(
            f"""INSERT INTO {LAKE}.sync.not_retired BY NAME
            SELECT ? AS sync_id, ? AS platform, ? AS dataset, source_id, ? AS observed_at, awaits_confirmation
            FROM {unretired} ORDER BY ALL""",
            [context.sync_id, context.platform, context.dataset, context.observed_at],
        )


def record_reevaluation(
    session: duckdb.DuckDBPyConnection, context: CommitContext, later: Observation, not_retired: int
) -> None:
    """Add a record of the sync `later`: its rejected list retires rows, now that the sync of `context` is known.

    `not_retired`: the number of rows that still stay live, because the list does not cover them.
    """
    because = f"evaluated again after sync {context.sync_id} became known: what it does not list is retired"
    session.execute(
        f"""INSERT INTO {LAKE}.sync.runs BY NAME
        SELECT * REPLACE (CASE WHEN quarantined > 0 OR NOT (list_complete OR len(coalesce(gaps, [])) > 0)
                THEN 'degraded' ELSE 'complete' END AS status,
            [$because] AS reasons, $at AS committed_at, $not_retired AS not_retired, false AS shrink_rejected)
        FROM {LAKE}.sync.runs WHERE sync_id = $sync_id AND platform = $platform AND dataset = $dataset
        QUALIFY row_number() OVER (ORDER BY committed_at DESC) = 1""",
        {
            "because": because,
            "at": context.committed_at,
            "not_retired": not_retired,
            "sync_id": later.sync_id,
            "platform": context.platform,
            "dataset": context.dataset,
        },
    )


def record_failure(lake: Lake, record: SyncRecord) -> None:
    """Write the record of a sync that failed as a whole."""
    with lake.session() as session:

        def write() -> None:
            ensure_sync_tables(session)
            write_sync(session, record)
            describe_commit(session, record.run_id, f"{record.platform}: sync {record.sync_id} failed")

        in_one_transaction(lake, session, write)


def describe_commit(session: duckdb.DuckDBPyConnection, run_id: str, message: str) -> None:
    """Set the run id and the message of the snapshot that the open transaction will make."""
    extra = orjson.dumps({"run_id": run_id}).decode()
    session.execute(
        f"CALL {LAKE}.set_commit_message('sync-platform', $m, extra_info => $e)", {"m": message, "e": extra}
    )


def syncs_of_runs(lake: Lake, run_ids: list[str]) -> list[SyncRecord]:
    """The records of these runs, in order of commit."""
    return _records(lake, "list_contains($runs, run_id)", {"runs": run_ids})


def complete_partitions(lake: Lake, platform: str, datasets: set[str]) -> set[str]:
    """The partitions for which each of the datasets has a complete sync."""
    with lake.session() as session:
        if "sync" not in schemas_present(session):
            return set()
        rows = session.execute(
            f"""SELECT partition FROM {LAKE}.sync.runs
            WHERE platform = $platform AND status = 'complete' AND list_contains($datasets, dataset)
            GROUP BY partition HAVING count(DISTINCT dataset) = len($datasets)""",
            {"platform": platform, "datasets": sorted(datasets)},
        ).fetchall()
    return {partition for (partition,) in rows}


def syncs_of_requests(lake: Lake, request_ids: list[str]) -> list[SyncRecord]:
    """The records of the syncs that these requests triggered, in order of commit."""
    return _records(lake, "list_contains($requests, request_id)", {"requests": request_ids})


def syncs_of_request(lake: Lake, request_id: str) -> list[SyncRecord]:
    """The records of the syncs that one request triggered, in order of commit."""
    return syncs_of_requests(lake, [request_id])


def rows_not_retired(lake: Lake, record: SyncRecord) -> list[str]:
    """The `source_id`s of the first rows that a sync neither saw nor retired."""
    with lake.session() as session:
        rows = session.execute(
            f"SELECT source_id FROM {LAKE}.sync.not_retired WHERE sync_id = ? AND dataset = ? ORDER BY 1 LIMIT ?",
            [record.sync_id, record.dataset, MAX_IDS],
        ).fetchall()
    return [source_id for (source_id,) in rows]


def all_syncs(lake: Lake) -> list[SyncRecord]:
    """Every record, in order of commit."""
    return _records(lake, "true", {})


def syncs_of_dataset(lake: Lake, platform: str, dataset: str) -> list[SyncRecord]:
    """The records of the syncs of one dataset, in order of commit."""
    of_dataset = "platform = $platform AND dataset = $dataset"
    return _records(lake, of_dataset, {"platform": platform, "dataset": dataset})


def first_commits(lake: Lake) -> dict[tuple[str, str], datetime]:
    """When the syncs that have several records were first committed, by sync and dataset (UTC).

    A sync has several records if it was evaluated again later, or committed again.
    """
    with lake.session() as session:
        if "sync" not in schemas_present(session):
            return {}
        rows = session.execute(
            f"""SELECT sync_id, dataset, min(committed_at) FROM {LAKE}.sync.runs
            WHERE dataset IS NOT NULL GROUP BY ALL HAVING count(*) > 1"""
        ).fetchall()
    return {(sync_id, dataset): committed_at.astimezone(UTC) for sync_id, dataset, committed_at in rows}


def last_syncs(lake: Lake) -> dict[str, SyncRecord]:
    """Per platform, the record with the worst state of its newest sync."""
    newest: dict[str, SyncRecord] = {}
    for record in all_syncs(lake):
        known_record = newest.get(record.platform)
        if (
            known_record is None
            or (record.started_at, record.sync_id) > (known_record.started_at, known_record.sync_id)
            or (record.sync_id == known_record.sync_id and _badness(record) > _badness(known_record))
        ):
            newest[record.platform] = record
    return newest


def _badness(record: SyncRecord) -> tuple[int, bool]:
    return -WORST_FIRST.index(record.status), bool(record.gaps)


def _records(lake: Lake, condition: str, values: dict[str, object]) -> list[SyncRecord]:
    with lake.session() as session:
        if "sync" not in schemas_present(session):
            return []
        order = "committed_at, platform, dataset, sync_id"
        cursor = session.execute(f"SELECT * FROM {LAKE}.sync.runs WHERE {condition} ORDER BY {order}", values)
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    return [_record(dict(zip(names, row, strict=True))) for row in rows]


def _record(row: dict[str, Any]) -> SyncRecord:
    """A row of `sync.runs`. A column that a later version added is missing in an older lake, or empty in older rows."""
    known = {part.name for part in fields(SyncRecord)}
    stated = {name: value for name, value in row.items() if name in known and value is not None}
    return SyncRecord(**{"dataset": None, **stated})
