"""Rows with sealed values of erased persons, in any relation with the columns of a dataset, and their erased form.

What belongs here: finding such rows, and replacing them in the incoming rows of a commit. So an erased person comes
back neither by what was landed before the erasure, nor by a sync that ran while the person was erased. The rows that
are stored already belong in lake/row_erasure.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from sync_platform.lake.replaced_values import Replacement, replace_incoming, replacement
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vault.erased_values import ReadErased, erased_form
from sync_platform.vault.sealed_values import ERASED, PREFIX

FEW = 50
"""The most data subjects that a query names; more are looked up in a table."""


def sealed_columns(dataset: Dataset) -> list[str]:
    """The columns of a dataset that have sealed values."""
    return [column.name for column in columns_of(dataset.row) if column.sealed]


def erase_incoming(scratch: TemporaryTables, rows: str, dataset: Dataset, read_erased: ReadErased) -> None:
    """Give the incoming rows of erased persons their erased form, in place. A repeat is harmless.

    `rows`: a temporary table with the dataset's columns and `content_hash`.
    """
    found_replacement = erased_rows(scratch, rows, dataset, read_erased(), "rowid") if sealed_columns(dataset) else None
    if found_replacement is not None:
        replace_incoming(scratch, rows, found_replacement)


def erased_rows(
    scratch: TemporaryTables, relation: str, dataset: Dataset, erased: Set[str], key: str
) -> Replacement | None:
    """The erased form of the rows that have ciphertext of erased persons; None for none.

    `key`: SQL over the relation that identifies a row.
    """
    names = sealed_columns(dataset)
    if not names or not erased:
        return None
    columns = [column.name for column in columns_of(dataset.row)]
    listed = ", ".join(f'"{name}"' for name in columns)
    is_readable = has_ciphertext(scratch, names, erased)
    rows = scratch.session.execute(f"SELECT {key}, {listed} FROM {relation} WHERE {is_readable}").fetchall()
    if not rows:
        return None
    versions = [_erased_version(dict(zip(columns, row[1:], strict=True)), names, erased) for row in rows]
    return replacement(scratch, dataset, [row[0] for row in rows], versions, names)


def has_ciphertext(scratch: TemporaryTables, columns: Iterable[str], subjects: Set[str]) -> str:
    """SQL: true if one of the columns has ciphertext of one of these data subjects."""
    is_theirs = _is_of(scratch, subjects)
    conditions = (
        f"({is_theirs} AND NOT ends_with({{column}}, ':{ERASED}'))".format(column=f'"{name}"') for name in columns
    )
    return " OR ".join(conditions)


def values_of(scratch: TemporaryTables, columns: Iterable[str], subjects: Set[str]) -> str:
    """SQL: true if one of the columns has a sealed value of one of these data subjects, also in the erased form."""
    is_theirs = _is_of(scratch, subjects)
    return " OR ".join(is_theirs.format(column=f'"{name}"') for name in columns)


def _is_of(scratch: TemporaryTables, subjects: Set[str]) -> str:
    """SQL with `{column}` in it: true if the column has a sealed value of one of these data subjects."""
    if len(subjects) <= FEW:  # a comparison of beginnings takes a third of the time
        beginnings = [f"starts_with({{column}}, '{PREFIX}{subject}:')" for subject in sorted(subjects)]
        return f"({' OR '.join(beginnings) or 'false'})"
    ids = scratch.create("subjects", "SELECT unnest($ids::VARCHAR[]) AS id", {"ids": sorted(subjects)})
    part = PREFIX.count(":") + 1
    return f"(starts_with({{column}}, '{PREFIX}') AND split_part({{column}}, ':', {part}) IN (FROM {ids}))"


def _erased_version(row: dict[str, Any], names: list[str], erased: Set[str]) -> dict[str, Any]:
    return row | {name: erased_form(row[name], erased) for name in names if row[name] is not None}
