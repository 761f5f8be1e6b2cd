"""Problems are found in what is recorded: one for each cause, with true sentences, and none where nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from typer.main import get_command

from sync_platform.cli.app import app
from sync_platform.compliance import requirements
from sync_platform.errors import StorageError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_state import BackupState, LoggedBackups
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.recorded_problems import recorded_sources
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.privacy.erasure_record import Erasure, ErasureEvent, erasure_of
from sync_platform.privacy.privacy_request import PrivacyRequest, PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law
from sync_platform.quality.own_checks import OWN
from sync_platform.quality.recorded_drift import RecordedDrift
from sync_platform.quality.score import OVERALL, WHOLE
from sync_platform.quality.scorecard import StoredScore
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS, recorded

SETTINGS = Settings()


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def syncs(*more: list[SyncRecord], without: str = "") -> Mapping[str, Sequence[SyncRecord]]:
    """A complete full sync of every platform five days ago, and more."""
    usual = [recorded(name, 5) for name in PLATFORMS if name != without]
    return final_records(record for sync in (*usual, *more) for record in sync)


def entry(operation: str, at: datetime, outcome: str = "complete", number: int = 1, **subject: Any) -> AuditEntry:
    text = orjson.dumps(subject).decode()
    return AuditEntry(number=number, at=at, actor="ada", via="cli", operation=operation, subject=text, outcome=outcome)


def scored(dataset: str, dimension: str, share: float | None, **values: Any) -> StoredScore:
    platform, name = dataset.split(".")
    known: dict[str, Any] = {"measure": WHOLE, "partition": "2026-11", "sync_id": "s", "observed_at": NOW, **values}
    return StoredScore(
        dimension=dimension, threshold=0.9, confidence=1.0, stated=share, platform=platform, dataset=name, **known
    )


def logged(**values: Any) -> LoggedBackups:
    return replace(LoggedBackups(ago(days=300), 7, "complete", ago(hours=7)), **values)


WELL = InstallationState(
    records=syncs(),
    scores=[scored("chope.restaurants", OVERALL, 1.0)],
    backups=BackupState(logged(), None),
    drills=[entry(OperationName.drill, ago(days=6))],
    requests=[],
    runs=[],
    volumes=[],
)


def found(**changes: Any) -> list[Problem]:
    sources = recorded_sources(SETTINGS, PLATFORMS, replace(WELL, **changes), NOW)
    problems = [(source, problem) for source in sources for problem in source.look()]
    assert all(problem.name in source.names for source, problem in problems)
    return [problem for _, problem in problems]


def named(name: ProblemName, **changes: Any) -> list[Problem]:
    return [each for each in found(**changes) if each.name == name]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found() == []


def test_every_name_is_looked_for_by_one_source() -> None:
    names = [name for source in recorded_sources(SETTINGS, PLATFORMS, WELL, NOW) for name in source.names]
    assert len(names) == len(set(names))


def test_a_new_installation_and_one_without_some_platforms_are_no_problem() -> None:
    nothing = LoggedBackups(None, 0, None, None)
    assert found(records={}, scores=[], backups=BackupState(nothing, None), drills=[]) == []
    just_begun = syncs()["chope"]
    assert found(records={"chope": just_begun}, backups=BackupState(nothing, ago(hours=2)), drills=[]) == []


def test_nothing_is_wrong_with_a_platform_that_is_not_in_use() -> None:
    left = replace(
        WELL,
        records=syncs(recorded("keeta", 1, status="failed"), recorded("chope", 60), without="chope"),
        scores=[scored("keeta.restaurants", OVERALL, 0.5), scored("keeta.restaurants", "validation", 0.5)],
        drift=[RecordedDrift("chope", "restaurants", "missing", "phone")],
    )
    for names, wrong in (("", {"chope", "keeta"}), ("openrice,eatigo", set())):
        sources = recorded_sources(Settings(platforms_in_use=names), PLATFORMS, left, NOW)
        problems = [problem for source in sources for problem in source.look()]
        assert {subject.partition(".")[0] for each in problems for subject in each.subjects} == wrong


SENTENCES = {
    "chope answered 500": "chope: http://h:1/v1/restaurants?limit=4&cursor=17 answered 500",
    "keeta answered 503": "keeta: https://keeta.example/api/shop/list answered 503",
    "chope timed out": "chope: http://h:1/v1/restaurants did not answer in 30 s",
}


def failed(platform: str, reason: str, days: float = 1, **values: Any) -> list[SyncRecord]:
    return recorded(platform, days, "failed", None, reasons=[SENTENCES.get(reason, reason)], **values)


def test_platforms_that_fail_for_one_reason_are_one_problem_and_the_same_tomorrow() -> None:
    records = syncs(*(failed(name, f"{name}: http://h:{port}/x answered 500") for port, name in enumerate(PLATFORMS)))
    (problem,) = found(records=records)
    assert (problem.name, problem.severity) == (ProblemName.sync_failed, "critical")
    assert problem.subjects == tuple(sorted(PLATFORMS))
    (tomorrow,) = found(records=syncs(failed("chope", "chope answered 500", days=0.2)))
    assert tomorrow.cause == problem.cause


def test_platforms_that_fail_for_two_reasons_are_two_problems() -> None:
    problems = found(records=syncs(failed("keeta", "keeta answered 503"), failed("chope", "chope timed out")))
    assert [(each.detail, each.subjects) for each in problems] == [
        ("answered 5xx", ("keeta",)),
        ("did not answer in … s", ("chope",)),
    ]


def test_the_next_complete_sync_ends_a_problem_and_a_backfill_does_not() -> None:
    bad = failed("chope", "chope answered 500")
    assert found(records=syncs(bad, recorded("chope", 0.5, mode="incremental")))  # it cannot repair a full sync
    assert found(records=syncs(bad, recorded("chope", 0.5, partition="2025-03", observed_at=ago(days=600))))
    completed = found(records=syncs(bad, recorded("chope", 0.5), without="chope"))
    assert [each.name for each in completed] == [ProblemName.sync_completed]


def test_a_degraded_sync_says_what_stays_and_what_to_do() -> None:
    reason = (
        "1,204 of 9,000 live rows are not listed any more, beyond the tolerance of 5% (at most 450): none was retired"
    )
    (problem,) = found(
        records=syncs(
            recorded("chope", 1, "degraded", reasons=[reason], not_retired=602, shrink_rejected=True),
        )
    )
    assert problem.name == ProblemName.sync_degraded
    assert "1,204 rows that were not listed stay live" in problem.effect
    assert "sync chope --accept-shrink 'why they are really gone'" in problem.action


def test_many_records_in_quarantine_are_one_problem_of_their_platform_and_no_degraded_sync_too() -> None:
    reasons = ["90 records are in quarantine, such as 7: Expected `str`, got `int` (http://h:1/x; a:1)"]
    many = recorded("chope", 1, "degraded", reasons=reasons, quarantined=90, records=100)
    (problem,) = found(records=syncs(many))
    assert (problem.name, problem.subjects) == (
        ProblemName.records_quarantined,
        ("chope.restaurants", "chope.reservations"),
    )
    assert "90 of 100 records of chope.restaurants" in problem.what
    few = recorded("chope", 1, "degraded", reasons=reasons, quarantined=1, records=10_000)
    assert [each.name for each in found(records=syncs(few))] == [ProblemName.sync_degraded]
    other = recorded("chope", 1, "degraded", reasons=[*reasons, "no page came"], quarantined=90, records=100)
    assert {each.name for each in found(records=syncs(other))} == {
        ProblemName.records_quarantined,
        ProblemName.sync_degraded,
    }


def test_late_platforms_are_one_problem_if_no_sync_was_tried_and_another_if_none_was_complete() -> None:
    old = {name: recorded(name, 62) for name in ("chope", "openrice", "keeta")}
    degraded = recorded("keeta", 3, "degraded")
    records = final_records(record for sync in (*old.values(), degraded) for record in sync)
    problems = [each for each in found(records=records) if each.name == ProblemName.sync_stale]
    assert [(each.detail, each.subjects) for each in problems] == [
        ("no full sync was tried", ("chope", "openrice")),
        ("no full sync was complete", ("keeta",)),
    ]
    assert "62 days ago" in problems[0].what


def test_a_platform_whose_first_sync_failed_is_not_stale_at_once() -> None:
    first = final_records(failed("chope", "chope timed out"))
    assert [each.name for each in found(records=first)] == [ProblemName.sync_failed]
    for_long = final_records([*failed("chope", "chope timed out", days=40), *failed("chope", "chope timed out")])
    assert {each.name for each in found(records=for_long)} == {ProblemName.sync_failed, ProblemName.sync_stale}


def test_a_full_sync_of_this_period_that_was_just_completed_is_told_once() -> None:
    (problem,) = found(records=syncs(recorded("chope", 0.3, rows=70), without="chope"))
    assert (problem.name, problem.severity, problem.detail) == (ProblemName.sync_completed, "low", "chope 2026-11")
    assert "70 restaurants" in problem.what
    again = syncs(recorded("chope", 3), recorded("chope", 0.3), without="chope")
    assert found(records=again) == []
    for quiet in (
        recorded("chope", 0.3, mode="incremental"),
        recorded("chope", 0.3, partition="2026-09"),
        recorded("chope", 0.3, dataset="restaurants"),
    ):
        assert named(ProblemName.sync_completed, records=syncs(quiet)) == []


def test_a_dimension_below_its_threshold_is_a_problem_of_its_platform_and_accuracy_of_all() -> None:
    overall = [scored(name, OVERALL, 0.8) for name in ("chope.restaurants", "chope.reservations")]
    short = [scored(name, "validation", 0.5) for name in ("chope.restaurants", "chope.reservations")]
    wrong_register = [scored(name, "accuracy", 0.6) for name in ("chope.restaurants", "keeta.shops")]
    problems = found(scores=[*overall, *short, *wrong_register, scored("keeta.shops", "validation", None)])
    assert [(each.detail, each.subjects) for each in problems] == [
        ("accuracy", ("chope.restaurants", "keeta.shops")),
        ("chope validation", ("chope.reservations", "chope.restaurants")),
    ]
    assert "should reach 90% and has 50.00%" in problems[1].what


def test_a_dimension_that_is_not_measured_any_more_stays_a_problem() -> None:
    last = scored("chope.restaurants", "validation", 0.5, partition="2026-10")
    now = [scored("chope.restaurants", OVERALL, 1.0), scored("chope.restaurants", "validation", None)]
    assert [each.detail for each in found(scores=now, last_measured=[last])] == ["chope validation"]
    measured = [scored("chope.restaurants", OVERALL, 1.0), scored("chope.restaurants", "validation", 0.95)]
    assert found(scores=measured, last_measured=[last]) == []


def test_an_own_check_that_fails_or_cannot_run_is_a_problem_until_its_file_is_gone() -> None:
    overall = [scored("chope.restaurants", OVERALL, 1.0)]
    broken = scored("chope.restaurants", OWN, None, measure="no_price", detail={"error": "its SQL is wrong"})
    (problem,) = found(scores=overall, own_checks=[broken])
    assert "The own check no_price of chope.restaurants fails: it could not be run" in problem.what
    assert found(scores=overall, own_checks=[replace(broken, sync_id="earlier")]) == []


def test_drift_is_one_problem_of_its_platform_and_shows_no_value() -> None:
    drift = [
        RecordedDrift("chope", "restaurants", "missing", "phone"),
        RecordedDrift("chope", "restaurants", "new", "x"),
    ]
    (problem,) = found(drift=drift)
    assert (problem.name, problem.detail) == (ProblemName.drift_found, "chope")
    assert "`phone` of restaurants is missing and `x` of restaurants is new" in problem.what


BACKUP = OperationName.backup


def test_the_newest_backup_counts() -> None:
    bad = entry(BACKUP, ago(hours=2), "failed", 2, store="s3://b", problems=["the key is wrong"])
    (problem,) = found(backup_log={BACKUP: [entry(BACKUP, ago(days=2), number=1), bad]})
    assert (problem.name, problem.detail, problem.subjects) == (ProblemName.backup_failed, "backup", ("s3://b",))
    assert "the key is wrong" in problem.what
    assert found(backup_log={BACKUP: [bad, entry(BACKUP, ago(hours=1), number=3)]}) == []
    cancelled = entry(BACKUP, ago(hours=1), "interrupted", 3)
    assert found(backup_log={BACKUP: [cancelled]}) == []  # a person did that
    assert len(found(backup_log={BACKUP: [bad, cancelled]})) == 1  # which repairs nothing


def test_a_backup_that_was_killed_is_a_problem_and_one_that_still_runs_is_none() -> None:
    begun = {"type": "full", "store": "s3://b"}
    assert found(backup_log={BACKUP: [entry(BACKUP, ago(hours=2), "begun", 2, **begun)]}) == []
    (problem,) = found(backup_log={BACKUP: [entry(BACKUP, ago(hours=30), "begun", 2, **begun)]})
    assert "never ended" in problem.what


@pytest.mark.parametrize("operation", ["backup-replicate", "vault-backup", "backup-verify", "vault-verify"])
def test_copies_and_verifications_of_backups_and_the_vault_count_as_well(operation: str) -> None:
    (problem,) = found(backup_log={operation: [entry(operation, ago(hours=2), "failed", run_id="r-1")]})
    assert (problem.name, problem.detail) == (ProblemName.backup_failed, operation)
    assert "run r-1" in problem.action


def test_a_commit_without_a_backup_and_a_drill_become_overdue() -> None:
    assert found(backups=BackupState(logged(), ago(hours=29))) == []
    (overdue,) = found(backups=BackupState(logged(), ago(hours=31)))
    assert (overdue.name, overdue.severity) == (ProblemName.backup_overdue, "medium")
    (never,) = found(drills=[], backups=BackupState(logged(), None))
    assert (never.name, never.detail) == (ProblemName.drill_overdue, "overdue")
    (bad,) = found(drills=[entry(OperationName.drill, ago(days=1), "failed", problems=["chope: 7 rows restored"])])
    assert bad.detail == "failed"
    assert "chope: 7 rows restored" in bad.what


def test_the_newest_verification_that_read_everything_counts() -> None:
    verify = OperationName.verify
    broken = entry(verify, ago(days=3), "failed", breaks=2, first_breaks=["batch number 3: the link is wrong"])
    (problem,) = found(
        verifications=[broken, entry(verify, ago(days=2), "begun"), entry(verify, ago(days=1), "failed")]
    )
    assert (problem.name, problem.severity) == (ProblemName.history_not_intact, "critical")
    assert "batch number 3: the link is wrong" in problem.what
    intact = entry(verify, ago(days=1), breaks=0, first_breaks=[])
    assert found(verifications=[broken, intact]) == []
    of_landing = entry(verify, ago(days=3), "failed", breaks=1, first_breaks=["x"], landing=True)
    assert len(found(verifications=[of_landing, intact])) == 1  # it did not look at landed objects
    assert found(verifications=[of_landing, entry(verify, ago(days=1), breaks=0, landing=True)]) == []


def test_an_obligation_that_is_not_met_is_a_problem_and_one_that_was_not_checked_is_none() -> None:
    unmet = requirements.QUARANTINE.judged(False, "open for more than 30 days: chope.restaurants 3")
    (problem,) = found(
        obligations=[unmet, requirements.GDPR_REQUESTS.unchecked("none"), requirements.TIME_TRAVEL.judged(True, "")]
    )
    assert (problem.name, problem.detail) == (ProblemName.obligation_not_met, "quarantine-reviewed")
    assert "chope.restaurants 3" in problem.what


def asked(days_ago: float) -> PrivacyRequest:
    return PrivacyRequest(7, ago(days=days_ago), PrivacyRequestKind.access, Law.both, ago(days=days_ago))


def test_a_privacy_request_is_a_problem_once_its_last_day_has_passed() -> None:
    (problem,) = found(privacy_requests=[asked(days_ago=32), asked(days_ago=30)])
    assert (problem.name, problem.detail) == (ProblemName.privacy_request_overdue, "7")
    assert "due on" in problem.what
    assert problem.command == ("privacy", "requests", "show", "7")


def erasure(*events: tuple[float, str, dict[str, object]]) -> Erasure:
    asked = (50.0, "requested", {"subjects": ["x"], "reason": "letter", "selected_by": "subject"})
    return erasure_of(
        [
            ErasureEvent(
                erasure=3, at=ago(hours=hours).isoformat(), actor="a", event=event, details=json.dumps(details)
            )
            for hours, event, details in (asked, *events)
        ]
    )


def test_an_erasure_that_is_not_complete_a_day_after_it_could_be_is_a_problem() -> None:
    failed = (20.0, "failed", {"step": "proof", "problem": "the store is gone"})
    late = erasure((25.0, "confirmed", {"alone": False}), failed)
    hold = {"until": ago(hours=26).isoformat()}
    for each in (late, erasure((40.0, "confirmed", {"alone": True}), (39.0, "deferred", hold))):
        (problem,) = found(erasures=[each])
        assert (problem.name, problem.detail) == (ProblemName.erasure_overdue, "3")
    assert "proof: the store is gone" in next(iter(found(erasures=[late]))).what
    in_time = erasure((23.0, "confirmed", {"alone": False}), failed)
    still_held = erasure((40.0, "confirmed", {"alone": True}), (39.0, "deferred", {"until": ago(hours=-9).isoformat()}))
    assert found(erasures=[erasure(), in_time, still_held]) == []


UNKNOWN = {
    "records": {ProblemName.lake_unusable},
    "drills": {ProblemName.ledger_unusable},
}


@pytest.mark.parametrize("part", UNKNOWN)
def test_a_store_that_cannot_be_read_is_a_problem_and_nothing_else_is_known_of_it(part: str) -> None:
    sources = recorded_sources(SETTINGS, PLATFORMS, replace(WELL, **{part: UnreadPart("the disk is gone")}), NOW)
    problems: list[Problem] = []
    blind = 0
    for source in sources:
        try:
            problems += source.look()
        except StorageError as error:
            assert str(error) == "the disk is gone"
            blind += 1
    assert {each.name for each in problems} == UNKNOWN[part]
    assert "the disk is gone" in problems[0].what
    assert blind


def every_problem() -> list[Problem]:
    bad = entry(BACKUP, ago(hours=2), "failed", 2)
    verified = entry(OperationName.verify, ago(days=1), "failed", breaks=1, first_breaks=["x"])
    reasons = ["9 records are in quarantine, such as 7: (a:1)"]
    records = syncs(
        failed("keeta", "keeta answered 503"),
        recorded("chope", 1, "degraded", reasons=reasons, quarantined=9, records=10),
        recorded("eatigo", 1, "degraded", not_retired=4, shrink_rejected=True),
        recorded("openrice", 62),
        recorded("bistrochat", 0.4),
        without="openrice",
    )
    obligations = [each.judged(False, "late") for each in (requirements.QUARANTINE, requirements.TIME_TRAVEL)]
    sure = found(
        records={**records, "bistrochat": recorded("bistrochat", 0.4)},
        scores=[scored("chope.restaurants", "validation", 0.5)],
        drift=[RecordedDrift("chope", "restaurants", "new", "x")],
        backup_log={BACKUP: [bad]},
        backups=BackupState(logged(), ago(days=3)),
        drills=[],
        verifications=[verified],
        obligations=obligations,
        privacy_requests=[asked(days_ago=60)],
        erasures=[erasure((25.0, "confirmed", {"alone": False}))],
    )
    blind = [
        problem
        for part in UNKNOWN
        for source in recorded_sources(SETTINGS, PLATFORMS, replace(WELL, **{part: UnreadPart("x")}), NOW)[:1]
        for problem in source.look()
    ]
    return [*sure, *blind]


def test_every_problem_has_sentences_and_a_command_that_exists() -> None:
    problems, sources = every_problem(), recorded_sources(SETTINGS, PLATFORMS, WELL, NOW)
    assert {each.name for each in problems} == {name for source in sources for name in source.names}
    for each in problems:
        assert all(text[0].isupper() or text[0].isdigit() for text in (each.what, each.effect, each.action))
        assert each.subjects
        assert all("  " not in text and "None" not in text for text in (each.what, each.effect, each.action))
        command, rest = get_command(app), list(each.command)
        while getattr(command, "commands", None):
            command, rest = command.commands[rest[0]], rest[1:]  # type: ignore[attr-defined]
        command.make_context("", rest)
