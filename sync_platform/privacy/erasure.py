"""The erasure of a person: asked for, confirmed, carried out everywhere, and proven.

What belongs here: the order of the steps, and what is recorded of each. Every step is harmless when repeated, so an
erasure that was interrupted anywhere goes on with all of them. It is complete only when its proof finds nothing that
can still be read. A legal hold defers what it covers; when the hold ends, the erasure goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.backup.subject_erasure import SubjectErasure
from sync_platform.documents.typed_command import typed
from sync_platform.errors import LockLost, StorageError, SyncError, UsageError
from sync_platform.lake.row_erasure import erase_rows
from sync_platform.lake.subject_rows import personal_tables
from sync_platform.lake.transaction import guarded
from sync_platform.landing.personal_words import has_contact
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_places import ErasurePlaces
from sync_platform.privacy.erasure_proof import ErasureProof
from sync_platform.privacy.erasure_record import Erasure, ErasureEventKind, ErasureState
from sync_platform.privacy.held_values import delete_held_values, preserve
from sync_platform.privacy.legal_holds import LegalHold, LegalHolds
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.vault.erased_values import erased_subjects

LEASE = "erasures"


@dataclass(frozen=True)
class ErasedInstallation:
    """Everything that an erasure reaches, and its records. `lake`: None where no sync has made one yet."""

    ledger: ErasureLedger
    holds: LegalHolds
    keys: SubjectErasure
    lake: Lake | None
    history: str
    platforms: Mapping[str, Platform]
    places: ErasurePlaces
    requests: RequestRegister
    leases: Leases


def request_erasure(
    installation: ErasedInstallation,
    subjects: Sequence[str],
    *,
    reason: str,
    actor: str,
    selected_by: str,
    request: int | None = None,
) -> Erasure:
    """Record that a person is to be erased; nothing is destroyed before it is confirmed.

    `subjects`: all data subjects of the person. `selected_by`: how they were found, such as `subject`, never the value.
    UsageError without a reason, or where an erasure of the person is open already.
    """
    require_erasable(installation, subjects, reason)
    details = {"subjects": sorted(set(subjects)), "reason": reason.strip(), "selected_by": selected_by}
    return installation.ledger.begin(actor, details | ({"request": request} if request else {}))


def require_erasable(installation: ErasedInstallation, subjects: Sequence[str], reason: str) -> None:
    """UsageError without a reason, for one that names a contact, or where an erasure of the person is open."""
    if not reason.strip():
        raise UsageError("an erasure needs a reason, such as the letter that asks for it")
    if has_contact(reason):
        raise UsageError(
            "the reason has an e-mail address or a phone number: it would outlive the erasure; leave it out"
        )
    for each in installation.ledger.erasures():
        if not each.is_ended and set(each.subjects) & set(subjects):
            raise UsageError(
                f"erasure {each.number} of the same person is open: it is {each.state}; {_next_step(each)}"
            )


def _next_step(erasure: Erasure) -> str:
    """What an operator does about an erasure that is open."""
    number = str(erasure.number)
    if erasure.state is ErasureState.requested:
        confirm, withdraw = (typed("privacy", "erasure", verb, number) for verb in ("confirm", "withdraw"))
        return f"`{confirm}` carries it out, and `{withdraw}` ends it"
    if erasure.state is ErasureState.in_progress:
        return f"`{typed('privacy', 'erasure', 'continue')}` goes on with it"
    return "it goes on when its legal hold ends"


def confirm_erasure(ledger: ErasureLedger, number: int, actor: str, *, alone: bool = False) -> Erasure:
    """Record that a second operator confirms the erasure. A repeat is harmless.

    `alone`: there is only one operator, who confirms their own request. UsageError where the operator is the one who
    asked and does not say so, and for an erasure that was withdrawn.
    """
    erasure = ledger.find(number)
    if erasure.state is ErasureState.withdrawn:
        raise UsageError(f"erasure {number} was withdrawn: ask again")
    if erasure.state is not ErasureState.requested:
        return erasure
    if actor == erasure.requested_by and not alone:
        raise UsageError(
            f"erasure {number} was asked for by {actor}: a second operator confirms it. Where there is only one, --yes "
            "confirms it, and that is on record"
        )
    is_alone = actor == erasure.requested_by
    ledger.append(number, ErasureEventKind.confirmed, actor, {"alone": is_alone})
    return ledger.find(number)


def withdraw_erasure(ledger: ErasureLedger, number: int, actor: str, reason: str) -> Erasure:
    """Record that the erasure is not wanted any more; UsageError once it was confirmed."""
    if ledger.find(number).state is not ErasureState.requested:
        raise UsageError(f"erasure {number} is {ledger.find(number).state}: only one that waits can be withdrawn")
    ledger.append(number, ErasureEventKind.withdrawn, actor, {"reason": reason})
    return ledger.find(number)


def continue_erasures(
    installation: ErasedInstallation, actor: str, on_step: OnStep = ignore_step, only: int | None = None
) -> list[Erasure]:
    """Do what is left of every confirmed erasure, or of one. Returns each with its new state.

    The privacy request of a complete erasure is closed, if the identity of the person was checked. An erasure
    whose step failed has a `problem`, and goes on the next time. Busy where another process does this.
    """
    done = []
    with installation.leases.hold("an erasure", LEASE) as lease, _guarded(installation.lake, lease.require):
        for each in installation.ledger.erasures():
            if each.is_due and only in (None, each.number):
                with suppress(SyncError):  # the failed step is on record
                    _ErasureWork(installation, each, actor, on_step, lease.require).run()
                lease.require()
                done.append(installation.ledger.find(each.number))
        for each in installation.ledger.erasures():
            if each.state is ErasureState.complete and each.request:
                _answer(installation.requests, each, each.request, actor)
    return done


def _guarded(lake: Lake | None, require_lock: Callable[[], None]) -> AbstractContextManager[None]:
    return nullcontext() if lake is None else guarded(lake, require_lock)


def _answer(requests: RequestRegister, erasure: Erasure, request: int, actor: str) -> None:
    """Close the privacy request of a complete erasure, unless it is closed, or the identity was not checked."""
    privacy_request = requests.find(request)
    if privacy_request.is_open and privacy_request.identity:
        proof = erasure.events[-1]
        requests.close(request, f"erasure {erasure.number} is complete, proof {proof.link}", actor=actor)


@dataclass
class _ErasureWork:
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
