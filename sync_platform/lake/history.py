"""The history's rows: how changes are appended to it, each with its digest noted for the chain (lake/chain.py).

A row's text is the byte length of each of its columns, in the order of `CHANGES`, each followed by a comma (`-,` for
NULL), and then the columns themselves: a list as JSON, a moment as microseconds since 1970, anything else as it is
stored. Its digest is the text's SHA-256 in hex.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa

from sync_platform.lake.schema import CHANGES
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE

READ_ROWS = 10_000


def append_changes(session: duckdb.DuckDBPyConnection, history: str, select: str, values: dict[str, object]) -> None:
    """Append the rows of a SELECT (with the columns of `CHANGES`) to the history, and note their digests for the seal.

    Within the caller's transaction, which must end with `chain.seal_batch`. Memory: the rows, beyond DuckDB's own.
    """
    names = ", ".join(f'"{column.name}"' for column in CHANGES)
    typed = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in CHANGES)
    written = session.execute(f"SELECT {typed} FROM ({select}) AS written ({names})", values).to_arrow_table(READ_ROWS)
    with session.cursor() as beside, ThreadPoolExecutor(1) as thread:  # on another core, where there is one
        digests = thread.submit(_with_digests, beside, written)
        _insert(session, f"{LAKE}.{history}", written)
        noted = digests.result()
    ensure_unsealed(session)
    _insert(session, "temp.unsealed", noted)


def ensure_unsealed(session: duckdb.DuckDBPyConnection) -> None:
    """`temp.unsealed`: of every change that this transaction appended, what the chain's batches are made of."""
    session.execute(
        """CREATE TEMP TABLE IF NOT EXISTS unsealed
        (platform VARCHAR, dataset VARCHAR, committed_at TIMESTAMPTZ, operation VARCHAR, manifest VARCHAR,
            digest VARCHAR)"""
    )


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Rows that are only named: registered ones would be held until the transaction ends."""
    session.execute(f"INSERT INTO {table} BY NAME FROM rows")


def _with_digests(session: duckdb.DuckDBPyConnection, written: pa.Table) -> pa.Table:
    """The rows of `temp.unsealed` for rows of the history, their digests as DIGEST has them: OpenSSL takes a third of
    the time for them."""
    manifest = "regexp_replace(landing_object, '[^/]+$', 'manifest.json') AS manifest"
    reader = session.execute(
        f"SELECT platform, dataset, committed_at, operation, {manifest}, {TEXT} AS digest FROM written"
    ).to_arrow_reader(READ_ROWS)
    place = reader.schema.get_field_index("digest")
    noted = []
    for block in reader:
        texts = block.column(place).cast(pa.binary()).to_pylist()
        digests = pa.array([hashlib.sha256(text).hexdigest() for text in texts], pa.string())
        noted.append(block.set_column(place, "digest", digests))
    return pa.Table.from_batches(noted, reader.schema)


def _text(column: Column) -> str:
    if column.sql_type == "TIMESTAMPTZ":
        return f'epoch_us("{column.name}")::VARCHAR'
    if column.sql_type.endswith("[]"):
        return f'to_json("{column.name}")::VARCHAR'
    return f'"{column.name}"::VARCHAR'


def _text_of(columns: tuple[Column, ...]) -> str:
    texts = [_text(column) for column in columns]
    lengths = ", ".join(f"coalesce(strlen({text})::VARCHAR, '-'), ','" for text in texts)
    return f"concat({lengths}, {', '.join(texts)})"


TEXT = _text_of(CHANGES)
"""SQL: the text of a row of the history."""
DIGEST = f"sha256({TEXT})"
"""SQL: the digest of a row of the history."""
