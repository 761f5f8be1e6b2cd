"""A round finds, decides, sends and leaves a heartbeat; nothing that fails or hangs stops it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.errors import Busy, StorageError
from sync_platform.monitoring import watch_round
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.problem import Problem, ProblemName, ProblemSource
from sync_platform.monitoring.watch_heartbeat import ALWAYS, Heartbeat, alive_since, read_heartbeat
from sync_platform.monitoring.watch_lease import is_still_ours, only_watcher
from sync_platform.monitoring.watch_round import WatchRound, watch_once
from sync_platform.monitoring.watchdog.dagster_state import DagsterState
from sync_platform.settings import Settings, load_settings
from sync_platform_tests.monitoring.dagster_records import MINUTE, THREADS, run
from sync_platform_tests.processes import outputs_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(sync_home=tmp_path / "home")


def one_round(
    settings: Settings, dagster: DagsterState | None = None, limit_s: float = 30.0, **options: Any
) -> WatchRound:
    return watch_once(settings, lambda now: dagster, BoundedCalls(limit_s), **options)


def open_causes(settings: Settings) -> list[str]:
    return [each.cause for each in AlertStore(settings.ledger_url, []).open_alerts()]


def stuck() -> DagsterState:
    ago = datetime.now(UTC) - timedelta(days=1)
    return DagsterState(unfinished=[run(since=ago, last_event_at=ago)])


def test_a_command_line_installation_without_dagster_has_no_problem(settings: Settings) -> None:
    done = one_round(settings)
    assert (done.problems, done.is_complete) == ([], True)
    heartbeat = read_heartbeat(settings.home)
    assert heartbeat is not None
    assert (heartbeat.problems, heartbeat.is_complete) == (0, True)
    assert datetime.now(UTC) - heartbeat.at < timedelta(minutes=5)


def test_an_alert_is_open_for_as_long_as_its_problem_is_found(settings: Settings) -> None:
    done = one_round(settings, stuck())
    assert [each.cause for each in done.problems] == open_causes(settings) == ["run-stuck:monthly_full_sync: silent"]
    assert done.delivery is not None
    assert [each.sent for each in done.delivery.channels] == [1]
    assert one_round(settings, DagsterState()).problems == []
    assert open_causes(settings) == []


def test_what_cannot_be_looked_at_is_a_problem_and_its_alerts_stay(settings: Settings) -> None:
    def fail(now: datetime) -> DagsterState:
        raise StorageError("the database is locked")

    one_round(settings, stuck())
    done = watch_once(settings, fail, BoundedCalls())
    assert [each.name for each in done.problems] == [ProblemName.watch_incomplete]
    assert "run-stuck, run-waiting: Dagster's records: the database is locked" in done.problems[0].what
    assert set(open_causes(settings)) == {"run-stuck:monthly_full_sync: silent", "watch-incomplete"}
    assert not done.is_complete
    assert one_round(settings, stuck()).is_complete
    assert open_causes(settings) == ["run-stuck:monthly_full_sync: silent"]


def test_a_source_that_hangs_is_left_and_not_begun_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, begun = threading.Event(), []

    def look() -> list[Problem]:
        begun.append(1)
        may_end.wait()
        return []

    def hanging(watched: Any) -> list[ProblemSource]:
        return [ProblemSource(frozenset({ProblemName.anomaly, ProblemName.drift_found}), look)]

    monkeypatch.setattr(watch_round, "SOURCES", (*watch_round.SOURCES, hanging))
    calls = BoundedCalls(5.0)
    first = watch_once(settings, lambda now: None, calls)
    second = watch_once(settings, lambda now: None, calls)
    assert [done.unread for done in (first, second)] == [
        ["anomaly, drift-found: anomaly, drift-found does not answer within 5 seconds"],
        ["anomaly, drift-found: anomaly, drift-found still does not answer"],
    ]
    may_end.set()
    assert begun == [1]


def test_a_ledger_that_is_unusable_is_told_without_it_and_leaves_no_heartbeat(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    one_round(settings)
    before = read_heartbeat(settings.home)
    for each in settings.home.glob("ledger.sqlite*"):
        each.unlink()
    (settings.home / "ledger.sqlite").write_bytes(b"no database" * 1000)
    for _ in range(2):
        done = one_round(settings, stuck())
        assert {ProblemName.ledger_unusable, ProblemName.run_stuck} <= {each.name for each in done.problems}
        assert "file is not a database" in done.faults[0]
    log_records = [record for record in caplog.records if "The ledger cannot be used" in record.getMessage()]
    assert len(log_records) == 1
    assert read_heartbeat(settings.home) == before, "a heartbeat would say that alerts arrive"


def test_a_lake_that_is_unusable_is_one_problem(settings: Settings) -> None:
    catalog = settings.home / "lake" / "catalog.sqlite"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(b"no database" * 1000)
    done = one_round(settings)
    assert [each.name for each in done.problems] == [ProblemName.lake_unusable]
    assert done.unread
    assert not done.is_complete


def test_the_daemon_lives_since_a_round_saw_it_again() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def heartbeat(since: datetime | None, age: timedelta = MINUTE) -> Heartbeat:
        return Heartbeat(now - age, 0, True, since, 0.0)

    assert alive_since(None, is_alive=True, now=now) == ALWAYS
    assert alive_since(heartbeat(None), is_alive=True, now=now) == now
    assert alive_since(heartbeat(now - MINUTE), is_alive=True, now=now) == now - MINUTE
    assert alive_since(heartbeat(None, 60 * MINUTE), is_alive=True, now=now) == ALWAYS
    assert alive_since(heartbeat(ALWAYS), is_alive=False, now=now) is None


def test_one_watcher_makes_the_rounds_and_another_takes_over_when_it_is_gone(settings: Settings) -> None:
    with only_watcher(settings.ledger_url) as lease:
        assert lease is not None
        assert is_still_ours(lease)
        with pytest.raises(Busy, match="rounds of the watch"), only_watcher(settings.ledger_url):
            pass
    program = "import os\nheld = only_watcher(sys.argv[1])\nheld.__enter__()\nprint('mine', flush=True)\n"
    imports = "from sync_platform.monitoring.watch_lease import only_watcher"
    assert outputs_of(1, imports, program, settings.ledger_url) == ["mine"]
    with only_watcher(settings.ledger_url) as taken_over:
        assert taken_over is not None


def test_two_rounds_on_one_ledger_at_the_same_time_open_one_alert(settings: Settings) -> None:
    one_round(settings)
    rounds = [threading.Thread(target=one_round, args=(settings, stuck())) for _ in range(2)]
    for each in rounds:
        each.start()
    for each in rounds:
        each.join()
    assert open_causes(settings) == ["run-stuck:monthly_full_sync: silent"]


def test_rounds_keep_no_file_open(settings: Settings) -> None:
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    one_round(settings, stuck())
    before = files()
    for _ in range(3):
        one_round(settings, stuck())
    assert files() <= before


def test_a_killed_daemon_has_an_alert_within_three_minutes(settings: Settings) -> None:
    """Rounds each minute by a clock of the test, with the heartbeats that a killed daemon leaves."""
    from sync_platform.monitoring.watchdog.dagster_state import DaemonThread

    killed_at = datetime.now(UTC)
    state = DagsterState([DaemonThread(name, killed_at) for name in THREADS])
    for minute in (1, 2, 3):
        now = killed_at + minute * MINUTE
        watch_once(settings, lambda _: state, BoundedCalls(), clock=lambda now=now: now)
        if open_causes(settings):
            break
    assert open_causes(settings) == ["daemon-silent"]
    assert minute < 3
