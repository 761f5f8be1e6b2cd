"""`sync-platform privacy erase` and `privacy erasure confirm|continue|withdraw`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from sync_platform.cli.audited import audited, log_entry
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import console, showing_steps, write_json
from sync_platform.cli.privacy.erasure_display import show_erasure, show_extent
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.documents.typed_command import typed
from sync_platform.errors import UsageError
from sync_platform.permissions.action import Action
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure import (
    confirm_erasure,
    continue_erasures,
    request_erasure,
    require_erasable,
    withdraw_erasure,
)
from sync_platform.privacy.erasure_extent import ErasureExtent, find_extent
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import Erasure, ErasureState
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName

UNSTATED = "not stated: the operator who asked for the erasure vouches for it"
"""The check of the identity, where the operator does not say how it was done."""


@dataclass(frozen=True)
class AskedErasure:
    """What an operator asks for. `named` and `question`: the person.

    `request`: the privacy request; None: a new one is recorded. `identity`: how the person's identity was checked, for
    a new request.
    """

    named: Sequence[str]
    question: PersonQuestion
    reason: str
    request: int | None
    identity: str


def ask_for_erasure(asked: AskedErasure, *, confirms: bool, dry_run: bool, as_json: bool) -> int:
    """Record the request, and with `confirms` carry it out; 1 where a step failed, else 0."""
    from sync_platform.defs.erasures import erased_installation

    settings, done = load_settings(), None
    actor = require_operator(settings, Action.change_privacy)
    with erased_installation(settings) as installation:
        extent = find_extent(installation, asked.named, asked.question)
        if not dry_run and not extent.is_erased:
            with audited(settings, OperationName.erasure, {"data_subjects": len(extent.subjects)}) as operation:
                done = _record(installation, asked, extent.subjects, actor)
                operation.ended("complete", erasure=done.number, request=done.request)
            if confirms:
                done = _carry_out(settings, installation, done.number, actor, alone=True)
    if as_json:
        write_json({"extent": extent.document(), "erasure": done.document() if done else None})
    else:
        _show(extent, done)
    return _exit_code(done)


def confirm(number: int, *, alone: bool, as_json: bool) -> int:
    """Confirm an erasure, and carry it out; 1 where a step failed, else 0. UsageError where it cannot be confirmed."""
    from sync_platform.defs.erasures import erased_installation

    settings = load_settings()
    actor = require_operator(settings, Action.change_privacy)
    with erased_installation(settings) as installation:
        done = _carry_out(settings, installation, number, actor, alone=alone)
    write_json({"erasure": done.document()}) if as_json else show_erasure(done)
    return _exit_code(done)


def go_on(*, as_json: bool) -> int:
    """Go on with every confirmed erasure; 1 where a step of one failed, else 0."""
    from sync_platform.defs.erasures import erased_installation

    settings = load_settings()
    actor = require_operator(settings, Action.change_privacy)
    with (
        erased_installation(settings) as installation,
        audited(settings, OperationName.continue_erasures, {}) as operation,
        showing_steps("erasing") as show_step,
    ):
        done = continue_erasures(installation, actor, show_step)
        states = {str(each.number): each.state for each in done}
        operation.ended("failed" if any(each.problem for each in done) else "complete", erasures=states)
    if as_json:
        write_json({"erasures": [each.document() for each in done]})
    elif not done:
        console().print("no erasure is open")
    else:
        for each in done:
            show_erasure(each)
    return FAILED if any(each.problem for each in done) else OK


def withdraw(number: int, reason: str, *, as_json: bool) -> int:
    """Withdraw an erasure that waits for its confirmation; 0."""
    settings = load_settings()
    actor = require_operator(settings, Action.change_privacy)
    with closing(ErasureLedger(settings.ledger_url)) as ledger:
        if not reason.strip():
            raise UsageError("say why the erasure is not wanted any more")
        log_entry(settings, OperationName.withdraw_erasure, {"erasure": number}, "begun")
        erasure = withdraw_erasure(ledger, number, actor, reason.strip())
        log_entry(settings, OperationName.withdraw_erasure, {"erasure": number}, "complete")
    write_json({"erasure": erasure.document()}) if as_json else show_erasure(erasure)
    return OK


def _record(installation: ErasedInstallation, asked: AskedErasure, subjects: Sequence[str], actor: str) -> Erasure:
    """Record the erasure, and its privacy request. UsageError for a request that is closed, or of another kind."""
    requests, number = installation.requests, asked.request
    if number is not None:
        privacy_request = requests.find(number)
        if not privacy_request.is_open or privacy_request.kind is not PrivacyRequestKind.erasure:
            raise UsageError(f"privacy request {number} is no open request for an erasure")
    require_erasable(installation, subjects, asked.reason)
    ways = ", ".join([*(["subject"] if asked.named else []), *asked.question.asked_by])
    if number is None:
        identity = asked.identity.strip() or UNSTATED
        kind = PrivacyRequestKind.erasure
        number = requests.add(
            kind,
            actor=actor,
            reference=asked.reason,
            identity=identity,
            subjects=subjects,
            receipt=_receipt(installation, asked, subjects),
        )
    return request_erasure(installation, subjects, reason=asked.reason, actor=actor, selected_by=ways, request=number)


def _receipt(installation: ErasedInstallation, asked: AskedErasure, subjects: Sequence[str]) -> str:
    """The same for a repeat, until the erasure itself is recorded: a command that was killed before that leaves the
    privacy request to its repeat."""
    named = [len(installation.ledger.erasures()), sorted(set(subjects)), asked.reason]
    return f"privacy erase {sha256(msgspec.json.encode(named)).hexdigest()[:32]}"


def _carry_out(
    settings: Settings, installation: ErasedInstallation, number: int, actor: str, *, alone: bool
) -> Erasure:
    """Confirm an erasure, and do its steps; returns it as it is then."""
    with (
        audited(settings, OperationName.confirm_erasure, {"erasure": number}) as operation,
        showing_steps("erasing") as show_step,
    ):
        confirm_erasure(installation.ledger, number, actor, alone=alone)
        continue_erasures(installation, actor, show_step, only=number)
        done = installation.ledger.find(number)
        operation.ended("failed" if done.problem else "complete", state=done.state, **_proof_of(done))
    return done


def _exit_code(done: Erasure | None) -> int:
    """1 where a confirmed erasure is neither complete nor deferred."""
    return FAILED if done and (done.problem or done.state is ErasureState.in_progress) else OK


def _proof_of(done: Erasure) -> dict[str, str]:
    """The link of the event with the proof, so that the audit log, which is anchored, vouches for it."""
    return {"proof": done.events[-1].link} if done.proof else {}


def _show(extent: ErasureExtent, done: Erasure | None) -> None:
    show_extent(extent)
    if done is None:
        console().print("this person is erased already" if extent.is_erased else "nothing was recorded")
    elif done.state is ErasureState.requested:
        console().print(
            f"erasure {done.number} is asked for; nothing is destroyed before a second operator confirms it"
        )
        write_next_steps([typed("privacy", "erasure", "confirm", str(done.number))])
    else:
        show_erasure(done)
