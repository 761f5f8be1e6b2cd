"""`retention run`: what is due, its deletion, and the rule that fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.defs import dagster_storage
from sync_platform.privacy.access_answer_files import record_of
from sync_platform.privacy.retention_rule import RULES
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.conftest import ROOT, Shell

SCHEMA = json.loads((ROOT / "sync_platform" / "cli" / "retention" / "retention-run.schema.json").read_text())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A home with an answer that is older than a year."""
    shell = Shell(tmp_path / "home", {"SYNC_ACTOR": "ada"})
    answer = tmp_path / "answer"
    answer.write_bytes(b"sealed")
    log = AuditLog(load_settings(sync_home=shell.home).ledger_url, lambda: datetime.now(UTC) - timedelta(days=366))
    log.record("access", record_of(answer), actor="ada", via="cli")
    log.close()
    return shell


def applied(shell: Shell, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
    done = shell.run_in_process("retention", "run", *options, "--json")
    assert done.returncode == code, done.stderr
    document = json.loads(done.stdout)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
    return {each["rule"]: each for each in document["rules"]}


def test_what_is_due_is_shown_then_deleted_and_on_record(shell: Shell) -> None:
    answer = shell.home.parent / "answer"
    due = applied(shell, "--dry-run")
    assert list(due) == [each.name for each in RULES]
    assert (due["access-answers"]["due"], due["access-answers"]["days"]) == ({"files": 1}, 365)
    assert answer.exists()
    assert applied(shell)["access-answers"]["deleted"] == {"files": 1, "bytes": 6}
    assert not answer.exists()
    log = AuditLog(load_settings(sync_home=shell.home).ledger_url)
    (entry,) = log.entries(operation="retention")
    log.close()
    assert (entry.actor, entry.via, entry.outcome) == ("ada", "cli", "complete")
    assert json.loads(entry.subject)["deleted"] == {"files": 1, "bytes": 6}


def test_another_dagster_fails_its_rule_and_stops_no_other(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dagster_storage, "CHECKED_IN", "1.0.0")
    done = applied(shell, code=1)
    assert "can be deleted with Dagster 1.0.0 only" in done["sync-logs"]["error"]
    assert done["access-answers"]["deleted"] == {"files": 1, "bytes": 6}
