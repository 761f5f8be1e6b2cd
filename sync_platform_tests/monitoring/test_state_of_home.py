"""The state of a home is read from its lake and its ledger, and problems are found in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.monitoring.installation_state import InstallationState, UnreadPart, read_state
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.recorded_problems import recorded_sources
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.quality.recorded_drift import RecordedDrift
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, Outcome
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS, recorded, write_records

AT = datetime.now(UTC)
"""The lake's snapshots and the entries of the ledger have the time of the machine."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Chope's newest full sync is complete, with drift, bad scores and records that are in quarantine for long."""
    times = {"started_at": AT, "observed_at": AT, "committed_at": AT, "sync_id": "now", "records": 9}
    before = {**times, "observed_at": AT - timedelta(days=40), "sync_id": "before"}
    settings = write_records(
        tmp_path_factory.mktemp("state") / "home",
        [*recorded("chope", 0, partition="2026-10", **before), *recorded("chope", 0, partition="2026-11", **times)],
    )
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        for dimension, partition, sync_id, score in (
            ("validation", "2026-11", "now", 0.5),
            ("accuracy", "2026-10", "before", 0.4),
            ("accuracy", "2026-11", "now", None),
        ):
            session.execute(
                """INSERT INTO lake.quality.scores BY NAME SELECT 'chope' AS platform, 'restaurants' AS dataset,
                $part AS "partition", $sync AS sync_id, 'r' AS run_id, $dimension AS dimension, 'all' AS measure,
                $score::DOUBLE AS score, 0.9 AS threshold, 1.0 AS confidence, '{}' AS detail, $at AS observed_at,
                $at AS committed_at""",
                {"part": partition, "sync": sync_id, "dimension": dimension, "score": score, "at": AT},
            )
        for sync_id, kind, path in (("before", "new", "$.old"), ("now", "missing", "$.phone"), ("now", "loose", "$.x")):
            session.execute(
                "INSERT INTO lake.quality.drift VALUES ('chope', 'restaurants', '2026-11', ?, 'r', ?, ?, 'w', ?, ?)",
                [sync_id, kind, path, AT, AT],
            )
        session.execute(
            """INSERT INTO lake.quality.quarantine BY NAME SELECT 'chope' AS platform, 'restaurants' AS dataset,
            '2026-10' AS "partition", 'before' AS sync_id, 'r' AS run_id, 'c-7' AS source_id, 'o' AS landing_object,
            1 AS landing_line, $at AS observed_at, $at AS committed_at""",
            {"at": AT - timedelta(days=40)},
        )
    return settings


@pytest.fixture(scope="module")
def state(settings: Settings) -> InstallationState:
    log = AuditLog(settings.ledger_url)
    entries: list[tuple[OperationName, Outcome, dict[str, object]]] = [
        (OperationName.backup, "failed", {"store": "s3://b"}),
        (OperationName.verify, "failed", {"breaks": 1, "first_breaks": ["batch number 3: the link is wrong"]}),
    ]
    for operation, outcome, subject in entries:
        log.record(operation, subject, actor="ada", via="cli", outcome=outcome)
    log.close()
    register = RequestRegister(settings.ledger_url)
    for days in (60, 3):
        register.add(PrivacyRequestKind.erasure, actor="ada", received_at=AT - timedelta(days=days))
    register.dispose()
    return read_state(settings, list, now=AT + timedelta(minutes=1))


def problems(settings: Settings, state: InstallationState) -> Iterator[Problem]:
    for source in recorded_sources(settings, PLATFORMS, state, AT + timedelta(minutes=1)):
        yield from source.look()


def test_everything_that_is_recorded_is_found(settings: Settings, state: InstallationState) -> None:
    found = {(each.name, each.detail) for each in problems(settings, state)}
    assert found - {(ProblemName.sync_completed, "chope 2026-11")} == {
        (ProblemName.quality_below_threshold, "chope validation"),
        (ProblemName.quality_below_threshold, "accuracy"),  # of 2026-10: it is not measured any more
        (ProblemName.drift_found, "chope"),
        (ProblemName.backup_failed, "backup"),
        (ProblemName.history_not_intact, ""),
        (ProblemName.obligation_not_met, "quarantine-reviewed"),
        (ProblemName.privacy_request_overdue, "1"),
    }


def test_only_the_drift_of_the_newest_records_counts_and_no_loose_value(state: InstallationState) -> None:
    assert state.drift == [RecordedDrift("chope", "restaurants", "missing", "$.phone")]


def test_a_home_without_lake_and_ledger_has_no_problem_and_is_not_created(tmp_path: Path) -> None:
    settings = Settings(sync_home=tmp_path / "home")
    state = read_state(settings, list)
    assert not any(isinstance(part, UnreadPart) for part in vars(state).values())
    assert list(problems(settings, state)) == []
    assert not settings.home.exists()


def test_alerts_that_cannot_be_read_are_unknown_and_nothing_else_is(settings: Settings) -> None:
    def locked(_: Settings) -> list[object]:
        raise OSError("the ledger is locked")

    state = read_state(settings, list, open_alerts=locked)  # type: ignore[arg-type]
    assert [name for name, part in vars(state).items() if isinstance(part, UnreadPart)] == ["alerts"]
