"""`sync-platform query`: one read-only statement over the lake, as a table or in a format for programs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TextIO

import duckdb

from sync_platform.cli.audited import log_entry
from sync_platform.cli.operations.unsealed_rows import UnsealedRows
from sync_platform.cli.operations.written_values import csv_value, distinct, in_texts, json_text
from sync_platform.cli.output import Terminal, opened
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.wording import visible
from sync_platform.errors import UsageError
from sync_platform.lake.corrected_values import CORRECTED
from sync_platform.lineage.moment import parse_moment
from sync_platform.lineage.past_lake import past_lake, tables_named
from sync_platform.lineage.usable_tables import only_usable, restricted_now
from sync_platform.monitoring.metrics_table import NAME, SCHEMA, add_metrics_table
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.damaged_database import is_damage
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.tables import tracked_tables
from sync_platform.vault.erased_values import erased_subjects_at, without_ciphertext

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_SHOWN = 200
BATCH_ROWS = 10_000
READING = ("SELECT", "EXPLAIN")
METRICS = re.compile(rf'"?\b{SCHEMA}"?\s*\.\s*"?{NAME}\b', re.IGNORECASE)
NUMBERS = ("BIGINT", "DOUBLE", "DECIMAL", "INTEGER", "HUGEINT")


def answer(sql: str, form: str, as_of: str | None, out: str, unsealed: UnsealedRows | None = None) -> None:
    """Write the rows of the statement to a file; UsageError for one that is wrong or does not only read.

    `out`: the file; `-` is standard output. `as_of`: the moment as of which tables are read. The way in which they are
    read is written to standard error. `unsealed`: shows personal values in clear, and records it.
    """
    _require_reading(sql)
    moment = parse_moment(as_of) if as_of is not None else None
    settings = load_settings()
    is_named = METRICS.search(sql) is not None  # only then the metrics are copied from the ledger
    if is_named and moment:
        raise UsageError(f"{SCHEMA}.{NAME} is a history: leave out --as-of, and choose by measured_at")
    with Lake(LakeAddress.of(settings), read_only=True) as lake, ExitStack() as stack:
        try:
            restricted = restricted_now(lake)
            platforms = load_platforms(settings.platform_path) if restricted or moment else {}
            if moment is None:
                session = stack.enter_context(lake.session())
                if is_named:
                    add_metrics_table(session, settings)
            else:
                tracked = tracked_tables(platforms)
                then = stack.enter_context(past_lake(lake, settings.lineage_table_name, tracked, moment, sql))
                session = then.session
                sys.stderr.write(f"{then.way}\n")
            history = settings.lineage_table_name
            if left_out := stack.enter_context(only_usable(session, sql, restricted, platforms, history)):
                sys.stderr.write(f"{', '.join(left_out)}: without the records of persons who restricted their use\n")
            _report_corrected(session, sql)
            relation = session.sql(sql)
            if relation is None:
                return
            if unsealed is not None:
                tables = sorted(f"{schema}.{table}" for _, schema, table in tables_named(session, sql))
                relation = unsealed.of(settings, session, relation, tables)
            elif out != "-" or (form != "table" and not sys.stdout.isatty()):
                tables = sorted(f"{schema}.{table}" for _, schema, table in tables_named(session, sql))
                log_entry(settings, OperationName.export, {"tables": tables, "format": form, "as_of": as_of}, "begun")
            erased = erased_subjects_at(settings.vault_url)
            with opened(out) as file:
                WRITERS[form](relation, erased, file)
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
            if is_damage(error):
                raise
            raise UsageError(f"the query is wrong: {error}") from None
        except duckdb.Error as error:
            if type(error) is not duckdb.Error or is_damage(error):
                raise
            raise UsageError(f"the query needs what is not there: {str(error).splitlines()[0]}") from None


def _report_corrected(session: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Say on standard error which of the tables have corrected values."""
    if has_table(session, ".".join(CORRECTED)):
        counts = dict(
            session.execute(
                f"SELECT platform || '.' || dataset, count(*) FROM {LAKE}.{'.'.join(CORRECTED)} GROUP BY ALL"
            ).fetchall()
        )
        for name in sorted({f"{schema}.{table}" for _, schema, table in tables_named(session, sql)} & counts.keys()):
            sys.stderr.write(f"{name}: {counts[name]:,} values are corrected, see {'.'.join(CORRECTED)}\n")


def _require_reading(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query is wrong: {error}") from None
    if len(statements) != 1 or statements[0].type.name not in READING:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise UsageError(f"query takes one SELECT and changes nothing; this is {kinds}")


def _write_table(relation: duckdb.DuckDBPyRelation, erased: Set[str], file: TextIO) -> None:
    rows = list(_rows(in_texts(relation, "table").limit(ROWS_SHOWN + 1), erased))
    kinds = zip(relation.columns, relation.types, strict=True)
    table = FittedTable(
        map(visible, relation.columns), numbers={name for name, kind in kinds if str(kind).startswith(NUMBERS)}
    )
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*("" if value is None else visible(str(value)) for value in row))
    terminal = Terminal(file=file)
    terminal.print_table(table)
    if len(rows) > ROWS_SHOWN:
        terminal.print(f"… the first {ROWS_SHOWN} rows; --format csv, json or parquet gives all of them")


def _write_csv(relation: duckdb.DuckDBPyRelation, erased: Set[str], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(relation.columns)
    for row in _rows(in_texts(relation, "csv"), erased):
        writer.writerow(map(csv_value, row))


def _write_json(relation: duckdb.DuckDBPyRelation, erased: Set[str], file: TextIO) -> None:
    """A JSON array of objects, one a line. Of columns with one name, each has one of its own: `id`, `id_1`."""
    names = distinct(relation.columns)
    file.write("[")
    for number, row in enumerate(_rows(in_texts(relation, "json"), erased)):
        document = json_text(dict(zip(names, row, strict=True)))
        file.write(("\n" if number == 0 else ",\n") + document)
    file.write("\n]\n")


def _write_parquet(relation: duckdb.DuckDBPyRelation, erased: Set[str], file: TextIO) -> None:
    import pyarrow.parquet as pq

    if file.isatty():
        raise UsageError("parquet is binary: name a file with --out, or redirect standard output to one")
    with relation.to_arrow_reader(BATCH_ROWS) as reader, pq.ParquetWriter(file.buffer, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(_without_ciphertext(batch, erased) if erased else batch)


def _rows(relation: duckdb.DuckDBPyRelation, erased: Set[str]) -> Iterator[Sequence[Any]]:
    """The rows; those of erased persons show the erased form, also where they are of the past."""
    while rows := relation.fetchmany(BATCH_ROWS):
        yield from (without_ciphertext(row, erased) for row in rows) if erased else rows


def _without_ciphertext(batch: pa.RecordBatch, erased: Set[str]) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [
        pa.array(without_ciphertext(column.to_pylist(), erased), column.type)
        if pa.types.is_string(column.type) or pa.types.is_nested(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


WRITERS = {"table": _write_table, "csv": _write_csv, "json": _write_json, "parquet": _write_parquet}
