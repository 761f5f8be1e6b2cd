"""`sync-platform privacy requests show`: everything that the register has of one request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import console, line, styled, write_json
from sync_platform.cli.privacy.request_list import coloured_request_state
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.errors import UsageError
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.privacy.privacy_request import PrivacyRequest, PrivacyRequestKind
from sync_platform.privacy.request_events import RequestEvent
from sync_platform.privacy.request_register import opened_register
from sync_platform.settings import load_settings
from sync_platform.storage.relational import database_exists


def show_request(number: int, *, as_json: bool) -> int:
    """Show one request; 0. UsageError where there is none."""
    settings = load_settings()
    require_allowed(command_line_actor(settings), Action.read_privacy)
    if not database_exists(settings.ledger_url):
        raise UsageError(f"there is no privacy request {number}")
    with opened_register(settings.ledger_url) as register:
        request = register.find(number)
    write_request(request, as_json=as_json)
    return OK


def write_request(request: PrivacyRequest, *, as_json: bool) -> None:
    """The request as JSON or for people, with the commands that come next."""
    now = datetime.now(UTC)
    if as_json:
        write_json({"request": request.document(now)})
        return
    terminal = console()
    terminal.print(
        line("privacy request ", styled(str(request.number), "bold"), ": ", coloured_request_state(request, now))
    )
    for name, value in _facts(request):
        terminal.print(f"{name}: {value}", soft_wrap=True)
    terminal.print_table(_table(request))
    write_next_steps(_steps(request))


def _facts(request: PrivacyRequest) -> Iterator[tuple[str, str]]:
    if request.kind is None:
        yield "details", "deleted, because their retention has ended (docs/retention.md)"
    yield "kind", f"{request.kind or 'deleted'}, law: {request.law or 'deleted'}"
    yield "received", f"{request.received_on}"
    if request.is_open:
        yield "due", f"{request.due_on} (the last day, in Hong Kong)"
        yield "identity", request.identity or "not checked"
    if request.extended_until:
        yield "extended", f"until {request.extended_until}: {request.extension_reason}"
    if request.reference:
        yield "reference", request.reference
    if request.subjects:
        yield "subject ids", ", ".join(request.subjects)
    if request.closed_at:
        law = f" ({request.provision})" if request.provision else ""
        yield str(request.closing), f"{local_time(request.closed_at)}: {request.outcome}{law}"
    if request.lifted_at:
        yield "lifted", local_time(request.lifted_at)


def _table(request: PrivacyRequest) -> FittedTable:
    table = FittedTable(
        ("event", "at", "by", "interface", "details"), unbroken=("event", "at"), optional=("interface",)
    )
    for each in request.events:
        table.add_row(each.event, local_time(each.at), each.actor, each.via, _details(each))
    return table


def _details(event: RequestEvent) -> str:
    if event.details is None:
        return "deleted"
    return "; ".join(f"{name}: {_text(value)}" for name, value in event.shown_details.items() if value)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _steps(request: PrivacyRequest) -> list[str]:
    number = str(request.number)
    if not request.is_open:
        return []
    if not request.identity:
        return [typed("privacy", "requests", "note", number, "how it was checked", "--identity")]
    if request.kind is PrivacyRequestKind.correction and not request.corrections:
        return [typed("privacy", "correct", number, "PLATFORM", "DATASET", "RECORD", "COLUMN", "--value", "-")]
    return [typed("privacy", "requests", "close", number, "--answer", "what the person was answered")]
