"""Retention of lineage: folds changes that are past their retention; the chain stays valid.

due = due_closings(session, before)
folded = close_lineage(lake, history, before, run_id)

Whole batches are folded: those whose changes were all committed before that moment. Their rows in `lineage.batches`
stay, with their links, so the chain has no gap and anchors still prove it. A `closing` batch at the end of the chain
covers the changes that are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

import duckdb
import polars as pl

from sync_platform.documents.local_time import local_time
from sync_platform.errors import StorageError, UsageError
from sync_platform.lake.chain import LIVE_BATCHES, append_batch, contents, has_chain
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.history import DIGEST
from sync_platform.lake.schema import CHANGES
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.folding import Row, fold
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.session_memory import with_memory
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.queries import registered_frames

MEMORY = "1GB"
READ_ROWS = 2_000
NAMES = [column.name for column in CHANGES]
_LISTED = ", ".join(f'"{name}"' for name in NAMES)
_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "VARCHAR": pl.String,
    "JSON": pl.String,
    "VARCHAR[]": pl.List(pl.String),
    "BIGINT": pl.Int64,
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}
_ENTITY = NAMES.index("entity_id")
_FRAME = {column.name: _TYPES[column.sql_type] for column in CHANGES}


@dataclass(frozen=True)
class DueClosing:
    """A dataset's batches that are to be folded: the time that they span, and the number of changes that they cover."""

    platform: str
    dataset: str
    first: datetime
    last: datetime
    changes: int

    def document(self) -> dict[str, Any]:
        return {"table": f"{self.platform}.{self.dataset}", "until": self.last.isoformat(), "changes": self.changes}


@dataclass(frozen=True)
class FoldedDataset:
    """A dataset whose old changes were folded: the number before and after, and the time of the last of them."""

    platform: str
    dataset: str
    until: datetime
    changes_before: int
    changes_after: int

    def document(self) -> dict[str, Any]:
        return {
            "table": f"{self.platform}.{self.dataset}",
            "until": self.until.isoformat(),
            "changes_before": self.changes_before,
            "changes_after": self.changes_after,
        }


def due_closings(session: duckdb.DuckDBPyConnection, before: datetime) -> list[DueClosing]:
    """Every dataset with batches that ended before that time and are not closed yet."""
    if not has_chain(session):
        return []
    rows = session.execute(
        f"""SELECT platform, dataset, min(committed_from), max(committed_to),
            sum(inserted + updated + removed + restored)::BIGINT
        FROM ({LIVE_BATCHES}) WHERE committed_to < $before
        GROUP BY ALL HAVING count(*) FILTER (kind <> 'closing') > 0 ORDER BY ALL""",
        {"before": before},
    ).fetchall()
    return [DueClosing(*row) for row in rows]


def require_unfolded(session: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """Raise UsageError if changes after the moment are folded: the state of the moment can no longer be replayed."""
    closing = f"SELECT max(committed_to) FROM {LAKE}.lineage.batches WHERE kind = 'closing'"
    (until,) = session.execute(closing).fetchall()[0] if has_chain(session) else (None,)
    if until is not None and moment < until:
        raise UsageError(
            f"what was known at {local_time(moment)} can no longer be read: changes until "
            f"{local_time(until)} are folded (LINEAGE_RETENTION_DAYS)"
        )


def close_lineage(lake: Lake, history: str, before: datetime, run_id: str) -> list[FoldedDataset]:
    """Fold every change of the batches that ended before that time, in one transaction.

    Raises StorageError, and folds nothing, where the chain has a break: changes that were tampered with are not hashed
    again.
    """
    with lake.session() as session, lake.session() as reader, with_memory(session, MEMORY):
        if not due_closings(session, before):
            return []
        closing = _Closing(session, reader, history, before, run_id)
        return in_one_transaction(lake, session, closing.write)


@dataclass(frozen=True)
class _Closing:
    """One closing. The transaction may be repeated, so `write` reads everything again.

    `reader` is a second session, which reads the old changes while the first session writes the folded ones.
    """

    session: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection
    history: str
    before: datetime
    run_id: str

    def write(self) -> list[FoldedDataset]:
        findings = Findings()
        check_batches(self.session, self.history, findings)
        if findings.breaks:
            raise StorageError(f"the chain does not hold, so that nothing was folded: {findings.breaks[0]}")
        now = datetime.now(UTC)
        # the sync id contains the time of the closing, which verification compares with the retention
        context = CommitContext("", "", current_period("monthly", now).key, new_sync_id(now), self.run_id, now, now)
        due = due_closings(self.session, self.before)
        closed = [self._close(each, context) for each in due]
        describe_commit(self.session, self.run_id, f"changes before {self.before:%Y-%m-%d %H:%M} UTC folded")
        return closed

    def _close(self, due: DueClosing, context: CommitContext) -> FoldedDataset:
        values = {"platform": due.platform, "dataset": due.dataset, "last": due.last}
        is_due = "platform = $platform AND dataset = $dataset AND committed_at <= $last"
        table = f"{LAKE}.{self.history}"
        with TemporaryTables(self.session) as scratch:
            folded = self._fold_to_table(scratch, is_due, values)
            self.session.execute(
                f"DELETE FROM {table} WHERE {is_due} AND entity_id IN (SELECT entity_id FROM {folded})", values
            )
            self.session.execute(f"INSERT INTO {table} FROM {folded}")
            digests = scratch.create(
                "digests",
                f"""SELECT platform, dataset, committed_at, operation, {DIGEST} AS digest FROM {table}
                WHERE {is_due}""",
                values,
            )
            (content,) = contents(self.session, digests)
        whole = replace(content, committed_from=due.first, committed_to=due.last)
        batch = append_batch(self.session, "closing", whole, context)
        return FoldedDataset(due.platform, due.dataset, due.last, due.changes, batch.changes)

    def _fold_to_table(self, scratch: TemporaryTables, is_due: str, values: dict[str, object]) -> str:
        """Make a temporary table of the folded changes of the records with fewer changes than before; its name."""
        folded = scratch.create("folded", f"SELECT {_LISTED} FROM {LAKE}.{self.history} LIMIT 0")
        rows = self._folded(is_due, values)
        while lot := list(islice(rows, READ_ROWS)):
            with registered_frames(self.session, lot=pl.DataFrame(lot, schema=_FRAME, orient="row")):
                self.session.execute(f"INSERT INTO {folded} FROM lot")
        return folded

    def _folded(self, is_due: str, values: dict[str, object]) -> Iterator[Row]:
        table = f"{LAKE}.{self.history}"
        cursor = self.reader.execute(
            f"""SELECT {_LISTED} FROM {table} WHERE {is_due} AND entity_id IN (
                SELECT entity_id FROM {table} WHERE {is_due} GROUP BY ALL HAVING count(*) > 1)
            ORDER BY entity_id, observed_at, committed_at""",
            values,
        )
        rows = (row for lot in iter(lambda: cursor.fetchmany(READ_ROWS), []) for row in lot)
        for _, of_record in groupby(rows, key=lambda row: row[_ENTITY]):
            changes = list(of_record)
            folded = fold(changes)
            if folded != changes:
                yield from folded
