"""Sessions of people in a browser, and the links that begin one.

Both are opaque random secrets, of which the ledger has the SHA-256. A session ends when its row is deleted, in every
process at once. Its user's roles are read with each request, so that a change of roles counts at once too.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from sync_platform.permissions.access_tables import login_links, secret_hash, sessions, split_roles, users, utc_clock
from sync_platform.permissions.actor import Actor
from sync_platform.storage.relational import transaction

LINK_LIFETIME = timedelta(minutes=15)


class SessionStore:
    """The sessions and login links in the ledger. `lifetime`: of a session."""

    def __init__(self, ledger: sa.Engine, lifetime: timedelta, clock: Callable[[], datetime] = utc_clock) -> None:
        self._ledger, self.lifetime, self._clock = ledger, lifetime, clock

    def new_link(self, user: str) -> tuple[str, datetime]:
        """The secret of a link that begins one session of an existing user, and when it expires."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        row = {"secret_hash": secret_hash(secret), "user": user, "expires_at": now + LINK_LIFETIME}
        with transaction(self._ledger) as connection:
            connection.execute(sa.delete(login_links).where(login_links.c.expires_at <= now))
            connection.execute(sa.insert(login_links).values(**row))
        return secret, now + LINK_LIFETIME

    def use_link(self, secret: str) -> str | None:
        """The user of a link, which cannot be used again; None if it was used, has expired or never existed."""
        is_it = (login_links.c.secret_hash == secret_hash(secret)) & (login_links.c.expires_at > self._clock())
        with transaction(self._ledger) as connection:
            row = connection.execute(sa.delete(login_links).where(is_it).returning(login_links.c.user)).first()
        return row.user if row else None

    def begin(self, user: str) -> str:
        """The secret of a new session of an existing user. Deletes sessions that have expired."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        row = {"secret_hash": secret_hash(secret), "user": user, "created_at": now, "expires_at": now + self.lifetime}
        with transaction(self._ledger) as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(sa.insert(sessions).values(**row))
            connection.execute(sa.update(users).where(users.c.name == user).values(last_login_at=now))
        return secret

    def actor_of(self, secret: str, address: str) -> Actor | None:
        """The actor of a session, with the user's present roles; None if there is no such session (any more)."""
        wanted = (
            sa.select(users.c.name, users.c.roles)
            .join(sessions, sessions.c.user == users.c.name)
            .where(sessions.c.secret_hash == secret_hash(secret), sessions.c.expires_at > self._clock())
        )
        with transaction(self._ledger) as connection:
            row = connection.execute(wanted).first()
        return Actor(row.name, split_roles(row.roles), address) if row else None

    def end(self, secret: str) -> None:
        """End one session."""
        with transaction(self._ledger) as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.secret_hash == secret_hash(secret)))
