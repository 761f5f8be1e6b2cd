"""Tokens with which machines use the API and GraphQL.

A token is `sp_<id>_<secret>`. It is shown once. The ledger has the SHA-256 of its secret, so that a copy of the ledger
opens nothing. The prefix `sp_` lets scanners find tokens that leaked into files.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.permissions.access_tables import (
    in_utc_or_none,
    joined_roles,
    machine_tokens,
    secret_hash,
    split_roles,
    utc_clock,
)
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import TOKEN_PREFIX, Actor
from sync_platform.permissions.role import Role
from sync_platform.storage.relational import transaction
from sync_platform.storage.utc_time import in_utc

FORM = re.compile(r"sp_([0-9a-f]{12})_([\w-]{43})", re.ASCII)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
LAST_USE_EVERY = timedelta(minutes=1)
"""The last use is stored at most this often, so that a busy client does not write with every request."""


@dataclass(frozen=True)
class MachineToken:
    """A stored token, without its secret. Times are UTC."""

    token_id: str
    name: str
    roles: frozenset[Role]
    scope: frozenset[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"

    def actor(self, address: str) -> Actor:
        return Actor(f"{TOKEN_PREFIX}{self.name}", self.roles, address, self.scope)


class TokenStore:
    """The tokens in the ledger."""

    def __init__(self, ledger: sa.Engine, clock: Callable[[], datetime] = utc_clock) -> None:
        self._ledger, self._clock = ledger, clock

    def create(
        self, name: str, role: Role, scope: Collection[str], lifetime: timedelta, created_by: str
    ) -> tuple[MachineToken, str]:
        """A new token, and its text, which cannot be shown again. An empty scope does not narrow the role.

        Raises UsageError for a name in use, a wrong name, or a scope that is no action.
        """
        _require_usable(name, scope)
        now, token_id, secret = self._clock(), secrets.token_hex(6), secrets.token_urlsafe(32)
        row = {
            "token_id": token_id,
            "name": name,
            "roles": joined_roles([role]),
            "scope": " ".join(sorted(scope)) or None,
            "secret_hash": secret_hash(secret),
            "created_by": created_by,
            "created_at": now,
            "expires_at": now + lifetime,
        }
        with transaction(self._ledger) as connection:
            in_use = sa.select(machine_tokens).where(
                machine_tokens.c.name == name,
                machine_tokens.c.revoked_at.is_(None),
                machine_tokens.c.expires_at > now,
            )
            if connection.execute(in_use).first():
                raise UsageError(f"there is a valid token {name!r} already: revoke it, or choose another name")
            connection.execute(sa.insert(machine_tokens).values(**row))
        return self._find(token_id), f"sp_{token_id}_{secret}"

    def all_tokens(self) -> list[MachineToken]:
        """Every token, the newest first."""
        with transaction(self._ledger) as connection:
            rows = connection.execute(sa.select(machine_tokens).order_by(machine_tokens.c.created_at.desc()))
            return [_token_of(row) for row in rows]

    def revoke(self, id_or_name: str) -> MachineToken:
        """Revoke a token that is not revoked yet; UsageError if there is none."""
        table = machine_tokens
        is_it = sa.or_(table.c.token_id == id_or_name, table.c.name == id_or_name) & table.c.revoked_at.is_(None)
        update = sa.update(table).where(is_it).values(revoked_at=self._clock()).returning(table.c.token_id)
        with transaction(self._ledger) as connection:
            row = connection.execute(update).first()
        if row is None:
            raise UsageError(f"there is no token {id_or_name!r} that can be revoked: see `token list`")
        return self._find(row.token_id)

    def actor_of(self, text: str, address: str) -> Actor | None:
        """The actor whose token this is; None if it is no valid token. Stores the use of the token."""
        form = FORM.fullmatch(text)
        with transaction(self._ledger) as connection:
            wanted = sa.select(machine_tokens).where(machine_tokens.c.token_id == (form[1] if form else ""))
            row = connection.execute(wanted).first()
        if form is None or row is None or not hmac.compare_digest(row.secret_hash, secret_hash(form[2])):
            return None
        token, now = _token_of(row), self._clock()
        if token.state(now) != "valid":
            return None
        if token.last_used_at is None or now - token.last_used_at >= LAST_USE_EVERY:
            self._store_use(token.token_id, now, address)
        return token.actor(address)

    def _store_use(self, token_id: str, now: datetime, address: str) -> None:
        is_it = machine_tokens.c.token_id == token_id
        with transaction(self._ledger) as connection:
            update = sa.update(machine_tokens).where(is_it)
            connection.execute(update.values(last_used_at=now, last_used_from=address))

    def _find(self, token_id: str) -> MachineToken:
        with transaction(self._ledger) as connection:
            wanted = sa.select(machine_tokens).where(machine_tokens.c.token_id == token_id)
            return _token_of(connection.execute(wanted).one())


def _require_usable(name: str, scope: Collection[str]) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a token: use a-z, 0-9, '.', '_' and '-', at most 63 characters")
    for entry in scope:
        action, colon, resource = entry.partition(":")
        if action not in set(Action) or (colon and not resource) or " " in entry:
            raise UsageError(f"scope {entry!r} is no action such as start-emergency or start-emergency:chope")


def _token_of(row: sa.Row[Any]) -> MachineToken:
    return MachineToken(
        row.token_id,
        row.name,
        split_roles(row.roles),
        None if row.scope is None else frozenset(row.scope.split()),
        row.created_by,
        in_utc(row.created_at),
        in_utc(row.expires_at),
        in_utc_or_none(row.revoked_at),
        in_utc_or_none(row.last_used_at),
        row.last_used_from or "",
    )
