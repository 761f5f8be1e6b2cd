"""The rotation of the master key: the old key opens nothing, all else stays valid, also after a kill anywhere."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.backup import key_rotation
from sync_platform.backup.key_rotation import KeyRotation, RotationReport
from sync_platform.backup.repository_key import (
    RepositoryKey,
    make_recovery_key,
    open_repository_key,
    open_with_recovery_key,
)
from sync_platform.backup.subject_erasure import SubjectErasure
from sync_platform.backup.tombstone_store import read_all_tombstones
from sync_platform.backup.vault_backup import VaultBackup
from sync_platform.backup.vault_recovery import recover_vault
from sync_platform.errors import Busy, StorageError, UsageError
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lease import Leases
from sync_platform.storage.ledger import Ledger
from sync_platform.vault.key_file import KeyFile, from_key_file, write_key_file
from sync_platform.vault.key_place import open_master_key
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.platform_secrets import PlatformSecrets
from sync_platform.vault.rotation_record import is_rotating
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.folder_copies import copy_to_read

OLD = MasterKey(bytes(range(32)))
BACKUP_KEY = MasterKey(bytes([7] * 32))
AUTHOR = Personal(("name",), ("id",))


class Rotated:
    """A home that an earlier version made: a key file of 32 bytes, persons, a secret, backups, and their replica."""

    def __init__(self, folder: Path, *, makes: bool = True) -> None:
        """`makes`: False where another process has made it."""
        self.folder, self.file = folder, KeyFile(folder / "master.key")
        self.url, self.ledger = f"sqlite:///{folder / 'vault.sqlite'}", Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.stores = [FolderStore(folder / "backups"), FolderStore(folder / "replica")]
        self.vault_store = FolderStore(folder / "elsewhere")
        self.backup = VaultBackup(self.vault_store, BACKUP_KEY, folder / "temp")
        if makes:
            self._make()

    def _make(self) -> None:
        folder = self.folder
        write_key_file(self.file.path, OLD)
        self.sealed = [self.seal(person) for person in range(5)]
        self.subject = self.opened().subject_id("openrice", "id", 1)
        PlatformSecrets(self.ledger, self.opened(), "keeta").write("token", "swordfish")
        self.repository = open_repository_key(self.stores[0], self.opened().backups, may_create=True)
        self.recovery_key = make_recovery_key(self.stores[0], self.repository)
        self.stores[1].put("repository.json", self.stores[0].get("repository.json"))
        leases = Leases(f"sqlite:///{folder / 'ledger.sqlite'}")
        SubjectErasure(self.opened(), self.backup, self.tombstone_stores, OLD.text, leases).erase(["erased before"])
        self.backup.create(self.engine, OLD.text)

    @property
    def engine(self) -> sa.Engine:
        return open_vault_database(self.url)

    @property
    def tombstone_stores(self) -> tuple[FolderStore, ...]:
        return (self.stores[0], self.vault_store)

    def opened(self) -> Vault:
        """The vault, as another process opens it."""
        return Vault(self.engine, open_master_key(self.file, self.engine))

    def seal(self, person: int, vault: Vault | None = None) -> str:
        record = {"id": person, "name": "Ada"}
        (vault or self.opened()).seal_records("openrice", AUTHOR, [record], ["1"])
        return str(record["name"])

    def rotation(self, place: KeyFile | None = None) -> KeyRotation:
        return KeyRotation(self.engine, place or self.file, self.file, self.ledger, self.backup, self.stores)

    def require_usable(self) -> None:
        """Everything that was protected before can be read, and is the same."""
        vault = self.opened()
        assert [vault.unseal("openrice", "name", each) for each in self.sealed] == ["Ada"] * 5
        assert [self.seal(person, vault) for person in range(5)] == self.sealed, "sealed data does not change"
        assert vault.subject_id("openrice", "id", 1) == self.subject
        assert PlatformSecrets(self.ledger, vault, "keeta").read("token") == "swordfish"
        for store in self.stores:
            assert _material(open_repository_key(store, vault.backups)) == _material(self.repository)
        assert _material(open_with_recovery_key(self.stores[0], self.recovery_key)) == _material(self.repository)
        assert len(read_all_tombstones(self.tombstone_stores, vault.tombstones.public_key)) == 1

    def require_old_key_is_useless(self) -> None:
        with pytest.raises(StorageError, match="this master key was replaced by `.*vault rotate` at .*: copy the new"):
            Vault(self.engine, OLD)
        stale = Vault(open_vault_database(f"sqlite:///{self.folder / 'other.sqlite'}"), OLD)
        for store in self.stores:
            with pytest.raises(StorageError, match="the master key is not the one of the backups"):
                open_repository_key(store, stale.backups)
        with pytest.raises(StorageError, match="another master key"):
            PlatformSecrets(self.ledger, stale, "keeta").read("token")
        assert OLD.permanent == from_key_file(self.file.path).permanent


def _material(key: RepositoryKey) -> bytes:
    return key.material


@pytest.fixture
def home(tmp_path: Path) -> Rotated:
    return Rotated(tmp_path)


def test_a_rotation_leaves_everything_valid_and_the_old_key_useless(home: Rotated) -> None:
    report = home.rotation().run()
    assert report == RotationReport(False, subject_keys=5, secrets=1, repositories=2, has_backup=True)
    assert not is_rotating(home.engine)
    home.require_usable()
    home.require_old_key_is_useless()
    before = home.file.present()
    home.rotation().run()
    assert home.file.present() != before
    home.require_usable()


@pytest.mark.parametrize("step", ["propose", "rewrap", "accept", "backup", "secrets", "repository", "end"])
def test_a_rotation_killed_at_any_step_leaves_everything_usable_and_a_repeat_completes_it(
    home: Rotated, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: dict[str, tuple[object, str]] = {
        "propose": (KeyFile, "propose"),
        "rewrap": (key_rotation, "rewrap_vault"),
        "accept": (KeyFile, "accept"),
        "backup": (VaultBackup, "create"),
        "secrets": (key_rotation, "reseal_secrets"),
        "repository": (FolderStore, "put"),
        "end": (key_rotation, "end_rotation"),
    }

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*places[step], kill)
        with pytest.raises(KeyboardInterrupt):
            home.rotation().run()
    home.require_usable()
    assert home.rotation().run().is_continued == (step not in ("propose", "rewrap"))
    assert not is_rotating(home.engine)
    home.require_usable()
    home.require_old_key_is_useless()


def test_the_vaults_backup_is_of_the_new_key_and_restores_after_a_rotation(home: Rotated, tmp_path: Path) -> None:
    home.rotation().run()
    copy = home.backup.verify().copy
    assert copy.master_key == from_key_file(home.file.path).text
    (tmp_path / "vault.sqlite").unlink()
    home.file.path.unlink()
    recover_vault(home.backup, home.engine, home.tombstone_stores, home.file.path, lambda copy: OLD)
    home.require_usable()
    assert home.rotation().run(), "the rotation of the copy is completed"


def test_the_backup_of_a_rotated_vault_does_not_replace_that_of_another(home: Rotated, tmp_path: Path) -> None:
    other = Rotated(_folder(tmp_path / "other"))
    other.rotation().run()
    home.rotation().run()
    with pytest.raises(StorageError, match="the backup was not replaced"):
        home.backup.create(other.engine, "")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_process_that_has_the_old_key_makes_no_key_with_it(home: Rotated) -> None:
    stale = home.opened()
    assert stale.is_current()
    home.rotation().run()
    assert not stale.is_current()
    with pytest.raises(StorageError, match="the master key was rotated while this process ran: start it again"):
        home.seal(77, stale)
    home.require_usable()
    assert home.opened().unseal("openrice", "name", home.seal(77)) == "Ada"


def test_a_process_that_has_the_old_key_does_not_back_the_vault_up_with_it(home: Rotated) -> None:
    home.rotation().run()
    with pytest.raises(StorageError, match="the master key was rotated while this process ran: start it again"):
        home.backup.create(home.engine, OLD.text)


def test_the_key_is_moved_to_another_place_and_a_killed_move_is_repeated(
    home: Rotated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> int:
        raise KeyboardInterrupt

    there = KeyFile(_folder(tmp_path / "there") / "moved.key")
    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, "rewrap_vault", kill)
        with pytest.raises(KeyboardInterrupt):
            home.rotation(there).run()
    home.require_usable()
    home.rotation(there).run()
    home.file = there
    home.require_usable()
    home.require_old_key_is_useless()


def test_a_place_with_the_key_of_another_vault_is_refused(home: Rotated, tmp_path: Path) -> None:
    there = KeyFile(tmp_path / "others.key")
    key = there.create()
    with pytest.raises(UsageError, match="is of another vault: choose another place; nothing was changed"):
        home.rotation(there).run()
    assert there.present() == key
    home.require_usable()


def test_a_lost_key_file_alone_is_restored_from_the_vaults_backup(home: Rotated) -> None:
    home.file.path.unlink()
    with pytest.raises(StorageError, match="is missing, and this vault was made with a key"):
        home.opened()
    recovered = recover_vault(home.backup, home.engine, home.tombstone_stores, home.file.path, lambda copy: OLD)
    assert recovered.is_key_only
    home.require_usable()
    with pytest.raises(StorageError, match="has keys of persons: a vault is restored into a new one"):
        recover_vault(home.backup, home.engine, home.tombstone_stores, home.file.path, lambda copy: OLD)


def test_old_wrapped_keys_are_in_no_page_of_the_vault(home: Rotated) -> None:
    with home.engine.connect() as connection:
        wrapped = [bytes(row[0]) for row in connection.execute(sa.text("SELECT wrapped_key FROM subject_keys"))]
    home.rotation().run()
    home.engine.dispose()
    with copy_to_read(home.folder) as copy:
        stored = b"".join(path.read_bytes() for path in copy.glob("vault.sqlite*"))
    assert [each in stored for each in wrapped] == [False] * 5


def _rotate_slowly(folder: Path, begun: Event, goes_on: Event) -> None:
    """In a process of its own: a rotation that stops between the proposed key and the vault's transaction."""
    home = Rotated(folder, makes=False)
    rewrap: Callable[..., int] = key_rotation.rewrap_vault

    def slow(engine: sa.Engine, old: MasterKey, new: MasterKey) -> int:
        begun.set()
        assert goes_on.wait(60)
        return rewrap(engine, old, new)

    key_rotation.rewrap_vault = slow
    home.rotation().run()


def test_a_second_process_is_refused_while_the_first_rotates_also_with_another_ledger(home: Rotated) -> None:
    """Otherwise it would replace the proposed key, and the vault would have a key that no place has."""
    processes = multiprocessing.get_context("spawn")
    begun, goes_on = processes.Event(), processes.Event()
    first = processes.Process(target=_rotate_slowly, args=(home.folder, begun, goes_on))
    first.start()
    assert begun.wait(60)
    proposed = home.file.proposed()
    home.ledger = Ledger(f"sqlite:///{home.folder / 'another.sqlite'}")
    for refused in (home.rotation().run, home.rotation().complete):
        with pytest.raises(Busy, match="another process rotates the master key"):
            refused()
    goes_on.set()
    first.join(60)
    assert (first.exitcode, home.file.present(), home.file.proposed()) == (0, proposed, None)
    home.ledger = Ledger(f"sqlite:///{home.folder / 'ledger.sqlite'}")
    home.require_usable()


def test_a_rotation_that_another_one_overtakes_changes_nothing(home: Rotated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock keeps them apart. Where a lock does not hold, as on some network disks, the vault's check value does."""
    rewrap: Callable[..., int] = key_rotation.rewrap_vault

    def overtaken(engine: sa.Engine, old: MasterKey, new: MasterKey) -> int:
        rewrap(engine, old, old.rotated())
        return rewrap(engine, old, new)

    monkeypatch.setattr(key_rotation, "rewrap_vault", overtaken)
    with pytest.raises(StorageError, match="another process has rotated the master key: nothing was changed"):
        home.rotation().run()
