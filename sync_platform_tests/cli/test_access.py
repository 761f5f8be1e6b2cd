"""`token …` and `user …`, as an operator types them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.permissions.token_store import TokenStore
from sync_platform.permissions.user_store import UserStore
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import ROOT, Shell

SCHEMAS = ROOT / "sync_platform" / "cli" / "access"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home", {"SYNC_ACTOR": "ada"})


def document(shell: Shell, *arguments: str) -> Any:
    """The JSON of a command, which keeps its schema."""
    done = shell.run_in_process(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / f"{arguments[0]}-{arguments[1]}.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(answer)] == []
    return answer


def ledger_of(shell: Shell) -> str:
    return load_settings(sync_home=shell.home).ledger_url


def test_a_token_is_shown_once_alone_on_standard_output(shell: Shell) -> None:
    created = shell.run_in_process("token", "create", "prometheus", "--scope", "read-state")
    store = TokenStore(open_database(ledger_of(shell), MIGRATIONS))
    actor = store.actor_of(created.stdout.removesuffix("\n"), "")
    assert actor is not None
    assert (actor.name, actor.scope) == ("token:prometheus", {"read-state"})
    assert created.stdout.strip() not in shell.run_in_process("token", "list").stdout


def test_every_change_of_tokens_and_users_is_on_record_without_secrets(shell: Shell) -> None:
    token = document(shell, "token", "create", "prometheus")
    assert document(shell, "token", "list")["tokens"][0]["state"] == "valid"
    assert document(shell, "token", "revoke", token["id"])["state"] == "revoked"
    document(shell, "user", "add", "ben", "--role", "viewer")
    assert document(shell, "user", "change", "ben", "--role", "operator")["user"]["roles"] == ["operator"]
    link = document(shell, "user", "link", "ben")["link"]
    document(shell, "user", "logout", "ben")
    assert [each["name"] for each in document(shell, "user", "list")["users"]] == ["ben"]
    document(shell, "user", "remove", "ben")
    entries = list(AuditLog(ledger_of(shell)).entries())
    assert [each.operation for each in entries if each.outcome == "complete"] == [
        "token-create", "token-revoke", "user-add", "user-change", "user-link", "user-logout", "user-remove",
    ]  # fmt: skip
    assert {each.actor for each in entries} == {"ada"}
    written = str(entries)
    assert token["token"] not in written
    assert link.partition("code=")[2] not in written


def test_a_password_is_read_from_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run_in_process("user", "add", "ben", "--role", "viewer")
    for typed, code in (("too short\n", 2), ("correct horse battery\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert shell.run_in_process("user", "password", "ben").returncode == code
    assert UserStore(open_database(ledger_of(shell), MIGRATIONS)).is_password_of("ben", "correct horse battery")


@pytest.mark.parametrize(
    "command", [["token", "create", "x"], ["token", "list"], ["user", "link", "ada"], ["user", "list"]]
)
def test_an_operator_without_the_role_may_not_see_or_change_access(tmp_path: Path, command: list[str]) -> None:
    shell = Shell(tmp_path / "home", {"OPERATOR_ROLE": "operator", "SYNC_ACTOR": "ada"})
    refused = shell.run_in_process(*command)
    assert refused.returncode == 1
    assert refused.stderr == "sync-platform: change-access is not allowed for ada (operator)\n"
    assert not shell.home.exists()
