"""Rounds of several processes, and processes that are killed: no message is lost, and none is sent twice knowingly."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.monitoring.alert_outbox import deliver
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform_tests.monitoring.alerting import (
    ALL,
    FAILED,
    STALE,
    Clock,
    Webhook,
    decide_and_deliver,
    running_webhook,
    settings_of,
    store_of,
)
from sync_platform_tests.processes import outputs_of
from sync_platform_tests.storage.conftest import database_url
from sync_platform_tests.warm import started

__all__ = ["database_url"]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as found:
        yield found


def test_two_processes_that_make_a_round_at_the_same_time_send_one_message(
    webhook: Webhook, tmp_path: Path, database_url: str
) -> None:
    imports = "from sync_platform_tests.monitoring.test_alert_processes import make_round"
    AlertStore(database_url, []).open_alerts()  # the tables exist
    webhook.on_receipt = lambda: time.sleep(0.2)
    outputs_of(2, imports, "make_round(*sys.argv[1:4])", str(tmp_path), database_url, webhook.url)
    assert sorted(each["name"] for each in webhook.received) == ["backup-failed", "sync-stale"]


def make_round(home: str, ledger: str, url: str) -> None:
    """A round and its delivery, as another process makes it."""
    settings = settings_of(Path(home), ledger=ledger, alert_webhook=url)
    decide_and_deliver(settings, AlertStore(ledger, ["webhook"]), [STALE, FAILED])


def test_a_kill_between_deciding_and_sending_loses_no_message(webhook: Webhook, tmp_path: Path) -> None:
    (process,) = started(1, _decide_and_die, (str(tmp_path),))
    assert process.wait().returncode == -signal.SIGKILL
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    deliver(settings, AlertStore(settings.ledger_url, ["webhook"]))
    assert webhook.titles() == ["[production] MEDIUM opened: The data of chope are old."]


def _decide_and_die(home: str, number: int) -> None:
    AlertStore(settings_of(Path(home)).ledger_url, ["webhook"]).round([STALE], ALL)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_between_sending_and_recording_sends_the_message_again_with_the_same_id(
    webhook: Webhook, tmp_path: Path
) -> None:
    """At least once: no sender can know that a receiver has a message if it dies before it records the answer."""
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    clock = Clock()
    store = store_of(settings, clock)
    store.round([STALE], ALL)
    webhook.on_receipt = lambda: os.kill(process.process.pid or 0, signal.SIGKILL)
    (process,) = started(1, _deliver, (str(tmp_path), webhook.url))
    assert process.wait().returncode == -signal.SIGKILL
    webhook.on_receipt = lambda: None
    assert deliver(settings, store).channels[0].sent == 0  # the attempt of the dead process could still go on
    clock.move(seconds=30)
    assert deliver(settings, store).channels[0].sent == 1
    assert len(webhook.received) == 2
    assert len({each["message_id"] for each in webhook.received}) == 1


def _deliver(home: str, url: str, number: int) -> None:
    settings = settings_of(Path(home), alert_webhook=url)
    deliver(settings, store_of(settings, Clock()))
