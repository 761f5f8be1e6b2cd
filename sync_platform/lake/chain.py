"""Tamper evidence: every commit's batch of changes is hashed and chained to the batch before (`lineage.batches`).

What belongs here: making a row of the chain from digests of changes, and starting the chain in a lake that already has
changes. lake/history.py computes the digest of a change; lineage/ verifies the chain.

A batch's digest is the SHA-256 of the sorted, concatenated digests of its rows. It does not depend on the file or the
position of a row, so compaction may move rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

import duckdb
import numpy as np
import orjson

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.history import DIGEST, READ_ROWS, HistoryWriter
from sync_platform.lake.schema import ENDS
from sync_platform.storage.hash_chain import FIRST, link
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

CHAIN = "sync-platform/lineage/1"
BATCHES = "lineage.batches"
Kind = Literal["changes", "opening", "closing"]
LIVE_BATCHES = f"""SELECT * FROM {LAKE}.{BATCHES} b WHERE NOT EXISTS (SELECT 1 FROM {LAKE}.{BATCHES} c
    WHERE c.kind = 'closing' AND c.platform = b.platform AND c.dataset = b.dataset AND c.number > b.number
        AND c.committed_to >= b.committed_to)"""
"""SQL: the batches whose changes are still in the history. Every other batch is replaced by a later closing."""


@dataclass(frozen=True)
class Batch:
    """The changes of one commit: those of the dataset with `committed_at` from `committed_from` to `committed_to`.

    `kind` is `changes`; or `opening`, all changes that a dataset had when the chain began; or `closing`, the changes
    that retention left of earlier batches, which it replaces (lineage/retention.py). `manifests`: JSON, the SHA-256 of
    each landing manifest that lists an object named in the changes, by the manifest's key; None for none.
    """

    number: int
    kind: Kind
    platform: str
    dataset: str
    partition: str | None
    sync_id: str | None
    run_id: str | None
    committed_from: datetime
    committed_to: datetime
    inserted: int
    updated: int
    removed: int
    restored: int
    digest: str
    manifests: str | None
    previous: str
    link: str

    @property
    def changes(self) -> int:
        return self.inserted + self.updated + self.removed + self.restored

    @property
    def chained_manifests(self) -> dict[str, str]:
        """The SHA-256 (hex) of each landing manifest that the batch names, by the manifest's key."""
        chained_manifests: dict[str, str] = orjson.loads(self.manifests) if self.manifests else {}
        return chained_manifests

    def own_link(self) -> str:
        """The link computed from the fields: all but `previous` and `link`, in the order of the columns."""
        return link(CHAIN, self.previous, list(vars(self).values())[:-2])


@dataclass(frozen=True)
class BatchContent:
    """The content of a batch: its times, the number of changes per operation, and the digest of all changes."""

    digest: str
    platform: str
    dataset: str
    committed_from: datetime
    committed_to: datetime
    inserted: int
    updated: int
    removed: int
    restored: int


NAMES = [field.name for field in fields(Batch)]
EMPTY_HEAD = (0, FIRST)
COUNTED = (("insert",), ("update",), ENDS, ("restore",))
COUNTS = ", ".join(f"count(*) FILTER (list_contains({list(operations)}, operation))" for operations in COUNTED)
"""SQL: the numbers of a batch. `removed` counts every change after which a record is gone."""


def chain_changes(writer: HistoryWriter, context: CommitContext, manifest_digest: Callable[[str], str | None]) -> None:
    """Chain the changes that the transaction has appended. Every transaction that may append changes ends with this.

    `manifest_digest` gives the SHA-256 of the landing manifest at a key. Without changes, nothing is written. The chain
    begins with one batch per dataset of the changes that the lake already has. The write lock admits one writer at a
    time (lake/transaction.py); if two writers overlap nevertheless, their commits conflict, so the chain never forks.
    """
    session = writer.session
    if _head(session) == EMPTY_HEAD:
        _open(writer)
    for content in contents(session, writer.unchained):
        keys = session.execute(
            f"""SELECT DISTINCT manifest FROM {writer.unchained}
            WHERE platform = ? AND dataset = ? AND manifest IS NOT NULL ORDER BY ALL""",
            [content.platform, content.dataset],
        ).fetchall()
        manifests = {key: digest for (key,) in keys if (digest := manifest_digest(key))}
        append_batch(session, "changes", content, context, manifests)


def append_batch(
    session: duckdb.DuckDBPyConnection,
    kind: Kind,
    content: BatchContent,
    context: CommitContext | None,
    manifests: Mapping[str, str] | None = None,
) -> Batch:
    """Append one batch to the chain, within the caller's transaction."""
    number, previous = _head(session)
    unlinked = Batch(
        number=number + 1,
        kind=kind,
        partition=context.partition if context else None,
        sync_id=context.sync_id if context else None,
        run_id=context.run_id if context else None,
        manifests=orjson.dumps(manifests, option=orjson.OPT_SORT_KEYS).decode() if manifests else None,
        previous=previous,
        link="",
        **vars(content),
    )
    batch = replace(unlinked, link=unlinked.own_link())
    listed = ", ".join(f'"{name}"' for name in NAMES)
    marks = ", ".join("?" for _ in NAMES)
    session.execute(f"INSERT INTO {LAKE}.{BATCHES} ({listed}) VALUES ({marks})", list(vars(batch).values()))
    return batch


def batches(session: duckdb.DuckDBPyConnection) -> list[Batch]:
    """The whole chain, in order of its numbers."""
    listed = ", ".join(f'"{name}"' for name in NAMES)
    return [Batch(*row) for row in session.execute(f"SELECT {listed} FROM {LAKE}.{BATCHES} ORDER BY ALL").fetchall()]


def last_change_at(session: duckdb.DuckDBPyConnection, places: Iterable[tuple[str, str]]) -> datetime | None:
    """When a change of one of these datasets (platform, dataset) was committed last; None where none was."""
    names = [f"{platform}.{dataset}" for platform, dataset in places]
    query = f"SELECT max(committed_to) FROM {LAKE}.{BATCHES} WHERE kind = 'changes'"
    found = session.execute(f"{query} AND list_contains(?, platform || '.' || dataset)", [names]).fetchone()
    return found[0] if found else None


def chained_digest(session: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """The SHA-256 of the landing manifest at a key when a change first named one of its objects; None if none did."""
    row = session.execute(
        f"SELECT arg_min(manifests, number) FROM {LAKE}.{BATCHES} WHERE contains(manifests, ?)", [f'"{key}":']
    ).fetchone()
    document = orjson.loads(row[0]) if row and row[0] else {}
    return document.get(key)


def has_chain(session: duckdb.DuckDBPyConnection) -> bool:
    """True if the chain has begun. In a lake that is older than the chain, the next sync begins it."""
    return has_table(session, BATCHES)


def contents(session: duckdb.DuckDBPyConnection, digests: str) -> list[BatchContent]:
    """The content of each dataset in the relation `digests` (platform, dataset, committed_at, operation, digest)."""
    counted = session.execute(
        f"""SELECT platform, dataset, min(committed_at), max(committed_at), {COUNTS}
        FROM {digests} GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    batch_contents = []
    for platform, dataset, *counts in counted:
        query = f"SELECT 0, digest FROM {digests} WHERE platform = $platform AND dataset = $dataset ORDER BY digest"
        ((_, digest),) = combine(session, query, {"platform": platform, "dataset": dataset})
        batch_contents.append(BatchContent(digest, platform, dataset, *counts))
    return batch_contents


def combine(
    session: duckdb.DuckDBPyConnection, query: str, values: dict[str, object] | None = None
) -> Iterator[tuple[int, str]]:
    """Yield each group's number with the digest of all its rows.

    `query` selects the group's number and the row's digest, sorted by both. Memory: READ_ROWS rows. Arrow stores their
    digests contiguously, so each group is hashed without a copy.
    """
    group, digest = None, hashlib.sha256()
    length = len(digest.hexdigest())
    for block in session.execute(query, values or {}).to_arrow_reader(READ_ROWS):
        if not block.num_rows:
            continue
        numbers, texts = block.column(0).to_numpy(), block.column(1)
        hashes = memoryview(texts.buffers()[2])[texts.offset * length :]
        starts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(numbers)]
        for start, end in pairwise(starts):
            if numbers[start] != group:
                if group is not None:
                    yield group, digest.hexdigest()
                group, digest = int(numbers[start]), hashlib.sha256()
            digest.update(hashes[start * length : end * length])
    if group is not None:
        yield group, digest.hexdigest()


def _head(session: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    row = session.execute(f"SELECT number, link FROM {LAKE}.{BATCHES} ORDER BY number DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else EMPTY_HEAD


def _open(writer: HistoryWriter) -> None:
    """Append one batch per dataset of the changes from before the chain."""
    before = f"""{LAKE}.{writer.history}
        ANTI JOIN (SELECT DISTINCT platform, dataset, committed_at FROM {writer.unchained})
        USING (platform, dataset, committed_at)"""
    if writer.session.execute(f"SELECT 1 FROM {before} LIMIT 1").fetchone() is None:
        return  # a new lake: there is nothing from before the chain
    with TemporaryTables(writer.session) as scratch:
        digests = scratch.create(
            "before_chain", f"SELECT platform, dataset, committed_at, operation, {DIGEST} AS digest FROM {before}"
        )
        for content in contents(writer.session, digests):
            append_batch(writer.session, "opening", content, None)
