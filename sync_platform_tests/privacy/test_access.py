"""Access: one person's data from everywhere, in clear for this purpose only, on record, and encrypted on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from jsonschema import Draft202012Validator

import sync_platform
from sync_platform.defs.resources import landing_store_of
from sync_platform.platforms import load_platforms
from sync_platform.privacy.access import collect_answer
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import candidates
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.vault.unsealing import OF_ANOTHER_PERSON
from sync_platform.vault.vault_address import VaultAddress
from sync_platform_tests.privacy.conftest import PersonalHome

SCHEMAS = Path(sync_platform.__file__).parent / "cli" / "privacy"
PASSPHRASE = "correct horse battery"
OBJECT = "landing/chope/reservations/2026-11/2026-11-28T00-00-00Z/pages-000001.ndjson.zst"


def require_schema(document: Any, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


def test_the_answer_on_the_screen_has_the_persons_data_and_nobody_elses(home: PersonalHome) -> None:
    guest = home.guest()
    done = home.shell.run_in_process("privacy", "access", "--email", guest["email"])
    assert done.returncode == 0, done.stderr
    for text in (guest["email"], guest["mobile"], guest["surname"], "訂座的客人", "Why it is kept", "您的權利"):
        assert text in done.stdout
    assert "sealed:v1:" not in done.stdout
    assert done.stdout.count("@example.com") == done.stdout.count(guest["email"])


def test_several_persons_are_listed_and_not_unsealed_before_one_is_chosen(home: PersonalHome) -> None:
    guest = home.guest()
    asked = ("privacy", "access", "--name", guest["surname"], "--json")
    listed = home.shell.run_in_process(*asked)
    document = json.loads(listed.stdout)
    require_schema(document, "privacy-access")
    assert (listed.returncode, document["answer"]) == (2, None)
    assert len(document["candidates"]) > 1
    assert guest["surname"] not in listed.stdout
    chosen = home.shell.run_in_process(*asked, "--choose", guest["subject"])
    answer = json.loads(chosen.stdout)["answer"]
    require_schema(answer, "privacy-open")
    assert {each["subject_id"] for each in answer["persons"]} == {guest["subject"]}
    assert {each["values"]["email"] for each in answer["datasets"][0]["records"]} == {guest["email"]}
    refused = home.shell.run_in_process(*asked, "--choose", "A" * 22)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_the_reviews_of_a_writer_are_found_by_the_id_on_the_platform_and_answered_for_a_recorded_request(
    home: PersonalHome,
) -> None:
    sealed = home.shell.query("SELECT author_id FROM openrice.reviews ORDER BY spending_per_head_hkd LIMIT 1")[0]
    writer = VaultAddress.of(home.settings).open().unseal("openrice", "author.userId", str(sealed["author_id"]))
    home.shell.run_in_process("privacy", "requests", "add", "access")
    asked = ("privacy", "access", "--subject", f"openrice:{writer}", "--request", "1", "--json")
    refused = home.shell.run_in_process(*asked)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "say with --identity how the person's identity was checked" in refused.stderr
    done = home.shell.run_in_process(*asked, "--identity", "a letter to the address of the account")
    answer = json.loads(done.stdout)["answer"]
    (dataset,) = answer["datasets"]
    assert {record["values"]["author_id"] for record in dataset["records"]} == {writer}
    assert any(isinstance(record["values"]["spending_per_head_hkd"], float) for record in dataset["records"])
    assert dataset["changes"]
    assert all(version["record"]["author"]["userId"] == writer for version in dataset["received"])
    again = home.shell.run_in_process(*asked)
    assert "privacy request 1 is no open request for access" in again.stderr


def test_nobody_is_found_for_an_unknown_address(home: PersonalHome) -> None:
    done = home.shell.run_in_process("privacy", "access", "--email", "nobody@example.hk")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody is found" in done.stderr


def test_an_answer_on_disk_is_encrypted_and_on_record_without_the_persons_name(
    home: PersonalHome, tmp_path: Path
) -> None:
    guest, out, passphrase = home.guest(), tmp_path / "answer.age", tmp_path / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n")
    secret = ("--passphrase-file", str(passphrase))
    subject = f"chope:{guest['email']}"
    done = home.shell.run_in_process("privacy", "access", "--subject", subject, "--out", str(out), *secret)
    assert done.returncode == 0, done.stderr
    assert guest["email"].encode() not in out.read_bytes()
    assert out.stat().st_mode & 0o077 == 0
    opened = home.shell.run_in_process("privacy", "open", str(out), *secret)
    document = json.loads(opened.stdout)
    require_schema(document, "privacy-open")
    assert document["datasets"][0]["records"][0]["values"]["email"] == guest["email"]
    audit = home.shell.run_in_process("audit", "--json").stdout
    operations = [each["operation"] for each in json.loads(audit)["entries"] if each["outcome"] == "complete"]
    assert operations[-3:] == ["person-search", "access", "open-answer"]
    requests = home.shell.run_in_process("privacy", "requests", "list", "--all", "--json").stdout
    (request,) = json.loads(requests)["requests"]
    assert (request["kind"], request["state"], request["subjects"]) == ("access", "answered", [guest["subject"]])
    for value in (guest["email"], guest["mobile"], guest["surname"]):
        assert value not in audit
        assert value not in requests
    passphrase.write_text("another passphrase\n")
    assert home.shell.run_in_process("privacy", "open", str(out), *secret).returncode == 2


@pytest.mark.parametrize("role", ["viewer", "operator", "unsealer"])
def test_access_needs_the_role_of_compliance(home: PersonalHome, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(home.shell.environment, "OPERATOR_ROLE", role)
    done = home.shell.run_in_process("privacy", "access", "--email", "mei@example.hk", "--list")
    assert done.returncode != 0
    assert "unseal-for-access is not allowed for" in done.stderr


def test_what_is_in_landed_pages_and_in_quarantine_only_is_in_the_answer_too(
    home: PersonalHome, searched: SearchedInstallation
) -> None:
    """And a record of somebody else in the same object is not."""
    records = [
        {"reservation_id": "X1", "email": "only.landed@example.hk", "surname": "Only", "covers": "many"},
        {"reservation_id": "X2", "email": "other@example.hk", "surname": "Other"},
    ]
    personal = load_platforms()["chope"].dataset("reservations").personal
    assert personal is not None
    searched.vault.seal_records("chope", personal, records, ["X1", "X2"], "reservations")
    lines = b"".join(orjson.dumps(each) + b"\n" for each in records)
    landing_store_of(home.settings).open().put(OBJECT, zstandard.compress(lines))
    with Lake(LakeAddress.of(home.settings)) as lake, lake.session() as session:
        session.execute(
            f"""INSERT INTO {LAKE}.quality.quarantine BY NAME SELECT 'chope' AS platform, 'reservations' AS dataset,
            '{OBJECT}' AS landing_object, 1 AS landing_line, ['shape'] AS rules, ['covers'] AS paths,
            ['no number'] AS problems, now() AS committed_at"""
        )
    persons = candidates(searched, PersonQuestion(email="Only.Landed@example.hk"))
    assert [(each.records, each.first_seen_at) for each in persons] == [(0, None)]
    (dataset,) = collect_answer(searched, persons, home.settings).datasets
    (received,) = dataset.received
    assert received.record["email"] == "only.landed@example.hk"
    assert received.problems == ["no number at covers"]
    assert dataset.quarantined == [received]


def test_the_history_of_a_record_that_changed_hands_shows_only_the_persons_own_values(
    home: PersonalHome, searched: SearchedInstallation
) -> None:
    guest = home.guest()
    records = [{"email": "new.owner@example.hk", "surname": "Owner"}]
    personal = load_platforms()["chope"].dataset("reservations").personal
    assert personal is not None
    searched.vault.seal_records("chope", personal, records, ["1"], "reservations")
    sealed = home.shell.query(f"SELECT email FROM chope.reservations WHERE contains(email, '{guest['subject']}')")[0]
    with Lake(LakeAddress.of(home.settings)) as lake, lake.session() as session:
        session.execute(
            f"""INSERT INTO {LAKE}.lineage.changes BY NAME SELECT 'chope' AS platform, 'reservations' AS dataset,
            'X9' AS entity_id, 'update' AS operation, '{{"email": "{sealed["email"]}"}}' AS before,
            '{{"email": "{records[0]["email"]}"}}' AS after, now() AS observed_at, now() AS committed_at"""
        )
    persons = candidates(searched, PersonQuestion(email=guest["email"]))
    (dataset,) = collect_answer(searched, persons, home.settings).datasets
    (change,) = [each for each in dataset.changes if each.source_id == "X9"]
    assert change.before == {"email": guest["email"]}
    assert change.after == {"email": OF_ANOTHER_PERSON}


def test_a_query_unseals_with_a_role_and_a_reason_and_at_most_a_thousand_rows(
    home: PersonalHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = home.guest()
    sql = f"""SELECT email, party_size, 'Guest: ' || surname AS who FROM chope.reservations
        WHERE contains(email, '{guest["subject"]}')"""
    asked = ("query", sql, "--unseal", "--reason", "spellings of names", "--json")
    monkeypatch.setitem(home.shell.environment, "OPERATOR_ROLE", "compliance")
    refused = home.shell.run_in_process(*asked)
    assert refused.returncode != 0
    assert guest["email"] not in refused.stdout
    monkeypatch.setitem(home.shell.environment, "OPERATOR_ROLE", "unsealer")
    rows = json.loads(home.shell.run_in_process(*asked).stdout)
    assert rows
    assert {(row["email"], row["who"]) for row in rows} == {(guest["email"], f"Guest: {guest['surname']}")}
    assert all(isinstance(row["party_size"], int) for row in rows)
    entries = json.loads(home.shell.run_in_process("audit", "--operation", "unseal", "--json").stdout)["entries"]
    assert [each["outcome"] for each in entries] == ["begun", "complete"]
    assert entries[-1]["subject"]["reason"] == "spellings of names"
    assert entries[-1]["subject"]["data_subjects"] == 1
    many = home.shell.run_in_process("query", "SELECT 1 AS n FROM range(2000)", *asked[2:])
    assert len(json.loads(many.stdout)) == 1_000
    assert "first 1,000 rows only" in many.stderr


def test_values_of_a_person_who_restricted_their_use_stay_sealed_in_a_query(
    home: PersonalHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = home.guest()
    register = RequestRegister(home.settings.ledger_url)
    number = register.add(PrivacyRequestKind.restriction, actor="ada", identity="known", subjects=[guest["subject"]])
    register.close(number, "restricted", actor="ada")
    monkeypatch.setitem(home.shell.environment, "OPERATOR_ROLE", "unsealer")
    sql = f"SELECT email FROM chope.reservations WHERE contains(email, '{guest['subject']}')"
    asked = ("query", sql, "--unseal", "--reason", "spellings of names", "--json")
    output = home.shell.run_in_process(*asked)
    assert guest["email"] not in output.stdout
    assert "the values of 1 persons stay sealed" in output.stderr
    register.lift(number, "settled", actor="ada")
    register.dispose()
    assert guest["email"] in home.shell.run_in_process(*asked).stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ("--unseal",),
        ("--unseal", "--reason", "for mei@example.hk"),
        ("--unseal", "--reason", "x", "--out", "a.csv"),
        ("--reason", "x"),
    ],
)
def test_unsealing_without_a_reason_with_a_name_in_it_or_into_a_file_is_refused(
    home: PersonalHome, wrong: tuple[str, ...]
) -> None:
    assert home.shell.run_in_process("query", "SELECT 1", *wrong).returncode == 2
