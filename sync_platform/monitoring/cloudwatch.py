"""CloudWatch: samples as the data of PutMetricData, within its limits, and its errors as errors of this program.

What belongs here: one request. Which events are sent, and that each is sent once, is in cloudwatch_events.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from sync_platform.errors import ConnectionFailed, Refused, ServerFailed, SyncError, Throttled, TransientError
from sync_platform.monitoring.metric import Sample
from sync_platform.settings import Settings
from sync_platform.storage.amazon_session import amazon_session

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

NAMESPACE = "DataSync"
MOST_DATA, MOST_BYTES = 1000, 1_000_000
"""The limits of one request."""
ENCODED = 2.5
"""How many times longer a datum is in a request than in JSON: some clients encode each of its fields as a form's."""
OLDEST, NEWEST = timedelta(days=14) - timedelta(hours=1), timedelta(hours=1)
"""CloudWatch accepts times from two weeks ago to two hours ahead, by its own clock."""
CONNECT_S, READ_S = 3.0, 5.0
ATTEMPTS, PAUSE_S = 3, 0.5


def open_cloudwatch_client(settings: Settings) -> CloudWatchClient:
    """The client, with the credentials of the environment. It repeats nothing: PutMetricData counts a repeat twice."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=CONNECT_S, read_timeout=READ_S
    )
    endpoint = settings.cloudwatch_endpoint_url or settings.aws_endpoint_url or None
    try:
        session = amazon_session()
        return session.client("cloudwatch", region_name=settings.aws_region, endpoint_url=endpoint, config=config)
    except BotoCoreError as error:
        raise Refused(f"CloudWatch: {error}") from None


def data_of(samples: Iterable[Sample], environment: str) -> list[MetricDatumTypeDef]:
    """The data of samples, one each.

    The dataset is no dimension here: CloudWatch adds up no metrics, and each one costs. All datasets of a platform are
    values of one metric, whose statistic gives the sum, the stalest or the worst of them.
    """
    return [
        {
            "MetricName": sample.metric.name,
            "Dimensions": dimensions_of(sample, environment),
            "Timestamp": sample.at.astimezone(UTC),
            "Value": float(sample.value),
            "Unit": sample.metric.unit,
        }
        for sample in samples
    ]


def dimensions_of(sample: Sample, environment: str) -> list[DimensionTypeDef]:
    """The environment, and the platform or the severity that the sample has."""
    named = {"Environment": environment, "Platform": sample.platform, "Severity": sample.severity}
    return [{"Name": name, "Value": value} for name, value in named.items() if value]


def is_accepted(at: datetime, now: datetime) -> bool:
    """True if CloudWatch accepts a value of that time. It refuses the whole request otherwise."""
    return now - OLDEST <= at <= now + NEWEST


def requests_of(data: Iterable[MetricDatumTypeDef]) -> Iterator[list[MetricDatumTypeDef]]:
    """The data in as few requests as the limits allow."""
    request: list[MetricDatumTypeDef] = []
    size = 0.0
    for datum in data:
        added = size_of(datum)
        if request and (len(request) == MOST_DATA or size + added > MOST_BYTES):
            yield request
            request, size = [], 0.0
        request.append(datum)
        size += added
    if request:
        yield request


def size_of(datum: MetricDatumTypeDef) -> float:
    """The size of a datum in a request, in bytes, rather too large than too small."""
    return ENCODED * len(orjson.dumps(datum))


def put(client: CloudWatchClient, data: Sequence[MetricDatumTypeDef], *, is_repeatable: bool) -> None:
    """Send one request, with retries. `is_repeatable`: it may also be repeated where it may have arrived.

    Raises Refused, Throttled, ServerFailed or ConnectionFailed.
    """
    for attempt in range(ATTEMPTS):
        try:
            _put_once(client, data)
            return
        except TransientError as error:
            may_repeat = is_repeatable or not may_have_arrived(error)
            if attempt == ATTEMPTS - 1 or not may_repeat:
                raise
            time.sleep(PAUSE_S * 2**attempt)


def may_have_arrived(error: SyncError) -> bool:
    """True if CloudWatch may have counted the data of a request that failed with this error."""
    return isinstance(error, ServerFailed) or (isinstance(error, ConnectionFailed) and error.was_sent)


def count_at(client: CloudWatchClient, sample: Sample, environment: str) -> int:
    """How many values CloudWatch has of the metric of a sample, in its minute; errors as of `put`."""
    from botocore.exceptions import BotoCoreError, ClientError

    minute = sample.at.astimezone(UTC).replace(second=0, microsecond=0)
    try:
        answer = client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=sample.metric.name,
            Dimensions=dimensions_of(sample, environment),
            StartTime=minute,
            EndTime=minute + timedelta(minutes=1),
            Period=60,
            Statistics=["SampleCount"],
        )
    except (ClientError, BotoCoreError) as error:
        raise _explained(error) from None
    return round(sum(each.get("SampleCount", 0) for each in answer["Datapoints"]))


def _put_once(client: CloudWatchClient, data: Sequence[MetricDatumTypeDef]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    except (ClientError, BotoCoreError) as error:
        raise _explained(error) from None


def _explained(error: Exception) -> SyncError:
    """The error of this program. What is not known to have failed before it was sent may have arrived."""
    from botocore import exceptions

    text = f"CloudWatch: {error}"
    if isinstance(error, exceptions.ClientError):
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        code = error.response["Error"].get("Code", "")
        if status == 429 or "Throttl" in code or "LimitExceeded" in code:
            return Throttled(text)
        return ServerFailed(text, status) if status >= 500 else Refused(text)
    unsent = (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
        exceptions.SSLError,
    )
    if isinstance(error, unsent):
        return ConnectionFailed(text, was_sent=False)
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return ConnectionFailed(text, was_sent=True)
    return Refused(text)  # no credentials, no region, a wrong parameter
