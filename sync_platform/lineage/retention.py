"""Retention of lineage: changes past their days are folded into what they came to, and the chain holds all the same.

due = due_closings(session, before)
folded = close_lineage(lake, history, before, run_id)

Whole batches are folded: those whose changes were all committed before that moment. Their rows in `lineage.batches`
stay, with their links, so that the chain has no hole and anchors still prove it. A `closing` batch at the chain's end
seals what is left of their changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

import duckdb
import polars as pl

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
from sync_platform.storage.lake_connection import LAKE, Lake, with_memory
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.queries import given

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
class Due:
    """A dataset's batches that are to be folded: the moments that they span, and how many changes they sealed."""

    platform: str
    dataset: str
    first: datetime
    last: datetime
    changes: int

    def document(self) -> dict[str, Any]:
        return {"table": f"{self.platform}.{self.dataset}", "until": self.last.isoformat(), "changes": self.changes}


@dataclass(frozen=True)
class Closed:
    """A dataset whose old changes were folded: how many there were, how many are left, and until when they reached."""

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


def due_closings(session: duckdb.DuckDBPyConnection, before: datetime) -> list[Due]:
    """Every dataset with batches that ended before then and were not closed yet."""
    if not has_chain(session):
        return []
    rows = session.execute(
        f"""SELECT platform, dataset, min(committed_from), max(committed_to),
            sum(inserted + updated + removed + restored)::BIGINT
        FROM ({LIVE_BATCHES}) WHERE committed_to < $before
        GROUP BY ALL HAVING count(*) FILTER (kind <> 'closing') > 0 ORDER BY ALL""",
        {"before": before},
    ).fetchall()
    return [Due(*row) for row in rows]


def require_unfolded(session: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """UsageError where history is folded beyond the moment: what was known then cannot be told any more."""
    closing = f"SELECT max(committed_to) FROM {LAKE}.lineage.batches WHERE kind = 'closing'"
    (until,) = session.execute(closing).fetchall()[0] if has_chain(session) else (None,)
    if until is not None and moment < until:
        raise UsageError(
            f"what was known at {moment:%Y-%m-%d %H:%M:%S} UTC cannot be told any more: changes until "
            f"{until:%Y-%m-%d %H:%M:%S} UTC are folded into what they came to (LINEAGE_RETENTION_DAYS)"
        )


def close_lineage(lake: Lake, history: str, before: datetime, run_id: str) -> list[Closed]:
    """Fold every change of the batches that ended before then, in one transaction; nothing, where none did.

    Raises StorageError, and folds nothing, where the chain does not hold: what was tampered with is not sealed anew.
    """
    with lake.session() as session, lake.session() as reader, with_memory(session, MEMORY):
        if not due_closings(session, before):
            return []
        closing = _Closing(session, reader, history, before, run_id)
        return in_one_transaction(lake, session, closing.write)


@dataclass(frozen=True)
class _Closing:
    """One attempt at the transaction may follow another, so everything is read anew in `write`.

    `reader` is a second session, which reads old changes while the first one writes what is left of them; they were
    committed long ago.
    """

    session: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection
    history: str
    before: datetime
    run_id: str

    def write(self) -> list[Closed]:
        findings = Findings()
        check_batches(self.session, self.history, findings)
        if findings.breaks:
            raise StorageError(f"the chain does not hold, so that nothing was folded: {findings.breaks[0]}")
        now = datetime.now(UTC)
        # its time says when it was made, which verification holds against how long changes are to be kept
        context = CommitContext("", "", current_period("monthly", now).key, new_sync_id(now), self.run_id, now, now)
        due = due_closings(self.session, self.before)
        closed = [self._close(each, context) for each in due]
        describe_commit(self.session, self.run_id, f"changes before {self.before:%Y-%m-%d %H:%M} UTC folded")
        return closed

    def _close(self, due: Due, context: CommitContext) -> Closed:
        own = {"platform": due.platform, "dataset": due.dataset, "last": due.last}
        mine = "platform = $platform AND dataset = $dataset AND committed_at <= $last"
        table = f"{LAKE}.{self.history}"
        with TemporaryTables(self.session) as scratch:
            left = self._put_aside(scratch, mine, own)
            self.session.execute(
                f"DELETE FROM {table} WHERE {mine} AND entity_id IN (SELECT entity_id FROM {left})", own
            )
            self.session.execute(f"INSERT INTO {table} FROM {left}")
            digests = scratch.create(
                "digests",
                f"""SELECT platform, dataset, committed_at, operation, {DIGEST} AS digest FROM {table}
                WHERE {mine}""",
                own,
            )
            (content,) = contents(self.session, digests)
        whole = replace(content, committed_from=due.first, committed_to=due.last)
        batch = append_batch(self.session, "closing", whole, context)
        return Closed(due.platform, due.dataset, due.last, due.changes, batch.changes)

    def _put_aside(self, scratch: TemporaryTables, mine: str, own: dict[str, object]) -> str:
        """Make a temporary table of what is left of the records of which something goes; its name."""
        left = scratch.create("left_over", f"SELECT {_LISTED} FROM {LAKE}.{self.history} LIMIT 0")
        rows = self._left(mine, own)
        while lot := list(islice(rows, READ_ROWS)):
            with given(self.session, lot=pl.DataFrame(lot, schema=_FRAME, orient="row")):
                self.session.execute(f"INSERT INTO {left} FROM lot")
        return left

    def _left(self, mine: str, own: dict[str, object]) -> Iterator[Row]:
        table = f"{LAKE}.{self.history}"
        found = self.reader.execute(
            f"""SELECT {_LISTED} FROM {table} WHERE {mine} AND entity_id IN (
                SELECT entity_id FROM {table} WHERE {mine} GROUP BY ALL HAVING count(*) > 1)
            ORDER BY entity_id, observed_at, committed_at""",
            own,
        )
        rows = (row for lot in iter(lambda: found.fetchmany(READ_ROWS), []) for row in lot)
        for _, of_record in groupby(rows, key=lambda row: row[_ENTITY]):
            changes = list(of_record)
            left = fold(changes)
            if left != changes:
                yield from left
