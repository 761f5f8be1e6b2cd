"""Request messages: emergency requests in a queue of AWS SQS, sent by a program or by a rule of EventBridge.

The body of a message is a request document, or an event of EventBridge whose `detail` is one. A message is deleted once
its request is durable; a message that arrives twice gives the same request. A message that is no valid request stays in
the queue, which moves it to its dead-letter queue after as many attempts as the queue allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from sync_platform.emergency.request_document import ProcessedRequests, RequestDocument
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError, UsageError
from sync_platform.sources.declaration import Platform
from sync_platform.storage.amazon_session import amazon_session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST_MESSAGES = 100
"""In one call of `process_messages`, so that a flood of messages does not keep the caller from its other work."""
BATCH = 10
"""The most that SQS gives in one answer."""
TIMEOUT_S = 5


def process_messages(
    queue_url: str, region: str, requests: RequestStore, platforms: Mapping[str, Platform]
) -> ProcessedRequests:
    """Submit the requests of the messages that wait in the queue. An invalid message does not stop the others.

    `region`: that of AWS; the server of another queue is taken from its address. StorageError where the queue cannot be
    read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = _client(queue_url, region)
    processed = ProcessedRequests()
    try:
        for _ in range(MOST_MESSAGES // BATCH):
            answer = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=0)
            messages = answer.get("Messages", [])
            for message in messages:
                _process(client, queue_url, message, requests, platforms, processed)
            if not messages:
                break
    except (ClientError, BotoCoreError) as error:
        raise StorageError(f"EMERGENCY_QUEUE_URL={queue_url!r} cannot be read: {error}") from None
    return processed


def _process(
    client: SQSClient,
    queue_url: str,
    message: MessageTypeDef,
    requests: RequestStore,
    platforms: Mapping[str, Platform],
    processed: ProcessedRequests,
) -> None:
    name = message["MessageId"]
    try:
        document = _document(message["Body"])
        submission = document.submit(requests, platforms, sender=f"message {name}", receipt=f"message {name}")
    except UsageError as error:
        processed.refused[name] = str(error)
    except StorageError as error:
        processed.errors.append(str(error))
    else:
        client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        processed.submissions.append(submission)


def _document(body: str) -> RequestDocument:
    """The request of a message; UsageError with the reason where it is none."""
    try:
        content: Any = msgspec.json.decode(body)
        if isinstance(content, dict) and "detail-type" in content:
            content = content.get("detail")
        return msgspec.convert(content, RequestDocument)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"it is not a request: {error}") from None


def _client(queue_url: str, region: str) -> SQSClient:
    from botocore.config import Config

    address = urlsplit(queue_url)
    is_aws = (address.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
    config = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 2})
    endpoint = None if is_aws else f"{address.scheme}://{address.netloc}"
    return amazon_session().client("sqs", region_name=region, endpoint_url=endpoint, config=config)
