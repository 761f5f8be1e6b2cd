"""The records of a person who restricted their use are stored, and no reader shows them until that is lifted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.platforms import load_platforms
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.readable_tables import readable_tables
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.unpacked_home import find_own_files
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.lake.guest_book import ADA, BEN, CAT
from sync_platform_tests.privacy.conftest import PersonalHome
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome

TABLE = f"{NAME}.reservations"
READERS = (
    ("query", f"SELECT DISTINCT source_id AS id FROM {TABLE}", "--format", "json"),
    ("query", f"SELECT DISTINCT source_id AS id FROM {TABLE}_history", "--format", "json"),
    ("query", "SELECT DISTINCT entity_id AS id FROM lineage.changes", "--format", "json"),
    ("query", f"WITH r AS (FROM {TABLE}) SELECT DISTINCT source_id AS id FROM r", "--format", "json"),
)


@pytest.fixture
def home(tmp_path: Path) -> ErasableHome:
    return ErasableHome(tmp_path)


def restrict(home: ErasableHome) -> None:
    subject = home.subject(ADA)
    home.run("privacy", "requests", "add", "restriction", "--identity", "passport", "--subject", subject)
    home.run("privacy", "requests", "close", "1", "--answer", "restricted")


def read(home: ErasableHome, *command: str) -> set[str]:
    return {each["id"] for each in json.loads(home.run(*command))}


def test_no_reader_shows_a_restricted_record_and_each_shows_it_again_once_it_is_lifted(home: ErasableHome) -> None:
    restrict(home)
    home.sync([ADA, {**ADA, "id": 7}, BEN, CAT], hour=2)
    stored = [row[0] for row in home.rows("source_id")]
    assert stored == ["1", "2", "3", "7"], "it is stored, also what comes later"
    for command in READERS:
        assert read(home, *command) == {"2", "3"}, command
    exported = home.run("lineage", "export", "--format", "json")
    assert {each["entity_id"] for each in json.loads(exported)["changes"]} == {"2", "3"}
    assert {
        each["entity_id"] for each in json.loads(home.run("changes", "--since", "2020-01-01", "--json"))["changes"]
    } == {"2", "3"}
    refused = home.shell.run_in_process("lineage", "show", NAME, "reservations", "1")
    assert (refused.returncode, "restricted its use" in refused.stderr) == (2, True)
    output = home.shell.run_in_process("query", f"SELECT count(*) FROM {TABLE}")
    assert f"{TABLE}: without the records of persons who restricted their use" in output.stderr
    named = home.shell.run_in_process("query", f"SELECT * FROM lake.{TABLE}")
    assert (named.returncode, "without lake" in named.stderr) == (2, True)
    assert "leave out those of privacy.restricted_records" in home.run("attach")
    home.run("lineage", "verify")
    home.run("privacy", "requests", "lift", "1", "--reason", "settled")
    for command in READERS:
        assert read(home, *command) == {"1", "2", "3", "7"}, command


@pytest.fixture
def made(made_home: Path, tmp_path: Path) -> PersonalHome:
    copy_by_process(made_home, tmp_path / "home")
    find_own_files(tmp_path / "home")
    return PersonalHome(Shell(tmp_path / "home"))


def test_views_and_whole_tables_leave_out_a_restricted_record_also_for_other_programs(made: PersonalHome) -> None:
    subject = made.guest()["subject"]
    shell = made.shell

    def counts(*views: str) -> list[int]:
        with Lake(LakeAddress.of(made.settings), read_only=True) as lake, lake.session() as session:
            theirs = f"starts_with(email, 'sealed:v1:{subject}:')"
            ids = [
                row[0] for row in session.execute(f"SELECT source_id FROM chope.reservations WHERE {theirs}").fetchall()
            ]
            whole = readable_tables(session, load_platforms())["chope.reservations"].query(with_removed=True)
            tables = ("unified.reservations", f"({whole})", *views)
            return [
                session.execute(
                    f"SELECT count(DISTINCT source_id) FROM {table} WHERE list_contains(?, source_id)", [ids]
                ).fetchall()[0][0]
                for table in tables
            ]

    before = counts()
    assert min(before) > 0
    asked = ("privacy", "requests", "add", "restriction", "--identity", "passport", "--subject", subject)
    for command in (asked, ("privacy", "requests", "close", "1", "--answer", "restricted")):
        done = shell.run_in_process(*command)
        assert done.returncode == 0, done.stderr
    assert counts("chope.reservations_history") == [0, 0, 0]
    assert shell.run_in_process("privacy", "requests", "lift", "1", "--reason", "settled").returncode == 0
    assert counts() == before
