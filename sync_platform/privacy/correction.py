"""Correction of one value: what an operator gives for a person's record, checked, sealed, recorded and applied.

What belongs here: which values may be corrected, and sealing the right one. How it stands in place of the wrong one
belongs in lake/corrected_values.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import orjson

from sync_platform.errors import UsageError
from sync_platform.lake.corrected_values import text_of
from sync_platform.lake.erased_rows import sealed_columns
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.privacy.correction_events import record_correction, require_correction
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.recorded_corrections import apply_register
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import Vault
from sync_platform.vault.sealed_values import ERASED, Record, value_at
from sync_platform.vault.unsealing import parts_of


@dataclass(frozen=True)
class CorrectedRecord:
    """A record of a person, and the platform and dataset that it is in."""

    platform: Platform
    dataset: Dataset
    source_id: str


@dataclass(frozen=True)
class CorrectedInstallation:
    """What a correction needs. `history`: the name of the table of changes."""

    register: RequestRegister
    vault: Vault
    lake: Lake
    history: str
    platforms: Mapping[str, Platform]


def correct(
    installation: CorrectedInstallation, request: int, record: CorrectedRecord, column: str, text: str, actor: str
) -> int:
    """Record the right value of a column of a record, and apply it; returns the number of the correction.

    UsageError where the request allows no correction, the record is of another person or erased, or the column cannot
    have that value.
    """
    privacy_request = installation.register.find(request)
    require_correction(privacy_request)
    table_column = _correctable(record.dataset, column)
    with installation.lake.session() as session:
        values = _CorrectedColumn(installation.vault, session, record, table_column)
        details = values.of(privacy_request, text)
    number = record_correction(installation.register, request, details, actor=actor)
    apply_register(
        installation.lake, installation.history, installation.platforms, installation.register, f"correction-{number}"
    )
    return number


def _correctable(dataset: Dataset, name: str) -> Column:
    """The column; UsageError for one that cannot be corrected."""
    columns = {each.name: each for each in dataset_table("", dataset).lasting}
    column = columns.get(name)
    if dataset.personal is None:
        raise UsageError(f"{dataset.name} has no personal data: a correction is of a record of a person")
    if column is None or name == dataset.cursor or column.refers_to:
        known = ", ".join(each for each in columns if each != dataset.cursor and not columns[each].refers_to)
        raise UsageError(f"{dataset.name} has no column {name!r} that can be corrected; it has {known}")
    if column.sealed and (column.sql_type.endswith("[]") or "[]" in sealed_paths(dataset)[name]):
        raise UsageError(
            f"{dataset.name}.{name} has a list of values that are sealed one by one, which cannot be corrected here: "
            "have the platform correct them, and the next sync has the right ones"
        )
    return column


@dataclass(frozen=True)
class _CorrectedColumn:
    """The wrong and the right value of one column of one record."""

    vault: Vault
    session: duckdb.DuckDBPyConnection
    record: CorrectedRecord
    column: Column

    def of(self, request: PrivacyRequest, text: str) -> dict[str, str | None]:
        """The details of the correction that the register keeps."""
        row = self._row()
        subject, wrong = self._subject(row, request), row[self.column.name]
        right, shown_value = self._sealed(row, subject, text) if self.column.sealed else self._plain(text)
        if right == wrong:
            raise UsageError(f"{self._name} has this value already")
        platform, dataset = self.record.platform.name, self.record.dataset.name
        where = {"platform": platform, "dataset": dataset, "source_id": self.record.source_id}
        return {**where, "column": self.column.name, "wrong": wrong, "right": right, "shown": shown_value}

    @property
    def _name(self) -> str:
        return f"{self.record.platform.name}.{self.record.dataset.name} {self.record.source_id} {self.column.name}"

    def _row(self) -> dict[str, str | None]:
        """The column, and the sealed columns, of the record."""
        names = list(dict.fromkeys([self.column.name, *sealed_columns(self.record.dataset)]))
        table = dataset_table(self.record.platform.name, self.record.dataset).sql
        listed = ", ".join(text_of(self.column) if name == self.column.name else f'"{name}"' for name in names)
        rows = (
            self.session.execute(
                f"SELECT {listed} FROM {LAKE}.{table} WHERE source_id = ?", [self.record.source_id]
            ).fetchall()
            if has_table(self.session, table)
            else []
        )
        if not rows:
            raise UsageError(f"there is no record {self._name.removesuffix(f' {self.column.name}')}")
        return dict(zip(names, rows[0], strict=True))

    def _subject(self, row: Mapping[str, str | None], request: PrivacyRequest) -> str:
        """The data subject of the record; UsageError where it is not one of the request, or erased."""
        parts = [parts_of(row[name] or "") for name in sealed_columns(self.record.dataset) if row[name]]
        if not parts:
            raise UsageError(f"{self._name}: the record has no personal value, so nobody knows whose it is")
        subject, ciphertext = parts[0]
        if ciphertext == ERASED:
            raise UsageError(f"{self._name}: the person is erased")
        if subject not in request.subjects:
            raise UsageError(
                f"{self._name} is of the subject id {subject}, which privacy request {request.number} does not name: "
                f"privacy requests note {request.number} TEXT --subject {subject}"
            )
        return subject

    def _plain(self, text: str) -> tuple[str, str]:
        given = self._elements(text) if self.column.sql_type.endswith("[]") else text
        typed = text_of(self.column, f"CAST(? AS {self.column.sql_type})")
        try:
            ((value,),) = self.session.execute(f"SELECT {typed}", [given]).fetchall()
        except duckdb.Error:
            raise UsageError(f"{self._name} is a {self.column.sql_type}, and the value is none") from None
        return value, value

    def _elements(self, text: str) -> list[str]:
        """The values of a list; UsageError where the text is no list."""
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError:
            raise UsageError(
                f'{self._name} is a list: give all of its values as JSON, such as \'["one", "two"]\''
            ) from None

    def _sealed(self, row: Mapping[str, str | None], subject: str, text: str) -> tuple[str, str]:
        """The right value sealed for the person, and as it is sealed once the platform shows it."""
        path, platform, wrong = sealed_paths(self.record.dataset)[self.column.name], self.record.platform.name, row
        known = wrong[self.column.name]
        value = _of_the_type_of(self.vault.unseal(platform, path, known) if known else "", text)
        named = self._subject_by_name(row, path, value)
        return self._seal(subject, path, value), self._seal(named or subject, path, value)

    def _subject_by_name(self, row: Mapping[str, str | None], path: str, value: Any) -> str | None:
        """The data subject that the record has once the platform shows the value, if the field names the person."""
        personal, paths = self.record.dataset.personal, sealed_paths(self.record.dataset)
        for naming in personal.subject if personal else ():
            if naming == path:
                return self.vault.subject_id(self.record.platform.name, path, value)
            if any(paths[name] == naming and row[name] for name in paths):
                return None
        return None

    def _seal(self, subject: str, path: str, value: Any) -> str:
        personal, names = self.record.dataset.personal, path.split(".")
        kind = personal.kind_of(path) if personal else None
        sealed: Record = {}
        parent = sealed
        for name in names[:-1]:
            parent = parent.setdefault(name, {})
        parent[names[-1]] = value
        fields = {path: kind} if kind else (path,)
        dataset = self.record.dataset.name
        self.vault.seal_for([subject], self.record.platform.name, Personal(fields, ()), [sealed], dataset)
        return str(value_at(sealed, names))


def _of_the_type_of(wrong: Any, text: str) -> Any:
    """The right value in the type of the wrong one; UsageError where it has not that type."""
    if isinstance(wrong, str):
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    if type(value) is not type(wrong):
        raise UsageError(f"the platform shows a value of the type {type(wrong).__name__} here")
    return value
