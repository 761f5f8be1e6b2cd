"""Tokens of machines: shown once, stored hashed, narrowed, expiring, revocable."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import TokenStore
from sync_platform_tests.permissions.conftest import MovedClock

DAY = timedelta(days=1)


@pytest.fixture
def store(ledger: sa.Engine, clock: MovedClock) -> TokenStore:
    return TokenStore(ledger, clock)


def test_a_token_is_its_role_and_scope_until_it_expires(store: TokenStore, clock: MovedClock) -> None:
    _, text = store.create("prometheus", Role.viewer, ["read-state"], DAY, "ada")
    actor = Actor("token:prometheus", frozenset({Role.viewer}), "10.0.0.9", frozenset({"read-state"}))
    assert store.actor_of(text, "10.0.0.9") == actor
    clock.pass_time(hours=23.9)
    assert store.actor_of(text, "10.0.0.9") is not None
    clock.pass_time(hours=0.1)
    assert store.actor_of(text, "10.0.0.9") is None


def test_the_ledger_has_no_secret_of_a_token(store: TokenStore, ledger: sa.Engine) -> None:
    token, text = store.create("prometheus", Role.viewer, [], DAY, "ada")
    secret = text.removeprefix(f"sp_{token.token_id}_")
    with ledger.connect() as connection:
        rows = str(connection.execute(sa.text("SELECT * FROM machine_tokens")).all())
    assert token.token_id in rows
    assert secret not in rows


@pytest.mark.parametrize("change", ["secret", "id", "prefix", "empty", "not ASCII"])
def test_what_is_not_the_token_is_refused(store: TokenStore, change: str) -> None:
    _, text = store.create("prometheus", Role.admin, [], DAY, "ada")
    other = {
        "secret": text[:-1] + ("a" if text[-1] != "a" else "b"),
        "id": f"sp_{'0' * 12}{text[15:]}",
        "prefix": text[3:],
        "empty": "",
        "not ASCII": text[:-1] + "é",
    }
    assert store.actor_of(text, "") is not None
    assert store.actor_of(other[change], "") is None


def test_a_revoked_token_opens_nothing_and_its_name_is_free(store: TokenStore) -> None:
    token, text = store.create("prometheus", Role.viewer, [], DAY, "ada")
    with pytest.raises(UsageError, match="there is a valid token"):
        store.create("prometheus", Role.viewer, [], DAY, "ada")
    assert store.revoke("prometheus").token_id == token.token_id
    assert store.actor_of(text, "") is None
    with pytest.raises(UsageError, match="can be revoked"):
        store.revoke(token.token_id)
    store.create("prometheus", Role.viewer, [], DAY, "ada")


def test_the_last_use_is_stored_once_a_minute(store: TokenStore, clock: MovedClock) -> None:
    _, text = store.create("prometheus", Role.viewer, [], DAY, "ada")
    first = clock.now
    store.actor_of(text, "10.0.0.1")
    clock.pass_time(seconds=59)
    store.actor_of(text, "10.0.0.2")
    assert [(each.last_used_at, each.last_used_from) for each in store.all_tokens()] == [(first, "10.0.0.1")]
    clock.pass_time(seconds=1)
    store.actor_of(text, "10.0.0.2")
    assert [(each.last_used_at, each.last_used_from) for each in store.all_tokens()] == [(clock.now, "10.0.0.2")]


@pytest.mark.parametrize("scope", ["drop-tables", "start-emergency:", "read-data read-state", ""])
def test_a_scope_that_is_no_action_is_refused(store: TokenStore, scope: str) -> None:
    with pytest.raises(UsageError, match="is no action"):
        store.create("prometheus", Role.viewer, [scope], DAY, "ada")
