"""`sync-platform user add|change|password|logout|remove|link|list`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from getpass import getpass
from typing import Any

from sync_platform.cli.access.access_change import opened_ledger, require_change
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, report_problem, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.errors import UsageError
from sync_platform.permissions.role import Role
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.user_store import User, UserStore
from sync_platform.server.address import login_link
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists

Change = Callable[[UserStore], User]
COLUMNS = ("name", "roles", "password", "added", "last login")


def add_user(name: str, roles: Sequence[Role], *, as_json: bool) -> int:
    """Add a person; 0."""
    user = _change(OperationName.add_user, name, {"roles": sorted(roles)}, lambda users: users.add(name, roles))
    text = f"{name} is added: `user link {name}` logs them in once, `user password {name}` sets a password"
    return _show(user, text, as_json=as_json)


def change_user(name: str, roles: Sequence[Role], *, as_json: bool) -> int:
    """Replace the roles of a person; 0."""
    subject = {"roles": sorted(roles)}
    user = _change(OperationName.change_user, name, subject, lambda users: users.set_roles(name, roles))
    return _show(user, f"{name} is now {', '.join(sorted(roles))}", as_json=as_json)


def set_user_password(name: str, *, as_json: bool) -> int:
    """Set the password of a person; 0. UsageError for a bad password, or two that differ."""
    require_change(load_settings())
    password = _asked_password()
    user = _change(OperationName.set_password, name, {}, lambda users: users.set_password(name, password))
    return _show(user, f"the password of {name} is set; all sessions of {name} are ended", as_json=as_json)


def log_out(name: str, *, as_json: bool) -> int:
    """End all sessions of a person; 0."""
    user = _change(OperationName.end_sessions, name, {}, lambda users: users.end_sessions(name))
    return _show(user, f"all sessions of {name} are ended", as_json=as_json)


def remove_user(name: str, *, as_json: bool) -> int:
    """Remove a person; 0."""
    user = _change(OperationName.remove_user, name, {}, lambda users: users.remove(name))
    return _show(user, f"{name} is removed", as_json=as_json)


def show_link(name: str, *, as_json: bool) -> int:
    """Show a link that logs a person in once; 0. UsageError if there is no such user."""
    settings = load_settings()
    require_change(settings)
    with opened_ledger(settings) as ledger, audited(settings, OperationName.make_login_link, {"user": name}) as made:
        UserStore(ledger).find(name)
        secret, expires_at = SessionStore(ledger, timedelta(hours=settings.session_hours)).new_link(name)
        made.ended("complete")
    if as_json:
        write_json({"user": name, "link": login_link(settings, secret), "expires_at": expires_at})
    else:
        report_problem(f"this link logs {name} in once, until {local_minute(expires_at)}:")
        sys.stdout.write(f"{login_link(settings, secret)}\n")
    return OK


def list_users(*, as_json: bool) -> int:
    """Show everybody who may log in; 0. A ledger that does not exist is not created."""
    settings = load_settings()
    require_change(settings)
    users: list[User] = []
    if database_exists(settings.ledger_url):
        with opened_ledger(settings) as ledger:
            users = UserStore(ledger).all_users()
    if as_json:
        write_json({"users": [_document(user) for user in users]})
    elif users:
        console().print_table(_table(users))
    else:
        console().print("there is no user yet: `serve` adds the person who starts it")
    return OK


def _change(operation: OperationName, name: str, subject: dict[str, Any], change: Change) -> User:
    """The user after a change, or before it was removed."""
    settings = load_settings()
    require_change(settings)
    with opened_ledger(settings) as ledger, audited(settings, operation, {"user": name, **subject}) as under_way:
        users = UserStore(ledger)
        user = change(users)
        under_way.ended("complete")
        return user


def _show(user: User, text: str, *, as_json: bool) -> int:
    if as_json:
        write_json({"user": _document(user)})
    else:
        console().print(text, soft_wrap=True)
    return OK


def _asked_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("New password: ")
    if getpass("Again: ") != password:
        raise UsageError("the two passwords differ: nothing is changed")
    return password


def _document(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "roles": sorted(user.roles),
        "has_password": user.has_password,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
    }


def _table(users: Sequence[User]) -> FittedTable:
    table = FittedTable(COLUMNS, unbroken=("name",), optional=("added",))
    for user in users:
        table.add_row(
            user.name,
            ", ".join(sorted(user.roles)),
            "yes" if user.has_password else "no",
            local_minute(user.created_at),
            local_minute(user.last_login_at) if user.last_login_at else "never",
        )
    return table
