"""A person is found by e-mail address, phone number, handle or name, in any spelling, and by nobody without the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sync_platform.storage.relational import transaction
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.identifiers import FoundSubject, Identifier, IdentifierHashes, find_subjects, normalised
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import add_tombstones
from sync_platform_tests.folder_copies import copy_to_read
from sync_platform_tests.vault.conftest import MASTER

OpenVault = Callable[[], Vault]
GUEST = Personal(
    {
        "forename": PersonalKind.name,
        "surname": PersonalKind.name,
        "email": PersonalKind.email,
        "mobile": PersonalKind.phone,
        "wish": PersonalKind.text,
        "friends[].handle": PersonalKind.handle,
    },
    subject=("email", "mobile"),
)
WRITER = Personal({"author.id": PersonalKind.handle, "author.name": PersonalKind.name}, subject=("author.id",))
UNSTATED = Personal(("author.contact",), subject=("author.id",))


def guest(**fields: Any) -> dict[str, Any]:
    mei = {"forename": "Mei", "surname": "Chan", "email": "mei@example.hk", "mobile": "9123 4567", "wish": "no nuts"}
    return mei | fields


def seal(vault: Vault, record: dict[str, Any], personal: Personal = GUEST, platform: str = "chope") -> str:
    """Seal one record; the id of its person."""
    paths = [path.split(".")[0] for path in personal.subject]
    named = next((path, record[path]) for path in paths if record.get(path))
    subject = vault.subject_id(platform, personal.subject[paths.index(named[0])], _value(named[1]))
    vault.seal_records(platform, personal, [record], ["1"], "guests")
    return subject


def _value(found: Any) -> Any:
    return found["id"] if isinstance(found, dict) else found


def found_by(vault: Vault, kind: PersonalKind, value: str) -> list[FoundSubject]:
    return find_subjects(vault.engine, vault.identifiers, Identifier(kind, value))


@pytest.mark.parametrize(
    "kind, spellings",
    [
        (
            PersonalKind.phone,
            ["9123 4567", "+852 9123-4567", "(852) 9123 4567", "001 852 9123 4567"],
        ),
        (PersonalKind.phone, ["+44 (0)20 7946 0958", "0044 20 7946 0958", "+442079460958"]),
        (PersonalKind.phone, ["9123 4567 / 6123 4567", "91234567 ext. 12", "９１２３４５６７"]),
        (
            PersonalKind.email,
            ["mei@example.hk", " Mei@Example.HK ", "Mei <mei@example.hk>", "mailto:mei@example.hk"],
        ),
        (PersonalKind.email, ["mei@例子.hk", "MEI@xn--fsqu00a.hk"]),
        (PersonalKind.handle, ["@Mei_88", "mei_88", " ＭＥＩ_88"]),
        (PersonalKind.name, ["CHAN, Tai Man", "Tai-Man Chan", "tai  man CHAN"]),
        (PersonalKind.name, ["陳大文", "大文 陳"]),
        (PersonalKind.name, ["José O’Neil", "Jose O'Neil"]),
    ],
)
def test_every_spelling_of_an_identifier_is_one(kind: PersonalKind, spellings: list[str]) -> None:
    spelled = {normalised(Identifier(kind, each)) for each in spellings}
    assert len(spelled) == 1
    assert None not in spelled


@pytest.mark.parametrize(
    "kind, value",
    [
        (PersonalKind.phone, "12"),
        (PersonalKind.phone, "call me"),
        (PersonalKind.email, "mei@"),
        (PersonalKind.email, "no address"),
        (PersonalKind.name, " - "),
        (PersonalKind.handle, "@"),
        (PersonalKind.picture, "https://example.hk/mei.jpg"),
        (PersonalKind.text, "mei@example.hk"),
    ],
)
def test_what_is_no_identifier_of_its_kind_has_no_normal_form(kind: PersonalKind, value: str) -> None:
    assert normalised(Identifier(kind, value)) is None


@pytest.mark.parametrize(
    "kind, value",
    [
        (PersonalKind.email, "MEI@example.hk"),
        (PersonalKind.phone, "+85291234567"),
        (PersonalKind.name, "Chan Mei"),
        (PersonalKind.name, "chan"),
    ],
)
def test_a_sealed_person_is_found_with_platform_and_dataset(vault: Vault, kind: PersonalKind, value: str) -> None:
    subject = seal(vault, guest())
    seal(vault, guest(forename="Ada", surname="Wong", email="ada@example.hk", mobile="6000 0000"))
    assert found_by(vault, kind, value) == [FoundSubject(subject, "chope", "guests")]


@pytest.mark.parametrize(
    "kind, field, written, each",
    [
        (PersonalKind.email, "email", "li@example.com; li2@example.com", ("li@example.com", "li2@example.com")),
        (PersonalKind.phone, "mobile", "9111 0010 / 9111 0011", ("91110010", "+852 9111 0011")),
        (PersonalKind.phone, "mobile", "91110010 或 91110011", ("91110010", "91110011")),
    ],
)
def test_each_of_several_identifiers_in_one_field_finds_the_person(
    vault: Vault, kind: PersonalKind, field: str, written: str, each: tuple[str, ...]
) -> None:
    subject = seal(vault, guest(**{field: written}))
    for value in each:
        assert found_by(vault, kind, value) == [FoundSubject(subject, "chope", "guests")]


def test_one_address_finds_the_person_on_every_platform_and_merges_nobody(vault: Vault) -> None:
    one = seal(vault, guest())
    other = seal(vault, {"author": {"id": "x7", "contact": "mei@example.hk"}}, UNSTATED, "openrice")
    subjects = found_by(vault, PersonalKind.email, "mei@example.hk")
    assert {(each.subject_id, each.platform) for each in subjects} == {(one, "chope"), (other, "openrice")}


def test_a_handle_in_an_array_finds_the_person_of_the_record(vault: Vault) -> None:
    subject = seal(vault, guest(friends=[{"handle": "ada"}, {"handle": 77}, {}]))
    for value in ("@Ada", "77"):
        assert [each.subject_id for each in found_by(vault, PersonalKind.handle, value)] == [subject]


def test_what_becomes_known_later_is_added_and_what_was_known_stays(open_vault: OpenVault) -> None:
    subject = seal(open_vault(), guest())
    for vault in (open_vault(), open_vault()):
        seal(vault, guest(mobile="6555 5555"))
    vault = open_vault()
    vault.seal_records("chope", GUEST, [guest()], ["1"], "waitlist")
    for value in ("9123 4567", "6555 5555"):
        assert [(each.subject_id, each.dataset) for each in found_by(vault, PersonalKind.phone, value)] == [
            (subject, "guests"),
            (subject, "waitlist"),
        ]


def test_an_unchanged_page_writes_nothing_into_the_vault(open_vault: OpenVault) -> None:
    seal(open_vault(), guest())
    vault = open_vault()
    statements: list[str] = []
    sa.event.listen(vault.engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
    seal(vault, guest())
    assert statements
    assert [each for each in statements if not each.lstrip().upper().startswith("SELECT")] == []


def test_no_identifier_can_be_read_in_the_vault(vault: Vault, tmp_path: Path) -> None:
    seal(vault, guest())
    with copy_to_read(tmp_path) as copy:
        stored = b"".join(file.read_bytes() for file in copy.rglob("*") if file.is_file())
    for value in (b"mei@example.hk", b"91234567", b"9123 4567", b"Chan", b"chan mei"):
        assert value not in stored


def test_another_master_key_finds_nobody(vault: Vault) -> None:
    seal(vault, guest())
    others = IdentifierHashes(MasterKey(bytes(32)).derive("lookup"))
    assert find_subjects(vault.engine, others, Identifier(PersonalKind.email, "mei@example.hk")) == []


def test_an_erased_person_is_not_found_and_the_identifiers_are_destroyed_with_the_key(vault: Vault) -> None:
    subject = seal(vault, guest())
    add_tombstones(vault.engine, [subject])
    assert found_by(vault, PersonalKind.email, "mei@example.hk") == []
    destroy_keys(vault.engine)
    with transaction(vault.engine) as connection:
        assert connection.execute(sa.select(subject_keys)).all() == []
    seal(vault, guest())
    assert found_by(vault, PersonalKind.email, "mei@example.hk") == []


def test_a_vault_of_an_earlier_version_gets_the_columns_and_goes_on(vault_url: str, tmp_path: Path) -> None:
    engine = open_vault_database(vault_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX unread_subjects"))
        for column in ("identifiers", "seen_in"):
            connection.execute(sa.text(f"ALTER TABLE subject_keys DROP COLUMN {column}"))
        connection.execute(sa.text("ALTER TABLE master_keys DROP COLUMN proposed_key"))
        connection.execute(sa.text("ALTER TABLE key_checks DROP COLUMN permanent_check"))
        connection.execute(sa.text("DROP TABLE rotations"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    vault = Vault(open_vault_database(vault_url), MASTER)
    subject = seal(vault, guest())
    assert [each.subject_id for each in found_by(vault, PersonalKind.email, "mei@example.hk")] == [subject]


def test_nobody_is_found_by_a_placeholder(open_vault: OpenVault) -> None:
    vault = open_vault()
    vault.seal_records(
        "chope",
        GUEST,
        [guest(email=each, mobile="0000 0000", friends=[{"handle": "n/a"}]) for each in "ab"],
        ["1", "2"],
    )
    assert found_by(vault, PersonalKind.handle, "N/A") == []
    assert found_by(vault, PersonalKind.phone, "00000000") == []
    assert normalised(Identifier(PersonalKind.name, "N/A")) is None
    assert normalised(Identifier(PersonalKind.name, "Na")) == "na"
