"""A home made by an earlier version stays readable: its chain verifies, its tables replay, its stories read the same.

Commit af342d6 made `earlier_home/home.tar.xz` on 2026-11-28 with SANDBOX_PLACES=24: full syncs of data_gov_hk, openrice
and chope on the sandbox's 10 May, 24 November and 10 May again, one older week of the register, and one incremental
sync of chope. Dagster's own records are left out. `earlier_home/expected.json` has the output of that commit.
One figure is newer: verification compares eight tables instead of seven, because `unified.decisions` now counts before
it has a history.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.quality.scorecard import cards_of
from sync_platform.quality.scorecard_document import scorecard_document
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.released_home import digest_of, digest_of_table
from sync_platform_tests.cli.unpacked_home import EARLIER_HOME, unpacked_home
from sync_platform_tests.pictures import require_picture, table_picture

EXPECTED = json.loads((EARLIER_HOME / "expected.json").read_text())


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return unpacked_home(tmp_path_factory.mktemp("earlier") / "home")


def test_its_chains_verify_its_tables_replay_and_its_pages_are_intact(earlier: Shell) -> None:
    done = earlier.run_in_process("lineage", "verify", "--landing", "--json")
    assert done.returncode == 0, done.stderr or done.stdout
    answer = json.loads(done.stdout)
    assert {name: answer[name] for name in EXPECTED["verified"]} == EXPECTED["verified"]


def test_its_stories_read_the_same(earlier: Shell) -> None:
    for subject, story in EXPECTED["stories"].items():
        done = earlier.run_in_process("lineage", "show", *subject.split(" "), "--format", "json")
        assert json.loads(done.stdout) == story, subject


def test_its_tables_and_its_export_say_the_same(earlier: Shell) -> None:
    for table, digest in EXPECTED["tables"].items():
        assert digest_of_table(earlier, table) == digest, table
    assert digest_of(earlier, "lineage", "export", "--format", "csv") == EXPECTED["export"]


def test_what_changed_between_two_syncs_can_be_asked_of_it(earlier: Shell) -> None:
    syncs = earlier.query(
        "SELECT sync_id, min(committed_at) AS first_commit, sum(updated) AS updated FROM sync.runs "
        "WHERE platform = 'openrice' AND dataset = 'restaurants' GROUP BY ALL ORDER BY first_commit"
    )
    updating = next(number for number, sync in enumerate(syncs) if sync["updated"])
    span = ("--since", syncs[updating - 1]["sync_id"], "--until", syncs[updating]["sync_id"])
    done = earlier.run_in_process("changes", "openrice", *span, "--json")
    answer = json.loads(done.stdout)
    assert {change["sync_id"] for change in answer["changes"]} == {syncs[updating]["sync_id"]}
    assert sum(table["updated"] for table in answer["tables"]) == int(syncs[updating]["updated"]) > 0
    assert "→" in earlier.run_in_process("changes", "openrice", *span).stdout
    assert "<table" in earlier.run_in_process("changes", "openrice", *span, "--html").stdout


def test_the_picture_of_the_readme_is_its_scorecard(earlier: Shell) -> None:
    settings = load_settings(sync_home=earlier.home)
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        document = scorecard_document(cards_of(session), datetime(2026, 11, 28, tzinfo=UTC), "development")
    require_picture("scorecard.svg", table_picture(document.sections[0].tables[0]))


def test_a_sync_that_finds_no_change_keeps_the_content_hashes_of_the_history(tmp_path: Path) -> None:
    """This version computes another hash of one of the rows, whose content is the same."""
    shell = unpacked_home(tmp_path / "home")
    shell.environment["SANDBOX_PLACES"] = "24"
    code, _ = shell.sync("data_gov_hk")
    assert code == 0
    done = shell.run_in_process("lineage", "verify")
    assert done.returncode == 0, done.stdout


def test_a_drill_counts_the_rows_of_a_file_that_is_gone_once(tmp_path: Path) -> None:
    """The sync rewrites a file of which an earlier one deleted a row: the catalog keeps the delete file as live."""
    shell = unpacked_home(tmp_path / "home")
    shell.environment["SANDBOX_PLACES"] = "24"
    assert shell.sync("chope")[0] == 0
    assert shell.run("backup", "create").returncode == 0
    done = shell.run("backup", "drill", "--json")
    assert (done.returncode, json.loads(done.stdout)["problems"]) == (0, [])
