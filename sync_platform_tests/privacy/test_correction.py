"""A corrected value is right from then on, whatever the platform still shows, until the platform shows it itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import UsageError
from sync_platform.privacy.correction import CorrectedInstallation, CorrectedRecord, correct
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.recorded_corrections import apply_register
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.sources.received import Record
from sync_platform_tests.lake.guest_book import ADA, BEN, guest_book
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome

RIGHT = "Ada Wang"
FIXED: Record = {**ADA, "name": RIGHT}


class CorrectedBook:
    """A guest book, and a request of Ada for a correction that was made an hour after the first sync."""

    def __init__(self, folder: Path) -> None:
        self.book = LakeHarness(folder, guest_book())
        self.book.sync([ADA, BEN], hour=1)
        self.platforms = {NAME: self.book.platform}
        self.register = RequestRegister(self.book.ledger_url, lambda: datetime.fromtimestamp(1_790_007_200, UTC))
        self.subject = self.book.vault.subject_id(NAME, "email", ADA["email"])
        self.request = self.register.add(
            PrivacyRequestKind.correction, actor="ada", identity="known", subjects=[self.subject]
        )
        self.installation = CorrectedInstallation(
            self.register, self.book.vault, self.book.lake, HISTORY, self.platforms
        )

    def correct(self, column: str = "name", value: str = RIGHT) -> int:
        record = CorrectedRecord(self.book.platform, self.book.platform.datasets[0], "1")
        return correct(self.installation, self.request, record, column, value, "maria")

    def shown(self, column: str = "name") -> object:
        value = self.book.table(column, live=False)[0][0]
        sealed = str(value).startswith("sealed:")
        return self.book.vault.unseal(NAME, column, str(value)) if sealed else value

    def corrected(self) -> list[tuple[object, ...]]:
        return self.book.ask("SELECT source_id, column_name FROM privacy.corrected_values")

    def require_whole(self) -> None:
        assert self.book.replay_differs() == []
        assert self.register.breaks() == []

    def in_line(self) -> int:
        return apply_register(self.book.lake, HISTORY, self.platforms, self.register, "again")


@pytest.fixture
def corrected(tmp_path: Path) -> CorrectedBook:
    return CorrectedBook(tmp_path)


@pytest.mark.parametrize(("column", "wrong", "right"), [("name", "Ada Wong", RIGHT), ("seats", 2, "3")])
def test_the_right_value_stands_in_place_of_the_wrong_one_that_the_platform_still_shows(
    corrected: CorrectedBook, column: str, wrong: object, right: str
) -> None:
    corrected.correct(column, right)
    assert str(corrected.shown(column)) == right
    assert corrected.book.sync([ADA, BEN], hour=3).record.changes == 0
    assert str(corrected.shown(column)) == right
    corrected.book.sync([{**ADA, "note": "by the door"}, BEN], hour=4)
    assert (str(corrected.shown(column)), corrected.shown("note")) == (right, "by the door")
    assert corrected.corrected() == [("1", column)]
    assert [each[0] for each in corrected.book.changes("changed_fields") if each[0] == [column]] == [[column]]
    assert corrected.in_line() == 0
    corrected.require_whole()


def test_a_correction_ends_when_the_platform_shows_the_right_value_itself(corrected: CorrectedBook) -> None:
    number = corrected.correct()
    corrected.book.sync([FIXED, BEN], hour=3)
    assert list(corrected.register.find(corrected.request).passed_on) == [number]
    assert (corrected.shown(), corrected.corrected()) == (RIGHT, [])
    corrected.book.sync([ADA, BEN], hour=4)
    assert corrected.shown() == ADA["name"], "the platform's values count again"
    corrected.require_whole()


def test_a_list_is_corrected_as_a_whole_in_whatever_order_the_platform_sends_it(corrected: CorrectedBook) -> None:
    corrected.book.sync([{**ADA, "wishes": ["window", "cake"]}, BEN], hour=1.5)
    with pytest.raises(UsageError, match="give all of its values as JSON"):
        corrected.correct("wishes", "cake")
    number = corrected.correct("wishes", '["window", "a cake, \'with\' cream"]')
    corrected.book.sync([{**ADA, "wishes": ["cake", "window", "cake"]}, BEN], hour=3)
    assert corrected.shown("wishes") == ["a cake, 'with' cream", "window"]
    corrected.require_whole()
    corrected.book.sync([{**ADA, "wishes": ["window", "a cake, 'with' cream"]}, BEN], hour=4)
    assert list(corrected.register.find(corrected.request).passed_on) == [number]
    corrected.require_whole()


def test_a_late_observation_from_before_the_correction_ends_nothing(corrected: CorrectedBook) -> None:
    corrected.correct()
    corrected.book.sync([FIXED, BEN], hour=0.5)
    assert corrected.register.find(corrected.request).passed_on == {}
    assert corrected.shown() == RIGHT
    corrected.require_whole()


def test_another_value_of_the_platform_is_a_new_statement(corrected: CorrectedBook) -> None:
    corrected.correct()
    corrected.book.sync([{**ADA, "name": "Ada Chan"}, BEN], hour=3)
    assert corrected.shown() == "Ada Chan"
    corrected.book.sync([ADA, BEN], hour=4)
    assert corrected.shown() == RIGHT
    corrected.require_whole()


def test_an_address_that_names_the_person_is_corrected_and_passed_on(corrected: CorrectedBook) -> None:
    number = corrected.correct("email", "ada@home.hk")
    corrected.book.sync([ADA, BEN], hour=3)
    assert corrected.shown("email") == "ada@home.hk"
    corrected.book.sync([{**ADA, "email": "ada@home.hk"}, BEN], hour=4)
    assert list(corrected.register.find(corrected.request).passed_on) == [number]
    assert corrected.shown("email") == "ada@home.hk"
    corrected.require_whole()


def test_a_removed_record_is_corrected_and_a_lifted_correction_gives_the_platforms_value_back(
    corrected: CorrectedBook,
) -> None:
    corrected.book.sync([BEN], hour=1.5)
    corrected.correct()
    assert corrected.shown() == RIGHT
    corrected.require_whole()
    corrected.register.lift(corrected.request, "it was right before", actor="maria")
    assert corrected.in_line() == 1
    assert (corrected.shown(), corrected.corrected(), corrected.in_line()) == (ADA["name"], [], 0)
    corrected.require_whole()


@pytest.fixture
def home(tmp_path: Path) -> ErasableHome:
    return ErasableHome(tmp_path)


def test_an_operator_corrects_a_value_and_every_reader_sees_that(home: ErasableHome) -> None:
    who = ("--identity", "passport shown", "--subject", home.subject(ADA))
    home.run("privacy", "requests", "add", "correction", *who)
    where = (NAME, "reservations", "1", "name")
    done = json.loads(home.run("privacy", "correct", "1", *where, "--value", RIGHT, "--json"))["correction"]
    assert (done["state"], done["column"]) == ("applied", "name")
    home.sync([ADA, BEN], hour=2)
    sealed = str(home.rows("source_id, name")[0][1])
    assert home.book.vault.unseal(NAME, "name", sealed) == RIGHT
    output = home.shell.run_in_process("query", f"SELECT * FROM {NAME}.reservations", "--format", "json")
    assert f"{NAME}.reservations: 1 values are corrected" in output.stderr
    request = home.run("privacy", "requests", "show", "1", "--json")
    assert "sealed:" not in request + home.run("privacy", "corrections", "--json")
    for problem, command in {
        "does not name": ("privacy", "correct", "1", NAME, "reservations", "2", "name", "--value", "Ben"),
        "has no column": ("privacy", "correct", "1", NAME, "reservations", "1", "source_id", "--value", "7"),
        "has this value already": ("privacy", "correct", "1", *where, "--value", RIGHT),
        "is a BIGINT": ("privacy", "correct", "1", NAME, "reservations", "1", "seats", "--value", "two"),
    }.items():
        refused = home.shell.run_in_process(*command)
        assert (refused.returncode, problem in " ".join(refused.stderr.split())) == (2, True), refused.stderr
    home.run("backup", "restore", "--target", "development", "--conflict", "overwrite")
    assert home.rows("source_id, name")[0][1] == sealed, "a restore applies corrections again"
    home.run("privacy", "erase", "--subject", home.subject(ADA), "--reason", "letter 7", "--yes")
    home.sync([ADA, BEN], hour=3)
    assert home.rows("source_id, name")[0][1] == f"sealed:v1:{home.subject(ADA)}:erased"
