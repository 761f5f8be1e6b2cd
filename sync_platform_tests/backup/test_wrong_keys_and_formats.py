"""A store that is gone, a wrong key, a newer format: a clear error, an honest exit code, and nothing is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sync_platform.backup.backup_manifest import manifest_key, signed_body
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import KEY_FILE, open_repository_key
from sync_platform.storage.folder_store import FolderStore
from sync_platform.vault.key_file import write_key_file
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.backup.diner_home import Template, dishes_of, succeed
from sync_platform_tests.cli.conftest import Shell


@pytest.fixture
def shell(template: Template) -> Iterator[Shell]:
    home = template.restore()
    yield Shell(home.home, {**home.environment, "BACKUP_REPLICA": (home.home.parent / "replica").as_uri()})


def _commands(shell: Shell) -> dict[str, tuple[str, ...]]:
    return {
        "create": ("backup", "create"),
        "full": ("backup", "create", "--type", "full"),
        "list": ("backup", "list"),
        "show": ("backup", "show"),
        "verify": ("backup", "verify", "--all"),
        "fresh": ("backup", "restore", "--target", str(shell.home.parent / "fresh")),
        "living": ("backup", "restore", "--target", "development", "--conflict", "overwrite"),
        "prune": ("backup", "prune"),
        "replicate": ("backup", "replicate"),
        "drill": ("backup", "drill"),
        "recovery key": ("backup", "recovery-key"),
    }


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refused(shell: Shell, says: str, but: tuple[str, ...] = ()) -> None:
    """Every command but those fails, says that, and changes neither the store nor the lake."""
    store, dishes = shell.home / "backup_store", dishes_of(shell.home)
    before = _content(store)
    for name, arguments in _commands(shell).items():
        if name not in but:
            done = shell.run_in_process(*arguments)
            assert (done.returncode, says in " ".join((done.stderr + done.stdout).split())) == (1, True), (name, done)
            assert _content(store) == before, name
    assert dishes_of(shell.home) == dishes
    assert not (shell.home.parent / "fresh" / "lake" / "catalog.sqlite").exists()


def _repository(shell: Shell) -> Repository:
    store = FolderStore(shell.home / "backup_store")
    vault = Vault(open_vault_database(f"sqlite:///{shell.home / 'vault' / 'vault.sqlite'}"), MasterKey(bytes(32)))
    return Repository(store, open_repository_key(store, vault.backups))


def test_a_store_that_is_gone_is_named_and_is_no_empty_list(shell: Shell) -> None:
    shutil.rmtree(shell.home / "backup_store")
    _refused(shell, "backup_store", but=("create", "full", "show"))
    assert "the audit log has 1 backup made in" in shell.run_in_process("backup", "list").stderr


def test_another_master_key_opens_nothing(shell: Shell) -> None:
    (shell.home / "vault" / "master.key").unlink()
    write_key_file(shell.home / "vault" / "master.key", MasterKey(bytes([1] * 32)))
    _refused(shell, "master key")


def test_the_key_of_other_backups_is_refused(shell: Shell) -> None:
    """As if somebody had copied `repository.json` of another installation, or of an earlier store."""
    key_file = shell.home / "backup_store" / KEY_FILE
    ours = key_file.read_bytes()
    other = Shell(shell.home, {**shell.environment, "BACKUP_REPLICA": ""})
    key_file.rename(key_file.with_name("kept"))
    (shell.home / "backup_store" / "manifests").rename(shell.home / "manifests")
    succeed(other, "backup", "create")
    shutil.rmtree(shell.home / "backup_store" / "manifests")
    (shell.home / "manifests").rename(shell.home / "backup_store" / "manifests")
    _refused(shell, "signed under another key", but=("create", "full", "show", "recovery key"))
    key_file.write_bytes(ours)
    assert _repository(shell).manifests()


def test_a_lost_key_of_the_backups_is_named_and_no_other_is_made(shell: Shell) -> None:
    """With another key in its place, a copy of the lost one could not come back."""
    key_file = shell.home / "backup_store" / KEY_FILE
    ours = key_file.read_bytes()
    key_file.unlink()
    for name in ("create", "full", "verify", "fresh", "living"):
        done = shell.run_in_process(*_commands(shell)[name])
        assert (done.returncode, key_file.exists()) == (1, False), name
        assert f"{KEY_FILE} is gone" in done.stderr, name
    key_file.write_bytes(ours)
    assert _repository(shell).manifests()


def test_a_repository_of_a_newer_format_is_refused(shell: Shell) -> None:
    key_file = shell.home / "backup_store" / KEY_FILE
    document = json.loads(key_file.read_bytes())
    key_file.write_text(json.dumps({**document, "format": "sync-platform backup repository 2"}))
    _refused(shell, "use a newer version of this program")


def test_a_newer_backup_of_a_newer_format_is_named_and_the_older_one_is_restored_by_its_id(shell: Shell) -> None:
    older = json.loads(succeed(shell, "backup", "show", "--json"))["backup"]
    succeed(Shell(shell.home, {**shell.environment, "BACKUP_REPLICA": ""}), "backup", "create")
    repository = _repository(shell)
    newer = msgspec.structs.replace(repository.manifests()[-1], format="sync-platform backup 2")
    repository.store.put(manifest_key(newer.id), signed_body(newer, repository.key.signer))
    _refused(shell, "use a newer version of this program", but=("create", "full", "show", "recovery key"))
    made = json.loads(
        succeed(Shell(shell.home, shell.environment | {"BACKUP_REPLICA": ""}), "backup", "create", "--json")
    )
    assert made["sequence"] == 3
    succeed(shell, "backup", "restore", older, "--target", str(shell.home.parent / "fresh"))
    assert dishes_of(shell.home.parent / "fresh")


def test_the_vaults_backup_under_another_key_is_refused_and_stays(shell: Shell) -> None:
    succeed(shell, "vault", "backup")
    before = _content(shell.home / "vault_backup_store")
    (shell.home / "vault" / "backup.key").unlink()
    write_key_file(shell.home / "vault" / "backup.key", MasterKey(bytes([2] * 32)))
    for verb in ("backup", "verify", "restore"):
        done = shell.run_in_process("vault", verb)
        assert (done.returncode, "another key" in done.stderr) == (1, True), done
    assert _content(shell.home / "vault_backup_store") == before
