"""Messages over AWS SNS: the text, with attributes by which subscriptions can filter.

What belongs here: the form that SNS takes. A topic whose name ends with `.fifo` gets a group and a deduplication id, so
that it keeps the order and drops a message that is sent twice within five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sync_platform.errors import DeliveryFailed
from sync_platform.monitoring.alert_message import Message
from sync_platform.storage.amazon_session import amazon_session

LONGEST_SUBJECT = 100
"""Characters of ASCII: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
LARGEST_BYTES = 256 * 1024
TIMEOUT_S = 5


@dataclass(frozen=True)
class SnsChannel:
    """A topic. `endpoint`: the address of a server in place of AWS; empty for AWS."""

    topic_arn: str
    environment: str
    endpoint: str = ""
    name = "sns"

    def send(self, message: Message, now: datetime) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.publish(**self._request(message))
        except (ClientError, BotoCoreError, ValueError) as error:  # ValueError: the endpoint is no address
            raise DeliveryFailed(f"SNS did not take a message: {error}") from None

    @cached_property
    def _client(self) -> Any:
        """The client in the region of the topic; the ledger retries, not the client."""
        from botocore.config import Config

        limits = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1})
        region = self.topic_arn.split(":")[3]
        return amazon_session().client("sns", region_name=region, endpoint_url=self.endpoint or None, config=limits)

    def _request(self, message: Message) -> dict[str, Any]:
        attributes = {
            "environment": self.environment,
            "severity": message.content["severity"],
            "name": message.content["name"],
            "event": message.content["event"],
        }
        request = {
            "TopicArn": self.topic_arn,
            "Subject": subject_of(f"[{self.environment}] {message.title}"),
            "Message": f"[{self.environment}] {message.text}".encode()[:LARGEST_BYTES].decode(errors="ignore"),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }
        if self.topic_arn.endswith(".fifo"):
            request |= {"MessageGroupId": self.environment, "MessageDeduplicationId": message.message_id}
        return request


def subject_of(title: str) -> str:
    """The title as a subject of SNS: at most 100 characters of ASCII; each other character is a question mark."""
    subject = title.encode("ascii", "replace").decode()
    return subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 3]}..."
