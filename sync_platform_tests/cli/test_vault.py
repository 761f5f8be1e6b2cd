"""The master key on the command line: key files that others can read, rotation, and a key that is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.vault.master_key import MasterKey
from sync_platform_tests.cli.backed_up_home import FIELD, PLATFORM, BackedUpHome, backed_up_home
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.vault.amazon import CREDENTIALS, REGION, amazon


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    return backed_up_home(tmp_path / "home", tmp_path_factory)


def _unsealed(home: BackedUpHome) -> object:
    from sync_platform.defs.resources import vault_of

    return vault_of(home.settings).vault.unseal(PLATFORM, FIELD, home.other)


@pytest.mark.parametrize("name", ["master.key", "backup.key"])
def test_no_command_runs_while_others_can_read_a_key_file(shell: Shell, name: str) -> None:
    key_file = shell.home / "vault" / name
    key_file.parent.mkdir(parents=True)
    key_file.write_text(f"{MasterKey.new().text}\n")
    key_file.chmod(0o644)
    for command in (("status",), ("sync", "openrice"), ("query", "SELECT 1")):
        refused = shell.run_in_process(*command)
        assert refused.returncode == 1
        assert f"{key_file} can be read by others: run `chmod 600 {key_file}`" in refused.stderr
    for helped in (("--help",), ("sync", "--help"), ("vault", "-h"), ("--version",)):
        assert shell.run_in_process(*helped).returncode == 0
    key_file.chmod(0o600)
    assert "can be read by others" not in shell.run_in_process("status").stderr


def test_a_rotation_changes_no_data_and_a_backup_from_before_is_restored(
    backed_up: BackedUpHome, tmp_path: Path
) -> None:
    before = _unsealed(backed_up)
    key_file = backed_up.settings.master_key_file
    old = key_file.read_text()
    document = json.loads(backed_up.run("vault", "rotate", "--json"))
    assert document["subject_keys"] > 0 and document["repositories"] == 1 and document["has_backup"]
    assert key_file.read_text() != old
    assert _unsealed(backed_up) == before
    backed_up.run("backup", "verify", "--all")
    backed_up.run("lineage", "verify")
    backed_up.run("backup", "restore", "--target", str(tmp_path / "restored"))
    assert '"vault-rotate"' in backed_up.run("audit", "--json")
    key_file.write_text(old)
    assert "this master key was replaced by" in backed_up.refused("vault", "backup")


def test_the_master_key_moves_to_secrets_manager_and_is_rotated_there(
    backed_up: BackedUpHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, file = _unsealed(backed_up), backed_up.settings.master_key_file
    with amazon() as endpoint:
        there = {
            "VAULT_SECRET_ID": "sync-platform/master-key",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            **{name.upper(): value for name, value in CREDENTIALS.items()},
        }
        for name, value in there.items():
            monkeypatch.setenv(name, value)
        backed_up.shell.environment |= there
        assert "is missing, and this vault was made with a key" in backed_up.refused("vault", "backup")
        assert "name one place" in backed_up.refused("vault", "rotate", "--from-file", str(file), "--from-kms", "x")
        backed_up.run("vault", "rotate", "--from-file", str(file))
        file.unlink()
        backed_up.run("vault", "rotate")
        assert _unsealed(backed_up) == before
        backed_up.run("vault", "backup")


def test_a_lost_key_file_says_what_still_works_and_the_vaults_backup_has_it(backed_up: BackedUpHome) -> None:
    before, file = _unsealed(backed_up), backed_up.settings.master_key_file
    file.unlink()
    for command in (("vault", "backup"), ("lineage", "verify"), ("sync", "openrice")):
        done = backed_up.shell.run_in_process(*command)
        message = " ".join((done.stdout + done.stderr).split())
        assert (
            done.returncode != 0
            and f"the master key file {file} is missing, and this vault was made with a key" in message
        )
        assert "Queries, reports and status still work" in message
    assert not file.exists()
    for command in (("status",), ("tables",), ("quality",), ("query", "SELECT count(*) FROM openrice.reviews")):
        assert "master key" not in backed_up.shell.run_in_process(*command).stderr
    assert "restored the master key" in backed_up.run("vault", "restore")
    assert _unsealed(backed_up) == before


def test_a_vault_that_does_not_exist_is_not_rotated(shell: Shell) -> None:
    refused = shell.run_in_process("vault", "rotate")
    assert (refused.returncode, "there is no vault yet" in refused.stderr) == (2, True)
