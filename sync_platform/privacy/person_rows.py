"""The rows of persons in a table: which records have sealed values of them.

What belongs here: finding rows fast. No statement here has a parameter: the first one of a process makes DuckDB import
pandas, which takes as long as the search. A subject id has letters, digits, `-` and `_` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from sync_platform.errors import UsageError
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE
from sync_platform.vault.sealed_values import PREFIX

SUBJECT_ID = re.compile(r"[\w-]{22}", re.ASCII)
_SUBJECT_AT = f"{len(PREFIX) + 1}, 22"


def source_ids_of(
    session: duckdb.DuckDBPyConnection, table: str, dataset: Dataset, subjects: Iterable[str]
) -> dict[str, str]:
    """The `source_id` of each row of these persons, with the person's subject id.

    All sealed values of a row are of one person. So a column is read only where those before it are empty: mostly, the
    first column has a value in every row.
    """
    ids = ", ".join(f"'{each}'" for each in map(require_subject_id, subjects))
    source_ids: dict[str, str] = {}
    empty = "true"
    for column in sealed_paths(dataset):
        subject = f'substr("{column}", {_SUBJECT_AT})'
        ((is_empty, rows),) = session.execute(
            f"""SELECT bool_or("{column}" IS NULL), list([source_id, {subject}])
                FILTER ({subject} IN (SELECT unnest([{ids}])))
            FROM {LAKE}.{table} WHERE {empty}"""
        ).fetchall()
        source_ids |= dict(rows or ())
        if not is_empty:
            break
        empty += f' AND "{column}" IS NULL'
    return source_ids


def require_subject_id(text: str) -> str:
    """The text if it has the form of a subject id; else UsageError."""
    if not SUBJECT_ID.fullmatch(text):
        raise UsageError(f"{text!r} is no subject id, which has 22 characters: `privacy access --list` shows them")
    return text
