"""`sync-platform privacy requests list`: the open requests, or all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import console, report_problem, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.typed_command import typed
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.privacy.privacy_request import PrivacyRequest, RequestState
from sync_platform.privacy.request_register import opened_register
from sync_platform.settings import load_settings
from sync_platform.storage.relational import database_exists

COLUMNS = ("request", "kind", "law", "state", "received", "due", "identity", "reference")
COLOURS: dict[RequestState, str] = {"overdue": "red", "answered": "green"}


def list_requests(*, lists_all: bool, as_json: bool) -> int:
    """Show the requests; 0, or 1 where the register was changed. A ledger that does not exist is not created."""
    settings, now = load_settings(), datetime.now(UTC)
    require_allowed(command_line_actor(settings), Action.read_privacy)
    requests: list[PrivacyRequest] = []
    breaks: list[str] = []
    if database_exists(settings.ledger_url):
        with opened_register(settings.ledger_url) as register:
            requests = sorted(register.requests(), key=lambda each: (not each.is_open, each.due_on, each.number))
            breaks = [f"event {event.number}: {what}" for event, what in register.breaks()]
    listed = [each for each in requests if lists_all or each.is_open]
    if as_json:
        write_json({"made_at": now, "requests": [each.document(now) for each in listed], "breaks": breaks})
    else:
        _show(listed, len(requests) - len(listed), now)
    for each in breaks:
        report_problem(f"the register of privacy requests was changed outside this program: {each}", logging.ERROR)
    return FAILED if breaks else OK


def coloured_request_state(request: PrivacyRequest, now: datetime) -> Text:
    return styled(request.state(now), COLOURS.get(request.state(now), ""))


def _show(requests: Sequence[PrivacyRequest], left_out: int, now: datetime) -> None:
    terminal = console()
    if requests:
        terminal.print_table(_table(requests, now))
        write_next_steps([typed("privacy", "requests", "show", str(requests[0].number))])
    else:
        terminal.print("no privacy request is open")
    if left_out:
        terminal.print(f"closed requests: {left_out:,} (--all)")


def _table(requests: Sequence[PrivacyRequest], now: datetime) -> FittedTable:
    table = FittedTable(
        COLUMNS,
        numbers=("request",),
        unbroken=("request", "kind", "state", "received", "due"),
        optional=("reference", "law", "received"),
    )
    for each in requests:
        due = f"{each.due_on}{' (extended)' if each.extended_until else ''}" if each.is_open else ""
        table.add_row(
            str(each.number),
            each.kind or "deleted",
            each.law or "",
            coloured_request_state(each, now),
            f"{each.received_on}",
            due,
            "checked" if each.identity else "not checked",
            each.reference,
        )
    return table
