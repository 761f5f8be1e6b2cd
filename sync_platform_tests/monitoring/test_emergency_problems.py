"""What is told of an emergency request: its start, its trouble, and its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync_platform.emergency.request import Asking, EmergencyRequest, PlatformRun
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.emergency.sync_progress import SyncProgress
from sync_platform.monitoring.emergency_problems import announce_emergencies, emergency_problems
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform_tests.monitoring.alerting import running_webhook, settings_of

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
RUNNING = PlatformRun("chope", "running", "process", "a-run", None, None, NOW, None)


def _told(run: PlatformRun, after: timedelta, *syncs: SyncProgress) -> dict[str, str]:
    request = EmergencyRequest("r-1", NOW, (Asking("ada", "menus are wrong", "critical", NOW),), (run,))
    problems = emergency_problems(request, dict.fromkeys(["chope"], syncs[0]) if syncs else {}, NOW + after)
    return {problem.name.value: problem.what for problem in problems}


def _ended(outcome: str, error: str | None = None) -> PlatformRun:
    return PlatformRun("chope", "finished", "process", "a-run", outcome, error, NOW, NOW)  # type: ignore[arg-type]


def test_a_running_request_tells_its_start_and_one_between_attempts_its_trouble() -> None:
    assert list(_told(RUNNING, timedelta())) == ["emergency-started"]
    waiting = SyncProgress("between-attempts", "attempt 2 of 3 begins in 90 s", 0, 0, NOW)
    problems = _told(RUNNING, timedelta(), waiting)
    assert list(problems) == ["emergency-started", "emergency-in-trouble"]
    assert "attempt 2 of 3 begins in 90 s" in problems["emergency-in-trouble"]


def test_the_end_is_told_for_an_hour_and_a_failure_for_a_day() -> None:
    assert list(_told(_ended("complete"), timedelta())) == ["emergency-started", "emergency-ended"]
    assert list(_told(_ended("complete"), timedelta(hours=2))) == []
    problems = _told(_ended("failed", "connection refused"), timedelta(hours=2))
    assert list(problems) == ["emergency-in-trouble"]
    assert "chope ended failed (connection refused)" in problems["emergency-in-trouble"]
    assert _told(_ended("failed"), timedelta(days=2)) == {}


def test_a_request_that_nothing_starts_is_in_trouble() -> None:
    waiting = PlatformRun("chope", "requested", None, None, None, None, None, None)
    assert _told(waiting, timedelta(seconds=10)) == {}
    assert list(_told(waiting, timedelta(minutes=1))) == ["emergency-in-trouble"]


def test_start_trouble_and_end_are_sent_as_soon_as_each_is_known(tmp_path: Path) -> None:
    with running_webhook() as webhook:
        _ask_and_fail(settings_of(tmp_path, alert_webhook=webhook.url))
    sent = [(each["name"], each["event"], each["severity"]) for each in webhook.received]
    assert sent == [
        ("emergency-started", "opened", "low"),
        ("emergency-in-trouble", "opened", "critical"),
        ("emergency-ended", "opened", "low"),
    ]
    assert "chope ended failed (connection refused)" in webhook.received[1]["title"]


def _ask_and_fail(settings: Settings) -> None:
    """The rounds of the watch do not run: what the starter notices is sent at once."""
    requests = RequestStore(settings.ledger_url)
    request = submit_request(requests, load_platforms(), ["chope"], reason="menus", requester="ada").request
    requests.claim(request.request_id, "chope", "a-run")
    announce_emergencies(settings)
    requests.note_end(request.request_id, "chope", "a-run", "failed", "connection refused")
    announce_emergencies(settings)
