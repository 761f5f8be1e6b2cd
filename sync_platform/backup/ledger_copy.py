"""What a backup has of the ledger, as evidence: the audit log and the emergency requests, as lines of JSON.

It is never restored: a restored request would run again. Leases and the secrets of platforms are not in a backup.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import sqlalchemy as sa

from sync_platform.emergency.request_store import askings, requests, runs
from sync_platform.storage.audit_log import audit_log
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, read_transaction

TABLES = (audit_log, requests, askings, runs)
READ_ROWS = 1000


def write_ledger_copy(ledger_url: str, folder: Path) -> list[str]:
    """Write each table to `folder/TABLE.jsonl`; returns the files' names. As of one moment, in constant memory."""
    engine = open_database(ledger_url, MIGRATIONS)
    try:
        with read_transaction(engine) as connection:
            for table in TABLES:
                with (folder / f"{table.name}.jsonl").open("wb") as file:
                    file.writelines(_lines(connection, table))
    finally:
        engine.dispose()
    return [f"{table.name}.jsonl" for table in TABLES]


def _lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    wanted = sa.select(table).order_by(*table.primary_key.columns)
    names = [str(column.name) for column in table.columns]
    for row in connection.execution_options(yield_per=READ_ROWS).execute(wanted):
        values = dict(zip(names, row, strict=True))
        yield orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
