"""Request messages in an SQS queue: submitted once, deleted when the request is stored, refused with the reason."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sync_platform.emergency.request_document import ProcessedRequests
from sync_platform.emergency.request_queue import process_messages
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms

PLATFORMS = load_platforms()
_numbers = itertools.count(1)
REGION = "ap-southeast-1"
GOOD = {"platforms": ["chope"], "reason": "menus are wrong", "priority": "critical", "requester": "ada"}


class Queue:
    """A queue whose messages come back at once when they are not deleted, and its ledger."""

    def __init__(self, server: str, ledger: Path) -> None:
        self._client = boto3.session.Session().client("sqs", region_name=REGION, endpoint_url=server)
        name = f"emergency-{next(_numbers)}"
        self.url = self._client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        self.requests = RequestStore(f"sqlite:///{ledger}")

    def send(self, content: Any) -> None:
        body = content if isinstance(content, str) else json.dumps(content)
        self._client.send_message(QueueUrl=self.url, MessageBody=body)

    def process(self) -> ProcessedRequests:
        return process_messages(self.url, REGION, self.requests, PLATFORMS)

    @property
    def waiting(self) -> int:
        attributes = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def queue(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return Queue(server, tmp_path / "ledger.sqlite")


def test_a_message_becomes_a_request_and_is_deleted(queue: Queue) -> None:
    queue.send(GOOD)
    processed = queue.process()
    assert (len(processed.submissions), processed.refused, processed.errors, queue.waiting) == (1, {}, [], 0)
    (request,) = queue.requests.open_requests()
    assert (request.platforms, request.reason, request.priority, request.requester) == (
        ["chope"],
        "menus are wrong",
        "critical",
        "ada",
    )


def test_an_event_of_eventbridge_becomes_a_request(queue: Queue) -> None:
    queue.send(
        {"version": "0", "id": "1", "detail-type": "EmergencySync", "source": "sync-platform.emergency", "detail": GOOD}
    )
    assert len(queue.process().submissions) == 1


def test_a_message_without_a_requester_says_which_message_asked(queue: Queue) -> None:
    queue.send({"reason": "everything is wrong"})
    (submission,) = queue.process().submissions
    assert submission.request.requester.startswith("message ")


def test_more_messages_than_one_answer_holds_are_all_taken(queue: Queue) -> None:
    for number in range(25):
        queue.send({**GOOD, "key": f"ticket-{number}"})
    assert len(queue.process().submissions) == 25 and queue.waiting == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not JSON", "it is not a request"),
        ("[" * 100_000, "it is not a request"),
        ({"platforms": ["chope"]}, "it is not a request: .*reason"),
        ({**GOOD, "platfroms": ["keeta"]}, "it is not a request: .*platfroms"),
        ({**GOOD, "platforms": ["chope", "yelp"]}, "yelp"),
        ({"detail-type": "EmergencySync", "detail": "x"}, "it is not a request"),
    ],
)
def test_a_message_that_is_no_request_stays_for_the_dead_letter_queue(queue: Queue, body: Any, reason: str) -> None:
    queue.send(body)
    refused = set(queue.process().refused.values())
    assert len(refused) == 1 and queue.waiting == 1 and queue.requests.open_requests() == []
    assert re.search(reason, refused.pop())


def test_a_refused_message_does_not_stop_the_others(queue: Queue) -> None:
    queue.send("not JSON")
    queue.send(GOOD)
    assert len(queue.process().submissions) == 1


def test_a_queue_that_cannot_be_read_is_a_storage_error(queue: Queue) -> None:
    with pytest.raises(StorageError, match="EMERGENCY_QUEUE_URL='.*/missing' cannot be read"):
        process_messages(f"{queue.url.rsplit('/', 1)[0]}/missing", REGION, queue.requests, PLATFORMS)
