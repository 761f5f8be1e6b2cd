"""Takes one landed dataset into the lake: rows, history, cursor and sync record in one transaction.

Kill it anywhere and run it again: the content is the same. A bad extract never retires good data: rows that were not
seen are retired only where the extract is complete and the shrinkage within the platform's tolerance.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.diff import Difference, Origin, Retirement, apply_difference, find_difference, write_history
from sync_platform.lake.incoming import Arrival, load_incoming
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables, table_name
from sync_platform.lake.splice import latest_observation, splice_earlier
from sync_platform.lake.syncs import SyncRecord, describe_commit, move_cursor, write_sync
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.lake_connection import LAKE, Lake

T = TypeVar("T")
COMMIT_ATTEMPTS = 30
CONFLICT_MARKS = ("conflict", "deadlock detected", "could not serialize", "database is locked")


@dataclass(frozen=True)
class Outcome:
    """What one commit did: its record, the snapshot it made, and what the sync met on the way."""

    record: SyncRecord
    snapshot_id: int
    live_rows: int
    unknown_fields: list[str] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)


def commit_landed(lake: Lake, history: str, typed: TypedRows, run_id: str) -> Outcome:
    """Commit one landed dataset; `history` is the table of changes.

    An observation older than the newest one is spliced into the history where it belongs, and never overwrites what
    was seen later. Raises StorageError where the lake cannot be written; nothing is half-written then.
    """
    with lake.session() as session:
        arrival = load_incoming(session, typed)
        commit = _Commit(session, history, typed, arrival, run_id)
        record, live_rows = _in_one_transaction(lake, session, commit.write)
        snapshot = session.execute(f"SELECT id FROM {LAKE}.last_committed_snapshot()").fetchall()[0][0]
    return Outcome(record, snapshot, live_rows, sorted(typed.unknown_fields), [str(each) for each in typed.rejections])


@dataclass(frozen=True)
class _Commit:
    """One attempt at the transaction may follow another, so everything that the lake decides is decided in `write`."""

    session: duckdb.DuckDBPyConnection
    history: str
    typed: TypedRows
    arrival: Arrival
    run_id: str

    def write(self) -> tuple[SyncRecord, int]:
        """The sync's record, and how many rows are live after it."""
        platform, dataset, manifest = self.typed.platform, self.typed.dataset, self.typed.landed.manifest
        ensure_tables(self.session, self.history, platform.name, dataset)
        origin = Origin(
            platform.name,
            dataset.name,
            manifest.partition,
            manifest.sync_id,
            self.run_id,
            manifest.observed_at,
            datetime.now(UTC),
        )
        reasons = self._reasons()
        difference = self._take_in(origin, complete=not reasons)
        record = self._record(origin, difference, reasons + ([difference.reason] if difference.reason else []))
        write_sync(self.session, record)
        describe_commit(self.session, self.run_id, f"{origin.platform}.{origin.dataset}: sync {origin.sync_id}")
        table = f"{LAKE}.{table_name(platform, dataset)}"
        live = self.session.execute(f"SELECT count(*) FROM {table} WHERE removed_at IS NULL").fetchall()[0][0]
        return record, live

    def _take_in(self, origin: Origin, *, complete: bool) -> Difference:
        dataset, manifest, session = self.typed.dataset, self.typed.landed.manifest, self.session
        day = origin.observed_at.astimezone(HONG_KONG).date()
        retirement = Retirement(manifest.mode == "full", complete, self.typed.platform.tolerance(day))
        newest = latest_observation(session, origin.platform, dataset.name)
        if newest is not None and origin.observed_at < newest:
            return splice_earlier(session, self.history, dataset, origin, day, retirement)
        table = table_name(origin.platform, dataset)
        difference = find_difference(session, dataset, f"{LAKE}.{table}", day, retirement)
        if not difference.is_empty:
            write_history(session, self.history, dataset, origin)
            apply_difference(session, dataset, table, origin.observed_at)
        if dataset.cursor and complete:
            self._move_cursor(dataset.cursor, origin)
        return difference

    def _move_cursor(self, column: str, origin: Origin) -> None:
        """To the latest change time seen; one in the future would hide what changes until then."""
        query = f'SELECT least(max("{column}"), $now) FROM temp.incoming'
        watermark = self.session.execute(query, {"now": origin.observed_at}).fetchall()[0][0]
        if watermark is not None:
            move_cursor(self.session, origin.platform, origin.dataset, watermark, origin.sync_id)

    def _reasons(self) -> list[str]:
        """Why the extract does not count as complete: what landing knows, and what only reading it showed."""
        reasons = list(self.typed.landed.manifest.reasons)
        if self.typed.rejected:
            first = self.typed.rejections[0]
            reasons.append(f"{self.typed.rejected:,} records do not fit the contract, the first: {first}")
        if self.arrival.conflicts:
            reasons.append(f"{self.arrival.conflicts:,} records came more than once with different values")
        return reasons

    def _record(self, origin: Origin, difference: Difference, reasons: list[str]) -> SyncRecord:
        manifest = self.typed.landed.manifest
        touched = difference.insert + difference.update + difference.restore
        return SyncRecord(
            sync_id=origin.sync_id,
            run_id=self.run_id,
            platform=origin.platform,
            dataset=origin.dataset,
            partition=origin.partition,
            mode=manifest.mode,
            status="degraded" if reasons else "complete",
            observed_at=origin.observed_at,
            started_at=manifest.started_at,
            committed_at=origin.committed_at,
            reasons=reasons,
            claimed=manifest.claimed,
            records=manifest.records,
            rows=self.arrival.rows,
            inserted=difference.insert,
            updated=difference.update,
            removed=difference.remove,
            restored=difference.restore,
            unchanged=max(0, self.arrival.rows - touched),
            rejected=self.typed.rejected,
            duplicates=self.arrival.duplicates,
            not_retired=difference.not_retired,
            pages=len(manifest.pages),
            pages_expected=manifest.pages_expected,
            manifest=manifest.key,
            capped_slices=manifest.capped_slices,
            omitted_ids=manifest.omitted_ids,
        )


def _in_one_transaction(lake: Lake, session: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Run `work` in a transaction under the write lock; a conflict with another writer repeats the whole of it."""
    for attempt in range(1, COMMIT_ATTEMPTS + 1):
        try:
            with lake.write_lock():
                session.execute("BEGIN")
                try:
                    result = work()
                    session.execute("COMMIT")
                    return result
                except BaseException:
                    _roll_back(session)
                    raise
        except duckdb.Error as error:
            if attempt == COMMIT_ATTEMPTS or not any(mark in str(error).lower() for mark in CONFLICT_MARKS):
                raise StorageError(f"the lake refused the commit: {error}") from error
            time.sleep(random.uniform(0.05, 0.2) * min(attempt, 10))  # noqa: S311 - spreads writers, guards nothing
    raise AssertionError("unreachable: the last attempt raises")


def _roll_back(session: duckdb.DuckDBPyConnection) -> None:
    with contextlib.suppress(duckdb.Error):  # a failed COMMIT has already ended the transaction
        session.execute("ROLLBACK")
