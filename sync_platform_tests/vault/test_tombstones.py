"""An erased person gets no key again, in no process, and none of the person's values can be read again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.sealed_values import ERASED
from sync_platform.vault.signature import Signer
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import (
    add_tombstones,
    read_signed_tombstone,
    read_tombstones,
    require_whole,
    signed_tombstone,
)
from sync_platform_tests.folder_copies import copy_to_read
from sync_platform_tests.services import PostgresServer

AUTHOR = Personal(("name",), ("id",))
SIGNER = Signer(MasterKey(bytes(32)), "tombstones")


def _seal(vault: Vault, person: int, name: str = "Ada") -> str:
    record = {"id": person, "name": name}
    vault.seal_records("openrice", AUTHOR, [record], ["1"])
    return str(record["name"])


def _subject(vault: Vault, person: int) -> str:
    return vault.subject_id("openrice", "id", person)


def _erase(vault: Vault, *persons: int) -> None:
    add_tombstones(vault.engine, [_subject(vault, person) for person in persons])
    destroy_keys(vault.engine)


def _keys(vault: Vault) -> int:
    with transaction(vault.engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(subject_keys)).scalar_one()


def test_no_process_reads_or_seals_with_the_key_of_an_erased_person(open_vault: Callable[[], Vault]) -> None:
    ours, other = open_vault(), open_vault()
    sealed = _seal(other, 7)
    _seal(other, 8)
    _erase(ours, 7)
    for vault in (other, ours, open_vault()):
        assert _seal(vault, 7) == _seal(vault, 7, "Other") == f"sealed:v1:{_subject(vault, 7)}:{ERASED}"
        assert _seal(vault, 8) != _seal(vault, 8, "Other")
        with pytest.raises(StorageError, match="is destroyed: the value is gone for good"):
            vault.unseal("openrice", "name", sealed)
    assert _keys(ours) == 1


def test_a_person_with_a_tombstone_is_unreadable_even_before_the_key_is_destroyed(vault: Vault) -> None:
    sealed = _seal(vault, 7)
    add_tombstones(vault.engine, [_subject(vault, 7)])
    with pytest.raises(StorageError, match="is destroyed"):
        vault.unseal("openrice", "name", sealed)
    assert _seal(vault, 7).endswith(ERASED)


def test_a_key_that_is_made_while_its_person_is_erased_does_not_stay(open_vault: Callable[[], Vault]) -> None:
    """One thread erases new persons while others seal their first values."""

    def seal_all(_: int) -> None:
        vault = open_vault()
        for person in range(1, 31):
            _seal(vault, person)

    def erase_all(_: int) -> None:
        vault = open_vault()
        for person in range(1, 31):
            _erase(vault, person)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda work: work(0), (seal_all, erase_all, seal_all)))
    assert _keys(open_vault()) == 0


def test_a_repeated_erasure_is_harmless_and_writers_make_one_chain(open_vault: Callable[[], Vault]) -> None:
    def erase(first: int) -> None:
        vault = open_vault()
        for person in range(first, first + 6):
            _erase(vault, person)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(erase, (0, 3, 6, 9)))
    vault = open_vault()
    with transaction(vault.engine) as connection:
        chain = read_tombstones(connection)
    require_whole(chain, "the vault")
    assert {each.subject_id for each in chain} == {_subject(vault, person) for person in range(15)}
    with pytest.raises(StorageError, match="number 3 is missing before it; nothing was restored"):
        require_whole([*chain[:2], *chain[3:]], "the vault")
    with pytest.raises(StorageError, match="the entry itself was changed"):
        require_whole([replace(chain[0], subject_id="another"), *chain[1:]], "the vault")


def test_the_bytes_of_a_destroyed_key_are_in_no_file_of_the_vault(vault: Vault, tmp_path: Path) -> None:
    for person in range(200):
        _seal(vault, person)
    wanted = sa.select(subject_keys.c.wrapped_key).where(subject_keys.c.subject_id == _subject(vault, 7))
    with transaction(vault.engine) as connection:
        key = connection.execute(wanted).scalar_one()
    assert key in _bytes_of_vault(tmp_path)
    _erase(vault, 7)
    assert key not in _bytes_of_vault(tmp_path)


def _bytes_of_vault(folder: Path) -> bytes:
    with copy_to_read(folder) as copy:
        return b"".join(path.read_bytes() for path in copy.glob("vault.sqlite*"))


def test_a_tombstone_can_be_signed_by_the_vault_alone(vault: Vault) -> None:
    _erase(vault, 7)
    with transaction(vault.engine) as connection:
        (tombstone,) = read_tombstones(connection)
    body = signed_tombstone(tombstone, SIGNER)
    assert read_signed_tombstone("it", body, SIGNER.public_key) == tombstone
    for other, problem in (
        (body.replace(tombstone.subject_id.encode(), b"another"), "it was changed after it was signed"),
        (b"{}", "it is no tombstone"),
        (body.replace(b"tombstone 1", b"tombstone 2"), "of another format"),
    ):
        with pytest.raises(StorageError, match=problem):
            read_signed_tombstone("it", other, SIGNER.public_key)
    with pytest.raises(StorageError, match="signed under another master key"):
        read_signed_tombstone("it", body, vault.anchors.public_key)


def test_a_key_that_is_made_while_its_person_is_erased_does_not_stay_on_postgresql(
    postgres_server: PostgresServer,
) -> None:
    """The two databases lock differently, so the race is tried on both."""
    postgres_url = postgres_server.url(postgres_server.create_database())
    vault = Vault(open_vault_database(postgres_url), MasterKey(bytes(32)))
    _seal(vault, 7)
    with ThreadPoolExecutor(2) as pool:
        erasing = pool.submit(lambda: [_erase(vault, person) for person in range(1, 21)])
        other = Vault(open_vault_database(postgres_url), MasterKey(bytes(32)))
        pool.submit(lambda: [_seal(other, person) for person in range(1, 21)]).result()
        erasing.result()
    assert _keys(vault) == 0
    assert _seal(other, 7).endswith(ERASED)
