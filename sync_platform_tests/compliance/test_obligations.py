"""Every obligation is met where all is well, and each can be broken on its own."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync_platform.compliance import requirements
from sync_platform.compliance.obligation import ComplianceRate, Requirement
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform_tests.compliance.practice import IN_CLEAR, LIST, SPAN, TERMS, Practice, found, house
from sync_platform_tests.lake.lab import HISTORY

REQUIREMENTS = [each for each in vars(requirements).values() if isinstance(each, Requirement)]
SLOW = (SPAN.first - timedelta(days=60)).isoformat()
ASKED = {"requests-pdpo", "requests-gdpr", "backups-made", "restore-drilled"}
"""What nothing is on record of, in a house that nobody asked for anything."""


def _refuse_terms(practice: Practice) -> None:
    os.environ["DINER_TERMS_ACCEPTED"] = "false"


def _allow_no_day(practice: Practice) -> None:
    practice.declared = {"diner": house(terms=replace(TERMS, cache_days=0))}


def _end_the_agreement(practice: Practice) -> None:
    del os.environ["DINER_STORE"]


def _hold_the_undeclared(practice: Practice) -> None:
    lab = practice.lab(house(name="tea"))
    lab.sync(LIST, hour=3)
    lab.lake.close()


def _store_in_clear(practice: Practice) -> None:
    """As a platform file would that declares a column as sealed, and its field as nobody's."""
    lab = practice.lab(house(IN_CLEAR))
    lab.sync([*LIST[:4], {**LIST[4], "room": "Attic"}, {"id": 9, "name": "Ada Lovelace", "room": "Cellar"}], hour=3)
    lab.lake.close()


def _keep_pages(practice: Practice) -> None:
    for file in (practice.home / "landing_store").rglob("*"):
        if file.is_file() and "sync-00001" in str(file):
            long_ago = SPAN.first.timestamp() - 200 * 86_400
            os.utime(file, (long_ago, long_ago))


def _keep_snapshots(practice: Practice) -> None:
    with closing(sqlite3.connect(practice.home / "lake" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_snapshot SET snapshot_time = '2020-01-01 00:00:00+00' WHERE snapshot_id < 4")


def _keep_changes(practice: Practice) -> None:
    os.environ["LINEAGE_RETENTION_DAYS"] = "1"


def _change_for_no_run(practice: Practice) -> None:
    lab = practice.lab()
    landed = lab.land([*LIST[:4], {**LIST[4], "room": "Loft"}], hour=3)
    commit_landed(lab.lake, HISTORY, TypedRows(landed, lab.platform), "")
    lab.lake.close()


def _forge_a_row(practice: Practice) -> None:
    practice.run("UPDATE lake.diner.guests SET room = 'Forged' WHERE source_id = '1'")


def _forge_the_log(practice: Practice) -> None:
    with closing(sqlite3.connect(practice.home / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE audit_log SET outcome = 'degraded' WHERE number = 2")


def _kill_an_operation(practice: Practice) -> None:
    practice.note("unify", {"rebuild": False}, "begun")


def _lose_the_anchors(practice: Practice) -> None:
    for key in list(practice.backups.keys()):
        practice.backups.delete(key)


def _degrade_the_month(practice: Practice) -> None:
    practice.run("UPDATE lake.sync.runs SET status = 'degraded', reasons = ['half of it came']")


def _score_low(practice: Practice) -> None:
    practice.run("UPDATE lake.quality.scores SET score = 0.1 WHERE dimension = 'overall'")


def _leave_in_quarantine(practice: Practice) -> None:
    """A record that was as bad the next time is in quarantine since the first."""
    columns = """platform, dataset, "partition", sync_id, run_id, source_id, landing_object, landing_line, rules, paths,
        problems, observed_at, committed_at, settled_at, settled_how"""
    then, since = f"'{SPAN.last.isoformat()}'::TIMESTAMPTZ", "INTERVAL 35 DAY"
    record = "'diner', 'guests', '2026-11', 's', 'r', '7', 'o', 1, ['shape'], [NULL], ['bad']"
    practice.run(
        f"""INSERT INTO lake.quality.quarantine ({columns}) SELECT {record}, {then} - {since}, {then} - {since},
            {then} - INTERVAL 5 DAY, 'seen again'""",
        f"""INSERT INTO lake.quality.quarantine ({columns}) SELECT {record}, {then} - INTERVAL 5 DAY,
            {then} - INTERVAL 5 DAY, NULL, NULL""",
    )


def _answer_late(practice: Practice) -> None:
    practice.note("access", {"request": "r-1", "received_at": SLOW}, "begun")
    practice.note("access", {"request": "r-1", "received_at": SLOW, "records": 3}, "complete")


def _forget_late(practice: Practice) -> None:
    practice.note("erasure", {"request": "r-2", "received_at": SLOW}, "complete")


def _fail_a_backup(practice: Practice) -> None:
    practice.note("backup", {"store": "s"}, "failed")


def _fail_a_drill(practice: Practice) -> None:
    practice.note("drill", {"store": "s"}, "failed")


AROUND: dict[str, Callable[[Practice], None]] = {
    "terms-accepted": _refuse_terms,
    "cache-limits": _allow_no_day,
    "storage-permitted": _end_the_agreement,
    "landing-retention": _keep_pages,
    "lineage-retention": _keep_changes,
    "audit-log-holds": _forge_the_log,
    "operations-ended": _kill_an_operation,
    "chains-anchored": _lose_the_anchors,
    "requests-pdpo requests-gdpr": _answer_late,
    "requests-gdpr": _forget_late,
    "backups-made": _fail_a_backup,
    "restore-drilled": _fail_a_drill,
}
"""What breaks which obligations without a change to the lake."""
WITHIN: dict[str, Callable[[Practice], None]] = {
    "holdings-declared": _hold_the_undeclared,
    "personal-sealed": _store_in_clear,
    "time-travel-window": _keep_snapshots,
    "changes-sourced": _change_for_no_run,
    "history-holds": _forge_a_row,
    "synced-on-time": _degrade_the_month,
    "quality-thresholds": _score_low,
    "quarantine-reviewed": _leave_in_quarantine,
}


def test_where_all_is_well_every_obligation_that_can_be_checked_is_met(standing: Practice) -> None:
    report = standing.report()
    states = {name: each.state for name, each in found(report).items()}
    assert states == {each.id: "not checked" if each.id in ASKED else "met" for each in REQUIREMENTS}
    assert list(states) == [each.id for each in REQUIREMENTS]
    assert report.rate == ComplianceRate(len(REQUIREMENTS) - len(ASKED), 0, len(ASKED))

    for operation in ("access", "backup", "drill"):
        standing.note(operation, {"n": 1}, "begun")
        standing.note(operation, {"n": 1}, "complete")
    assert standing.report().rate == ComplianceRate(len(REQUIREMENTS), 0, 0)


@pytest.mark.parametrize("ids", [*AROUND, *WITHIN])
def test_what_is_broken_turns_its_obligation_and_no_other(request: pytest.FixtureRequest, ids: str) -> None:
    practice: Practice = request.getfixturevalue("standing" if ids in AROUND else "practice")
    {**AROUND, **WITHIN}[ids](practice)
    report = practice.report()
    broken = {name: each.evidence for name, each in found(report).items() if each.state == "not met"}
    assert set(broken) == set(ids.split()), broken


def test_every_obligation_is_broken_by_some_test() -> None:
    assert {name for ids in (*AROUND, *WITHIN) for name in ids.split()} == {each.id for each in REQUIREMENTS}


def test_the_document_defines_every_obligation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "compliance.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [each.id for each in REQUIREMENTS]
