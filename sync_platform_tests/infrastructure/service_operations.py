"""What the daemon, the code server and the watch do in AWS. Each function raises where AWS refuses a part of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ReadTimeoutError

from sync_platform.defs.resources import landing_store_of
from sync_platform.emergency.request_document import ProcessedRequests
from sync_platform.emergency.request_files import process_files
from sync_platform.emergency.request_queue import process_messages
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import Submission
from sync_platform.errors import ConnectionFailed
from sync_platform.monitoring.alert_message import Message
from sync_platform.monitoring.cloudwatch import open_cloudwatch_client
from sync_platform.monitoring.cloudwatch_events import EventSender
from sync_platform.monitoring.metric import SYNC_JOBS_EXECUTED, Sample
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.monitoring.sns_channel import SnsChannel
from sync_platform.platforms import load_platforms
from sync_platform_tests.infrastructure.pod import Failed, Pod

REQUEST = {"platforms": ["chope"], "reason": "menus are wrong", "priority": "critical", "requester": "ada"}
ALERT = {
    "severity": "critical",
    "name": "sync-failed",
    "event": "opened",
    "title": "a sync failed",
    "text": "It failed.",
}


def take_messages(pod: Pod) -> None:
    """Emergency requests from the queue."""
    administrator = pod.role.account.client("sqs")
    administrator.send_message(QueueUrl=pod.role.account.queue_url, MessageBody=json.dumps(REQUEST))
    taken_messages(pod)


def taken_messages(pod: Pod) -> list[Submission]:
    """The requests of the messages that are in the queue; Failed where there is none."""
    with pod.settings() as settings:
        requests = RequestStore(settings.ledger_url)
        processed = process_messages(settings.emergency_queue_url, settings.aws_region, requests, load_platforms())
    _require_taken(processed)
    return processed.submissions


def take_files(pod: Pod) -> None:
    """Emergency requests from files; what is no request is moved aside."""
    with pod.settings() as settings:
        place, administrator = urlsplit(settings.landing_url), pod.role.account.client("s3")
        for name, content in {"good": REQUEST, "no-request": {}}.items():
            key = f"{place.path.strip('/')}/emergency/{name}.json"
            administrator.put_object(Bucket=place.netloc, Key=key, Body=json.dumps(content))
        store, requests = landing_store_of(settings).open(), RequestStore(settings.ledger_url)
        _require_taken(process_files(store, requests, load_platforms()))


def send_alert(pod: Pod) -> None:
    with pod.settings() as settings:
        channel = SnsChannel(settings.sns_topic_arn, settings.environment, settings.aws_endpoint_url)
        channel.send(Message("1", ALERT), datetime.now(UTC))


def send_metrics(pod: Pod) -> None:
    with pod.settings() as settings:
        problems = publish_metrics(settings, [], datetime.now(UTC)).problems
    if problems:
        raise Failed(str(problems))


def settle_a_lost_answer(pod: Pod) -> None:
    """Ask CloudWatch whether it has an event whose request had no answer."""
    now = datetime.now(UTC)
    with pod.settings() as settings:
        history = MetricHistory(settings.ledger_url)
        try:
            sample = Sample(SYNC_JOBS_EXECUTED, now - timedelta(minutes=30), 1, "chope", event=now.isoformat())
            history.record([sample], now)
            with pytest.raises(ConnectionFailed):
                EventSender(history.engine, _NoAnswer(), settings.environment).send(now)  # type: ignore[arg-type]
            EventSender(history.engine, open_cloudwatch_client(settings), settings.environment).send(now)
        finally:
            history.close()


def read_lake(pod: Pod) -> None:
    pod.run("query", "SELECT count(*) FROM chope.restaurants")


def make_round(pod: Pod) -> None:
    """A round of the watch: it reads the lake, sends alerts and metrics, and is complete."""
    done = pod.shell.run("watch", "--once")
    if done.returncode not in (0, 1):  # 1: there are problems
        raise Failed(done.stderr + done.stdout)


class _NoAnswer:
    """A CloudWatch whose answer to what is sent is lost, and which does not show it yet."""

    def get_metric_statistics(self, **_: Any) -> dict[str, Any]:
        return {"Datapoints": []}

    def put_metric_data(self, **_: Any) -> NoReturn:
        raise ReadTimeoutError(endpoint_url="http://cloudwatch")


def _require_taken(processed: ProcessedRequests) -> None:
    if processed.errors or not processed.submissions:
        raise Failed(f"{processed}")


OPERATIONS: Mapping[str, Any] = {
    "s3:ListBucket data": take_files,
    "s3:GetObject data/lake/*": read_lake,
    "s3:GetObject data/landing/emergency/*": take_files,
    "s3:PutObject data/landing/emergency/*": take_files,
    "s3:DeleteObject data/landing/emergency/*": take_files,
    "sqs:ReceiveMessage emergency": take_messages,
    "sqs:DeleteMessage emergency": take_messages,
    "sns:Publish alerts": send_alert,
    "cloudwatch:PutMetricData *": send_metrics,
    "cloudwatch:GetMetricStatistics *": settle_a_lost_answer,
}
"""Each action on its resource, and the operation that fails without it."""
