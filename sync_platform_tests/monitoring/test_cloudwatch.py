"""CloudWatch (moto's server): each event arrives exactly once, within the limits, and no failure stops a round."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from sync_platform.errors import ConnectionFailed, Refused, Throttled
from sync_platform.monitoring.cloudwatch import MOST_BYTES, MOST_DATA, data_of, requests_of, size_of
from sync_platform.monitoring.cloudwatch_events import EventSender
from sync_platform.monitoring.metric import (
    DATA_STALENESS,
    HEALTH_SCORE,
    RECORDS_PROCESSED,
    SYNC_FAILURES,
    SYNC_JOBS_EXECUTED,
    Sample,
)
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NOW = datetime.now(UTC).replace(microsecond=0)
"""The server refuses times of other years, as CloudWatch does, so the tests publish now."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(address: str, monkeypatch: pytest.MonkeyPatch) -> CloudWatchClient:
    """An empty CloudWatch."""
    requests.post(f"{address}/moto-api/reset", timeout=10)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return boto3.session.Session().client("cloudwatch", endpoint_url=address, region_name="ap-southeast-1")


@pytest.fixture
def settings(address: str, tmp_path: Path) -> Settings:
    return load_settings(
        sync_home=tmp_path, cloudwatch_metrics=True, cloudwatch_endpoint_url=address, environment="staging"
    )


@pytest.fixture
def history(settings: Settings) -> Iterator[MetricHistory]:
    opened = MetricHistory(settings.ledger_url)
    yield opened
    opened.close()


def job(event: str, **values: Any) -> Sample:
    return replace(Sample(SYNC_JOBS_EXECUTED, NOW - timedelta(minutes=30), 1, "chope", event=event), **values)


def total(client: CloudWatchClient, name: str, statistic: Any = "Sum", **dimensions: str) -> float:
    statistics = client.get_metric_statistics(
        Namespace="DataSync",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in {"Environment": "staging", **dimensions}.items()],
        StartTime=NOW - timedelta(days=20),
        EndTime=NOW + timedelta(hours=1),
        Period=30 * 86_400,
        Statistics=[statistic],
    )
    return sum(each[statistic] for each in statistics["Datapoints"])


def test_a_round_sends_what_is_measured_and_each_event_once(client: CloudWatchClient, settings: Settings) -> None:
    records = Sample(RECORDS_PROCESSED, NOW - timedelta(hours=2), 40, "chope", "restaurants", event="s")
    others = [replace(records, dataset="reservations", value=2), Sample(HEALTH_SCORE, NOW, 87.5)]
    stale = [Sample(DATA_STALENESS, NOW, value, "chope", name) for name, value in (("restaurants", 0.2), ("x", 0.7))]
    for number in range(3):
        publication = publish_metrics(settings, [job("s"), records, *others, *stale], NOW + timedelta(minutes=number))
        assert publication.problems == {}
    assert total(client, "SyncJobsExecuted", Platform="chope") == 1
    assert total(client, "RecordsProcessed", Platform="chope") == 42
    assert total(client, "DataStaleness", "Maximum", Platform="chope") == 0.7
    assert total(client, "HealthScore", "Minimum") == 87.5
    assert total(client, "WatchHeartbeat") == 3


def test_nothing_is_sent_unless_that_is_set(client: CloudWatchClient, settings: Settings) -> None:
    off = settings.model_copy(update={"cloudwatch_metrics": False})
    assert publish_metrics(off, [job("s")], NOW).problems == {}
    assert client.list_metrics(Namespace="DataSync")["Metrics"] == []


def test_what_cloudwatch_would_refuse_is_not_sent(client: CloudWatchClient, settings: Settings) -> None:
    refused = [job("old", at=NOW - timedelta(days=15)), job("new", at=NOW + timedelta(hours=3))]
    assert publish_metrics(settings, [job("s"), *refused], NOW).problems == {}
    assert total(client, "SyncJobsExecuted", Platform="chope") == 1


def test_more_events_than_one_request_takes_are_sent_in_several(client: CloudWatchClient, settings: Settings) -> None:
    events = [job(f"s{number}") for number in range(MOST_DATA + 5)]
    assert publish_metrics(settings, events, NOW).problems == {}
    assert total(client, "SyncJobsExecuted", Platform="chope") == MOST_DATA + 5


def test_a_request_keeps_within_the_limits_of_count_and_size() -> None:
    data = data_of([job("s")] * (2 * MOST_DATA + 1), "staging")
    assert [len(each) for each in requests_of(data)] == [MOST_DATA, MOST_DATA, 1]
    long = data_of([job("s", platform="p" * 900)] * MOST_DATA, "staging")
    made = list(requests_of(long))
    assert sum(map(len, made)) == MOST_DATA
    assert len(made) > 1
    assert all(sum(map(size_of, each)) <= MOST_BYTES for each in made)


class Failing:
    """A client whose next requests fail, before or after the server has counted them."""

    def __init__(self, client: CloudWatchClient, error: BaseException, *, after: bool, times: int = 1) -> None:
        self._client, self._error, self._after, self._times = client, error, after, times

    def put_metric_data(self, **request: Any) -> None:
        if self._times and not self._after:
            self._times -= 1
            raise self._error
        self._client.put_metric_data(**request)
        if self._times:
            self._times -= 1
            raise self._error

    def get_metric_statistics(self, **request: Any) -> Any:
        return self._client.get_metric_statistics(**request)


class Killed(BaseException):
    """The process is killed: nothing after it runs."""


def sender(history: MetricHistory, client: Any) -> EventSender:
    return EventSender(history.engine, client, "staging")


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutMetricData",
    )


LOST = {
    "killed": (Killed(), Killed),
    "no answer": (ReadTimeoutError(endpoint_url="http://cloudwatch"), ConnectionFailed),
    "server error": (refusal("InternalServiceFault", 500), Exception),
}


@pytest.mark.parametrize("has_arrived", [True, False])
@pytest.mark.parametrize("name", LOST)
def test_a_request_without_an_answer_counts_once_whether_it_arrived_or_not(
    client: CloudWatchClient, history: MetricHistory, name: str, has_arrived: bool
) -> None:
    error, seen = LOST[name]
    history.record([job("s"), job("s", metric=SYNC_FAILURES, value=1)], NOW)
    with pytest.raises(seen):
        sender(history, Failing(client, error, after=has_arrived)).send(NOW)
    sender(history, client).send(NOW + timedelta(minutes=1))
    assert total(client, "SyncFailures", Platform="chope") == int(has_arrived)  # else CloudWatch may still show it
    for minute in (10, 11, 12):
        sender(history, client).send(NOW + timedelta(minutes=minute))
    assert total(client, "SyncJobsExecuted", Platform="chope") == 1
    assert total(client, "SyncFailures", Platform="chope") == 1


def test_an_event_in_doubt_is_told_from_another_one_of_the_same_minute(
    client: CloudWatchClient, history: MetricHistory
) -> None:
    history.record([job("first")], NOW)
    sender(history, client).send(NOW)
    history.record([job("second")], NOW)
    with pytest.raises(Killed):
        sender(history, Failing(client, Killed(), after=False)).send(NOW)
    sender(history, client).send(NOW + timedelta(minutes=10))
    assert total(client, "SyncJobsExecuted", Platform="chope") == 2


def test_a_refused_request_is_sent_again_at_once_in_the_next_round(
    client: CloudWatchClient, history: MetricHistory
) -> None:
    history.record([job("s")], NOW)
    with pytest.raises(Refused, match="AccessDenied"):
        sender(history, Failing(client, refusal("AccessDenied", 403), after=False)).send(NOW)
    assert sender(history, client).send(NOW) == 1
    assert total(client, "SyncJobsExecuted", Platform="chope") == 1


def test_a_throttled_request_is_repeated_within_the_round(
    client: CloudWatchClient, history: MetricHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_platform.monitoring.cloudwatch.PAUSE_S", 0)
    history.record([job("s")], NOW)
    throttled = refusal("Throttling", 400)
    assert sender(history, Failing(client, throttled, after=False, times=2)).send(NOW) == 1
    history.record([job("other")], NOW)
    with pytest.raises(Throttled):
        sender(history, Failing(client, throttled, after=False, times=3)).send(NOW)


def test_two_rounds_at_the_same_time_send_an_event_once(
    client: CloudWatchClient, settings: Settings, history: MetricHistory
) -> None:
    history.record([job(f"s{number}") for number in range(50)], NOW)
    threads = [threading.Thread(target=publish_metrics, args=(settings, [], NOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total(client, "SyncJobsExecuted", Platform="chope") == 50


def test_a_place_that_fails_stops_neither_the_round_nor_the_other_places(
    client: CloudWatchClient, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_platform.monitoring.cloudwatch.PAUSE_S", 0)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    (tmp_path / "in the way").write_text("")
    broken = settings.model_copy(
        update={"cloudwatch_endpoint_url": nobody, "prometheus_file": tmp_path / "in the way" / "metrics.prom"}
    )
    problems = publish_metrics(broken, [job("s")], NOW).problems
    assert problems.keys() == {"CloudWatch", "Prometheus"}
    assert "in the way/metrics.prom' cannot be written" in problems["Prometheus"]
    unusable = settings.model_copy(update={"ledger": f"sqlite:///{tmp_path / 'in the way' / 'ledger.sqlite'}"})
    assert publish_metrics(unusable, [job("s")], NOW).problems.keys() == {"history"}
    assert total(client, "WatchHeartbeat") == 1
    assert publish_metrics(settings, [], NOW + timedelta(minutes=1)).problems == {}
    assert total(client, "SyncJobsExecuted", Platform="chope") == 1  # the first round has stored it
