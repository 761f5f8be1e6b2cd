"""The vault's own backup: one generation under another key, and no erased person comes back from it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from sync_platform.backup.subject_erasure import SubjectErasure
from sync_platform.backup.tombstone_store import read_all_tombstones, write_tombstones
from sync_platform.backup.vault_backup import LEASE, VaultBackup
from sync_platform.backup.vault_copy import vault_lines, write_vault
from sync_platform.errors import StorageError, UsageError
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lease import Leases
from sync_platform.storage.relational import transaction
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.sealed_values import ERASED
from sync_platform.vault.tombstones import read_tombstones

MASTER, BACKUP_KEY = MasterKey(bytes(32)), MasterKey(bytes([7] * 32))
AUTHOR = Personal(("name",), ("id",))


class Installation:
    """A vault with persons, the store of its backup, and the store of the data's backups."""

    def __init__(self, folder: Path, name: str = "vault") -> None:
        self.folder = folder
        self.vault = Vault(open_vault_database(f"sqlite:///{folder / name}.sqlite"), MASTER)
        self.store, self.data_store = FolderStore(folder / "elsewhere"), FolderStore(folder / "backups")
        self.backup = VaultBackup(self.store, BACKUP_KEY, folder / "temp")
        self.leases = Leases(f"sqlite:///{folder / 'ledger.sqlite'}")

    @property
    def erasure(self) -> SubjectErasure:
        stores = (self.data_store, self.store)
        return SubjectErasure(self.vault, self.backup, stores, MASTER.material.hex(), self.leases)

    def seal(self, person: int, name: str = "Ada") -> str:
        record = {"id": person, "name": name}
        self.vault.seal_records("openrice", AUTHOR, [record], ["1"])
        return str(record["name"])

    def unseal(self, sealed: str) -> object:
        return self.vault.unseal("openrice", "name", sealed)

    def subject(self, person: int) -> str:
        return self.vault.subject_id("openrice", "id", person)

    def create(self) -> None:
        self.backup.create(self.vault.engine, MASTER.material.hex())

    def restored(self, name: str = "restored") -> Vault:
        """A new vault, restored from the backup and the tombstones of both stores."""
        engine = open_vault_database(f"sqlite:///{self.folder / name}.sqlite")
        erased = read_all_tombstones((self.data_store, self.store), self.vault.tombstones.public_key)
        copy = self.backup.restore(engine, erased).copy
        return Vault(engine, MasterKey(bytes.fromhex(copy.master_key)))


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    installation = Installation(tmp_path)
    installation.vault.seal_records(
        "openrice", AUTHOR, [{"id": person, "name": "Ada"} for person in range(600)], [""] * 600
    )
    return installation


def _objects(store: FolderStore) -> dict[str, bytes]:
    return {entry.key: store.get(entry.key) for entry in store.entries()}


def test_a_restored_vault_reads_every_value_and_goes_on_sealing_as_before(installed: Installation) -> None:
    sealed = [installed.seal(person) for person in (1, 599)]
    installed.create()
    restored = installed.restored()
    assert [restored.unseal("openrice", "name", each) for each in sealed] == ["Ada", "Ada"]
    installed.vault = restored
    assert [installed.seal(person) for person in (1, 599)] == sealed


def test_a_copy_from_before_rotations_is_read(installed: Installation, tmp_path: Path) -> None:
    sealed = installed.seal(7)
    lines = [orjson.loads(line) for line in vault_lines(installed.vault.engine, MASTER.text)]
    lines[0]["format"] = "sync-platform vault 1"
    for line in lines:
        if line.get("table") == "subject_keys":
            line["rows"] = [row[:3] for row in line["rows"]]
    del lines[-1]["end"]["rotations"]
    engine = open_vault_database(f"sqlite:///{tmp_path / 'earlier.sqlite'}")
    copy = write_vault(engine, map(orjson.dumps, lines), [])
    assert copy.rows["subject_keys"] == 600
    assert Vault(engine, MASTER).unseal("openrice", "name", sealed) == "Ada"


def test_there_is_one_generation_and_it_reveals_nothing(installed: Installation) -> None:
    for _ in range(3):
        installed.create()
    (body,) = _objects(installed.store).values()
    assert MASTER.material.hex().encode() not in body and b"subject_id" not in body
    assert installed.backup.verify().copy.rows["subject_keys"] == 600
    assert list((installed.folder / "temp").iterdir()) == []


def test_what_killed_puts_left_is_deleted_that_of_a_tombstone_a_day_later(installed: Installation) -> None:
    installed.create()
    copy, old, new = (installed.folder / "elsewhere" / name for name in ("vault/.put-1", "tombstones/.put-1", ".put-2"))
    old.parent.mkdir()
    for left in (copy, old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    installed.create()
    assert [left.exists() for left in (copy, old, new)] == [False, False, True]


def test_an_erased_person_comes_back_from_no_copy_of_the_vault(installed: Installation) -> None:
    sealed = installed.seal(7)
    installed.create()
    old = _objects(installed.store)
    installed.erasure.erase([installed.subject(7)])
    assert set(_objects(installed.store)).isdisjoint(set(old))  # the backup was rewritten
    restored = installed.restored()
    with pytest.raises(StorageError, match="is destroyed"):
        restored.unseal("openrice", "name", sealed)
    installed.vault = restored
    assert installed.seal(7).endswith(ERASED)
    assert installed.unseal(installed.seal(8)) == "Ada"


def test_an_old_copy_of_the_backup_is_restored_without_the_erased(installed: Installation) -> None:
    sealed = installed.seal(7)
    installed.create()
    (name, body), *_ = _objects(installed.store).items()
    installed.erasure.erase([installed.subject(7)])
    for key in list(installed.store.keys("vault/")):
        installed.store.delete(key)
    installed.store.put(name, body)
    restored = installed.restored()
    with pytest.raises(StorageError, match="is destroyed"):
        restored.unseal("openrice", "name", sealed)


def test_a_restore_without_its_tombstones_refuses(installed: Installation) -> None:
    installed.create()
    installed.erasure.erase([installed.subject(person) for person in (7, 8, 9)])
    stores = (installed.data_store, installed.store)
    kept = [_objects(store) for store in stores]

    def refused(match: str) -> None:
        engine = open_vault_database(f"sqlite:///{installed.folder / 'restored.sqlite'}")
        with pytest.raises(StorageError, match=match):
            installed.restored()
        with transaction(engine) as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM subject_keys")).scalar() == 0
        for store, objects in zip(stores, kept, strict=True):
            for key, body in objects.items():
                store.put(key, body)

    for store in stores:
        store.delete("tombstones/000000000003.json")
    refused("a tombstone was deleted or changed; nothing was restored")
    stores[0].delete("tombstones/000000000002.json")
    refused("number 2 is missing before it; nothing was restored")
    stores[1].put("tombstones/000000000002.json", stores[1].get("tombstones/000000000001.json"))
    refused("tombstone number 1 in")
    stores[0].put("tombstones/000000000002.json", b"{}")
    refused("is no tombstone")
    assert installed.restored().unseal("openrice", "name", installed.seal(10)) == "Ada"


def test_an_erasure_that_fails_at_any_step_is_not_complete_and_a_repeat_completes_it(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = installed.seal(7)
    installed.create()
    for name in ("put_new", "put_file", "delete"):
        with monkeypatch.context() as patch:

            def fail(*_: object) -> None:
                raise StorageError("503 SlowDown")

            patch.setattr(FolderStore, name, fail)
            with pytest.raises(StorageError, match="503 SlowDown"):
                installed.erasure.erase([installed.subject(7)])
        with pytest.raises(StorageError, match="is destroyed"):
            installed.unseal(sealed)
    installed.erasure.complete()
    assert len(list(installed.store.keys("vault/"))) == 1
    assert installed.backup.verify().copy.rows["subject_keys"] == 599
    for store in (installed.data_store, installed.store):
        assert len(list(store.keys("tombstones/"))) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "swapped", "gone"])
def test_a_damaged_backup_is_found_and_restores_nothing(installed: Installation, damage: str) -> None:
    installed.create()
    (key,) = installed.store.keys("vault/")
    body = installed.store.get(key)
    if damage == "gone":
        installed.store.delete(key)
    elif damage == "swapped":
        installed.store.put(f"{key[:-12]}x{key[-11:]}", body)
        installed.store.delete(key)
    else:
        changed = body[:-9] if damage == "cut" else body[:500] + bytes([body[500] ^ 1]) + body[501:]
        installed.store.put(key, changed)
    for work in (installed.backup.verify, installed.restored):
        with pytest.raises((StorageError, UsageError)):
            work()
    engine = open_vault_database(f"sqlite:///{installed.folder / 'restored.sqlite'}")
    with transaction(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM subject_keys")).scalar() == 0


def test_another_key_and_a_vault_in_use_are_refused(installed: Installation) -> None:
    installed.create()
    other = VaultBackup(installed.store, MasterKey(bytes([8] * 32)), installed.folder / "temp")
    with pytest.raises(StorageError, match="encrypted under another key"):
        other.verify()
    with pytest.raises(StorageError, match="has keys of persons: a vault is restored into a new one"):
        installed.backup.restore(installed.vault.engine, [])
    opened = Vault(open_vault_database(f"sqlite:///{installed.folder / 'other.sqlite'}"), MasterKey(bytes([1] * 32)))
    with pytest.raises(StorageError, match="was opened under another master key before"):
        installed.backup.restore(opened.engine, [])


def test_the_backup_of_a_lost_vault_is_not_replaced_by_that_of_a_new_one(installed: Installation) -> None:
    installed.create()
    before = _objects(installed.store)
    for name, master in (("new", MASTER), ("other", MasterKey(bytes([1] * 32)))):
        vault = Vault(open_vault_database(f"sqlite:///{installed.folder / name}.sqlite"), master)
        with pytest.raises(StorageError, match="the backup was not replaced"):
            installed.backup.create(vault.engine, master.material.hex())
    assert _objects(installed.store) == before


def test_tombstones_of_a_store_are_never_overwritten(installed: Installation) -> None:
    installed.erasure.erase([installed.subject(7)])
    with transaction(installed.vault.engine) as connection:
        chain = read_tombstones(connection)
    assert write_tombstones(installed.data_store, chain, installed.vault.tombstones) == 0


def test_an_erasure_waits_for_another_process_that_replaces_the_backup(installed: Installation) -> None:
    """The other one read the vault before the erasure: if it ended last, its backup would have the destroyed key."""
    installed.create()
    with ThreadPoolExecutor(1) as pool:
        with installed.leases.hold("a backup of the vault", LEASE):
            erasing = pool.submit(installed.erasure.erase, [installed.subject(7)])
            with pytest.raises(TimeoutError):
                erasing.result(timeout=1)
            assert installed.backup.verify().copy.rows["subject_keys"] == 600
        erasing.result()
    assert installed.backup.verify().copy.rows["subject_keys"] == 599
