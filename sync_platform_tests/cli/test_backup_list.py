"""`backup list` says what would be lost and how the last drill ended; the commands of the vault are on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.storage.audit_log import AuditLog, Outcome
from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home


def _note_drill(home: BackedUpHome, outcome: Outcome) -> None:
    log = AuditLog(home.settings.ledger_url)
    subject = {"rto_s": 2.5, "rpo_s": 0.0, "problems": ["openrice.reviews: 3 rows restored, 4 backed up"]}
    log.record("drill", subject, actor="ada", via="cli", outcome=outcome)
    log.close()


def test_the_list_names_the_rpo_and_a_drill_that_never_ran_or_failed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = backed_up_home(tmp_path / "home", tmp_path_factory)
    text = " ".join(home.run("backup", "list").split())
    assert "RPO by the settings: at most one day" in text
    assert "RPO now: every commit is in a backup" in text
    assert "Drill: no drill was ever run" in text
    _note_drill(home, "failed")
    answer = json.loads(home.run("backup", "list", "--json"))
    assert (answer["rpo"], answer["unprotected_since"], answer["rpo_problem"]) == ("one day", None, None)
    assert "3 rows restored, 4 backed up" in answer["drill"]["problem"]
    _note_drill(home, "complete")
    assert "Drill: the last one passed" in home.run("backup", "list")


def test_backup_verification_and_restore_of_the_vault_are_in_the_audit_log(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = backed_up_home(tmp_path / "home", tmp_path_factory)
    home.run("vault", "verify")
    home.refused("vault", "restore")  # the vault is not empty
    (backup,) = (home.home / "vault_backup_store" / "vault").iterdir()
    backup.write_bytes(backup.read_bytes()[:-1])
    home.refused("vault", "verify")
    log = AuditLog(home.settings.ledger_url)
    ended = [(each.operation, each.outcome) for each in log.entries() if each.outcome != "begun"]
    log.close()
    assert [each for each in ended if each[0].startswith("vault-")] == [
        ("vault-backup", "complete"),
        ("vault-verify", "complete"),
        ("vault-restore", "failed"),
        ("vault-verify", "failed"),
    ]
