"""The reference shape (last good shape) of each dataset and the drift from it, stored in the lake.

A shape is the reference until a good shape follows (nothing missing, retyped or renamed). It also ends when the
platform file declares another shape: the change has then been handled, and the next shape becomes the reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import unquote

import duckdb
import msgspec
import orjson

from sync_platform.quality.drift import Drift, find_drift, is_good
from sync_platform.quality.shape import Shape, parent_of
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_text import lake_text

SHAPES = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("sync_id", "VARCHAR", "Sync after which this was the last good shape: sync.runs"),
    Column("declared", "VARCHAR", "SHA-256 (first 128 bits, hex) of the shape that the platform file declares"),
    Column("shape", "JSON", "Per field path its types, its share and examples, from a sample of the records"),
    Column("committed_at", "TIMESTAMPTZ", "When it became the reference (UTC)"),
)
DRIFTS = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("partition", "VARCHAR", "Observation period"),
    Column("sync_id", "VARCHAR", "Sync that brought records of another shape: sync.runs"),
    Column("run_id", "VARCHAR", "Dagster run of that sync"),
    Column("kind", "VARCHAR", "missing | renamed | retyped | new | loose | placeholder"),
    Column("path", "VARCHAR", "Path of the field as received"),
    Column("in_words", "VARCHAR", "What differs from the last good shape, with an example"),
    Column("observed_at", "TIMESTAMPTZ", "When the source was observed (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When it was found (UTC)"),
)


def compare_with_reference(
    session: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    now: Shape,
    origin: dict[str, str | datetime | None],
    loose: list[Drift],
) -> list[Drift]:
    """Find the drift of a shape from the reference; store the findings, and the shape if it becomes the reference.

    Within the caller's transaction. `origin`: platform, dataset, partition, sync_id, run_id, observed_at, committed_at.
    `loose`: fields that were read although they have another form than declared; they are findings too.
    """
    declared = _declared(dataset)
    values = {"platform": origin["platform"], "dataset": origin["dataset"], "declared": declared}
    row = session.execute(
        f"""SELECT shape FROM {LAKE}.quality.shapes
        WHERE platform = $platform AND dataset = $dataset AND declared = $declared
        ORDER BY committed_at DESC LIMIT 1""",
        values,
    ).fetchone()
    stored = Shape.from_document(orjson.loads(row[0])) if row else None
    drifts = find_drift(stored, now) if stored else []
    retyped = {drift.path for drift in drifts if drift.kind == "retyped"}
    drifts += [drift for drift in loose if drift.path not in retyped]
    write_drift(session, drifts, origin)
    if now.records and is_good(drifts):
        reference = stored.merged(now) if stored else now
        if stored is None or reference.differs_from(stored):
            session.execute(
                f"INSERT INTO {LAKE}.quality.shapes VALUES (?, ?, ?, ?, ?, ?)",
                [
                    *(origin["platform"], origin["dataset"], origin["sync_id"], declared),
                    *(orjson.dumps(reference.to_document()).decode(), origin["committed_at"]),
                ],
            )
    return drifts


def write_drift(
    session: duckdb.DuckDBPyConnection, drifts: Iterable[Drift], origin: dict[str, str | datetime | None]
) -> None:
    """Store findings, within the caller's transaction. `origin`: as for `compare_with_reference`."""
    table = f"{origin['platform']}.{origin['dataset']}"
    for drift in drifts:
        session.execute(
            f"INSERT INTO {LAKE}.quality.drift VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(origin[name] for name in ("platform", "dataset", "partition", "sync_id", "run_id")),
                *(drift.kind, lake_text(drift.path), lake_text(drift.in_words(table))),
                *(origin["observed_at"], origin["committed_at"]),
            ],
        )


def undeclared_fields(dataset: Dataset, shape: Shape) -> list[str]:
    """The top-level fields, in order, that the platform file does not declare."""
    known = {field.encode_name for field in msgspec.structs.fields(dataset.wire)}
    known |= set(dataset.key) | {dataset.deleted or ""}
    return sorted({lake_text(unquote(path)) for path in shape.fields if not parent_of(path)[0]} - known)


def _declared(dataset: Dataset) -> str:
    """The digest of the shape that the platform file declares."""
    schema = msgspec.json.schema(dataset.wire, schema_hook=lambda _: {})
    return hashlib.sha256(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
