"""Held values: the fields of an erased person that a legal hold covers, kept aside under a key of the hold.

What belongs here: copying them before the person's key is destroyed, and deleting them when the hold ends. They are in
the lake's table `privacy.held_values`, so a backup has them too. The key of a hold is a key of the vault like that of a
person: backed up, and destroyed at the end of the hold like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pyarrow as pa

from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.subject_rows import personal_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.privacy.legal_holds import LegalHold
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import Vault
from sync_platform.vault.sealed_values import ERASED, PREFIX, value_at

TABLE = ("privacy", "held_values")
DESCRIPTION = "Fields of erased persons that a legal hold covers, sealed under the key of the hold, until it ends"
HOLD = "legal_hold"
"""The name under which the key of a hold is derived, in place of the field that names a person."""
COLUMNS = (
    Column("hold", "BIGINT", "Legal hold: `privacy hold list`"),
    Column("hold_subject", "VARCHAR", "Id under which the hold's key is in the vault"),
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("source_id", "VARCHAR", "The record that had the value"),
    Column("field", "VARCHAR", "Field of the record, as the platform sends it"),
    Column("value", "VARCHAR", "The value, sealed under the key of the hold"),
)
_NAME = f"{LAKE}.{'.'.join(TABLE)}"


@dataclass(frozen=True)
class HeldValue:
    """One value that a hold keeps; `value` is sealed."""

    hold: int
    hold_subject: str
    platform: str
    dataset: str
    source_id: str
    field: str
    value: str


def preserve(
    lake: Lake,
    history: str,
    platforms: Mapping[str, Platform],
    vault: Vault,
    subjects: Set[str],
    holds: Sequence[LegalHold],
    run_id: str,
) -> list[HeldValue]:
    """Copy every version of the covered fields, from the tables and their history. A repeat adds nothing."""
    with lake.session() as session:
        held = [
            each
            for platform, dataset in personal_tables(session, platforms)
            for hold in holds
            for each in _held_of(session, history, vault, subjects, hold, platform, dataset)
        ]

        def write() -> None:
            ensure_other_tables(session, {TABLE: (COLUMNS, DESCRIPTION)})
            session.execute(f"INSERT INTO {_NAME} BY NAME (SELECT * FROM held EXCEPT SELECT * FROM {_NAME})")
            describe_commit(session, run_id, f"legal hold: {len(held):,} values")

        if held:
            session.register("held", pa.Table.from_pylist([asdict(each) for each in held]))
            in_one_transaction(lake, session, write)
    return held


def read_held_values(session: duckdb.DuckDBPyConnection, hold: int) -> list[HeldValue]:
    """The values that a hold keeps, sealed; none where there is no such table."""
    if not has_table(session, ".".join(TABLE)):
        return []
    names = ", ".join(f'"{column.name}"' for column in COLUMNS)
    rows = session.execute(f"SELECT {names} FROM {_NAME} WHERE hold = ? ORDER BY ALL", [hold]).fetchall()
    return [HeldValue(*row) for row in rows]


def delete_held_values(lake: Lake, hold_subjects: Set[str], run_id: str) -> int:
    """Delete what ended holds kept; the number of values. A repeat deletes nothing."""
    condition = f"FROM {_NAME} WHERE list_contains($ids, hold_subject)"
    values = {"ids": sorted(hold_subjects)}
    with lake.session() as session:
        if not hold_subjects or not has_table(session, ".".join(TABLE)):
            return 0

        def delete() -> int:
            count = int(session.execute(f"SELECT count(*) {condition}", values).fetchall()[0][0])
            if count:
                session.execute(f"DELETE {condition}", values)
                describe_commit(session, run_id, f"end of a legal hold: {count:,} values deleted")
            return count

        return in_one_transaction(lake, session, delete)


def _held_of(
    session: duckdb.DuckDBPyConnection,
    history: str,
    vault: Vault,
    subjects: Set[str],
    hold: LegalHold,
    platform: Platform,
    dataset: Dataset,
) -> Iterable[HeldValue]:
    for column, field in sealed_paths(dataset).items():
        if not hold.covers(f"{platform.name}.{dataset.name}.{field}"):
            continue
        for source_id, sealed in _versions(session, history, platform, dataset, column, subjects & {*hold.subjects}):
            subject = sealed.removeprefix(PREFIX).partition(":")[0]
            value = vault.unseal(platform.name, field, sealed)
            name = f"{hold.number}/{subject}"
            yield HeldValue(
                hold=hold.number,
                hold_subject=vault.subject_id(platform.name, HOLD, name),
                platform=platform.name,
                dataset=dataset.name,
                source_id=source_id,
                field=field,
                value=_sealed_again(vault, platform.name, field, name, value),
            )


def _versions(
    session: duckdb.DuckDBPyConnection,
    history: str,
    platform: Platform,
    dataset: Dataset,
    column: str,
    subjects: Set[str],
) -> list[tuple[str, str]]:
    """The record and the ciphertext of every version of a column that has a value of these data subjects."""
    value = f"""(after->>'$."{column}"')"""
    is_theirs = " OR ".join(f"starts_with(value, '{PREFIX}{subject}:')" for subject in sorted(subjects))
    if not is_theirs:
        return []
    return session.execute(
        f"""SELECT DISTINCT source_id, value FROM (
            SELECT source_id, "{column}" AS value FROM {LAKE}.{dataset_table(platform.name, dataset).sql}
            UNION ALL SELECT entity_id, {value} FROM {LAKE}.{history}
            WHERE platform = ? AND dataset = ? AND {value} IS NOT NULL)
        WHERE ({is_theirs}) AND NOT ends_with(value, ':{ERASED}') ORDER BY ALL""",
        [platform.name, dataset.name],
    ).fetchall()


def _sealed_again(vault: Vault, platform: str, field: str, hold: str, value: Any) -> str:
    """The value under the key of the hold, in the form of every sealed value."""
    record: dict[str, Any] = {HOLD: hold}
    inner, *parents = reversed(field.split("."))
    below: Any = {inner: value}
    for name in parents:
        below = {name: below}
    record |= below
    vault.seal_records(platform, Personal((field,), (HOLD,)), [record], [hold], HOLD)
    return str(value_at(record, field.split(".")))
