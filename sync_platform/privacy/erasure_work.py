"""The work on one confirmed erasure: destroyed everywhere, and proven.

What belongs here: the order of the steps, and what is recorded of each. Every step is harmless when repeated, so an
erasure that was interrupted anywhere goes on with all of them. It is complete only when its proof finds nothing that
can still be read. A legal hold defers what it covers; when the hold ends, the erasure goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.errors import LockLost, StorageError, SyncError
from sync_platform.lake.row_erasure import erase_rows
from sync_platform.lake.subject_rows import personal_tables
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure_proof import ErasureProof
from sync_platform.privacy.erasure_record import Erasure, ErasureEventKind, ErasureState
from sync_platform.privacy.held_values import delete_held_values, preserve
from sync_platform.privacy.legal_holds import LegalHold
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.storage.operation_step import OnStep
from sync_platform.vault.erased_values import erased_subjects


@dataclass
class ErasureWork:
    """The work on one erasure, in order."""

    installation: ErasedInstallation
    erasure: Erasure
    actor: str
    on_step: OnStep
    require_lock: Callable[[], None]

    def run(self) -> None:
        ledger, now = self.installation.ledger, self.installation.ledger.now()
        holds = self.installation.holds.of(self.erasure.subjects)
        active = [each for each in holds if each.is_active(now)]
        is_destroyed = self._is_destroyed()
        until = max((each.until for each in active), default=None)
        if active and not is_destroyed and self._covers_all(active):
            self._defer(until)
            return
        ended = self._ended(holds, now)
        if self.erasure.state is ErasureState.partly_complete and ended <= self._done_before():
            return
        if active and not is_destroyed:
            self._step("held fields", lambda: self._preserve(active))
            self.erasure = ledger.find(self.erasure.number)
        self._erase({*self.erasure.subjects, *ended})
        self._conclude(ended, until if active and self.erasure.hold_subjects else None)

    def _erase(self, subjects: Set[str]) -> None:
        keys, erased = self.installation.keys, self._stored_rows
        self._step("tombstones", lambda: keys.forbid(sorted(subjects)))
        self._step("tombstones in every store", keys.publish)
        self._step("keys", keys.destroy)
        self._step("the backup of the vault", keys.renew_backup)
        self._step("rows", lambda: erased(subjects))

    def _conclude(self, ended: Set[str], held_until: datetime | None) -> None:
        proofs: list[ErasureProof] = []
        self._step("proof", lambda: proofs.append(self._prove({*self.erasure.subjects, *ended})))
        details: dict[str, Any] = {"proof": proofs[0].document(), "ended": sorted(ended)}
        if held_until:
            details["until"] = held_until.isoformat()
        kind = ErasureEventKind.partly_complete if held_until else ErasureEventKind.complete
        self.installation.ledger.append(self.erasure.number, kind, self.actor, details)

    def _prove(self, subjects: Set[str]) -> ErasureProof:
        """The proof; StorageError where a place still has what can be read."""
        proof = self.installation.places.prove(subjects)
        if proof.problems:
            raise StorageError("; ".join(proof.problems))
        return proof

    def _step(self, name: str, work: Callable[[], Any]) -> None:
        """Do a step, and record how it ended. LockLost, and nothing is recorded, where another process does it now."""
        self.require_lock()
        self.on_step(name)
        ledger, number = self.installation.ledger, self.erasure.number
        try:
            work()
        except LockLost:
            raise
        except (SyncError, duckdb.Error) as error:
            problem = (
                str(error) if isinstance(error, SyncError) else f"the lake cannot be read ({type(error).__name__})"
            )
            ledger.append(number, ErasureEventKind.failed, self.actor, {"step": name, "problem": problem})
            raise StorageError(problem) from error
        ledger.append(number, ErasureEventKind.done, self.actor, {"step": name})

    def _is_destroyed(self) -> bool:
        """True if the tombstones are there: then nothing of the person can be read any more, not even to be held."""
        return set(self.erasure.subjects) <= erased_subjects(self.installation.keys.vault.engine)

    def _covers_all(self, holds: Sequence[LegalHold]) -> bool:
        """True if the holds cover every field of every data subject of the person."""
        fields = self._fields()
        return all(
            any(subject in hold.subjects and not hold.fields for hold in holds)
            or (
                fields
                and all(any(subject in hold.subjects and hold.covers(field) for hold in holds) for field in fields)
            )
            for subject in self.erasure.subjects
        )

    def _fields(self) -> list[str]:
        """Every sealed field of the tables in which the person has rows, as `platform.dataset.field`."""
        lake = self.installation.lake
        if lake is None:
            return []
        with lake.session() as session:
            tables = {each.table for each in self.installation.places.rows_of(session, {*self.erasure.subjects})}
            return [
                f"{platform.name}.{dataset.name}.{field}"
                for platform, dataset in personal_tables(session, self.installation.platforms)
                if f"{platform.name}.{dataset.name}" in tables
                for field in sealed_paths(dataset).values()
            ]

    def _defer(self, until: datetime | None) -> None:
        if until is not None and (self.erasure.state, self.erasure.held_until) != (ErasureState.on_hold, until):
            details = {"until": until.isoformat()}
            self.installation.ledger.append(self.erasure.number, ErasureEventKind.deferred, self.actor, details)

    def _preserve(self, holds: Sequence[LegalHold]) -> None:
        here = self.installation
        if here.lake is None:
            return
        subjects = {*self.erasure.subjects}
        held = preserve(here.lake, here.history, here.platforms, here.keys.vault, subjects, holds, self._run_id)
        keys: dict[str, list[str]] = {}
        for each in held:
            keys.setdefault(str(each.hold), [])
            keys[str(each.hold)] = sorted({*keys[str(each.hold)], each.hold_subject})
        if keys:
            details = {"hold_subjects": sorted({each.hold_subject for each in held}), "of_holds": keys}
            here.ledger.append(self.erasure.number, ErasureEventKind.preserved, self.actor, details)

    def _ended(self, holds: Sequence[LegalHold], now: datetime) -> set[str]:
        """The keys of the holds that have ended, and that this erasure made."""
        ended = {str(each.number) for each in holds if not each.is_active(now)}
        keys_by_event = [
            event.known_details["of_holds"]
            for event in self.erasure.events
            if event.event == ErasureEventKind.preserved
        ]
        return {
            subject
            for keys in keys_by_event
            for hold, subjects in keys.items()
            if hold in ended
            for subject in subjects
        }

    def _done_before(self) -> set[str]:
        """The keys of ended holds that the last conclusion has destroyed."""
        return set(self.erasure.events[-1].known_details.get("ended", ()))

    def _stored_rows(self, subjects: Set[str]) -> None:
        here = self.installation
        if here.lake is not None:
            erase_rows(here.lake, here.history, here.platforms, subjects, self._run_id)
            delete_held_values(here.lake, subjects, self._run_id)

    @property
    def _run_id(self) -> str:
        return f"erasure-{self.erasure.number}"
