"""The history: how changes are appended to it, each with its digest for the chain (lake/chain.py).

A row's text is the byte length of each of its columns, in the order of `CHANGES`, each followed by a comma (`-,` for
NULL), and then the columns themselves: a list as JSON, a moment as microseconds since 1970, anything else as it is
stored. Its digest is the text's SHA-256 in hex.
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
from sync_platform.lake.incoming import Incoming
from sync_platform.lake.schema import CHANGES
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import changed_names, changed_values, whole_version
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

READ_ROWS = 10_000


class HistoryWriter:
    """Appends changes to the history within one transaction, which must end with `chain.seal_batch`.

    `unsealed` names a temporary table: of every change appended, what the chain's batches are made of. Memory: the rows
    of one append, beyond DuckDB's own.
    """

    def __init__(self, scratch: TemporaryTables, history: str) -> None:
        self.session, self.history = scratch.session, history
        self.unsealed = scratch.create_empty(
            "unsealed",
            "platform VARCHAR, dataset VARCHAR, committed_at TIMESTAMPTZ, operation VARCHAR, manifest VARCHAR, "
            "digest VARCHAR",
        )

    def write(self, table: TrackedTable, incoming: Incoming, difference: Difference, context: CommitContext) -> None:
        """Append a difference: the changed columns; for an insert and a restore all lasting ones.

        A restored row must not depend on what it was before it left: that may become known later (lake/splice.py).
        """
        names = ", ".join(f"'{name}'" for name in table.whole)
        changed, whole = changed_names(table.lasting), whole_version(table.whole)
        before, after = (changed_values(side, table.lasting) for side in ("c", "i"))
        content = {
            "insert": f"[{names}]::VARCHAR[], NULL, {whole}",
            "update": f"{changed}, {before}, {after}",
            "restore": f"{changed}, {before}, {whole}",
        }
        came_from = "i.content_hash, i.landing_object, i.landing_line" if table.is_landed else "NULL, NULL, NULL"
        if not table.is_landed:  # a row that was worked out ends with its last values
            content["remove"] = content["update"]
        for operation, number in slices_of(self.session, table, incoming, difference):
            if operation in content:
                where = f"d.operation = '{operation}' AND i.slice = {number}"
                self._write(table, incoming, difference, context, f"{content[operation]}, {came_from}", where)
        if table.is_landed and difference.remove:
            gone = "[]::VARCHAR[], NULL, NULL, c.content_hash, NULL, NULL"
            self._write(table, incoming, difference, context, gone, "d.operation = 'remove'")

    def append(self, select: str, values: Mapping[str, object]) -> None:
        """Append the rows of a SELECT, which has the columns of `CHANGES`."""
        names = ", ".join(f'"{column.name}"' for column in CHANGES)
        typed = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in CHANGES)
        query = f"SELECT {typed} FROM ({select}) AS written ({names})"
        written = self.session.execute(query, dict(values)).to_arrow_table(READ_ROWS)
        with self.session.cursor() as beside, ThreadPoolExecutor(1) as thread:  # on another core, where there is one
            digests = thread.submit(_with_digests, beside, written)
            _insert(self.session, f"{LAKE}.{self.history}", written)
            _insert(self.session, self.unsealed, digests.result())

    def _write(
        self,
        table: TrackedTable,
        incoming: Incoming,
        difference: Difference,
        context: CommitContext,
        content: str,
        where: str,
    ) -> None:
        """Append the rows of a difference that meet a condition, with this content (SQL, `changed_fields` to
        `landing_line`)."""
        self.append(
            f"""SELECT $platform, $dataset, {table.entity("d")}, d.operation, {content},
                $partition, $sync_id, $run_id, $observed_at, $committed_at
            FROM {difference.operations} d LEFT JOIN {incoming.rows} i ON {table.same_key("i", "d")}
                LEFT JOIN {difference.old} c ON {table.same_key("c", "d")}
            WHERE {where}""",
            asdict(context) | {"platform": table.schema, "dataset": table.name},
        )


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Rows that are only named: registered ones would be held until the transaction ends."""
    session.execute(f"INSERT INTO {table} BY NAME FROM rows")


def _with_digests(session: duckdb.DuckDBPyConnection, written: pa.Table) -> pa.Table:
    """The unsealed rows for rows of the history. Their digests are DIGEST's, but OpenSSL takes a third of the time."""
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
