"""Personal data: which fields are personal and whose they are, whether they are sealed, and how many persons there are.

What belongs here: what is held. What persons asked for is in `requests`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.view import Name, View
from sync_platform.lake.schema import table_name
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.vault.seal import PREFIX
from sync_platform.vault.subject_counts import DataSubjectCounts


@dataclass(frozen=True)
class PersonalDataset:
    """A dataset with personal fields, or sealed columns.

    `fields` and `subject` are paths as received: what is personal, and what names the person, the first that is filled.
    `columns`: where it is stored. `records`: those with any of it. `unsealed`: those with any of it in clear, and
    `unsealed_changes` likewise of the history.
    """

    platform: str
    dataset: str
    is_declared: bool
    fields: list[str]
    subject: list[str]
    columns: list[str]
    records: int = 0
    unsealed: int = 0
    unsealed_changes: int = 0


@dataclass(frozen=True)
class PersonalData:
    """All of them, and the data subjects whose keys the vault holds."""

    datasets: list[PersonalDataset]
    subjects: DataSubjectCounts


def personal_datasets(view: View, platforms: Mapping[str, Platform]) -> list[PersonalDataset]:
    """Every declared dataset with personal fields, and every table with sealed columns that no file declares."""
    sealed, declared = _sealed_columns(view), {}
    for name, platform in platforms.items():
        for dataset in platform.datasets:
            columns = {column.name for column in columns_of(dataset.row) if column.sealed}
            if dataset.personal or columns:
                declared[name, dataset.name] = (dataset.personal, columns)
    found = []
    for key in sorted(declared.keys() | sealed.keys()):
        personal, columns = declared.get(key, (None, set()))
        present = sorted(columns & view.columns(key).keys() | sealed.get(key, set()))
        fields, subject = (list(personal.fields), list(personal.subject)) if personal else ([], [])
        counts = _counts(view, key, present) if present else (0, 0, 0)
        found.append(PersonalDataset(*key, key in declared, fields, subject, present, *counts))
    return found


def judge_sealed(found: Iterable[PersonalDataset]) -> Obligation:
    held = [each for each in found if each.columns]
    if not held:
        return duties.SEALED.unchecked("no table with a personal field stands in the lake")
    broken = [
        f"{each.platform}.{each.dataset}: {each.unsealed:,} records and {each.unsealed_changes:,} changes in clear"
        for each in held
        if each.unsealed or each.unsealed_changes
    ]
    columns, records = sum(len(each.columns) for each in held), sum(each.records for each in held)
    told = f"every value of {columns} columns was looked at, in {records:,} records and in all of the history"
    return duties.SEALED.judged(not broken, "; ".join([*broken, told]))


def _sealed_columns(view: View) -> dict[Name, set[str]]:
    """By table, the columns that were declared as sealed when they were made, as their comments tell."""
    found = {}
    for name in view.tables():
        sealed = {column for column, described in view.columns(name).items() if described.endswith(", sealed")}
        if sealed:
            found[name] = sealed
    return found


def _counts(view: View, name: Name, columns: list[str]) -> tuple[int, int, int]:
    """Records with personal values, records with any in clear, changes with any in clear.

    The history's JSON is looked at as text: a quotation mark within a value is escaped, so that a name in quotation
    marks with a colon after it is a key, and to parse wide JSON costs memory.
    """
    any_filled = " OR ".join(f'"{each}" IS NOT NULL' for each in columns)
    any_clear = " OR ".join(f"NOT starts_with(\"{each}\"::VARCHAR, '{PREFIX}')" for each in columns)
    ((records, unsealed),) = view.rows(
        f"SELECT count(*) FILTER ({any_filled}), count(*) FILTER ({any_clear}) FROM {LAKE}.{table_name(*name)}"
    )
    clear = " OR ".join(_is_clear(side, each) for each in columns for side in ("before", "after"))
    ((changes,),) = view.rows(
        f"""SELECT count(*) FROM {LAKE}.{view.history}
        WHERE platform = $platform AND dataset = $dataset AND coalesce({clear}, false)""",
        {"platform": name[0], "dataset": name[1]},
    )
    return records, unsealed, changes


def _is_clear(side: str, column: str) -> str:
    """SQL: whether a change's values have the column, neither empty nor sealed; false where it has no values."""
    text = f"coalesce({side}::VARCHAR, '')"
    has, empty, sealed = f'"{column}":', f'"{column}":null', f'"{column}":"{PREFIX}'
    return f"(contains({text}, '{has}') AND NOT contains({text}, '{empty}') AND NOT contains({text}, '{sealed}'))"
