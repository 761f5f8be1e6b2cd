"""A vault as a stream of lines, and a vault from such a stream: the same for SQLite and PostgreSQL.

The first line says the format, the check value of the master key, the number of tombstones, and the master key itself
where it comes from a key file. Then come lines with rows of each table, and a last line with their numbers. Keys of
erased subjects are in no line. The stream is encrypted before it is stored (backup/vault_backup.py).
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import read_transaction, transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.vault.key_check import key_checks
from sync_platform.vault.kms_key import master_keys
from sync_platform.vault.rotation_record import rotations
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import Tombstone, import_tombstones, read_tombstones, tombstones

FORMAT = "sync-platform vault 2"
FORMATS = ("sync-platform vault 1", FORMAT)
"""The formats that can be read. The first one is from before rotations."""
ROWS_PER_LINE = 500
TABLES = {str(table.name): table for table in (key_checks, master_keys, rotations, tombstones, subject_keys)}
"""The tables of a vault. Tombstones come before the keys, so that a reader knows them first."""


@dataclass
class VaultCopy:
    """What the lines of a copy say, without its rows. `master_key` is in hex; empty where KMS wraps the key.

    `wrapped_keys`: the wrapped master key of each KMS key. `earlier_checks`: the check values of keys that a rotation
    replaced.
    """

    created_at: str
    check_value: str
    master_key: str
    wrapped_keys: dict[str, bytes] = field(default_factory=dict)
    earlier_checks: set[str] = field(default_factory=set)
    tombstones: list[Tombstone] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def continues(self, earlier: VaultCopy) -> bool:
        """True if this is the same vault later: a key disappears only for a tombstone."""
        is_same = earlier.check_value in {self.check_value, *self.earlier_checks}
        return is_same and self.keys_ever >= earlier.keys_ever

    @property
    def keys_ever(self) -> int:
        """The number of keys, destroyed ones included; it never falls."""
        return len(self.tombstones) + self.rows[subject_keys.name]


_NOT_ERASED = subject_keys.c.subject_id.not_in(sa.select(tombstones.c.subject_id))


def summarise_vault(engine: sa.Engine, master_key: str) -> VaultCopy:
    """What a copy of the vault would say, found without reading its keys: a million of them take seconds."""
    without_keys = [name for name in TABLES if name != subject_keys.name]
    copy = read_vault_lines(vault_lines(engine, master_key, without_keys))
    with transaction(engine) as connection:
        counted = sa.select(sa.func.count()).select_from(subject_keys).where(_NOT_ERASED)
        copy.rows[subject_keys.name] = connection.execute(counted).scalar_one()
    return copy


def vault_lines(engine: sa.Engine, master_key: str, names: Iterable[str] = tuple(TABLES)) -> Iterator[bytes]:
    """The tables `names` of the vault as lines of JSON, at one moment, in constant memory."""
    counts = dict.fromkeys(TABLES, 0)
    with read_transaction(engine) as connection:
        check = connection.execute(sa.select(key_checks.c.check_value)).scalar()
        yield _line(
            {
                "format": FORMAT,
                "created_at": datetime.now(UTC).isoformat(),
                "check_value": check or "",
                "master_key": master_key,
            }
        )
        for name in names:
            table = TABLES[name]
            wanted = sa.select(*map(_as_stored, table.columns))
            if table is subject_keys:
                wanted = wanted.where(_NOT_ERASED)
            cursor = connection.execution_options(yield_per=ROWS_PER_LINE).execute(
                wanted.order_by(*table.primary_key.columns)
            )
            for rows in cursor.partitions(ROWS_PER_LINE):
                counts[name] += len(rows)
                chunk = [
                    [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in row]
                    for row in rows
                ]
                yield _line({"table": name, "rows": chunk})
        yield _line({"end": counts})


def read_vault_lines(lines: Iterable[bytes]) -> VaultCopy:
    """Read every line of a copy without storing it; StorageError where it is not whole."""
    copy, counts = None, Counter[str]()
    for document in map(_document, lines):
        if copy is None:
            copy = _header(document)
        elif copy.rows:
            raise StorageError("the copy of the vault goes on after its end")
        elif "end" in document:
            copy.rows = document["end"]
        else:
            counts[document["table"]] += len(document["rows"])
            if document["table"] == tombstones.name:
                copy.tombstones += [
                    Tombstone(**dict(zip(tombstones.c.keys(), row, strict=True))) for row in document["rows"]
                ]
            if document["table"] == master_keys.name:
                copy.wrapped_keys |= {name: base64.b64decode(wrapped) for name, wrapped, *_ in document["rows"]}
            if document["table"] == rotations.name:
                copy.earlier_checks |= {row[1] for row in document["rows"]}
    if copy is None or not copy.rows or Counter(copy.rows) != counts:
        raise StorageError("the copy of the vault is not whole")
    return copy


def tombstones_in(lines: Iterable[bytes]) -> set[str]:
    """The subjects with a tombstone in a copy; the lines with keys are not read."""
    column = tombstones.c.keys().index("subject_id")
    subjects: set[str] = set()
    for document in map(_document, lines):
        if document.get("table") == subject_keys.name:
            break
        if document.get("table") == tombstones.name:
            subjects |= {row[column] for row in document["rows"]}
    return subjects


def write_vault(engine: sa.Engine, lines: Iterable[bytes], erased: Sequence[Tombstone]) -> VaultCopy:
    """Fill an empty vault from a copy, in one transaction, without the keys of `erased` subjects.

    `erased`: the tombstones of the stores; those that a restore of the lake brought into the vault count too.
    StorageError where they are fewer than the copy's, where the vault is not empty, or where the copy is not whole;
    then nothing is written.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        _require_no_keys(connection)
        in_vault = read_tombstones(connection)
        if list(erased) == in_vault[: len(erased)]:
            erased = in_vault
        subjects = {each.subject_id for each in erased}

        def stored() -> Iterator[bytes]:
            for line in lines:
                document = _document(line)
                if "table" in document and document["table"] != tombstones.name:
                    _insert(connection, TABLES[document["table"]], document["rows"], subjects)
                yield line

        copy = read_vault_lines(stored())
        if copy.tombstones != list(erased[: len(copy.tombstones)]):
            raise StorageError(
                f"the backup of the vault has {len(copy.tombstones):,} tombstones, and they are not among the "
                f"{len(erased):,} of the stores: a tombstone was deleted or changed; nothing was restored"
            )
        import_tombstones(connection, erased)
        if copy.check_value != (connection.execute(sa.select(key_checks.c.check_value)).scalar() or ""):
            raise StorageError("the vault was opened under another master key before; nothing was restored")
    return copy


def _insert(connection: sa.Connection, table: sa.Table, rows: list[list[Any]], erased: set[str]) -> None:
    names = [column.name for column in table.columns]
    # a copy from before a column was added has shorter rows
    read = [dict(zip(names, map(_read, table.columns, row), strict=False)) for row in rows]
    rows_to_insert = [row for row in read if row.get("subject_id") not in erased]
    if rows_to_insert:  # a vault that was opened before has the check value of its key already
        connection.execute(upsert(connection.engine, table).on_conflict_do_nothing(), rows_to_insert)


def _require_no_keys(connection: sa.Connection) -> None:
    if connection.execute(sa.select(subject_keys).limit(1)).first() is not None:
        raise StorageError(
            f"the vault {connection.engine.url.render_as_string()} has keys of persons: a vault is restored into a new "
            "one; nothing was written"
        )


def _header(document: dict[str, Any]) -> VaultCopy:
    if document.get("format") not in FORMATS:
        raise StorageError(
            f"the copy of the vault is of another format, {document.get('format')!r}: use a newer version of this "
            "program; nothing was read or written"
        )
    return VaultCopy(document["created_at"], document["check_value"], document["master_key"])


def _document(line: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(line)
    return document


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def _as_stored(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The column as the database returns it. A time of SQLite stays text: to parse a million of them takes a second."""
    return sa.type_coerce(column, sa.Text) if isinstance(column.type, StoredTime) else column


def _read(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, sa.LargeBinary):
        return base64.b64decode(value)
    if isinstance(column.type, StoredTime):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value
