"""The health score: every lost point has a reason and a command, and what is not known never raises it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sync_platform.cli.app import app
from sync_platform.emergency.request import Asking, EmergencyRequest, PlatformRun
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_state import BackupState, LoggedBackups, logged_backups
from sync_platform.monitoring.health import Health
from sync_platform.monitoring.health_report import health_json, health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart, Volume, WaitingRun, read_state
from sync_platform.monitoring.problem import Severity
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.quality.score import DIMENSIONS, OVERALL, WHOLE
from sync_platform.quality.scorecard import StoredScore
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS, recorded, write_records

SETTINGS = Settings()
FOUND = "the disk of the ledger is gone"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def entry(operation: str, at: datetime, outcome: str = "complete", subject: str = '{"snapshot": 7}') -> AuditEntry:
    return AuditEntry(at=at, actor="ada", via="cli", operation=operation, subject=subject, outcome=outcome)


def syncs(*more: list[SyncRecord], without: str = "") -> Mapping[str, Sequence[SyncRecord]]:
    """A complete sync of every platform five days ago, and more."""
    usual = [recorded(name, 5) for name in PLATFORMS if name != without]
    return final_records(record for sync in (*usual, *more) for record in sync)


def scored(platform: str, dataset: str, dimension: str, share: float | None, confidence: float = 1.0) -> StoredScore:
    return StoredScore(
        dimension, WHOLE, threshold=0.9, confidence=confidence, stated=share, platform=platform, dataset=dataset,
        partition="2026-11", sync_id="s", observed_at=NOW,
    )  # fmt: skip


def scores(**shares: float | None) -> list[StoredScore]:
    """Full scores of every dataset; `shares`: other scores of the dimensions of chope.restaurants."""
    return [
        scored(platform, each.name, dimension, shares.get(dimension, 1.0) if is_other else 1.0)
        for platform, declared in PLATFORMS.items()
        for each in declared.datasets
        for is_other in ((platform, each.name) == ("chope", "restaurants"),)
        for dimension in (*DIMENSIONS, OVERALL)
    ]


def logged(**values: Any) -> LoggedBackups:
    return replace(LoggedBackups(ago(days=300), 7, "complete", ago(hours=7)), **values)


def request(waits: timedelta, priority: Any = "high", state: Any = "requested") -> EmergencyRequest:
    run = PlatformRun("chope", state, None, None, None, None, None, None)
    return EmergencyRequest("20261128T000000-abcdef", NOW - waits, (Asking("ada", "why", priority, NOW),), (run,))


WELL = InstallationState(
    records=syncs(),
    scores=scores(),
    backups=BackupState(logged(), None),
    drills=[entry(OperationName.drill, ago(days=6))],
    requests=[],
    runs=[],
    volumes=[Volume(Path("/data"), 0.5, 10**11)],
)


def health(**changes: Any) -> Health:
    return health_of(SETTINGS, PLATFORMS, replace(WELL, **changes), NOW)


FAULTS: dict[str, tuple[dict[str, Any], str, float]] = {
    # what is changed, the part that loses points, and how many of the 100 points of its subject
    "stale": ({"records": syncs(recorded("chope", 62), without="chope")}, "freshness", 55),
    "half stale": ({"records": syncs(recorded("chope", 47.5), without="chope")}, "freshness", 27.5),
    "failed": ({"records": syncs(recorded("chope", 1, "failed", None))}, "syncs", 17.5),
    "degraded": ({"records": syncs(recorded("chope", 1, "degraded"))}, "syncs", 11.25),
    "with gaps": ({"records": syncs(recorded("chope", 1, gaps=["page 7"]))}, "syncs", 2.5),
    "failed before": ({"records": syncs(recorded("chope", 9, "failed", None))}, "syncs", 7.5),
    "wrong": ({"scores": scores(validation=0.5)}, "quality", 3.5),
    "slightly wrong": ({"scores": scores(validation=0.81)}, "quality", 1.75),
    "unprotected": ({"backups": BackupState(logged(), ago(days=7))}, "backups", 25),
    "never backed up": ({"backups": BackupState(LoggedBackups(None, 0, None, None), ago(days=9))}, "backups", 25),
    "backup failed": ({"backups": BackupState(logged(last_outcome="failed"), None)}, "backups", 12.5),
    "drill failed": ({"drills": [entry(OperationName.drill, ago(days=1), "failed")]}, "drill", 15),
    "drill overdue": ({"drills": [entry(OperationName.drill, ago(days=9))]}, "drill", 7.5),
    "never drilled": ({"drills": []}, "drill", 15),
    "request waits": ({"requests": [request(timedelta(hours=3))]}, "queue", 7.5),
    "critical request waits": ({"requests": [request(timedelta(minutes=70), "critical")]}, "queue", 3.75),
    "run waits": ({"runs": [WaitingRun("r", "monthly_full_sync", "chope", ago(hours=5))]}, "queue", 15),
    "disk nearly full": ({"volumes": [Volume(Path("/data"), 0.03, 10**9)]}, "disk", 30),
    "disk half gone": ({"volumes": [*WELL.volumes, Volume(Path("/x"), 0.09, 10**9)]}, "disk", 15),  # type: ignore[misc]
}
QUIET = {
    "a new installation has no backup yet": {
        "backups": BackupState(LoggedBackups(None, 0, None, None), ago(hours=2)),
        "drills": [],
    },
    "a first backup is a week old": {"backups": BackupState(logged(first_whole_at=ago(days=7)), None), "drills": []},
    "a request has just been made": {"requests": [request(timedelta(minutes=9), "critical")]},
    "a request runs for hours": {"requests": [request(timedelta(hours=9), state="running")]},
    "a run has just been queued": {"runs": [WaitingRun("r", "job", "", ago(minutes=59))]},
    "a month has 31 days": {"records": syncs(*(recorded(name, 7.5) for name in PLATFORMS))},
}


def test_an_installation_without_a_fault_has_all_points() -> None:
    installation_health = health()
    assert (installation_health.score, installation_health.confidence, installation_health.state) == (100, 1, "healthy")
    assert (installation_health.losses, installation_health.unknowns) == ([], [])


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_points_of_its_part_with_a_reason_and_a_command(name: str) -> None:
    changes, losing_part, points = FAULTS[name]
    installation_health = health(**changes)
    losing = [(part.name, part.lost) for subject in installation_health.subjects for part in subject.parts if part.lost]
    assert losing == [(losing_part, pytest.approx(points, abs=0.02))]
    assert all(each.deficit.reason and each.deficit.command for each in installation_health.losses)
    assert installation_health.score < 100


@pytest.mark.parametrize("name", QUIET)
def test_what_is_usual_costs_nothing(name: str) -> None:
    assert health(**QUIET[name]).losses == []


@pytest.mark.parametrize("names", itertools.combinations(("failed", "wrong", "backup failed", "disk nearly full"), 3))
def test_the_losses_add_up_to_what_the_score_lacks(names: tuple[str, ...]) -> None:
    installation_health = health(**{key: value for name in names for key, value in FAULTS[name][0].items()})
    assert sum(each.points for each in installation_health.losses) == pytest.approx(
        100 - installation_health.score, abs=0.02
    )


@pytest.mark.parametrize(
    "name", ["records", "scores", "last_measured", "backups", "drills", "requests", "runs", "volumes", "alerts"]
)
def test_what_is_not_known_is_listed_lowers_the_confidence_and_never_raises_the_score(name: str) -> None:
    worst = {key: value for fault in FAULTS.values() for key, value in fault[0].items()}
    for known in ({}, worst):
        before, after = health(**known), health(**{**known, name: UnreadPart(FOUND)})
        assert after.score <= before.score
        assert after.confidence < before.confidence
        assert any(FOUND in each.deficit.reason for each in after.unknowns)


def test_a_dataset_without_a_score_is_not_known_and_not_full() -> None:
    installation_health = health(scores=scores(overall=None))
    assert [each.deficit.reason for each in installation_health.unknowns] == [
        "chope.restaurants: the quality was not measured"
    ]
    assert installation_health.score < 100
    assert installation_health.confidence < 1


def test_a_dimension_that_is_not_measured_any_more_counts_with_its_last_measured_score() -> None:
    last = [replace(scored("chope", "restaurants", "validation", 0.5), partition="2026-10", observed_at=ago(days=33))]
    measured = health(scores=scores(validation=0.5))
    unmeasured = health(scores=scores(validation=None), last_measured=last)
    assert unmeasured.score == measured.score
    (loss,) = unmeasured.losses
    assert "validation (last measured at 2026-10-26 12:00 HKT) is 50.00%" in loss.deficit.reason
    assert health(scores=scores(validation=0.99), last_measured=last).losses == []  # it is measured again


def test_a_good_dimension_that_is_not_measured_any_more_is_named_and_costs_only_confidence() -> None:
    known = scores(accuracy=None)
    at = next(
        index
        for index, each in enumerate(known)
        if each.confidence and each.dataset == "restaurants" and each.platform == "chope" and each.dimension == OVERALL
    )
    known[at] = replace(known[at], confidence=0.8)
    last = [replace(scored("chope", "restaurants", "accuracy", 0.95), partition="2026-10", observed_at=ago(days=33))]
    installation_health = health(scores=known, last_measured=last)
    assert (installation_health.score, installation_health.losses) == (100, [])
    (unknown,) = installation_health.unknowns
    assert "restaurants.accuracy was last measured at 2026-10-26 12:00 HKT (95%)" in unknown.deficit.reason


@dataclass(frozen=True)
class StubAlert:
    """An open alert, with what health reads of it."""

    severity: Severity
    acknowledged_at: datetime | None = None
    silenced_until: datetime | None = None
    alert_id: str = "a1b2"
    what: str = "The newest sync of chope failed"
    opened_at: datetime = NOW

    def is_silenced(self, now: datetime) -> bool:
        return self.silenced_until is not None and now < self.silenced_until


@pytest.mark.parametrize(
    ("alerts", "points"),
    [
        ([], 0),
        ([StubAlert("critical")], 15),
        ([StubAlert("critical"), StubAlert("high")], 15),
        ([StubAlert("high")], 7.5),
        ([StubAlert("medium")], 3),
        ([StubAlert("low")], 0),
        ([StubAlert("critical", acknowledged_at=NOW)], 7.5),
        ([StubAlert("critical", silenced_until=NOW + timedelta(hours=1))], 7.5),
        ([StubAlert("critical", silenced_until=NOW)], 15),
    ],
)
def test_open_alerts_cost_points_by_their_severity(alerts: list[StubAlert], points: float) -> None:
    installation_health = health(alerts=alerts)
    assert 100 - installation_health.installation.score == pytest.approx(points, abs=0.02)
    assert all(each.deficit.command == ("alerts", "show", "a1b2") for each in installation_health.losses)
    assert all("The newest sync of chope failed" in each.deficit.reason for each in installation_health.losses)


def test_platforms_that_were_never_synced_are_one_line_and_have_no_points() -> None:
    installation_health = health(
        records={"chope": syncs()["chope"]}, scores=[each for each in scores() if each.platform == "chope"]
    )
    never = [name for name in PLATFORMS if name != "chope"]
    (loss,) = installation_health.losses
    assert (loss.subject, loss.deficit.reason) == (", ".join(never), f"{', '.join(never)}: never synced")
    assert loss.deficit.command == ("sync", *never)
    assert [each.subject for each in installation_health.unknowns] == [", ".join(never)]
    assert installation_health.state == "unhealthy"
    assert {each.score for each in installation_health.platforms if each.name != "chope"} == {0}
    assert loss.points == pytest.approx(100 - installation_health.score, abs=0.02)


def test_a_backfill_of_an_old_period_hides_no_failure() -> None:
    backfill = recorded("chope", 0.5, partition="2025-03", observed_at=ago(days=600))
    installation_health = health(records=syncs(recorded("chope", 1, "failed", None), backfill))
    assert "the newest sync, begun" in installation_health.losses[0].deficit.reason
    assert "the page list ended early" in installation_health.losses[0].deficit.reason


def test_one_important_platform_that_is_down_makes_unhealthy_and_another_one_degraded() -> None:
    for platform, state in (("openrice", "unhealthy"), ("keeta", "degraded")):
        installation_health = health(records=syncs(without=platform))
        assert installation_health.state == state
        assert installation_health.score > 75


def test_a_platform_weighs_by_its_priority() -> None:
    lost = {name: 100 - health(records=syncs(without=name)).score for name in ("openrice", "chope", "keeta")}
    assert lost["openrice"] == pytest.approx(1.5 * lost["chope"], abs=0.05)
    assert lost["chope"] == pytest.approx(2 * lost["keeta"], abs=0.05)


def test_a_backup_of_some_platforms_protects_no_other() -> None:
    entries = [
        entry("backup", ago(days=9)),
        entry("backup", ago(days=1), subject='{"snapshot": 9, "sources": ["chope"]}'),
        entry("backup", ago(hours=1), "begun"),
    ]
    assert logged_backups(entries) == LoggedBackups(ago(days=9), 7, "complete", ago(days=1))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one sync of chope in its lake, and no ledger."""
    folder = tmp_path_factory.mktemp("health") / "home"
    write_records(folder, recorded("chope", 1))
    return folder


def test_every_command_exists_and_every_query_can_be_asked(home: Path) -> None:
    commands = {loss.deficit.command for fault in FAULTS.values() for loss in health(**fault[0]).losses}
    commands |= {each.deficit.command for each in health(records=syncs(recorded("chope", -3))).unknowns}
    assert len(commands) > 10
    address = LakeAddress.of(load_settings(sync_home=home))
    with Lake(address, read_only=True) as lake, lake.session() as session:
        for words in commands:
            command, rest = get_command(app), list(words)
            while getattr(command, "commands", None):
                command, rest = command.commands[rest[0]], rest[1:]  # type: ignore[attr-defined]
            command.make_context("", rest)
            if words[0] == "query":
                session.execute(words[1]).fetchall()


def test_the_health_of_a_home_is_read_without_changing_it(home: Path) -> None:
    """Backups, drills and requests are read from a ledger that does not exist yet: it is not created."""
    settings = load_settings(sync_home=home)
    before = contents(home)
    state = read_state(settings, list)
    assert contents(home) == before
    installation_health = health_of(settings, PLATFORMS, state, NOW)
    assert (
        next(each for each in installation_health.platforms if each.name == "chope").score == 80
    )  # only quality is not measured
    assert health_json(installation_health, NOW, "development", lambda *words: " ".join(words))["losses"]


def contents(home: Path) -> dict[Path, bytes]:
    """Every file but those that SQLite makes for each reader."""
    files = (path for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {path: path.read_bytes() for path in files}


def test_a_lake_that_cannot_be_read_is_unhealthy_and_not_known(home: Path, tmp_path: Path) -> None:
    settings = load_settings(sync_home=copy_by_process(home, tmp_path / "home"))
    (tmp_path / "home" / "lake" / "catalog.sqlite").write_bytes(b"no database at all, but " * 200)
    installation_health = health_of(settings, PLATFORMS, read_state(settings, list), NOW)
    assert installation_health.state == "unhealthy"
    assert installation_health.confidence < 0.3
    assert any("the syncs cannot be read" in each.deficit.reason for each in installation_health.unknowns)
