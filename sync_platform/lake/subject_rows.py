"""The rows and changes of data subjects in the lake: how many, in which tables, and whether they have ciphertext.

What belongs here: counting. Nothing is unsealed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import duckdb

from sync_platform.lake.erased_rows import has_ciphertext, sealed_columns
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vault.sealed_values import ERASED, PREFIX


@dataclass(frozen=True)
class SubjectRows:
    """How many rows of a table have sealed values of some data subjects: as ciphertext, or in the erased form."""

    platform: str
    dataset: str
    sealed: int
    erased: int

    @property
    def table(self) -> str:
        return f"{self.platform}.{self.dataset}"


def personal_tables(
    session: duckdb.DuckDBPyConnection, platforms: Mapping[str, Platform]
) -> Iterator[tuple[Platform, Dataset]]:
    """The datasets with sealed columns whose table is in the lake."""
    for platform in platforms.values():
        for dataset in platform.datasets:
            if sealed_columns(dataset) and has_table(session, dataset_table(platform.name, dataset).sql):
                yield platform, dataset


def count_subject_rows(
    session: duckdb.DuckDBPyConnection, platforms: Mapping[str, Platform], subjects: Set[str]
) -> list[SubjectRows]:
    """The tables that have rows of these data subjects, removed rows included."""
    subject_rows = []
    with TemporaryTables(session) as scratch:
        forms = ", ".join(f"'{PREFIX}{subject}:{ERASED}'" for subject in sorted(subjects)) or "''"
        for platform, dataset in personal_tables(session, platforms):
            names = sealed_columns(dataset)
            is_sealed = has_ciphertext(scratch, names, subjects)
            is_erased = " OR ".join(f'"{name}" IN ({forms})' for name in names)
            query = f"SELECT count(*) FILTER ({is_sealed}), count(*) FILTER ({is_erased}) FROM {LAKE}."
            sealed, erased = session.execute(query + dataset_table(platform.name, dataset).sql).fetchall()[0]
            if sealed or erased:
                subject_rows.append(SubjectRows(platform.name, dataset.name, sealed, erased))
    return subject_rows


def count_changes_with_ciphertext(
    session: duckdb.DuckDBPyConnection, history: str, platforms: Set[str], subjects: Set[str]
) -> int:
    """How many changes of these platforms in the history name ciphertext of these data subjects."""
    if not subjects or not platforms or not has_table(session, history):
        return 0
    named = ", ".join(f"'{name}'" for name in sorted(platforms))
    texts = " OR ".join(
        f"""(contains({side}::VARCHAR, '{PREFIX}{subject}:')
            AND contains(replace({side}::VARCHAR, '{PREFIX}{subject}:{ERASED}"', ''), '{PREFIX}{subject}:'))"""
        for side in ("before", "after")
        for subject in sorted(subjects)
    )
    query = f"SELECT count(*) FROM {LAKE}.{history} WHERE platform IN ({named}) AND ({texts})"
    return int(session.execute(query).fetchall()[0][0])
