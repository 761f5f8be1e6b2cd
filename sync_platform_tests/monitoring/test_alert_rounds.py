"""Rounds decide on alerts: one for each cause, also on bad days. On SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError, UsageError
from sync_platform.monitoring.alert_message import write_messages
from sync_platform.monitoring.alert_outbox import messages_about, outbox_states
from sync_platform.monitoring.alert_store import AlertStore, open_alerts
from sync_platform.monitoring.expected_anomaly import expected_anomalies
from sync_platform.monitoring.problem import ProblemName
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction
from sync_platform_tests.monitoring.alerting import ALL, FAILED, STALE, Clock, problem
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]

EIGHT = [problem(ProblemName.sync_failed, "answered 403", platform) for platform in PLATFORMS]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> AlertStore:
    return AlertStore(f"sqlite:///{tmp_path / 'ledger.sqlite'}", ["sns"], clock)


def events(store: AlertStore) -> list[str]:
    """The events of all messages, in order."""
    return [event for alert in store.all_alerts() for event in events_of(store, alert.alert_id)]


def events_of(store: AlertStore, alert_id: str) -> list[str]:
    return [each.event for each in messages_about(store, alert_id)]


def contents(store: AlertStore) -> list[bytes]:
    with transaction(store.engine) as connection:
        rows = connection.execute(sa.text("SELECT content FROM alert_messages ORDER BY number")).scalars().all()
    return [text.encode() for text in rows]


def test_eight_platforms_that_fail_for_one_reason_are_one_alert(database_url: str, clock: Clock) -> None:
    store = AlertStore(database_url, ["sns", "webhook"], clock)
    for _ in range(3):
        store.round(EIGHT, ALL)
        clock.move(minutes=1)
    (alert,) = store.open_alerts()
    assert (alert.severity, alert.subjects, alert.times_seen) == ("critical", tuple(PLATFORMS), 24)
    assert (alert.opened_at, alert.last_seen_at) == (NOW, NOW + timedelta(minutes=2))
    assert [(each.event, each.channel) for each in messages_about(store, alert.alert_id)] == [
        ("opened", "sns"),
        ("opened", "webhook"),
    ]
    store.round([], ALL)
    assert store.open_alerts() == []
    assert events(store) == ["opened", "opened", "resolved", "resolved"]


def test_a_message_says_what_since_when_the_effect_what_to_do_and_the_command(store: AlertStore) -> None:
    store.round(EIGHT, ALL)
    content = orjson.loads(contents(store)[0])
    (alert,) = store.open_alerts()
    assert content["title"] == "CRITICAL opened: The source answered 403."
    assert content["text"] == (
        "CRITICAL opened: The source answered 403.\n"
        f"Concerns: {', '.join(PLATFORMS)}\n"
        "Since: 2026-11-28 12:00:00 HKT\n"
        "Effect: No new data are stored.\n"
        "What to do: Ask the platform for access.\n"
        "Command: sync-platform status\n"
        f"Alert: {alert.alert_id}, problem sync-failed\n"
    )


def test_an_alert_is_resolved_only_if_its_problem_was_looked_for(store: AlertStore) -> None:
    store.round([STALE], ALL)
    store.round([], {ProblemName.sync_failed})
    assert [each.cause for each in store.open_alerts()] == ["sync-stale"]
    store.round([], {ProblemName.sync_stale})
    assert store.open_alerts() == []


def test_a_cause_that_flaps_forty_times_is_one_alert_with_three_messages(store: AlertStore, clock: Clock) -> None:
    for number in range(80):
        store.round([STALE] if number % 2 == 0 else [], ALL)
        clock.move(minutes=10)
    (alert,) = store.all_alerts()
    assert events(store) == ["opened", "resolved", "reopened"]
    assert alert.gone_at == clock.now - timedelta(minutes=10)
    clock.move(minutes=49)
    store.round([], ALL)
    assert [each.is_open for each in store.all_alerts()] == [True]
    clock.move(minutes=1)
    store.round([], ALL)
    assert [each.is_open for each in store.all_alerts()] == [False]


def test_a_cause_that_returns_after_a_day_is_a_new_alert(store: AlertStore, clock: Clock) -> None:
    for problems in ([STALE], [], [STALE]):
        store.round(problems, ALL)
        clock.move(hours=24)
    assert [each.times_reopened for each in store.all_alerts()] == [0, 0]


@pytest.mark.parametrize(
    ("name", "hours", "before", "after"),
    [(ProblemName.sync_stale, 48, "medium", "high"), (ProblemName.sync_degraded, 24, "high", "critical")],
)
def test_an_alert_that_nobody_acknowledges_becomes_more_severe(
    store: AlertStore, clock: Clock, name: ProblemName, hours: int, before: str, after: str
) -> None:
    left, acknowledged = problem(name, "left"), problem(name, "acknowledged")
    store.round([left, acknowledged], ALL)
    store.acknowledge(store.open_alerts()[1].alert_id, "ada")
    clock.move(hours=hours - 1)
    store.round([left, acknowledged], ALL)
    assert {each.severity for each in store.open_alerts()} == {before}
    clock.move(hours=1)
    for _ in range(2):
        store.round([left, acknowledged], ALL)
    by_detail = {each.acknowledged_by: each for each in store.open_alerts()}
    assert {person: each.severity for person, each in by_detail.items()} == {None: after, "ada": before}
    assert events_of(store, by_detail[None].alert_id) == ["opened", "escalated"]


def test_a_silenced_alert_sends_nothing_until_its_time_is_over(store: AlertStore, clock: Clock) -> None:
    store.round([STALE], ALL)
    (alert,) = store.open_alerts()
    silenced = store.silence(alert.alert_id, timedelta(hours=60), "ada", "the platform moves")
    assert (silenced.state(clock.now), silenced.silenced_because) == ("silenced", "the platform moves")
    clock.move(hours=59)
    store.round([STALE], ALL)  # it escalates in silence
    assert events(store) == ["opened"]
    clock.move(hours=1)
    for _ in range(2):
        store.round([STALE], ALL)
    assert events(store) == ["opened", "still-open"]
    assert orjson.loads(contents(store)[-1])["title"].startswith("HIGH still open: ")


def test_alerts_of_low_severity_send_one_message(store: AlertStore, clock: Clock) -> None:
    low_problem = problem(ProblemName.sync_completed, "chope 2026-11")
    for problems in ([low_problem], [], [low_problem], []):
        store.round(problems, ALL)
        clock.move(hours=2)
    assert events(store) == ["opened"]


def test_a_clock_that_is_set_back_prolongs_no_silence_and_keeps_no_alert_open(store: AlertStore, clock: Clock) -> None:
    clock.move(days=365)
    store.round([STALE], ALL)
    store.silence(store.open_alerts()[0].alert_id, timedelta(days=1), "ada", "moving")
    clock.move(days=-365)
    store.round([STALE], ALL)
    assert events(store) == ["opened", "still-open"]
    store.round([], ALL)
    assert store.open_alerts() == []


def test_a_silence_goes_on_after_a_clock_was_ahead_and_its_end_is_told_once(store: AlertStore, clock: Clock) -> None:
    store.round([STALE], ALL)
    alert_id = store.open_alerts()[0].alert_id
    store.silence(alert_id, timedelta(hours=8), "ada", "moving")
    clock.move(days=2)
    store.round([STALE], ALL)
    (open_alert,) = store.open_alerts()
    assert (open_alert.state(clock.now), open_alert.document(clock.now)["silenced_until"]) == ("open", None)
    clock.move(days=-2)
    for hours in (1, 6):
        clock.move(hours=hours)
        store.round([STALE], ALL)
        (silenced,) = store.open_alerts()
        assert (silenced.state(clock.now), silenced.document(clock.now)["silenced_by"]) == ("silenced", "ada")
    told = events(store)
    assert len(told) == 2  # that it opened, and one while the clock was ahead
    for _ in range(2):
        clock.move(hours=1)
        store.round([STALE], ALL)
    assert events(store) == [*told, "still-open"]


def test_a_clock_that_is_set_back_leaves_no_alert_more_severe_and_none_opened_in_the_future(
    store: AlertStore, clock: Clock
) -> None:
    store.round([STALE], ALL)
    clock.move(days=365)
    store.round([STALE, FAILED], ALL)
    assert {each.severity for each in store.open_alerts()} == {"high", "critical"}
    clock.move(days=-365)
    store.round([STALE, FAILED], ALL)
    now = {each.name: (each.severity, each.opened_at) for each in store.open_alerts()}
    assert now == {"sync-stale": ("medium", clock.now), "backup-failed": ("critical", clock.now)}
    clock.move(hours=48)
    store.round([STALE, FAILED], ALL)
    assert "high" in {each.severity for each in store.open_alerts()}
    assert [event for event in events(store) if event != "opened"] == ["escalated"] * 2


def test_a_resolved_alert_ends_after_it_began_though_the_clock_was_set_back(store: AlertStore, clock: Clock) -> None:
    clock.move(days=365)
    store.round([STALE], ALL)
    clock.move(days=-365)
    store.round([], ALL)
    (alert,) = store.all_alerts()
    assert alert.opened_at == alert.resolved_at == clock.now


def test_ten_thousand_problems_in_a_minute_are_one_alert_with_one_bounded_message(store: AlertStore) -> None:
    reason = "壞了" * 999
    many = [problem(ProblemName.run_failed, reason, f"運行{number:05}" * 100, what=reason) for number in range(2000)]
    begun = time.process_time()
    for _ in range(5):
        store.round(many, ALL)
    assert time.process_time() - begun < 5
    (alert,) = store.open_alerts()
    assert len(alert.cause) < 250
    assert (alert.times_seen, alert.subjects_in_all, len(alert.subjects)) == (10_000, 2000, 100)
    (content,) = contents(store)
    assert len(content) < 32_000
    assert "and 1,992 more" in content.decode()


def test_a_flood_of_ten_thousand_causes_is_a_few_alerts_and_keeps_those_that_are_open(store: AlertStore) -> None:
    first = [problem(ProblemName.run_failed, f"first {number}") for number in range(5)]
    store.round(first, ALL)
    many = [problem(ProblemName.run_failed, f"run {number}") for number in range(9995)]
    for _ in range(2):
        store.round([*many, *first], ALL)
    alerts = {each.cause: each for each in store.open_alerts()}
    assert len(alerts) == 21
    assert {each.cause for each in first} < set(alerts)
    assert alerts["run-failed:others"].what.startswith("9,980 more causes of run-failed, such as: ")
    assert events(store) == ["opened"] * 21


def test_resolved_alerts_and_their_messages_are_deleted_once_their_retention_has_ended(
    store: AlertStore, clock: Clock
) -> None:
    store.round([STALE], ALL)
    store.round([EIGHT[0]], ALL)
    clock.move(days=89)
    store.round([EIGHT[0]], ALL)
    assert store.delete_resolved(clock() - timedelta(days=90)) == {"alerts": 0, "alert_messages": 0}
    assert [each.cause for each in store.all_alerts()] == ["sync-failed:answered 403", "sync-stale"]
    clock.move(days=2)
    store.round([EIGHT[0]], ALL)
    due = store.count_resolved(clock() - timedelta(days=90))
    assert due["alerts"] == 1
    assert store.delete_resolved(clock() - timedelta(days=90)) == due
    assert [each.cause for each in store.all_alerts()] == ["sync-failed:answered 403"]
    assert contents(store) == []


def test_an_acknowledged_alert_that_was_resolved_opens_again_without_its_acknowledgement(store: AlertStore) -> None:
    store.round([STALE], ALL)
    (alert,) = store.open_alerts()
    store.acknowledge(alert.alert_id, "ada")
    assert store.resolve(alert.alert_id, "ada", "fixed").resolved_by == "ada"
    with pytest.raises(UsageError, match="is resolved already: fixed"):
        store.acknowledge(alert.alert_id, "ada")
    store.round([STALE], ALL)
    (again,) = store.open_alerts()
    assert (again.alert_id, again.times_reopened, again.acknowledged_by) == (alert.alert_id, 1, None)


def test_an_anomaly_that_a_person_expects_is_returned_for_ever(database_url: str, clock: Clock) -> None:
    assert expected_anomalies(database_url) == []
    store = AlertStore(database_url, [], clock)
    store.round([problem(ProblemName.anomaly, "openrice.reviews volume", "openrice.reviews"), STALE], ALL)
    anomaly, stale = sorted(store.open_alerts(), key=lambda each: each.cause)
    clock.move(hours=1)
    with pytest.raises(UsageError, match="--expected is for anomalies"):
        store.resolve(stale.alert_id, "ada", "it moved", is_expected=True)
    store.resolve(anomaly.alert_id, "ada", "it moved", is_expected=True)
    clock.move(days=400)
    store.round([], ALL)
    (expected,) = expected_anomalies(database_url)
    assert (expected.detail, expected.subjects, expected.since) == (
        "openrice.reviews volume",
        ("openrice.reviews",),
        NOW,
    )
    assert (expected.accepted_at, expected.accepted_by, expected.reason) == (
        NOW + timedelta(hours=1),
        "ada",
        "it moved",
    )


def test_reading_creates_no_ledger(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert (open_alerts(url), expected_anomalies(url)) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_a_round_waits_for_a_locked_ledger(store: AlertStore, tmp_path: Path) -> None:
    store.round([], ALL)
    holder = sqlite3.connect(tmp_path / "ledger.sqlite", check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, holder.rollback).start()
    store.round([STALE], ALL)
    assert events(store) == ["opened"]


@pytest.mark.parametrize("lost", [["alerts"], ["alert_messages"], ["alerts", "alert_messages", "alert_rounds"]])
def test_lost_tables_are_made_again_and_every_open_problem_is_sent_again(
    database_url: str, clock: Clock, lost: list[str]
) -> None:
    store = AlertStore(database_url, ["sns"], clock)
    store.round([STALE], ALL)
    with transaction(open_database(database_url, MIGRATIONS)) as connection:
        for table in lost:
            connection.execute(sa.text(f"DROP TABLE {table}"))
    with pytest.raises(StorageError, match="alert"):
        store.open_alerts()
        outbox_states(store)
    AuditLog(database_url).record("sync", {}, actor="ada", via="cli")  # operations go on
    store.round([STALE], ALL)
    sent = [orjson.loads(each)["title"] for each in contents(store)][-2:]
    assert len(sent) == 2
    assert any(
        "The ledger had lost tables of alerts, which are made again, empty: " + ", ".join(sorted(lost)) in each
        for each in sent
    )
    assert any(each.startswith("MEDIUM ") for each in sent)
    assert {each.cause for each in store.open_alerts()} == {"sync-stale", "ledger-unusable:alert tables"}


def test_a_decision_and_its_messages_are_stored_together_or_not_at_all(
    store: AlertStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        write_messages(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sync_platform.monitoring.alert_store.write_messages", fails)
        with pytest.raises(KeyboardInterrupt):
            store.round([STALE], ALL)
    assert (store.all_alerts(), contents(store)) == ([], [])
    store.round([STALE], ALL)
    assert events(store) == ["opened"]
