"""The values of metrics: each sync and backup counts once, at its end, and what is not known is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_state import BackupState, logged_backups
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.metric import Sample
from sync_platform.monitoring.metric_samples import samples_of
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.quality.score import OVERALL, WHOLE
from sync_platform.quality.scorecard import StoredScore
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditEntry
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS, recorded

REASON = "the disk is gone"
EMPTY = InstallationState(
    records={}, scores=[], backups=BackupState(logged_backups([]), None), drills=[], requests=[], runs=[], volumes=[]
)


def state_with(*syncs: list[SyncRecord], **values: Any) -> InstallationState:
    return replace(EMPTY, records=final_records(record for sync in syncs for record in sync), **values)


def samples(state: InstallationState, **values: Any) -> list[Sample]:
    health = health_of(Settings(), PLATFORMS, state, NOW)
    return samples_of(state, PLATFORMS, health, NOW, **values)


def values_of(state: InstallationState, name: str, **values: Any) -> list[float]:
    """The values of one metric for chope and for the installation, without the 0 of the beginning."""
    found = samples(state, **values)
    return [
        each.value
        for each in found
        if each.metric.name == name and each.platform in ("", "chope") and (each.is_of_event or each.is_gauge)
    ]


def entry(operation: str, outcome: str, number: int, **subject: Any) -> AuditEntry:
    text = orjson.dumps(subject).decode()
    at = NOW - timedelta(days=9) + timedelta(hours=number)
    return AuditEntry(at=at, actor="ada", via="cli", operation=operation, subject=text, outcome=outcome, number=number)


def test_a_sync_counts_once_for_all_its_datasets_at_its_end() -> None:
    sync = recorded("chope", 5, records=40)
    sync[1] = replace(sync[1], committed_at=sync[0].committed_at + timedelta(minutes=2))
    state = state_with(sync, recorded("chope", 3, "failed", None))
    assert values_of(state, "SyncJobsExecuted") == [1, 1]
    assert values_of(state, "SyncFailures") == [0, 1]
    assert values_of(state, "SyncDuration") == [180, 60]
    assert values_of(state, "RecordsProcessed") == [40, 40]
    ended = {each.at for each in samples(state) if each.event == sync[0].sync_id}
    assert ended == {sync[1].committed_at}


def test_a_sync_of_which_more_will_come_does_not_count_yet() -> None:
    begun = recorded("chope", 1 / 1440, "complete", "restaurants")
    assert values_of(state_with(begun), "SyncJobsExecuted") == []
    for over in (
        state_with(recorded("chope", 1, "complete", "restaurants")),  # nothing came for a day
        state_with(begun, recorded("chope", 0.5 / 1440, "failed", None)),  # the next sync has begun and ended
    ):
        assert values_of(over, "SyncJobsExecuted")[0] == 1


def test_a_sync_that_is_evaluated_again_ended_when_it_was_first_committed() -> None:
    first = recorded("chope", 40, "degraded", sync_id="s")
    again = recorded("chope", 40, sync_id="s", committed_at=NOW)
    state = state_with(first, again)
    assert values_of(state, "SyncJobsExecuted") == [1]
    assert values_of(state, "SyncDuration") == [60]


def test_a_sync_that_ends_in_the_future_does_not_count_and_one_that_goes_back_in_time_has_no_duration() -> None:
    assert values_of(state_with(recorded("chope", -3)), "SyncJobsExecuted") == []
    backwards = recorded("chope", 5, committed_at=NOW - timedelta(days=6))
    assert values_of(state_with(backwards), "SyncJobsExecuted") == [1]
    assert values_of(state_with(backwards), "SyncDuration") == []


def test_a_backup_that_a_person_interrupted_is_neither_a_success_nor_a_failure() -> None:
    outcomes = ("begun", "complete", "begun", "failed", "begun", "interrupted")
    entries = [entry("backup", outcome, number) for number, outcome in enumerate(outcomes)]
    state = state_with(backups=BackupState(logged_backups(entries), None))
    assert values_of(state, "BackupSuccess") == [1, 0, 0]
    assert values_of(state, "BackupFailures") == [0, 1, 0]


def test_the_compliance_rate_is_that_of_the_newest_compliance_report() -> None:
    reports = [
        entry("report", "complete", 1, what="compliance", rate=1.0),
        entry("report", "complete", 2, what="compliance", rate=0.75),
        entry("report", "failed", 3, what="compliance"),
        entry("report", "complete", 4, what="restaurant"),
    ]
    assert values_of(state_with(reports=reports), "ComplianceRate") == [0.75]
    unchecked = entry("report", "complete", 5, what="compliance", rate=None)
    assert values_of(state_with(reports=[*reports, unchecked]), "ComplianceRate") == []


def test_the_quality_is_the_overall_score_of_each_dataset_that_has_one() -> None:
    def scored(dataset: str, dimension: str, share: float | None) -> StoredScore:
        return StoredScore(
            dimension, WHOLE, stated=share, platform="chope", dataset=dataset, partition="2026-11", sync_id="s",
            observed_at=NOW,
        )  # fmt: skip

    scores = [scored("restaurants", OVERALL, 0.97), scored("restaurants", "accuracy", 0.5)]
    scores += [scored("reservations", OVERALL, None)]
    assert values_of(state_with(scores=scores), "DataQualityScore") == [0.97]


def test_staleness_health_and_alerts_are_measured_now() -> None:
    state = state_with(recorded("chope", 31))
    assert values_of(state, "DataStaleness") == [0.5, 0.5]
    assert values_of(state, "HealthScore") == [health_of(Settings(), PLATFORMS, state, NOW).score]
    assert values_of(state, "OpenAlerts") == []
    assert values_of(state, "OpenAlerts", open_alerts={"high": 2}) == [0, 2, 0, 0]


ABSENT: Mapping[str, set[str]] = {
    "records": {"SyncJobsExecuted", "SyncFailures", "SyncDuration", "RecordsProcessed", "DataStaleness"},
    "scores": {"DataQualityScore"},
    "backups": {"BackupSuccess", "BackupFailures"},
    "reports": {"ComplianceRate"},
}


@pytest.mark.parametrize("part", ABSENT)
def test_what_is_not_known_is_absent_and_not_0(part: str) -> None:
    known = state_with(
        recorded("chope", 5),
        scores=[
            StoredScore(OVERALL, WHOLE, stated=1.0, platform="chope", dataset="restaurants", partition="2026-11",
                   sync_id="s", observed_at=NOW)
        ],
        reports=[entry("report", "complete", 1, what="compliance", rate=1.0)],
    )  # fmt: skip
    before = {each.metric.name for each in samples(known)}
    after = {each.metric.name for each in samples(replace(known, **{part: UnreadPart(REASON)}))}
    assert before - after == ABSENT[part]
