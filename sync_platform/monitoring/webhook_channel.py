"""Messages to a webhook, as JSON.

What belongs here: how a document is posted. `alertmanager_channel` posts another document in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import orjson

from sync_platform.documents.wording import visible
from sync_platform.errors import DeliveryFailed, MessageRefused
from sync_platform.monitoring.alert_message import Message
from sync_platform.storage.environment_proxy import named_proxy

TIMEOUT_S = 10.0
REFUSALS = frozenset({400, 413, 422})
"""The statuses with which a server refuses one document, and not every document."""
LONGEST_ANSWER = 200


@dataclass(frozen=True)
class WebhookChannel:
    """A URL that takes a JSON document for each message: the alert, its title and its text (docs/alerts.md)."""

    url: str
    environment: str
    name = "webhook"

    def send(self, message: Message, now: datetime) -> None:
        document = {
            **message.content,
            "message_id": message.message_id,
            "environment": self.environment,
            "title": f"[{self.environment}] {message.title}",
            "text": f"[{self.environment}] {message.text}",
        }
        post_document(self.url, document, {"Idempotency-Key": message.message_id})


def post_document(url: str, document: Any, headers: Mapping[str, str]) -> None:
    """Post a document as JSON.

    Raises MessageRefused where the server refuses this document, DeliveryFailed where it cannot be reached, does not
    take the document within TIMEOUT_S, or answers anything else but 2xx. No message has the URL, which can be a secret.
    """
    try:
        status, answer = asyncio.run(_post(url, orjson.dumps(document), headers))
    except TimeoutError:
        late = f"the webhook did not answer within {TIMEOUT_S:.0f} seconds{named_proxy(url)}"
        raise DeliveryFailed(late) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = str(error).replace(url, "the address") or type(error).__name__
        raise DeliveryFailed(f"the webhook cannot be reached{named_proxy(url)}: {reason}") from None
    if not 200 <= status < 300:
        refused = f"the webhook answered {status}: {visible(answer) or 'nothing'}"
        raise MessageRefused(refused) if status in REFUSALS else DeliveryFailed(refused)


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """The status, and the first characters of an answer that is not 2xx.

    The limit is for the whole exchange: a server that sends a byte now and then would pass the limits of httpx.
    """
    sent = {"Content-Type": "application/json", **headers}
    async with (
        asyncio.timeout(TIMEOUT_S),
        httpx.AsyncClient(timeout=TIMEOUT_S) as client,
        client.stream("POST", url, content=body, headers=sent) as response,
    ):
        answer = ""
        if not response.is_success:
            async for text in response.aiter_text():
                answer += text
                if len(answer) >= LONGEST_ANSWER:
                    break
        return response.status_code, answer[:LONGEST_ANSWER]
