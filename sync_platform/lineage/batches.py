"""Verifies the chain of batches: its links, and the changes that it covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from sync_platform.documents.wording import counted
from sync_platform.lake.chain import COUNTS, LIVE_BATCHES, Batch, batches, combine
from sync_platform.lake.history import DIGEST
from sync_platform.lake.schema import CHANGES
from sync_platform.landing.sync_id import time_of_sync
from sync_platform.lineage.findings import Break, Findings
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

CHAIN_NAME = "batch"


@dataclass(frozen=True)
class _RecomputedBatch:
    """The changes of a batch that are now in the history: their digest and numbers."""

    digest: str
    inserted: int
    updated: int
    removed: int
    restored: int

    @property
    def changes(self) -> int:
        return self.inserted + self.updated + self.removed + self.restored


def check_batches(
    session: duckdb.DuckDBPyConnection, history: str, findings: Findings, kept: timedelta | None = None
) -> list[Batch]:
    """Verify the chain and every change, within the caller's transaction; returns the chain.

    `kept`: how long changes are kept. A closing of younger changes is a break.
    """
    chain = batches(session)
    findings.batches = len(chain)
    broken = [_break(batch, what) for batch, what in broken_links(chain)]
    broken += [_break(batch, what) for batch in chain if (what := _too_early(batch, kept))]
    with TemporaryTables(session) as scratch:
        recomputed = _recompute(scratch, history)
        recomputed_by_link = dict(_found(session, recomputed))
        unchained = list(_unchained(session, recomputed))
    live = {number for (number,) in session.execute(f"SELECT number FROM ({LIVE_BATCHES})").fetchall()}
    findings.changes = sum(batch.changes for batch in recomputed_by_link.values())
    number_counts = Counter(batch.number for batch in chain)
    broken += [
        _break(batch, what)
        for batch in chain
        if batch.number in live
        and number_counts[batch.number] == 1
        and (what := _difference(batch, recomputed_by_link.get(batch.number)))
    ]
    broken.sort(key=lambda broken_place: broken_place.number or 0)
    findings.breaks += [*broken, *unchained, *_uncovered(session, history)]
    return chain


def _recompute(scratch: TemporaryTables, history: str) -> str:
    """Make a temporary table with the digest and the batch number of every change, and return its name.

    The time of commit decides the batch. The few distinct times are assigned to batches first, because a range join of
    all changes would take far too long.
    """
    moments = scratch.create(
        "moments",
        f"""SELECT m.*, b.number FROM (SELECT DISTINCT platform, dataset, committed_at FROM {LAKE}.{history}) m
        ASOF LEFT JOIN (SELECT platform, dataset, committed_from, min(number) AS number,
            max(committed_to) AS committed_to FROM ({LIVE_BATCHES}) GROUP BY ALL) b
            ON m.platform = b.platform AND m.dataset = b.dataset AND m.committed_at >= b.committed_from
        WHERE m.committed_at <= b.committed_to""",
    )
    return scratch.create(
        "recomputed",
        f"""SELECT m.number, c.platform, c.dataset, c.committed_at, c.operation, c.digest
        FROM (SELECT platform, dataset, committed_at, operation, {DIGEST} AS digest FROM {LAKE}.{history}) c
        LEFT JOIN {moments} m ON m.platform = c.platform AND m.dataset = c.dataset
            AND m.committed_at = c.committed_at""",
    )


def _found(session: duckdb.DuckDBPyConnection, recomputed: str) -> Iterator[tuple[int, _RecomputedBatch]]:
    counted = session.execute(
        f"SELECT number, {COUNTS} FROM {recomputed} WHERE number IS NOT NULL GROUP BY number ORDER BY number"
    ).fetchall()
    query = f"SELECT number, digest FROM {recomputed} WHERE number IS NOT NULL ORDER BY number, digest"
    for (number, *counts), (_, digest) in zip(counted, combine(session, query), strict=True):
        yield number, _RecomputedBatch(digest, *counts)


def _difference(batch: Batch, found_batch: _RecomputedBatch | None) -> str | None:
    """How the history differs from what a batch covers, in words."""
    present = found_batch.changes if found_batch else 0
    if present < batch.changes:
        return f"it lacks {batch.changes - present:,} of its {counted(batch.changes, 'change')}"
    if present > batch.changes:
        return f"it has {counted(present - batch.changes, 'change')} more than its {batch.changes:,}"
    if found_batch is not None and found_batch.digest != batch.digest:
        return f"at least one of its {counted(batch.changes, 'change')} is not what it was"
    return None


def _too_early(batch: Batch, kept: timedelta | None) -> str | None:
    """The problem of a closing that folded changes before their retention ended, in words."""
    if batch.kind != "closing" or kept is None:
        return None
    made_at = time_of_sync(batch.sync_id or "")
    if made_at is None:
        return "it does not say when it was made: history was cut"
    age = min(made_at, datetime.now(UTC)) - batch.committed_to
    if age >= kept:
        return None
    return f"it closed changes that were {age.days} days old, and they are kept {kept.days} days: history was cut"


def _unchained(session: duckdb.DuckDBPyConnection, recomputed: str) -> Iterator[Break]:
    rows = session.execute(
        f"""SELECT platform, dataset, min(committed_at), count(*) FROM {recomputed} WHERE number IS NULL
        GROUP BY ALL ORDER BY 3, 1, 2"""
    ).fetchall()
    for platform, dataset, first, count in rows:
        what = f"no batch has {counted(count, 'change')} of it: added past the chain, or with a batch that is gone"
        yield Break("changes", what, platform=platform, dataset=dataset, at=first)


def _uncovered(session: duckdb.DuckDBPyConnection, history: str) -> Iterator[Break]:
    """Columns of the history that no digest covers: their values could be changed without a break."""
    covered = {column.name for column in CHANGES}
    for name, *_ in session.execute(f"DESCRIBE {LAKE}.{history}").fetchall():
        if name not in covered:
            yield Break("changes", f"the history has a column {name!r} that no digest covers")


def _break(batch: Batch, what: str) -> Break:
    return Break(CHAIN_NAME, what, batch.number, batch.platform, batch.dataset, batch.committed_to)
