"""The commands of erasures and holds: two operators, roles, exit codes, and what a reader sees afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform_tests.lake.guest_book import ADA, BEN
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome

WHO = ("--subject", f"{NAME}:ada@guest.hk")
WHY = ("--reason", "letter 7")


@pytest.fixture
def home(tmp_path: Path) -> ErasableHome:
    return ErasableHome(tmp_path)


def _refused(home: ErasableHome, *arguments: str) -> str:
    done = home.shell.run_in_process(*arguments)
    assert done.returncode != 0, done.stdout
    return " ".join(done.stderr.split())


def test_a_person_is_erased_by_two_operators_and_no_command_shows_ciphertext(home: ErasableHome) -> None:
    looked = json.loads(home.run("privacy", "erase", *WHO, *WHY, "--dry-run", "--json"))
    assert looked["erasure"] is None
    one_spelling = home.book.vault.subject_id(NAME, "phone", "+85291234567")
    assert {home.subject(ADA), home.subject(ADA, "phone"), one_spelling} == set(looked["extent"]["data_subjects"])
    home.shell.environment["SYNC_ACTOR"] = "maria"
    assert "privacy erasure confirm 1" in home.run("privacy", "erase", *WHO, *WHY, "--identity", "passport shown")
    assert "a second operator confirms it" in _refused(home, "privacy", "erasure", "confirm", "1")
    home.shell.environment["SYNC_ACTOR"] = "kwok"
    assert "erasure 1: complete" in home.run("privacy", "erasure", "confirm", "1")
    for command in (
        ("query", f"SELECT * FROM {NAME}.reservations_history", "--format", "json"),
        ("query", "SELECT * FROM lineage.changes", "--format", "csv"),
        ("query", "SELECT before, after, [after] AS more FROM lineage.changes"),
        ("query", f"SELECT * FROM {NAME}.reservations", "--as-of", "2026-11-28", "--format", "json"),
        ("lineage", "show", NAME, "reservations", "1"),
        ("privacy", "erasure", "show", "1"),
    ):
        output = home.shell.run_in_process(*command).stdout
        assert f"sealed:v1:{home.subject(ADA)}:" not in output.replace(f"{home.subject(ADA)}:erased", "")
    assert home.run("lineage", "verify")
    (request,) = json.loads(home.run("privacy", "requests", "list", "--all", "--json"))["requests"]
    assert (request["kind"], request["state"], request["identity"]) == ("erasure", "answered", "passport shown")
    assert "erased already" in home.run("privacy", "erase", *WHO, *WHY, "--yes")
    home.sync([ADA, BEN], hour=2)
    assert home.rows("source_id, name")[0] == ("1", f"sealed:v1:{home.subject(ADA)}:erased")


def test_a_command_that_was_killed_before_it_recorded_the_erasure_leaves_its_request_to_the_repeat(
    home: ErasableHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ErasureLedger, "begin", killed)
        _refused(home, "privacy", "erase", *WHO, *WHY, "--yes")
    for number in (1, 2):
        home.run("privacy", "erase", *WHO, *WHY)
        home.run("privacy", "erasure", "withdraw", str(number), "--reason", "a mistake")
    listed = json.loads(home.run("privacy", "requests", "list", "--all", "--json"))["requests"]
    assert [each["request"] for each in listed] == [1, 2]


def test_a_restore_of_an_older_backup_ends_with_the_erased_form(home: ErasableHome, tmp_path: Path) -> None:
    home.run("privacy", "erase", *WHO, *WHY, "--yes")
    form = f"sealed:v1:{home.subject(ADA)}:erased"
    home.run("backup", "restore", "--target", "development", "--conflict", "overwrite")
    assert home.rows("source_id, name")[0] == ("1", form)
    home.run("backup", "restore", "--target", str(tmp_path / "fresh"))
    home.shell.home = tmp_path / "fresh"
    (row,) = home.shell.query(f"SELECT name FROM {NAME}.reservations WHERE source_id = '1'")
    assert row["name"] == form
    assert home.run("lineage", "verify")


def test_a_role_that_may_not_erase_is_refused_and_nobody_is_erased_by_a_name_that_fits_two(home: ErasableHome) -> None:
    home.shell.environment["OPERATOR_ROLE"] = "operator"
    assert "is not allowed" in _refused(home, "privacy", "erase", *WHO, *WHY)
    assert "is not allowed" in _refused(home, "privacy", "hold", "add", *WHO, *WHY, "--until", "2126-01-01")
    home.shell.environment["OPERATOR_ROLE"] = "compliance"
    assert "nobody is found" in _refused(home, "privacy", "erase", "--email", "nobody@guest.hk", *WHY)
    answer = json.loads(home.run("privacy", "erase", "--email", "ADA@guest.hk", *WHY, "--dry-run", "--json"))
    assert home.subject(ADA) in answer["extent"]["data_subjects"]
    home.sync([ADA, {**BEN, "name": ADA["name"]}], hour=2)
    assert "this may be several persons" in _refused(home, "privacy", "erase", "--name", "Ada Wong", *WHY)


def test_a_hold_defers_the_erasure_until_it_is_released(home: ErasableHome) -> None:
    assert "is no personal field" in _refused(
        home, "privacy", "hold", "add", *WHO, *WHY, "--until", "2126-01-01", "--field", "x.y.z"
    )
    home.run("privacy", "hold", "add", *WHO, *WHY, "--until", "2126-01-01", "--field", f"{NAME}.reservations.note")
    assert "partly complete" in home.run("privacy", "erase", *WHO, *WHY, "--yes", "--json")
    (held,) = home.shell.query("SELECT value FROM privacy.held_values")
    assert str(held["value"]).startswith("sealed:v1:")
    home.run("privacy", "hold", "release", "1", "--reason", "settled")
    assert "erasure 1: complete" in home.run("privacy", "erasure", "continue")
    assert home.shell.query("SELECT value FROM privacy.held_values") == []
