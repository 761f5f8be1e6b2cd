"""Every obligation is met without defects, and each can be broken alone."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.compliance import requirements
from sync_platform.compliance.logged_operations import LoggedOperation
from sync_platform.compliance.obligation import ComplianceRate, Obligation, Requirement
from sync_platform.compliance.recovery import judge_recovery, recovery_of
from sync_platform.compliance.verdict import most_urgent_first
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform_tests.compliance.harness import (
    IN_CLEAR,
    LIST,
    MONTH,
    SPAN,
    TERMS,
    UNREGISTERED,
    ComplianceHarness,
    found,
    house,
)
from sync_platform_tests.lake.harness import HISTORY

REQUIREMENTS = [each for each in vars(requirements).values() if isinstance(each, Requirement)]
SLOW = SPAN.first - timedelta(days=60)
ASKED = {"requests-pdpo", "requests-gdpr", "backups-made", "restore-drilled"}
"""The obligations that cannot be checked, because no requests, backups and drills are on record."""


def _refuse_terms(harness: ComplianceHarness) -> None:
    os.environ["DINER_TERMS_ACCEPTED"] = "false"


def _allow_no_day(harness: ComplianceHarness) -> None:
    harness.declared = {"diner": house(terms=replace(TERMS, cache_days=0))}


def _end_the_agreement(harness: ComplianceHarness) -> None:
    del os.environ["DINER_STORE"]


def _hold_the_undeclared(harness: ComplianceHarness) -> None:
    lake_harness = harness.lake_harness(house(name="tea"))
    lake_harness.sync(LIST, hour=3)
    lake_harness.lake.close()


def _store_in_clear(harness: ComplianceHarness) -> None:
    """Like a platform file that declares a column as sealed, but not its field as personal."""
    lake_harness = harness.lake_harness(house(IN_CLEAR))
    lake_harness.sync(
        [*LIST[:4], {**LIST[4], "room": "Attic"}, {"id": 9, "name": "Ada Lovelace", "room": "Cellar"}], hour=3
    )
    lake_harness.lake.close()


def _state_no_purpose(harness: ComplianceHarness) -> None:
    harness.declared = {"diner": house(UNREGISTERED)}


def _keep_pages(harness: ComplianceHarness) -> None:
    for file in (harness.home / "landing_store").rglob("*"):
        if file.is_file() and "sync-00001" in str(file):
            long_ago = SPAN.first.timestamp() - 200 * 86_400
            os.utime(file, (long_ago, long_ago))


def _keep_snapshots(harness: ComplianceHarness) -> None:
    with closing(sqlite3.connect(harness.home / "lake" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_snapshot SET snapshot_time = '2020-01-01 00:00:00+00' WHERE snapshot_id < 4")


def _keep_changes(harness: ComplianceHarness) -> None:
    os.environ["LINEAGE_RETENTION_DAYS"] = "1"


def _change_for_no_run(harness: ComplianceHarness) -> None:
    lake_harness = harness.lake_harness()
    landed = lake_harness.land([*LIST[:4], {**LIST[4], "room": "Loft"}], hour=3)
    commit_landed(lake_harness.lake, HISTORY, TypedRows(landed, lake_harness.platform), "")
    lake_harness.lake.close()


def _forge_a_row(harness: ComplianceHarness) -> None:
    harness.run("UPDATE lake.diner.guests SET room = 'Forged' WHERE source_id = '1'")


def _forge_the_log(harness: ComplianceHarness) -> None:
    with closing(sqlite3.connect(harness.home / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE audit_log SET outcome = 'degraded' WHERE number = 2")


def _kill_an_operation(harness: ComplianceHarness) -> None:
    harness.note("unify", {"rebuild": False}, "begun")


def _lose_the_anchors(harness: ComplianceHarness) -> None:
    for key in list(harness.backups.keys()):
        harness.backups.delete(key)


def _degrade_the_month(harness: ComplianceHarness) -> None:
    harness.run("UPDATE lake.sync.runs SET status = 'degraded', reasons = ['half of it came']")


def _score_low(harness: ComplianceHarness) -> None:
    harness.run("UPDATE lake.quality.scores SET score = 0.1 WHERE dimension = 'overall'")


def _leave_in_quarantine(harness: ComplianceHarness) -> None:
    """A record that is invalid in two syncs is in quarantine since the first."""
    columns = """platform, dataset, "partition", sync_id, run_id, source_id, landing_object, landing_line, rules, paths,
        problems, observed_at, committed_at, settled_at, settled_how"""
    then, since = f"'{SPAN.last.isoformat()}'::TIMESTAMPTZ", "INTERVAL 35 DAY"
    record = "'diner', 'guests', '2026-11', 's', 'r', '7', 'o', 1, ['shape'], [NULL], ['bad']"
    harness.run(
        f"""INSERT INTO lake.quality.quarantine ({columns}) SELECT {record}, {then} - {since}, {then} - {since},
            {then} - INTERVAL 5 DAY, 'seen again'""",
        f"""INSERT INTO lake.quality.quarantine ({columns}) SELECT {record}, {then} - INTERVAL 5 DAY,
            {then} - INTERVAL 5 DAY, NULL, NULL""",
    )


def _request(
    harness: ComplianceHarness, kind: PrivacyRequestKind, received_at: datetime, answered_at: datetime | None
) -> int:
    """Record a request, and its answer if there is one."""
    now = received_at
    register = RequestRegister(harness.settings.ledger_url, lambda: now)
    number = register.add(kind, actor="ada", identity="signed in")
    if answered_at:
        now = answered_at
        register.close(number, "sent", actor="ada")
    register.dispose()
    return number


def _answer_late(harness: ComplianceHarness) -> None:
    _request(harness, PrivacyRequestKind.access, SLOW, SPAN.first)


def _forget_late(harness: ComplianceHarness) -> None:
    _request(harness, PrivacyRequestKind.erasure, SLOW, None)


def _fail_a_backup(harness: ComplianceHarness) -> None:
    harness.note("backup", {"store": "s"}, "failed")


def _fail_a_drill(harness: ComplianceHarness) -> None:
    harness.note("drill", {"store": "s"}, "failed")


AROUND: dict[str, Callable[[ComplianceHarness], None]] = {
    "terms-accepted": _refuse_terms,
    "cache-limits": _allow_no_day,
    "storage-permitted": _end_the_agreement,
    "personal-registered": _state_no_purpose,
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
"""The defects that need no change to the lake, by the obligations that they break."""
WITHIN: dict[str, Callable[[ComplianceHarness], None]] = {
    "holdings-declared personal-registered": _hold_the_undeclared,
    "personal-sealed": _store_in_clear,
    "time-travel-window": _keep_snapshots,
    "changes-sourced": _change_for_no_run,
    "history-holds": _forge_a_row,
    "synced-on-time": _degrade_the_month,
    "quality-thresholds": _score_low,
    "quarantine-reviewed": _leave_in_quarantine,
}


def test_without_defects_every_obligation_that_can_be_checked_is_met(shared_harness: ComplianceHarness) -> None:
    report = shared_harness.report()
    states = {name: each.state for name, each in found(report).items()}
    assert states == {each.id: "not checked" if each.id in ASKED else "met" for each in REQUIREMENTS}
    assert list(states) == [each.id for each in REQUIREMENTS]
    assert report.rate == ComplianceRate(len(REQUIREMENTS) - len(ASKED), 0, len(ASKED))

    _request(shared_harness, PrivacyRequestKind.access, SPAN.first, SPAN.first + timedelta(days=1))
    for operation in ("backup", "drill"):
        shared_harness.note(operation, {"n": 1}, "begun")
        shared_harness.note(operation, {"n": 1}, "complete")
    assert shared_harness.report().rate == ComplianceRate(len(REQUIREMENTS), 0, 0)


def _judged_backups(*ended: tuple[str, str]) -> Obligation:
    """The obligation on backups, for operations that ended in this way."""
    logged = [
        LoggedOperation(number, name, "ada", "cli", {}, SPAN.first, SPAN.first, outcome, False, False)
        for number, (name, outcome) in enumerate(ended)
    ]
    return judge_recovery(recovery_of(logged, SPAN))[0]


def test_backups_of_the_vault_and_verifications_count_as_backups() -> None:
    vault, data = ("vault-backup", "complete"), ("backup", "complete")
    assert _judged_backups(vault).state == "not checked", "the data have no backup"
    assert _judged_backups(vault, data).state == "met"
    judged = _judged_backups(vault, data, ("vault-verify", "failed"))
    assert judged.state == "not met"
    assert "vault-verify of" in judged.evidence


@pytest.mark.parametrize("ids", [*AROUND, *WITHIN])
def test_each_defect_breaks_its_own_obligations_and_no_other(request: pytest.FixtureRequest, ids: str) -> None:
    harness: ComplianceHarness = request.getfixturevalue("shared_harness" if ids in AROUND else "harness")
    {**AROUND, **WITHIN}[ids](harness)
    report = harness.report()
    broken = {name: each.evidence for name, each in found(report).items() if each.state == "not met"}
    assert set(broken) == set(ids.split()), broken
    assert report.verdict.is_met is False
    assert ("the proof is broken" in report.verdict.text) is bool({"history-holds", "audit-log-holds"} & set(broken))
    assert all(name in report.verdict.text for name in broken)
    assert most_urgent_first(report.obligations)[0].state == "not met"
    if "synced-on-time" in broken:
        assert f"sync-platform backfill diner --from {MONTH.key} --to {MONTH.key}" in broken["synced-on-time"]


def test_every_obligation_is_broken_by_some_test() -> None:
    assert {name for ids in (*AROUND, *WITHIN) for name in ids.split()} == {each.id for each in REQUIREMENTS}


def test_the_document_defines_every_obligation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "compliance.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [each.id for each in REQUIREMENTS]
