"""`sync-platform privacy requests add|note|extend|refuse|close|lift`: what is recorded about a request.

Each is an operation in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.privacy.request_show import write_request
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_beginning
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.platforms import load_platforms
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.recorded_corrections import apply_requests
from sync_platform.privacy.request_deadline import Law
from sync_platform.privacy.request_register import RequestRegister, opened_register
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName

Change = Callable[[RequestRegister, str], int]
"""Records something in the register, in the name of an actor, and returns the number of the request."""


def add_request(
    kind: str,
    received: str | None,
    law: str,
    reference: str,
    identity: str,
    subjects: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Record a request, and show it; 0. UsageError for a day that cannot be read or is in the future."""
    received_at = parse_beginning(received, "--received") if received else None

    def add(register: RequestRegister, actor: str) -> int:
        return register.add(
            PrivacyRequestKind(kind),
            actor=actor,
            received_at=received_at,
            law=Law(law),
            reference=reference.strip(),
            identity=identity.strip(),
            subjects=subjects,
        )

    return _change({"event": "received", "kind": kind}, add, as_json=as_json)


def note_request(number: int, text: str, subjects: Sequence[str], *, is_identity: bool, as_json: bool) -> int:
    """Add a note, the check of an identity, or the ids of the person; 0."""

    def note(register: RequestRegister, actor: str) -> int:
        if is_identity:
            register.check_identity(number, text, actor=actor)
        else:
            register.note(number, text, actor=actor)
        if subjects:
            register.name_person(number, subjects, actor=actor)
        return number

    event = "identity-checked" if is_identity else "noted"
    return _change({"request": number, "event": event}, note, as_json=as_json)


def extend_request(number: int, until: str, reason: str, *, as_json: bool) -> int:
    """Extend the time for the answer; 0. UsageError where that is not possible."""
    day = _day(until)

    def extend(register: RequestRegister, actor: str) -> int:
        register.extend(number, day, reason, actor=actor)
        return number

    return _change({"request": number, "event": "extended", "until": until}, extend, as_json=as_json)


def refuse_request(number: int, reason: str, provision: str, *, as_json: bool) -> int:
    """Refuse a request; 0."""

    def refuse(register: RequestRegister, actor: str) -> int:
        register.refuse(number, reason, provision, actor=actor)
        return number

    return _change({"request": number, "event": "refused"}, refuse, as_json=as_json)


def close_request(number: int, answer: str, withdrawn: str, *, as_json: bool) -> int:
    """Close a request as answered or withdrawn; 0. UsageError where neither or both are given."""
    if bool(answer.strip()) == bool(withdrawn.strip()):
        raise UsageError("give --answer with what the person was answered, or --withdrawn with the reason")

    def close(register: RequestRegister, actor: str) -> int:
        if withdrawn.strip():
            register.withdraw(number, withdrawn, actor=actor)
        else:
            register.close(number, answer, actor=actor)
        return number

    event = "withdrawn" if withdrawn.strip() else "answered"
    return _change({"request": number, "event": event}, close, as_json=as_json)


def lift_request(number: int, reason: str, *, as_json: bool) -> int:
    """End a restriction, or the corrections, of a request; 0."""

    def lift(register: RequestRegister, actor: str) -> int:
        register.lift(number, reason, actor=actor)
        return number

    return _change({"request": number, "event": "lifted"}, lift, as_json=as_json)


def _change(subject: dict[str, Any], change: Change, *, as_json: bool) -> int:
    settings = load_settings()
    actor = command_line_actor(settings)
    require_allowed(actor, Action.change_privacy)
    with (
        audited(settings, OperationName.privacy_request, subject) as operation,
        opened_register(settings.ledger_url) as register,
    ):
        number = change(register, actor.name)
        request = register.find(number)
        if request.is_restricting or request.lifted_at:
            history, platforms = settings.lineage_table_name, load_platforms(settings.platform_path)
            with Lake(LakeAddress.of(settings)) as lake:
                apply_requests(lake, history, platforms, settings.ledger_url, f"request-{number}")
        operation.ended("complete", request=number)
    write_request(request, as_json=as_json)
    return OK


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"--until {text!r} is no day such as 2026-11-24") from None
