"""People: their names, roles and passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.errors import UsageError
from sync_platform.permissions.role import Role
from sync_platform.permissions.user_store import UserStore
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path: Path) -> UserStore:
    return UserStore(open_database(f"sqlite:///{tmp_path / 'ledger.sqlite'}", MIGRATIONS))


def test_only_the_password_of_a_user_is_accepted(users: UserStore) -> None:
    users.add("ada", [Role.viewer])
    assert not users.is_password_of("ada", "")
    users.set_password("ada", PASSWORD)
    assert users.is_password_of("ada", PASSWORD)
    assert not users.is_password_of("ada", PASSWORD + " ")
    assert not users.is_password_of("ben", PASSWORD)
    assert users.find("ada").has_password


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1001])
def test_a_password_that_is_too_short_or_too_long_is_refused(users: UserStore, password: str) -> None:
    users.add("ada", [Role.viewer])
    with pytest.raises(UsageError, match="12 to 1000 characters"):
        users.set_password("ada", password)
    assert not users.is_password_of("ada", password)


@pytest.mark.parametrize("name", ["", "ada lovelace", "token:x", "a/b", "x" * 101])
def test_a_name_that_would_confuse_readers_of_the_audit_log_is_refused(users: UserStore, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a user"):
        users.add(name, [Role.viewer])


def test_a_name_is_used_once_and_an_existing_user_keeps_its_roles(users: UserStore) -> None:
    users.add("ada@example.org", [Role.viewer])
    with pytest.raises(UsageError, match="already"):
        users.add("ada@example.org", [Role.admin])
    assert not users.add_if_missing("ada@example.org", [Role.admin])
    assert users.find("ada@example.org").roles == {Role.viewer}


@pytest.mark.parametrize("change", ["set_roles", "set_password", "remove", "end_sessions"])
def test_a_user_who_does_not_exist_cannot_be_changed(users: UserStore, change: str) -> None:
    arguments = {"set_roles": ([Role.viewer],), "set_password": (PASSWORD,)}.get(change, ())
    with pytest.raises(UsageError, match="no user 'ben'"):
        getattr(users, change)("ben", *arguments)
