"""`sync-platform token create|list|revoke`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.cli.access.access_change import opened_ledger, require_change
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, report_problem, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import MachineToken, TokenStore
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists

COLUMNS = ("id", "name", "role", "scope", "state", "expires", "last used", "from")


def create_token(name: str, role: Role, scope: Sequence[str], days: int, *, as_json: bool) -> int:
    """Create a token and write it to standard output, and everything else to standard error; 0."""
    settings = load_settings()
    actor = require_change(settings)
    subject = {"token": name, "role": role, "scope": sorted(scope), "days": days}
    with opened_ledger(settings) as ledger, audited(settings, OperationName.create_token, subject) as under_way:
        token, text = TokenStore(ledger).create(name, role, scope, timedelta(days=days), actor.name)
        under_way.ended("complete", id=token.token_id)
    if as_json:
        write_json({"token": text, **_document(token, datetime.now(UTC))})
    else:
        report_problem(f"the token of {name} ({role}) is valid until {local_minute(token.expires_at)}; copy it now:")
        sys.stdout.write(f"{text}\n")
    return OK


def list_tokens(*, as_json: bool) -> int:
    """Show all tokens; 0. A ledger that does not exist is not created."""
    settings, now = load_settings(), datetime.now(UTC)
    tokens: list[MachineToken] = []
    require_change(settings)
    if database_exists(settings.ledger_url):
        with opened_ledger(settings) as ledger:
            tokens = TokenStore(ledger).all_tokens()
    if as_json:
        write_json({"tokens": [_document(token, now) for token in tokens]})
    elif tokens:
        console().print_table(_table(tokens, now))
    else:
        console().print("there is no token")
    return OK


def revoke_token(id_or_name: str, *, as_json: bool) -> int:
    """Revoke a token; 0."""
    settings = load_settings()
    require_change(settings)
    subject = {"token": id_or_name}
    with opened_ledger(settings) as ledger, audited(settings, OperationName.revoke_token, subject) as under_way:
        token = TokenStore(ledger).revoke(id_or_name)
        under_way.ended("complete", id=token.token_id)
    if as_json:
        write_json(_document(token, datetime.now(UTC)))
    else:
        console().print(f"the token of {token.name} ({token.token_id}) is revoked")
    return OK


def _document(token: MachineToken, now: datetime) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "name": token.name,
        "roles": sorted(token.roles),
        "scope": None if token.scope is None else sorted(token.scope),
        "state": token.state(now),
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
        "last_used_from": token.last_used_from or None,
    }


def _table(tokens: Sequence[MachineToken], now: datetime) -> FittedTable:
    table = FittedTable(COLUMNS, unbroken=("id", "state"), optional=("from", "scope"))
    for token in tokens:
        table.add_row(
            token.token_id,
            token.name,
            ", ".join(sorted(token.roles)),
            ", ".join(sorted(token.scope or [])),
            token.state(now),
            local_minute(token.expires_at),
            local_minute(token.last_used_at) if token.last_used_at else "never",
            token.last_used_from,
        )
    return table
