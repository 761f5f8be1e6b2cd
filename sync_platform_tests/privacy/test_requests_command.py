"""`privacy requests`, as an operator types it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.conftest import ROOT, TODAY, Shell

SCHEMAS = ROOT / "sync_platform" / "cli" / "privacy"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home", {"SYNC_ACTOR": "ada"})


def request(shell: Shell, command: str, *arguments: str) -> Any:
    """The JSON of a command, which keeps its schema."""
    done = shell.run_in_process("privacy", "requests", command, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / f"privacy-requests-{command}.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(answer)] == []
    return answer["requests"] if command == "list" else answer["request"]


def test_a_request_is_worked_on_from_receipt_to_answer(shell: Shell) -> None:
    added = request(shell, "add", "access", "--law", "pdpo", "--received", TODAY, "--reference", "ticket 7")
    assert (added["request"], added["state"], added["identity"]) == (1, "open", "")
    refused = shell.run_in_process("privacy", "requests", "close", "1", "--answer", "sent")
    assert (refused.returncode, "identity" in refused.stderr) == (2, True)
    assert request(shell, "note", "1", "passport was shown", "--identity", "--subject", "abc")["subjects"] == ["abc"]
    until = (datetime.now(UTC) + timedelta(days=70)).date().isoformat()
    assert request(shell, "extend", "1", "--until", until, "--reason", "many records")["due_on"] == until
    assert request(shell, "close", "1", "--answer", "sent by post")["state"] == "answered"
    assert request(shell, "list") == []
    (listed,) = request(shell, "list", "--all")
    assert (listed["outcome"], listed["due_on"]) == ("sent by post", until)
    output = shell.run_in_process("privacy", "requests", "show", "1").stdout
    assert "privacy request 1: answered" in output and "passport was shown" in output
    log = list(AuditLog(load_settings(sync_home=shell.home).ledger_url).entries(operation="privacy-request"))
    assert [(each.actor, each.outcome) for each in log][-2:] == [("ada", "begun"), ("ada", "complete")]


def test_a_request_is_refused_with_reason_and_law_and_withdrawn_with_a_reason(shell: Shell) -> None:
    for kind in ("erasure", "restriction"):
        request(shell, "add", kind)
    refused = request(shell, "refuse", "1", "--reason", "needed for a claim", "--law", "GDPR Art. 17(3)(e)")
    assert (refused["state"], refused["provision"]) == ("refused", "GDPR Art. 17(3)(e)")
    assert request(shell, "close", "2", "--withdrawn", "a mistake")["state"] == "withdrawn"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "1"),
        ("add", "access", "--received", "yesterday"),
        ("add", "access", "--received", "2999-01-01"),
        ("add", "wish"),
        ("note", "1", "text"),
        ("extend", "1", "--until", "soon", "--reason", "x"),
        ("close", "1"),
        ("close", "1", "--answer", "x", "--withdrawn", "y"),
    ],
)
def test_what_cannot_be_recorded_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell.run_in_process("privacy", "requests", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_a_home_without_a_ledger_has_no_requests_and_is_not_created(shell: Shell) -> None:
    assert shell.run_in_process("privacy", "requests", "list").stdout == "no privacy request is open\n"
    assert not shell.home.exists()


def test_only_the_roles_of_privacy_read_the_register(shell: Shell) -> None:
    shell.environment["OPERATOR_ROLE"] = "operator"
    for arguments in (("list",), ("show", "1"), ("add", "access")):
        done = shell.run_in_process("privacy", "requests", *arguments)
        assert (done.returncode != 0, "not allowed" in done.stderr) == (True, True)
    shell.environment["OPERATOR_ROLE"] = "compliance"
    assert request(shell, "add", "access")["request"] == 1


def test_a_register_that_was_changed_says_so(shell: Shell) -> None:
    request(shell, "add", "access")
    with sqlite3.connect(shell.home / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE privacy_request_events SET actor = 'eve'")
    listed = shell.run_in_process("privacy", "requests", "list")
    assert (listed.returncode, "was changed outside this program: event 1" in listed.stderr) == (1, True)
