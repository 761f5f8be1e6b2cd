"""The places where a person's values may be, looked at one by one for the proof of an erasure.

What belongs here: looking. A sealed value can be read only with its key, so a place without a key is proven by showing
that it has sealed values only and that the key is nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import sqlalchemy as sa

from sync_platform.backup.repository import Repository
from sync_platform.backup.tombstone_store import has_tombstones
from sync_platform.backup.vault_backup import VaultBackup
from sync_platform.lake.subject_rows import (
    SubjectRows,
    count_changes_with_ciphertext,
    count_subject_rows,
    personal_tables,
)
from sync_platform.landing.retention import landed_syncs
from sync_platform.privacy.erasure_proof import CheckedPlace, ErasureProof, ValueState
from sync_platform.privacy.file_scan import count_files_with
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_events import RequestEventKind
from sync_platform.privacy.request_register import opened_register
from sync_platform.sources.declaration import Platform
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import transaction
from sync_platform.vault.seal import Vault
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import read_tombstones

SEALED_COPY = "it has sealed values and no key"


@dataclass(frozen=True)
class ErasurePlaces:
    """Everything that may have a person's values.

    `stores`: those that have tombstones. `repositories`: opens the backups and the replica, each with what it is
    called; None where nothing was backed up. `dagster`: the folders of Dagster's records. `lake`: None for none yet.
    """

    vault: Vault
    vault_backup: VaultBackup
    stores: Sequence[ObjectStore]
    lake: Lake | None
    history: str
    platforms: Mapping[str, Platform]
    landing: ObjectStore
    landing_days: int
    time_travel_days: int
    repositories: Mapping[str, Callable[[], Repository | None]]
    ledger_url: str
    dagster: Sequence[Path]

    def prove(self, subjects: Set[str]) -> ErasureProof:
        """Look at every place. StorageError where one cannot be read."""
        places = [
            self._vault(subjects),
            self._backup_of_vault(subjects),
            *self._tombstones(subjects),
            *self._lake(subjects),
            *self._landing(),
            *self._backups(),
            *self._exports(subjects),
            self._corrections(subjects),
            self._dagster(subjects),
        ]
        return ErasureProof(datetime.now(UTC), places)

    def rows_of(self, session: duckdb.DuckDBPyConnection, subjects: Set[str]) -> list[SubjectRows]:
        """The tables that have rows of these data subjects."""
        return count_subject_rows(session, self.platforms, subjects)

    def _vault(self, subjects: Set[str]) -> CheckedPlace:
        with transaction(self.vault.engine) as connection:
            query = sa.select(sa.func.count()).where(subject_keys.c.subject_id.in_(subjects))
            keys = connection.execute(query).scalar_one()
            erased = {each.subject_id for each in read_tombstones(connection)}
        is_readable = keys or not subjects <= erased
        figures = {"keys": keys, "tombstones": len(subjects & erased)}
        note = "every process reads the tombstones before it uses a key"
        return CheckedPlace("vault", ValueState.readable if is_readable else ValueState.erased, figures, note)

    def _backup_of_vault(self, subjects: Set[str]) -> CheckedPlace:
        copies = self.vault_backup.erased_subjects()
        place, with_key = "backup of the vault", [name for name, erased in copies.items() if not subjects <= erased]
        if with_key:
            return CheckedPlace(place, ValueState.readable, {"copies with the key": len(with_key)})
        state = ValueState.erased if copies else ValueState.nothing
        return CheckedPlace(place, state, {"copies": len(copies), "copies with the key": 0})

    def _tombstones(self, subjects: Set[str]) -> Iterator[CheckedPlace]:
        with transaction(self.vault.engine) as connection:
            chain = [each for each in read_tombstones(connection) if each.subject_id in subjects]
        for store in self.stores:
            is_there = has_tombstones(store, chain, self.vault.tombstones.public_key)
            state = ValueState.erased if is_there else ValueState.readable
            note = (
                "a restore reads them first" if is_there else "a tombstone is missing: a restore could bring a key back"
            )
            yield CheckedPlace(f"tombstones in {store.url}", state, {"tombstones": len(chain)}, note)

    def _lake(self, subjects: Set[str]) -> Iterator[CheckedPlace]:
        if self.lake is None:
            return
        with self.lake.session() as session:
            rows = {each.table: each for each in self.rows_of(session, subjects)}
            platforms = set()
            for platform, dataset in personal_tables(session, self.platforms):
                platforms.add(platform.name)
                table = f"{platform.name}.{dataset.name}"
                person_rows = rows.get(table, SubjectRows(platform.name, dataset.name, 0, 0))
                yield _table(person_rows)
            changes = count_changes_with_ciphertext(session, self.history, platforms, subjects)
            snapshots = session.execute(f"SELECT count(*) FROM {LAKE}.snapshots()").fetchall()[0][0]
        unreadable = ValueState.unreadable if changes else ValueState.nothing
        yield CheckedPlace(
            f"history ({self.history})", unreadable, {"changes with ciphertext": changes}, "its chain stays whole"
        )
        yield CheckedPlace(
            "snapshots of the lake",
            unreadable,
            {"snapshots": snapshots},
            f"those from before the erasure expire after {self.time_travel_days} days",
        )

    def _landing(self) -> Iterator[CheckedPlace]:
        syncs = landed_syncs(self.landing)
        for name, platform in self.platforms.items():
            personal = {dataset.name for dataset in platform.datasets if dataset.personal}
            person_syncs = [each for each in syncs if each.platform == name and personal & each.entries.keys()]
            if personal:
                state = ValueState.unreadable if person_syncs else ValueState.nothing
                note = f"{SEALED_COPY}; deleted after {self.landing_days} days, or earlier where terms say so"
                yield CheckedPlace(
                    f"landing of {name}, quarantined records too", state, {"syncs": len(person_syncs)}, note
                )

    def _backups(self) -> Iterator[CheckedPlace]:
        for what, opened in self.repositories.items():
            repository = opened()
            if repository is None:
                yield CheckedPlace(what, ValueState.nothing, {"backups": 0})
                continue
            for read in repository.read_manifests():
                note = SEALED_COPY if read.manifest else f"{SEALED_COPY}; it cannot be restored: {read.problem}"
                files = len(read.manifest.files) if read.manifest else 0
                yield CheckedPlace(f"{what} {read.backup_id}", ValueState.unreadable, {"files": files}, note)

    def _exports(self, subjects: Set[str]) -> Iterator[CheckedPlace]:
        exported = unsealed = 0
        with closing(AuditLog(self.ledger_url)) as log:
            for entry in log.entries():
                exported += entry.operation in (OperationName.export, OperationName.report)
                unsealed += entry.operation == OperationName.unseal and entry.outcome == "complete"
        state = ValueState.unreadable if exported else ValueState.nothing
        yield CheckedPlace("exports and reports on record", state, {"exports": exported}, SEALED_COPY)
        note = "their recipients must delete what they have of the person"
        if unsealed:
            yield CheckedPlace("answers of `query --unseal`", ValueState.out_of_reach, {"answers": unsealed}, note)
        if answered := self._access_answers(subjects):
            yield CheckedPlace("answers to access requests", ValueState.out_of_reach, {"answers": answered}, note)

    def _corrections(self, subjects: Set[str]) -> CheckedPlace:
        """The right values in the register of privacy requests, which are sealed like the wrong ones."""
        marks = tuple(f"{PREFIX}{subject}:" for subject in subjects)
        with opened_register(self.ledger_url) as register:
            corrections = [
                each
                for request in register.requests()
                for each in request.corrections
                if any((value or "").startswith(marks) for value in (each.wrong, each.right, each.shown))
            ]
        state = ValueState.unreadable if corrections else ValueState.nothing
        return CheckedPlace(
            "corrections in the register of requests", state, {"corrections": len(corrections)}, SEALED_COPY
        )

    def _access_answers(self, subjects: Set[str]) -> int:
        """How many access requests of these data subjects were answered."""
        with opened_register(self.ledger_url) as register:
            return sum(
                each.kind is PrivacyRequestKind.access
                and each.closing is RequestEventKind.answered
                and bool(subjects & set(each.subjects))
                for each in register.requests()
            )

    def _dagster(self, subjects: Set[str]) -> CheckedPlace:
        scan = count_files_with(self.dagster, [f"{PREFIX}{subject}:".encode() for subject in sorted(subjects)])
        figures = {"files": scan.files, "files with a sealed value": scan.matching}
        state = ValueState.unreadable if scan.matching else ValueState.nothing
        return CheckedPlace("Dagster's records and captured output", state, figures)


def _table(rows: SubjectRows) -> CheckedPlace:
    state = ValueState.erased if rows.erased else ValueState.nothing
    if rows.sealed:
        state = ValueState.readable
    figures = {"rows in the erased form": rows.erased, "rows with ciphertext": rows.sealed}
    return CheckedPlace(f"table {rows.table}", state, figures)
