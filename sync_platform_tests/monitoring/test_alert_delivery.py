"""Messages are delivered once and in order, on good days and on bad ones: SNS is moto's server, webhooks are real."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends

from sync_platform.errors import SettingsError
from sync_platform.monitoring import sns_channel, webhook_channel
from sync_platform.monitoring.alert import Alert
from sync_platform.monitoring.alert_message import Message
from sync_platform.monitoring.alert_outbox import ChannelDelivery, deliver, delivery_problems, outbox_states
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.alertmanager_channel import AlertmanagerChannel
from sync_platform.monitoring.problem import ProblemName
from sync_platform.monitoring.sns_channel import SnsChannel, subject_of
from sync_platform.settings import load_settings
from sync_platform.storage.relational import transaction
from sync_platform_tests.monitoring.alerting import (
    ALL,
    FAILED,
    STALE,
    Clock,
    Webhook,
    decide_and_deliver,
    problem,
    running_webhook,
    settings_of,
    store_of,
)
from sync_platform_tests.monitoring.recorded_syncs import NOW

REGION, ACCOUNT = "ap-southeast-1", "123456789012"
NO_SERVER = "http://127.0.0.1:9"


@dataclass
class Sns:
    """The SNS of moto's HTTP server, which can be stopped and started again."""

    server: ThreadedMotoServer
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def create_topic(self, name: str) -> str:
        attributes = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        return (
            boto3.session.Session()
            .client("sns", region_name=REGION, endpoint_url=self.endpoint)
            .create_topic(Name=name, Attributes=attributes)["TopicArn"]
        )

    def sent(self, topic_arn: str) -> list[dict[str, Any]]:
        """What the topic has received: text, subject, attributes, group and deduplication id."""
        names = ("id", "text", "subject", "attributes", "group", "deduplication_id")
        notifications = sns_backends[ACCOUNT][REGION].topics[topic_arn].sent_notifications
        return [dict(zip(names, each, strict=False)) for each in notifications]

    @contextmanager
    def down(self) -> Iterator[None]:
        self.server.stop()
        with closing(socket.socket()) as reserved:  # else another process may take the port
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(("127.0.0.1", self.port))
            try:
                yield
            finally:
                self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
                self.server.start()


@pytest.fixture(scope="module")
def sns() -> Iterator[Sns]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps credentials, and other tests have others
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        sns_server = Sns(server, server.get_host_and_port()[1])
        yield sns_server
        sns_server.server.stop()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_sns_gets_the_text_a_subject_and_the_severity_as_an_attribute(sns: Sns, tmp_path: Path, clock: Clock) -> None:
    topic = sns.create_topic("alerts")
    settings = settings_of(tmp_path, sns_topic_arn=topic, sns_endpoint_url=sns.endpoint)
    store = store_of(settings, clock)
    store.round([replace(FAILED, what="備份失敗 " * 40)], ALL)
    assert deliver(settings, store).channels == [ChannelDelivery("sns", 1, 0, 0, None)]
    (sent,) = sns.sent(topic)
    assert sent["text"].startswith("[production] CRITICAL opened: 備份失敗 備份")
    assert sent["subject"].startswith("[production] CRITICAL opened: ???? ")
    assert len(sent["subject"]) == 100
    assert {name: each["Value"] for name, each in sent["attributes"].items()} == {
        "severity": "critical",
        "environment": "production",
        "name": "backup-failed",
        "event": "opened",
    }


def test_an_hour_without_sns_loses_nothing_and_keeps_the_order(sns: Sns, tmp_path: Path, clock: Clock) -> None:
    topic = sns.create_topic("down.fifo")
    settings = settings_of(tmp_path, sns_topic_arn=topic, sns_endpoint_url=sns.endpoint)
    store = store_of(settings, clock)
    attempts = 0
    with sns.down():
        for minute in range(60):
            store.round([STALE, *([FAILED] if 10 <= minute < 20 else [])], ALL)
            (done,) = deliver(settings, store).channels
            attempts += done.failed
            clock.move(minutes=1)
        assert (done.sent, done.waiting) == (0, 3)
        (state,) = outbox_states(store)
        assert (state.waiting, state.since, state.attempts) == (3, NOW, attempts)
        assert 5 <= attempts <= 10
        (failing,) = delivery_problems(store)
        assert failing.cause == "delivery-failing:sns"
        assert "Messages do not reach the channel sns since 2026-11-28 12:00:00 HKT: SNS did not take" in failing.what
    clock.move(minutes=15)
    for _ in range(3):
        deliver(settings, store)
    assert [each["subject"] for each in sns.sent(topic)] == [
        "[production] MEDIUM opened: The data of chope are old.",
        "[production] CRITICAL opened: The backup failed.",
        "[production] CRITICAL resolved: The backup failed.",
    ]
    assert {each["group"] for each in sns.sent(topic)} == {"production"}
    assert (outbox_states(store), delivery_problems(store)) == ([], [])


@pytest.mark.parametrize(("delay_s", "sends_slowly"), [(60.0, False), (0.0, True)])
def test_a_webhook_that_hangs_is_given_up_and_delays_no_other_channel(
    sns: Sns,
    webhook: Webhook,
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    delay_s: float,
    sends_slowly: bool,
) -> None:
    monkeypatch.setattr(webhook_channel, "TIMEOUT_S", 0.3)
    webhook.delay_s, webhook.sends_slowly = delay_s, sends_slowly
    topic = sns.create_topic(f"hang-{delay_s:.0f}")
    settings = settings_of(tmp_path, sns_topic_arn=topic, sns_endpoint_url=sns.endpoint, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    store.round([STALE, FAILED], ALL)
    begun = time.monotonic()
    done = {each.channel: each for each in deliver(settings, store).channels}
    assert time.monotonic() - begun < 10
    assert (done["sns"].sent, done["webhook"].sent, done["webhook"].waiting) == (2, 0, 2)
    assert done["webhook"].error == "the webhook did not answer within 0 seconds"


@pytest.mark.usefixtures("sns")
def test_an_sns_that_hangs_is_given_up(
    webhook: Webhook, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sns_channel, "TIMEOUT_S", 0.3)
    webhook.delay_s = 60
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
    settings = settings_of(tmp_path, sns_topic_arn=topic, sns_endpoint_url=webhook.url)
    store = store_of(settings, clock)
    store.round([STALE], ALL)
    assert "SNS did not take a message: Read timeout" in str(deliver(settings, store).channels[0].error)


def test_a_webhook_gets_each_message_once_as_json(webhook: Webhook, tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    for problems in ([STALE, FAILED], [STALE], [STALE]):
        decide_and_deliver(settings, store, problems)
    assert [(each["name"], each["event"], each["severity"]) for each in webhook.received] == [
        ("sync-stale", "opened", "medium"),
        ("backup-failed", "opened", "critical"),
        ("backup-failed", "resolved", "critical"),
    ]
    first = webhook.received[0]
    assert first["title"] == "[production] MEDIUM opened: The data of chope are old."
    assert (first["environment"], first["subjects"], first["command"]) == (
        "production",
        ["chope"],
        "sync-platform status",
    )
    assert first["opened_at"] == "2026-11-28T04:00:00+00:00"


@pytest.mark.parametrize("status", [302, 503])
def test_a_webhook_that_answers_anything_but_success_is_asked_again_after_growing_waits(
    webhook: Webhook, tmp_path: Path, clock: Clock, status: int
) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    webhook.status = status
    store.round([STALE], ALL)
    waits = []
    for second in range(0, 7200, 30):
        if deliver(settings, store).channels[0].failed:
            waits.append(second)
        clock.move(seconds=30)
    between = [later - earlier for earlier, later in pairwise(waits)]
    assert between[:6] == [30, 60, 120, 240, 480, 900]
    assert set(between[6:]) == {900}
    webhook.status = 200
    clock.move(minutes=15)
    deliver(settings, store)
    assert webhook.titles() == ["[production] MEDIUM opened: The data of chope are old."]


def test_a_refused_message_does_not_keep_later_ones_back(webhook: Webhook, tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    webhook.status = 422
    store.round([STALE], ALL)
    assert "the webhook answered 422" in str(deliver(settings, store).channels[0].error)
    webhook.status = 200
    clock.move(seconds=1)
    store.round([STALE, FAILED], ALL)
    deliver(settings, store)
    assert webhook.titles() == ["[production] CRITICAL opened: The backup failed."]
    assert [(each.is_refused, each.waiting) for each in outbox_states(store)] == [(True, 1)]
    clock.move(minutes=1)
    deliver(settings, store)
    assert webhook.titles()[1:] == ["[production] MEDIUM opened: The data of chope are old."]


def test_a_message_is_still_sent_after_the_clock_was_set_back(webhook: Webhook, tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    clock.move(days=365)
    store.round([STALE], ALL)
    webhook.status = 503
    deliver(settings, store)
    webhook.status = 200
    clock.move(days=-365)
    assert deliver(settings, store).channels[0].sent == 1


def test_a_channel_that_refuses_one_message_and_takes_others_says_so_itself(
    webhook: Webhook, tmp_path: Path, clock: Clock
) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    webhook.status = 400
    decide_and_deliver(settings, store, [STALE])
    assert [each.is_refused for each in outbox_states(store)] == [False]  # nothing shows yet that it takes others
    webhook.status = 200
    clock.move(seconds=1)
    decide_and_deliver(settings, store, [STALE, FAILED])
    webhook.status = 400
    for minutes in (1, 2):
        clock.move(minutes=minutes)
        deliver(settings, store)
    webhook.status = 200
    (found,) = delivery_problems(store)
    assert found.what.startswith("The channel webhook refuses some messages (1 so far): the webhook answered 400")
    decide_and_deliver(settings, store, [STALE, FAILED, found])
    assert webhook.titles() == [
        "[production] CRITICAL opened: The backup failed.",
        f"[production] MEDIUM opened: {found.what}",
    ]


def test_a_failing_channel_is_an_alert_on_the_other_channels(
    sns: Sns, webhook: Webhook, tmp_path: Path, clock: Clock
) -> None:
    settings = settings_of(
        tmp_path,
        sns_topic_arn=sns.create_topic("other"),
        sns_endpoint_url=NO_SERVER,
        alert_webhook=webhook.url,
    )
    store = store_of(settings, clock)
    for _ in range(6):
        decide_and_deliver(settings, store, [STALE, *delivery_problems(store)])
        clock.move(minutes=1)
    assert [each["name"] for each in webhook.received] == ["sync-stale", "delivery-failing"]
    (state,) = outbox_states(store)
    assert (state.channel, state.waiting) == ("sns", 1)


def test_a_secret_webhook_address_is_in_no_message(tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path, alert_webhook=f"{NO_SERVER}/T0/hush")
    store = store_of(settings, clock)
    store.round([STALE], ALL)
    error = deliver(settings, store).channels[0].error
    assert error
    assert "hush" not in error + repr(settings)


def test_without_a_channel_messages_go_to_the_log(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(tmp_path)
    store = store_of(settings, clock)
    store.round([STALE, FAILED, problem(ProblemName.sync_completed, "")], ALL)
    deliver(settings, store)
    logged = [(each.levelno, each.getMessage().split(" | ")[0]) for each in caplog.records]
    assert logged == [
        (logging.WARNING, "MEDIUM opened: The data of chope are old."),
        (logging.CRITICAL, "CRITICAL opened: The backup failed."),
        (logging.INFO, "LOW opened: The source answered 403."),
    ]


def test_alertmanager_gets_labels_and_the_end_of_each_alert(webhook: Webhook, tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url, alert_webhook_form="alertmanager")
    store = store_of(settings, clock)
    for problems in ([STALE], []):
        decide_and_deliver(settings, store, problems)
        clock.move(minutes=1)
    (opened,), (resolved,) = webhook.received
    assert set(webhook.paths) == {"/hook/api/v2/alerts"}
    assert opened["labels"] == resolved["labels"]
    assert opened["labels"] == {
        "alertname": "sync-stale",
        "severity": "medium",
        "environment": "production",
        "cause": "sync-stale",
        "service": "sync-platform",
    }
    assert opened["startsAt"] == "2026-11-28T04:00:00+00:00"
    assert (opened["endsAt"], resolved["endsAt"]) == ("2026-11-28T08:00:00+00:00", "2026-11-28T04:01:00+00:00")
    assert opened["annotations"]["action"] == "Ask the platform for access."


def test_alertmanager_gets_an_open_alert_every_hour_and_the_old_severity_as_ended(
    webhook: Webhook, tmp_path: Path, clock: Clock
) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url, alert_webhook_form="alertmanager")
    store = store_of(settings, clock)
    for minutes in (0, 59, 1, 60, 46 * 60):
        clock.move(minutes=minutes)
        decide_and_deliver(settings, store, [STALE])
    assert len(webhook.received) == 4
    escalated, before = webhook.received[-1]
    assert (escalated["labels"]["severity"], before["labels"]["severity"]) == ("high", "medium")
    assert before["endsAt"] < escalated["endsAt"]


def test_an_alertmanager_gets_no_end_before_the_beginning() -> None:
    alert = Alert(
        "id", "sync-stale", "medium", "what", "effect", "action", ("status",), (), 0, 1, 0, NOW, NOW,
        resolved_at=NOW - timedelta(days=1),
    )  # fmt: skip
    content = {
        **alert.document(NOW),
        "title": "",
        "text": "",
        "previous_severity": "medium",
        "opened_at": NOW.isoformat(),
        "resolved_at": (NOW - timedelta(days=1)).isoformat(),
    }
    (found,) = AlertmanagerChannel("http://a", "production").alerts_in(Message("m", content), NOW)
    assert found["endsAt"] == found["startsAt"]


def test_an_alertmanager_may_be_named_with_the_path_of_its_api(webhook: Webhook, tmp_path: Path, clock: Clock) -> None:
    address = f"{webhook.url}/api/v2/alerts/"
    settings = settings_of(tmp_path, alert_webhook=address, alert_webhook_form="alertmanager")
    decide_and_deliver(settings, store_of(settings, clock), [STALE])
    assert webhook.paths == ["/hook/api/v2/alerts"]


def test_a_stored_message_that_is_damaged_does_not_keep_later_ones_back(
    webhook: Webhook, tmp_path: Path, clock: Clock
) -> None:
    settings = settings_of(tmp_path, alert_webhook=webhook.url)
    store = store_of(settings, clock)
    store.round([STALE], ALL)
    with transaction(store.engine) as connection:
        connection.execute(sa.text("UPDATE alert_messages SET content = '{'"))
    store.round([STALE, FAILED], ALL)
    (done,) = deliver(settings, store).channels
    assert (done.sent, done.failed, done.waiting) == (1, 1, 1)
    assert webhook.titles() == ["[production] CRITICAL opened: The backup failed."]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("alert_webhook", "hooks.example/hush"),
        ("alert_webhook_form", "xml"),
        ("sns_topic_arn", "alerts"),
        ("sns_endpoint_url", "sns.example"),
    ],
)
def test_a_wrong_setting_of_a_channel_is_refused_and_a_secret_one_is_not_shown(setting: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{setting.upper()}=") as refused:
        load_settings(**{setting: value})
    assert ("hush" in value) == ("(secret)" in str(refused.value))
    assert "hush" not in str(refused.value)


def test_a_subject_of_sns_is_ascii_without_line_breaks_and_at_most_100_characters(tmp_path: Path) -> None:
    assert subject_of("MEDIUM: 茶餐廳") == "MEDIUM: ???"
    assert subject_of("x" * 101) == "x" * 97 + "..."
    store = AlertStore(f"sqlite:///{tmp_path / 'ledger.sqlite'}", ["sns"])
    store.round([replace(STALE, what="two\nlines")], ALL)
    (alert,) = store.open_alerts()
    assert alert.what == "two\\nlines"


def test_a_topic_is_asked_for_in_its_own_region() -> None:
    with pytest.raises(Exception, match="us-west-2"):
        SnsChannel("arn:aws:sns:us-west-2:123456789012:alerts", "production", "http://us-west-2.invalid").send(
            Message("m", {"severity": "low", "name": "test", "event": "test", "title": "t", "text": "t"}), NOW
        )
