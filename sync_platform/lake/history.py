"""Appends changes to the history, and computes the digest of each change for the chain (lake/chain.py).

The text of a change is the byte length of each column in the order of `CHANGES`, each followed by a comma (`-,` for
NULL), and then the columns themselves: a list as JSON, a time as microseconds since 1970, any other value as text. The
digest of the change is the SHA-256 of this text, in hex.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import duckdb
import pyarrow as pa

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.difference import Difference, slices_of
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.schema import CHANGES, ENDS
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import changed_names, changed_values, whole_version
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

READ_ROWS = 10_000


class HistoryWriter:
    """Appends changes to the history within one transaction, which must end with `chain.chain_changes`.

    `unchained` names a temporary table with the columns of every appended change from which the chain's batches are
    made. Memory: the rows of one append, beyond what DuckDB uses.
    """

    def __init__(self, scratch: TemporaryTables, history: str) -> None:
        self.session, self.history = scratch.session, history
        self.unchained = scratch.create_empty(
            "unchained",
            "platform VARCHAR, dataset VARCHAR, committed_at TIMESTAMPTZ, operation VARCHAR, manifest VARCHAR, "
            "digest VARCHAR",
        )

    def write(
        self, table: TrackedTable, incoming: IncomingRows, difference: Difference, context: CommitContext
    ) -> None:
        """Append a difference. An update names the changed columns, an insert or a restore all lasting columns.

        A restored row must not depend on its values before its removal: a late observation may change those
        (lake/splice.py).
        """
        names = ", ".join(f"'{name}'" for name in table.whole)
        changed, whole = changed_names(table.lasting), whole_version(table.whole)
        before, after = (changed_values(side, table.lasting) for side in ("c", "i"))
        content = {
            "insert": f"[{names}]::VARCHAR[], NULL, {whole}",
            "update": f"{changed}, {before}, {after}",
            "restore": f"{changed}, {before}, {whole}",
        }
        landing = "i.content_hash, i.landing_object, i.landing_line" if table.is_landed else "NULL, NULL, NULL"
        if not table.is_landed:  # a computed row is removed with its last values
            content["remove"] = content["update"]
        for operation, number in slices_of(self.session, table, incoming, difference):
            if operation in content:
                where = f"d.operation = '{operation}' AND i.slice = {number}"
                self._write(table, incoming, difference, context, f"{content[operation]}, {landing}", where)
        if table.is_landed and (difference.remove or difference.expire):
            end = "[]::VARCHAR[], NULL, NULL, c.content_hash, NULL, NULL"
            self._write(table, incoming, difference, context, end, f"d.operation IN {ENDS}")

    def append(self, select: str, values: Mapping[str, object]) -> None:
        """Append the rows of a SELECT, which has the columns of `CHANGES`."""
        names = ", ".join(f'"{column.name}"' for column in CHANGES)
        typed = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in CHANGES)
        query = f"SELECT {typed} FROM ({select}) AS written ({names})"
        written = self.session.execute(query, dict(values)).to_arrow_table(READ_ROWS)
        with self.session.cursor() as other_session, ThreadPoolExecutor(1) as thread:  # uses a second core
            digests = thread.submit(_with_digests, other_session, written)
            _insert(self.session, f"{LAKE}.{self.history}", written)
            _insert(self.session, self.unchained, digests.result())

    def _write(
        self,
        table: TrackedTable,
        incoming: IncomingRows,
        difference: Difference,
        context: CommitContext,
        content: str,
        where: str,
    ) -> None:
        """Append the rows of a difference that meet the condition `where`.

        `content`: SQL of the columns from `changed_fields` to `landing_line`.
        """
        self.append(
            f"""SELECT $platform, $dataset, {table.entity("d")}, d.operation, {content},
                $partition, $sync_id, $run_id, $observed_at, $committed_at
            FROM {difference.operations} d LEFT JOIN {incoming.rows} i ON {table.same_key("i", "d")}
                LEFT JOIN {difference.old} c ON {table.same_key("c", "d")}
            WHERE {where}""",
            asdict(context) | {"platform": table.schema, "dataset": table.name},
        )


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Insert `rows`. DuckDB finds them by variable name; it would keep registered rows until the transaction ends."""
    session.execute(f"INSERT INTO {table} BY NAME FROM rows")


def _with_digests(session: duckdb.DuckDBPyConnection, written: pa.Table) -> pa.Table:
    """The rows of `unchained` for rows of the history. The digests equal DIGEST; hashlib takes a third of the time."""
    manifest = "regexp_replace(landing_object, '[^/]+$', 'manifest.json') AS manifest"
    reader = session.execute(
        f"SELECT platform, dataset, committed_at, operation, {manifest}, {TEXT} AS digest FROM written"
    ).to_arrow_reader(READ_ROWS)
    index = reader.schema.get_field_index("digest")
    batches = []
    for block in reader:
        texts = block.column(index).cast(pa.binary()).to_pylist()
        digests = pa.array([hashlib.sha256(text).hexdigest() for text in texts], pa.string())
        batches.append(block.set_column(index, "digest", digests))
    return pa.Table.from_batches(batches, reader.schema)


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
