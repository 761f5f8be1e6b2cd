"""The erasure of a person: asked for, confirmed, withdrawn, and carried out.

What belongs here: what an operator asks for, and which erasures are due. The steps of one belong in erasure_work.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from sync_platform.documents.typed_command import typed
from sync_platform.errors import SyncError, UsageError
from sync_platform.lake.transaction import guarded
from sync_platform.landing.personal_words import has_contact
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import Erasure, ErasureEventKind, ErasureState
from sync_platform.privacy.erasure_work import ErasureWork
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_step import OnStep, ignore_step

LEASE = "erasures"


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
                    ErasureWork(installation, each, actor, on_step, lease.require).run()
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
