"""The ledger's tables of users, tokens, sessions and login links, and how their values are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from sync_platform.permissions.role import Role
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

metadata = sa.MetaData()
users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", StoredTime(), nullable=False),
    sa.Column("last_login_at", StoredTime()),
)
machine_tokens = sa.Table(
    "machine_tokens",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "roles", "secret_hash", "created_by")),
    sa.Column("scope", sa.Text),
    *(sa.Column(name, StoredTime(), nullable=False) for name in ("created_at", "expires_at")),
    *(sa.Column(name, StoredTime()) for name in ("revoked_at", "last_used_at")),
    sa.Column("last_used_from", sa.Text),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False, index=True),
    *(sa.Column(name, StoredTime(), nullable=False) for name in ("created_at", "expires_at")),
)
login_links = sa.Table(
    "login_links",
    metadata,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False, index=True),
    sa.Column("expires_at", StoredTime(), nullable=False),
)


def secret_hash(secret: str) -> str:
    """SHA-256 in hexadecimal. It needs no salt, because our secrets are random and have 256 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def joined_roles(roles: Iterable[Role]) -> str:
    """Roles as one text, in a fixed order."""
    return " ".join(sorted(roles))


def split_roles(text: str) -> frozenset[Role]:
    return frozenset(Role(name) for name in text.split())


def in_utc_or_none(moment: datetime | None) -> datetime | None:
    return None if moment is None else in_utc(moment)


def utc_clock() -> datetime:
    return datetime.now(UTC)
