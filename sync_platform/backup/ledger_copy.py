"""What a backup has of the ledger, as lines of JSON: evidence, and the registers of persons' rights.

The audit log and the emergency requests are evidence and are never restored: a restored request would run again. The
registers are restored into a new ledger: privacy requests, with corrections and restrictions; erasures; legal holds.
Leases and the secrets of platforms are not in a backup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import sqlalchemy as sa

from sync_platform.emergency.request_store import askings, requests, runs
from sync_platform.errors import StorageError
from sync_platform.storage.audit_log import audit_log
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, read_transaction, transaction

TABLES = (audit_log, requests, askings, runs)
REGISTERS = ("privacy_request_events", "erasures", "legal_holds")
"""Chained tables of a later package (privacy), which are known here by their names."""
READ_ROWS = 1000


def write_ledger_copy(ledger_url: str, folder: Path) -> list[str]:
    """Write each table to `folder/TABLE.jsonl`; returns the files' names. As of one moment, in constant memory."""
    return _write(ledger_url, folder, TABLES)


def write_register_copies(ledger_url: str, folder: Path) -> None:
    """Write only the registers, each to `folder/TABLE.jsonl`."""
    _write(ledger_url, folder, ())


def restore_registers(ledger_url: str, folder: Path) -> int:
    """Append what the copies in `folder` have and the registers of the ledger do not; how many events.

    A copy that is not there has nothing: an earlier version made it. StorageError where a register has other events
    than the copy: it is of another installation.
    """
    engine = open_database(ledger_url, MIGRATIONS)
    try:
        with transaction(engine) as connection:
            return sum(_restore_register(connection, name, folder / f"{name}.jsonl") for name in REGISTERS)
    finally:
        engine.dispose()


def _write(ledger_url: str, folder: Path, more: Sequence[sa.Table]) -> list[str]:
    engine = open_database(ledger_url, MIGRATIONS)
    try:
        with read_transaction(engine) as connection:
            tables = [*more, *(_register(connection, name) for name in REGISTERS)]
            for table in tables:
                with (folder / f"{table.name}.jsonl").open("wb") as file:
                    file.writelines(_lines(connection, table))
    finally:
        engine.dispose()
    return [f"{table.name}.jsonl" for table in tables]


def _register(connection: sa.Connection, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=connection)


def _restore_register(connection: sa.Connection, name: str, copy: Path) -> int:
    if not copy.exists():
        return 0
    table = _register(connection, name)
    copied = [orjson.loads(line) for line in copy.read_bytes().splitlines()]
    present = list(connection.execute(sa.select(table.c.link).order_by(table.c.number)).scalars())
    if [each["link"] for each in copied[: len(present)]] != present[: len(copied)]:
        raise StorageError(f"{name} in the ledger has other events than the backup: it is of another installation")
    times = [column.name for column in table.columns if isinstance(column.type, sa.DateTime)]
    missing = [each | {time: _moment(each[time]) for time in times} for each in copied[len(present) :]]
    if missing:
        connection.execute(sa.insert(table), missing)
    return len(missing)


def _moment(text: str) -> datetime:
    """SQLite stores no time zone, and every stored time is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    wanted = sa.select(table).order_by(*table.primary_key.columns)
    names = [str(column.name) for column in table.columns]
    for row in connection.execution_options(yield_per=READ_ROWS).execute(wanted):
        values = dict(zip(names, row, strict=True))
        yield orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
