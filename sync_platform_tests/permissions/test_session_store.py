"""Sessions and login links: used once, expiring, ended at once, with the user's present roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.permissions.session_store import LINK_LIFETIME, SessionStore
from sync_platform.permissions.user_store import UserStore
from sync_platform_tests.permissions.conftest import MovedClock


@pytest.fixture
def users(ledger: sa.Engine, clock: MovedClock) -> UserStore:
    store = UserStore(ledger, clock)
    store.add("ada", [Role.operator])
    return store


@pytest.fixture
def sessions(ledger: sa.Engine, clock: MovedClock, users: UserStore) -> SessionStore:
    return SessionStore(ledger, timedelta(hours=12), clock)


def test_a_link_begins_one_session(sessions: SessionStore) -> None:
    secret, _ = sessions.new_link("ada")
    assert sessions.use_link(secret) == "ada"
    assert sessions.use_link(secret) is None


def test_a_link_expires(sessions: SessionStore, clock: MovedClock) -> None:
    secret, expires_at = sessions.new_link("ada")
    assert expires_at == clock.now + LINK_LIFETIME
    clock.now = expires_at
    assert sessions.use_link(secret) is None


def test_a_session_is_its_user_until_it_expires(sessions: SessionStore, clock: MovedClock) -> None:
    secret = sessions.begin("ada")
    clock.pass_time(hours=11.9)
    assert sessions.actor_of(secret, "10.0.0.9") == Actor("ada", frozenset({Role.operator}), "10.0.0.9")
    clock.pass_time(hours=0.1)
    assert sessions.actor_of(secret, "10.0.0.9") is None


def test_a_change_of_roles_counts_at_once(sessions: SessionStore, users: UserStore) -> None:
    secret = sessions.begin("ada")
    users.set_roles("ada", [Role.viewer, Role.compliance])
    actor = sessions.actor_of(secret, "")
    assert actor is not None
    assert actor.roles == {Role.viewer, Role.compliance}


@pytest.mark.parametrize("how", ["logout", "all sessions", "new password", "removed user"])
def test_a_session_that_was_ended_is_nobody(sessions: SessionStore, users: UserStore, how: str) -> None:
    secret = sessions.begin("ada")
    assert sessions.actor_of(secret, "") is not None
    {
        "logout": lambda: sessions.end(secret),
        "all sessions": lambda: users.end_sessions("ada"),
        "new password": lambda: users.set_password("ada", "correct horse battery"),
        "removed user": lambda: users.remove("ada"),
    }[how]()
    assert sessions.actor_of(secret, "") is None


def test_a_removed_user_cannot_use_an_open_link(sessions: SessionStore, users: UserStore) -> None:
    secret, _ = sessions.new_link("ada")
    users.remove("ada")
    users.add("ada", [Role.admin])
    assert sessions.use_link(secret) is None


def test_the_ledger_has_no_secret_of_a_session_or_link(sessions: SessionStore, ledger: sa.Engine) -> None:
    session, (link, _) = sessions.begin("ada"), sessions.new_link("ada")
    with ledger.connect() as connection:
        tables = [
            str(connection.execute(sa.text(f"SELECT * FROM {each}")).all()) for each in ("sessions", "login_links")
        ]
    assert all("ada" in each for each in tables)
    assert not any(secret in each for each in tables for secret in (session, link))
