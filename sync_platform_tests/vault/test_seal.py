"""Sealing is deterministic, and no value can be read without the key of its person."""

from __future__ import annotations

import base64
import copy
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.errors import StorageError
from sync_platform.vault.key_check import check_value, key_checks, stored_check_value
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.subject_keys import subject_keys
from sync_platform_tests.extent import examples
from sync_platform_tests.processes import outputs_of
from sync_platform_tests.vault.conftest import MASTER

AUTHOR = Personal(fields=("author.name", "text"), subject=("author.id",))
OpenVault = Callable[[], Vault]


def seal(vault: Vault, record: dict[str, Any], personal: Personal = AUTHOR, own_id: str = "1") -> dict[str, Any]:
    sealed = copy.deepcopy(record)
    vault.seal_records("openrice", personal, [sealed], [own_id])
    return sealed


def review(author: Any = 7, name: Any = "陳大文", text: Any = "好味") -> dict[str, Any]:
    return {"id": 1, "author": {"id": author, "name": name}, "text": text}


def subject_of(sealed: str) -> str:
    return sealed.removeprefix(PREFIX).partition(":")[0]


def destroy(engine: sa.Engine, subject: str) -> None:
    with engine.begin() as connection:
        assert connection.execute(sa.delete(subject_keys).where(subject_keys.c.subject_id == subject)).rowcount == 1


def test_a_sealed_value_unseals_to_what_it_was(vault: Vault) -> None:
    sealed = seal(vault, review())
    assert vault.unseal("openrice", "author.name", sealed["author"]["name"]) == "陳大文"
    assert vault.unseal("openrice", "text", sealed["text"]) == "好味"


def test_other_fields_are_not_changed(vault: Vault) -> None:
    sealed = seal(vault, review())
    assert (sealed["id"], sealed["author"]["id"]) == (1, 7)


def test_a_sealed_value_reveals_nothing_of_the_value(vault: Vault) -> None:
    text = seal(vault, review(text="PLAINTEXT"))["text"]
    assert text.startswith(PREFIX)
    assert b"PLAINTEXT" not in base64.urlsafe_b64decode(text.rpartition(":")[2] + "==")


def test_the_same_value_of_the_same_person_has_the_same_sealed_form_in_every_process(open_vault: OpenVault) -> None:
    assert seal(open_vault(), review()) == seal(open_vault(), review())


def test_the_order_of_names_within_a_value_does_not_matter(vault: Vault) -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert seal(vault, review(text=one))["text"] == seal(vault, review(text=other))["text"]


def test_the_same_value_of_two_persons_differs(vault: Vault) -> None:
    assert seal(vault, review(author=7))["text"] != seal(vault, review(author=8))["text"]


def test_the_same_value_in_two_fields_differs(vault: Vault) -> None:
    sealed = seal(vault, review(name="same", text="same"))
    assert sealed["author"]["name"] != sealed["text"]


def test_two_values_of_one_person_differ_and_share_a_key(vault: Vault) -> None:
    one, other = (seal(vault, review(text=text))["text"] for text in ("one", "other"))
    assert one != other
    assert subject_of(one) == subject_of(other)


def test_the_same_id_on_two_platforms_is_two_persons(vault: Vault) -> None:
    assert vault.subject_id("openrice", "author.id", 7) != vault.subject_id("chope", "author.id", 7)


@pytest.mark.parametrize("spelling", ["Mei@Example.hk", " mei@example.hk ", "MEI@EXAMPLE.HK"])
def test_a_person_is_found_by_every_spelling_of_the_id(vault: Vault, spelling: str) -> None:
    assert vault.subject_id("chope", "email", spelling) == vault.subject_id("chope", "email", "mei@example.hk")


def test_a_person_cannot_be_found_without_the_master_key(vault: Vault, tmp_path: Path) -> None:
    stranger = Vault(open_vault_database(f"sqlite:///{tmp_path / 'other.sqlite'}"), MasterKey(bytes(32)))
    assert stranger.subject_id("chope", "email", "mei@example.hk") != vault.subject_id(
        "chope", "email", "mei@example.hk"
    )


def test_destroying_the_key_makes_every_value_of_that_person_unreadable(vault: Vault, engine: sa.Engine) -> None:
    gone, stays = seal(vault, review(author=7)), seal(vault, review(author=8))
    destroy(engine, subject_of(gone["text"]))
    for field, value in (("text", gone["text"]), ("author.name", gone["author"]["name"])):
        with pytest.raises(StorageError, match="is destroyed: the value is gone for good"):
            vault.unseal("openrice", field, value)
    assert vault.unseal("openrice", "text", stays["text"]) == "好味"


def test_a_new_key_of_an_erased_person_does_not_unseal_old_values(open_vault: OpenVault, engine: sa.Engine) -> None:
    before = seal(open_vault(), review())["text"]
    destroy(engine, subject_of(before))
    vault = open_vault()
    after = seal(vault, review())["text"]
    assert subject_of(after) == subject_of(before)
    assert vault.unseal("openrice", "text", after) == "好味"
    with pytest.raises(StorageError, match="tampered"):
        vault.unseal("openrice", "text", before)


@pytest.mark.parametrize("where", [0, 7, -1])
def test_a_changed_byte_is_detected(vault: Vault, where: int) -> None:
    sealed = seal(vault, review())["text"]
    head, _, text = sealed.rpartition(":")
    changed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    changed[where] ^= 1
    with pytest.raises(StorageError, match="openrice.text was tampered with"):
        vault.unseal("openrice", "text", f"{head}:{base64.urlsafe_b64encode(changed).decode().rstrip('=')}")


@pytest.mark.parametrize("text", ["", "A", "AAAA", "not base64 at all: 好味"])
def test_a_sealed_value_cut_short_is_detected(vault: Vault, text: str) -> None:
    subject = subject_of(seal(vault, review())["text"])
    with pytest.raises(StorageError, match="tampered"):
        vault.unseal("openrice", "text", f"{PREFIX}{subject}:{text}")


def test_a_sealed_value_moved_to_another_field_or_person_is_detected(vault: Vault) -> None:
    sealed, other = seal(vault, review(author=7)), seal(vault, review(author=8))
    with pytest.raises(StorageError, match="tampered"):
        vault.unseal("openrice", "author.name", sealed["text"])
    moved = sealed["text"].replace(subject_of(sealed["text"]), subject_of(other["text"]))
    with pytest.raises(StorageError, match="tampered"):
        vault.unseal("openrice", "text", moved)


def test_unsealing_an_unsealed_value_is_an_error_without_the_value(vault: Vault) -> None:
    with pytest.raises(StorageError, match=r"openrice\.text is not sealed") as raised:
        vault.unseal("openrice", "text", "hush")
    assert "hush" not in str(raised.value)


def test_a_value_that_looks_sealed_is_sealed_too(vault: Vault) -> None:
    pretender = f"{PREFIX}somebody:AAAA"
    sealed = seal(vault, review(text=pretender))["text"]
    assert vault.unseal("openrice", "text", sealed) == pretender


@pytest.mark.parametrize("author", [["陳大文", 7], "陳大文", 7, True, [], [{"name": "陳大文"}]])
def test_a_nested_value_of_the_wrong_shape_is_sealed_whole(vault: Vault, author: Any) -> None:
    sealed = seal(vault, {"author": author, "text": "好味"})
    assert vault.unseal("openrice", "author.name", sealed["author"]) == author


@pytest.mark.parametrize("value", [{"first": "大文"}, ["陳", "大文"], 91234567, False, 0, 1.5, " "])
def test_a_field_of_the_wrong_type_is_sealed_too(vault: Vault, value: Any) -> None:
    sealed = seal(vault, review(name=value))["author"]["name"]
    assert vault.unseal("openrice", "author.name", sealed) == value


@pytest.mark.parametrize("blank", [None, ""])
def test_an_empty_value_stays_empty(vault: Vault, blank: Any) -> None:
    record = review(name=blank, text=blank)
    assert seal(vault, record) == record


@pytest.mark.parametrize("record", [{}, {"author": None}, {"author": {}}])
def test_a_missing_field_is_not_added(vault: Vault, record: dict[str, Any]) -> None:
    assert seal(vault, record) == record


def test_nested_fields_are_sealed(vault: Vault) -> None:
    personal = Personal(fields=("a.b.c.d",), subject=("a.b.id",))
    sealed = seal(vault, {"a": {"b": {"id": 1, "c": {"d": "deep", "e": "not"}}}}, personal)
    assert sealed["a"]["b"]["c"]["e"] == "not"
    assert vault.unseal("openrice", "a.b.c.d", sealed["a"]["b"]["c"]["d"]) == "deep"


@pytest.mark.parametrize("author", [None, "", "  ", [], {}, 1.5])
def test_a_record_without_a_subject_is_its_own_subject(vault: Vault, author: Any) -> None:
    sealed = [seal(vault, review(author=author), own_id=own_id)["text"] for own_id in ("1", "1", "2")]
    assert sealed[0] == sealed[1]
    assert subject_of(sealed[0]) != subject_of(sealed[2])
    assert subject_of(sealed[0]) == vault.subject_id("openrice", "record", "1")


def test_the_first_filled_path_names_the_subject(vault: Vault) -> None:
    personal = Personal(fields=("note",), subject=("email", "mobile"))
    for record, path in (
        ({"email": "a@b.hk", "mobile": "9123"}, "email"),
        ({"email": "", "mobile": "9123"}, "mobile"),
        ({"mobile": "9123"}, "mobile"),
    ):
        sealed = seal(vault, {**record, "note": "window seat"}, personal)["note"]
        assert subject_of(sealed) == vault.subject_id("openrice", path, record[path])


@pytest.mark.parametrize("blank", ["n/a", "N/A", "-", "none", "沒有提供", "walk-in"])
def test_a_blank_in_words_names_nobody(vault: Vault, blank: str) -> None:
    fields = {"email": PersonalKind.email, "mobile": PersonalKind.phone, "note": PersonalKind.text}
    personal = Personal(fields, subject=("email", "mobile"))
    for record, own_id, named_by in (
        ({"email": blank, "mobile": "91234567"}, "1", ("mobile", "91234567")),
        ({"email": blank, "mobile": "00000000"}, "2", ("record", "2")),
        ({"email": blank, "mobile": blank}, "3", ("record", "3")),
    ):
        sealed = seal(vault, {**record, "note": "window seat"}, personal, own_id=own_id)["note"]
        assert subject_of(sealed) == vault.subject_id("openrice", *named_by)


@pytest.mark.parametrize("kind", [PersonalKind.handle, PersonalKind.unstated])
@pytest.mark.parametrize(
    "blank", ["n/a", "N/A", "(none)", "null", "-", "0", 0, -1, "000", "00000000-0000-0000-0000-000000000000",
              "沒有提供", "Anonymous", "guest", "[deleted]", "匿名用户"],
)  # fmt: skip
def test_a_placeholder_for_a_handle_joins_no_strangers(vault: Vault, kind: PersonalKind, blank: str | int) -> None:
    personal = Personal({"author.id": kind, "text": PersonalKind.text}, subject=("author.id",))
    sealed = [seal(vault, review(author=blank), personal, own_id=own_id)["text"] for own_id in ("1", "2")]
    assert [subject_of(each) for each in sealed] == [vault.subject_id("openrice", "record", each) for each in "12"]


@pytest.mark.parametrize("handle", ["nathan", "n.a.chan", "10", "-12", "guest88", "user_0a", "無名氏", "陳"])
def test_a_handle_like_a_placeholder_names_its_person(vault: Vault, handle: str) -> None:
    personal = Personal({"author.id": PersonalKind.handle, "text": PersonalKind.text}, subject=("author.id",))
    sealed = seal(vault, review(author=handle), personal)["text"]
    assert subject_of(sealed) == vault.subject_id("openrice", "author.id", handle)


@pytest.mark.parametrize("address", ["na@na.com", "none@none", "-@-", "@"])
@pytest.mark.parametrize("number", ["0", "+852 0000 0000", "(000)", "n/a"])
def test_an_invented_address_or_number_joins_no_strangers(vault: Vault, address: str, number: str) -> None:
    fields = {"email": PersonalKind.email, "mobile": PersonalKind.phone, "note": PersonalKind.text}
    personal = Personal(fields, subject=("email", "mobile"))
    sealed = seal(vault, {"email": address, "mobile": number, "note": "window seat"}, personal, own_id="7")["note"]
    assert subject_of(sealed) == vault.subject_id("openrice", "record", "7")


def test_a_personal_subject_is_read_before_it_is_sealed(vault: Vault) -> None:
    personal = Personal(fields=("email", "mobile"), subject=("email",))
    sealed = seal(vault, {"email": "mei@example.hk", "mobile": "9123"}, personal)
    subject = vault.subject_id("openrice", "email", "mei@example.hk")
    assert {subject_of(sealed["email"]), subject_of(sealed["mobile"])} == {subject}


def test_a_thousand_persons_of_one_page_each_get_a_key(vault: Vault, engine: sa.Engine) -> None:
    records = [review(author=number % 1_200 + 1) for number in range(2_400)]
    vault.seal_records("openrice", AUTHOR, records, [str(number) for number in range(2_400)])
    assert len({subject_of(record["text"]) for record in records}) == 1_200
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(subject_keys)).scalar() == 1_200


def test_the_vault_holds_neither_keys_nor_ids_in_clear(vault: Vault, engine: sa.Engine) -> None:
    seal(vault, {"email": "mei@example.hk"}, Personal(fields=("email",), subject=("email",)))
    with engine.connect() as connection:
        row = connection.execute(sa.select(subject_keys)).one()
    assert "mei" not in str(row)
    assert len(row.wrapped_key) == 12 + 64 + 16  # nonce, two keys, tag


def test_another_master_key_does_not_open_the_vault(vault: Vault, engine: sa.Engine) -> None:
    seal(vault, review())
    with pytest.raises(StorageError, match="not the master key that the vault was made with"):
        Vault(engine, MasterKey(bytes(32)))
    Vault(engine, MASTER)


def test_a_vault_without_a_person_knows_its_master_key_too(vault: Vault, engine: sa.Engine) -> None:
    with pytest.raises(StorageError, match="not the master key that the vault was made with"):
        Vault(engine, MasterKey(bytes(32)))


def test_a_vault_of_an_earlier_version_accepts_only_the_key_that_unwraps_its_keys(
    vault: Vault, engine: sa.Engine
) -> None:
    sealed = seal(vault, review())["text"]
    with engine.begin() as connection:
        connection.execute(sa.delete(key_checks))
    with pytest.raises(StorageError, match="wrapped by another master key"):
        Vault(engine, MasterKey(bytes(32)))
    assert stored_check_value(engine) is None
    assert Vault(engine, MASTER).unseal("openrice", "text", sealed) == "好味"
    assert stored_check_value(engine) == check_value(MASTER)


@pytest.mark.parametrize("damaged", [bytes(range(32)), bytes(range(32)) + bytes(32)])
def test_a_master_key_of_which_only_the_first_half_is_right_is_refused(engine: sa.Engine, damaged: bytes) -> None:
    """The second half names persons: under another one each would be a new person, and no tombstone would hold."""
    whole = MasterKey(bytes(range(64)))
    Vault(engine, whole)
    with pytest.raises(StorageError, match="the second half of this master key is not that of the key"):
        Vault(engine, MasterKey(damaged))
    with engine.begin() as connection:  # a vault of an earlier version
        connection.execute(sa.update(key_checks).values(permanent_check=None))
    Vault(engine, whole)
    with pytest.raises(StorageError, match="the second half of this master key is not that of the key"):
        Vault(engine, MasterKey(damaged))


def test_the_check_value_does_not_contain_the_master_key() -> None:
    assert len(check_value(MASTER)) == 32
    assert MASTER.material.hex()[:8] not in check_value(MASTER)


def test_concurrent_processes_use_the_same_keys_for_new_persons(vault_url: str) -> None:
    open_vault_database(vault_url)
    imports = "import json\nfrom sync_platform.vault.seal import *\nfrom sync_platform_tests.vault.test_seal import *"
    program = """
vault = Vault(open_vault_database(sys.argv[1]), MASTER)
records = [review(author=number, text="same") for number in range(200)]
vault.seal_records("openrice", AUTHOR, records, [""] * 200)
print([record["text"] for record in records])
"""
    printed = outputs_of(2, imports, program, vault_url)
    assert printed[0].count(PREFIX) == 200
    assert printed[0] == printed[1]


def test_a_vault_that_breaks_is_a_storage_error_without_the_value(vault: Vault, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE subject_keys"))
    with pytest.raises(StorageError, match="cannot use the database") as raised:
        seal(vault, review(text="hush"))
    assert "hush" not in str(raised.value)


@pytest.fixture(scope="module")
def one_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """One vault for all examples; opening one for each would take a second per hundred."""
    file = tmp_path_factory.mktemp("vault") / "vault.sqlite"
    yield Vault(open_vault_database(f"sqlite:///{file}"), MASTER)


letters = st.text() | st.text("陳大文茶餐廳𠮷🍜👩‍🍳")
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, max_examples=examples(150))
@given(value=json_values.filter(lambda value: value is not None and value != ""), person=st.integers(0, 5))
def test_any_sealed_value_unseals_to_itself_and_has_one_sealed_form(one_vault: Vault, value: Any, person: int) -> None:
    sealed = seal(one_vault, review(author=person, name=value))["author"]["name"]
    assert sealed == seal(one_vault, review(author=person, name=value))["author"]["name"]
    unsealed = one_vault.unseal("openrice", "author.name", sealed)
    assert (unsealed, type(unsealed)) == (value, type(value))


@settings(deadline=None, max_examples=examples(100))
@given(record=st.dictionaries(st.sampled_from(["author", "text", "id"]), json_values, max_size=3))
def test_a_record_of_any_shape_keeps_nothing_personal_in_clear(one_vault: Vault, record: dict[str, Any]) -> None:
    sealed = seal(one_vault, record)
    name = sealed["author"].get("name") if isinstance(sealed.get("author"), dict) else sealed.get("author")
    for value in (name, sealed.get("text")):
        assert value is None or value == "" or value.startswith(PREFIX)


def test_a_process_that_opens_a_vault_writes_no_core_dump(vault: Vault) -> None:
    assert max(resource.getrlimit(resource.RLIMIT_CORE)) in (0, 1), "1 also holds where a program receives dumps"
