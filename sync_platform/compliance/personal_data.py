"""Personal data: the personal fields of each dataset, and whether all of their values are sealed.

What belongs here: stored personal data. Requests of data subjects are in `subject_requests`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView, Name
from sync_platform.compliance.obligation import Obligation
from sync_platform.lake.schema import table_name
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.vault.personal_fields import Personal, PersonalKind, Processing
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.subject_counts import DataSubjectCounts


@dataclass(frozen=True)
class PersonalDataset:
    """A dataset with personal fields or sealed columns.

    `fields`: paths of the personal fields, as received. `kinds`: what each says about a person. `subject`: paths of the
    fields that identify the person; the first filled one is used. `processing`: why they are kept. `unstated`: what the
    platform file does not state. `columns`: where the personal fields are stored. `records`: how many have a value in
    them; `unsealed`: how many have a value that is not sealed; `unsealed_changes`: how many changes have one.
    """

    platform: str
    dataset: str
    is_declared: bool
    fields: list[str]
    kinds: dict[str, PersonalKind]
    subject: list[str]
    processing: Processing | None
    unstated: list[str]
    columns: list[str]
    records: int = 0
    unsealed: int = 0
    unsealed_changes: int = 0


@dataclass(frozen=True)
class PersonalData:
    """Every such dataset, and the number of data subjects in the vault."""

    datasets: list[PersonalDataset]
    subjects: DataSubjectCounts


def personal_datasets(view: LakeView, platforms: Mapping[str, Platform]) -> list[PersonalDataset]:
    """Every declared dataset with personal fields, and every undeclared table with sealed columns."""
    sealed, declared = _sealed_columns(view), {}
    for name, platform in platforms.items():
        for dataset in platform.datasets:
            columns = {column.name for column in columns_of(dataset.row) if column.sealed}
            if dataset.personal or columns:
                declared[name, dataset.name] = (dataset.personal, columns)
    datasets = []
    for key in sorted(declared.keys() | sealed.keys()):
        personal, columns = declared.get(key, (None, set()))
        present = sorted(columns & view.columns(key).keys() | sealed.get(key, set()))
        counts = _counts(view, key, present) if present else (0, 0, 0)
        datasets.append(_registered(*key, key in declared, personal, present, counts))
    return datasets


def _registered(
    platform: str,
    dataset: str,
    is_declared: bool,
    personal: Personal | None,
    columns: list[str],
    counts: tuple[int, int, int],
) -> PersonalDataset:
    """The dataset with what its platform file states, if it states anything."""
    return PersonalDataset(
        platform,
        dataset,
        is_declared,
        fields=list(personal.fields) if personal else [],
        kinds={path: personal.kind_of(path) for path in personal.fields} if personal else {},
        subject=list(personal.subject) if personal else [],
        processing=personal.processing if personal else None,
        unstated=personal.unstated if personal else ["its personal fields"],
        columns=columns,
        records=counts[0],
        unsealed=counts[1],
        unsealed_changes=counts[2],
    )


def judge_registered(found_datasets: Iterable[PersonalDataset]) -> Obligation:
    datasets = list(found_datasets)
    if not datasets:
        return requirements.REGISTERED.unchecked("no platform file declares a personal field")
    incomplete = [dataset for dataset in datasets if dataset.unstated]
    gaps = [
        f"{dataset.platform}.{dataset.dataset} does not state {', '.join(dataset.unstated)}" for dataset in incomplete
    ]
    fields = sum(len(dataset.fields) for dataset in datasets)
    return requirements.REGISTERED.judged(
        not gaps, "; ".join([*gaps, f"{fields} personal fields of {len(datasets)} datasets are declared"])
    )


def judge_sealed(datasets: Iterable[PersonalDataset]) -> Obligation:
    stored = [dataset for dataset in datasets if dataset.columns]
    if not stored:
        return requirements.SEALED.unchecked("the lake has no table with a personal field")
    broken = [
        f"{dataset.platform}.{dataset.dataset}: {dataset.unsealed:,} records and {dataset.unsealed_changes:,} changes "
        "in clear"
        for dataset in stored
        if dataset.unsealed or dataset.unsealed_changes
    ]
    columns, records = sum(len(dataset.columns) for dataset in stored), sum(dataset.records for dataset in stored)
    checked = f"every value of {columns} columns was checked, in {records:,} records and in all of the history"
    return requirements.SEALED.judged(not broken, "; ".join([*broken, checked]))


def _sealed_columns(view: LakeView) -> dict[Name, set[str]]:
    """By table, the columns whose comment in the catalog says that they were declared as sealed."""
    sealed_columns = {}
    for name in view.tables():
        sealed = {column for column, described in view.columns(name).items() if described.endswith(", sealed")}
        if sealed:
            sealed_columns[name] = sealed
    return sealed_columns


def _counts(view: LakeView, name: Name, columns: list[str]) -> tuple[int, int, int]:
    """Records with personal values, records with an unsealed one, changes with an unsealed one.

    The JSON of the history is searched as text, because parsing wide JSON costs memory. It is exact: a quotation mark
    within a value is escaped, so a name in quotation marks with a colon after it can only be a key.
    """
    any_filled = " OR ".join(f'"{column}" IS NOT NULL' for column in columns)
    any_clear = " OR ".join(f"NOT starts_with(\"{column}\"::VARCHAR, '{PREFIX}')" for column in columns)
    ((records, unsealed),) = view.rows(
        f"SELECT count(*) FILTER ({any_filled}), count(*) FILTER ({any_clear}) FROM {LAKE}.{table_name(*name)}"
    )
    clear = " OR ".join(_is_clear(side, column) for column in columns for side in ("before", "after"))
    ((changes,),) = view.rows(
        f"""SELECT count(*) FROM {view.changes}
        WHERE platform = $platform AND dataset = $dataset AND coalesce({clear}, false)""",
        {"platform": name[0], "dataset": name[1]},
    )
    return records, unsealed, changes


def _is_clear(side: str, column: str) -> str:
    """SQL: true if the column has a value in a change that is neither empty nor sealed."""
    text = f"coalesce({side}::VARCHAR, '')"
    has, empty, sealed = f'"{column}":', f'"{column}":null', f'"{column}":"{PREFIX}'
    return f"(contains({text}, '{has}') AND NOT contains({text}, '{empty}') AND NOT contains({text}, '{sealed}'))"
