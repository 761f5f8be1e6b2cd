"""People who may log in: their roles, and their passwords if they have one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.permissions.access_tables import (
    in_utc_or_none,
    joined_roles,
    login_links,
    sessions,
    split_roles,
    users,
    utc_clock,
)
from sync_platform.permissions.passwords import is_password, password_hash
from sync_platform.permissions.role import Role
from sync_platform.storage.relational import transaction, upsert
from sync_platform.storage.utc_time import in_utc

NAME = re.compile(r"[^\s:/\\<>\"'|]{1,100}")


@dataclass(frozen=True)
class User:
    """A person. Times are UTC."""

    name: str
    roles: frozenset[Role]
    has_password: bool
    created_at: datetime
    last_login_at: datetime | None


class UserStore:
    """The users in the ledger."""

    def __init__(self, ledger: sa.Engine, clock: Callable[[], datetime] = utc_clock) -> None:
        self._ledger, self._clock = ledger, clock

    def add(self, name: str, roles: Collection[Role]) -> User:
        """Add a person; UsageError for a name in use, or a wrong name."""
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a user: no spaces, colons, slashes or quotation marks")
        if not self.add_if_missing(name, roles):
            raise UsageError(f"there is a user {name!r} already: change its roles with `user change`")
        return self.find(name)

    def add_if_missing(self, name: str, roles: Collection[Role]) -> bool:
        """Add a person who may exist already, and who then stays as stored. True if the person is new."""
        row = {"name": name, "roles": joined_roles(roles), "created_at": self._clock()}
        insert = upsert(self._ledger, users).values(**row).on_conflict_do_nothing().returning(users.c.name)
        with transaction(self._ledger) as connection:
            return connection.execute(insert).first() is not None

    def set_roles(self, name: str, roles: Collection[Role]) -> User:
        """Change the roles, from the next request on; UsageError if there is no such user."""
        return self._update(name, roles=joined_roles(roles))

    def set_password(self, name: str, password: str) -> User:
        """Set or replace the password, and end the user's sessions; UsageError for no such user or a bad password."""
        self._update(name, password_hash=password_hash(password))
        return self.end_sessions(name)

    def end_sessions(self, name: str) -> User:
        """End all sessions of a user; UsageError if there is no such user."""
        user = self.find(name)
        with transaction(self._ledger) as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.user == name))
        return user

    def remove(self, name: str) -> User:
        """Remove a person with all sessions and login links; UsageError if there is no such user."""
        user = self.find(name)
        with transaction(self._ledger) as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.user == name))
            connection.execute(sa.delete(login_links).where(login_links.c.user == name))
            connection.execute(sa.delete(users).where(users.c.name == name))
        return user

    def all_users(self) -> list[User]:
        """Every user by name."""
        with transaction(self._ledger) as connection:
            return [_user_of(row) for row in connection.execute(sa.select(users).order_by(users.c.name))]

    def find(self, name: str) -> User:
        """The user of that name; UsageError if there is none."""
        row = self._row(name)
        if row is None:
            raise UsageError(f"there is no user {name!r}: see `user list`")
        return _user_of(row)

    def is_password_of(self, name: str, password: str) -> bool:
        """True if the user exists and this is the password. It takes as long for a user who does not exist."""
        row = self._row(name)
        return is_password(row.password_hash if row else None, password)

    def _row(self, name: str) -> sa.Row[Any] | None:
        with transaction(self._ledger) as connection:
            return connection.execute(sa.select(users).where(users.c.name == name)).first()

    def _update(self, name: str, **values: Any) -> User:
        self.find(name)
        with transaction(self._ledger) as connection:
            connection.execute(sa.update(users).where(users.c.name == name).values(**values))
        return self.find(name)


def _user_of(row: sa.Row[Any]) -> User:
    return User(
        row.name,
        split_roles(row.roles),
        row.password_hash is not None,
        in_utc(row.created_at),
        in_utc_or_none(row.last_login_at),
    )
