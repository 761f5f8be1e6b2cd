"""A sandbox whose persons are marked: every declared personal field that it sends has a value that is found again.

What belongs here: the values, and how they get into the answers. Looking for them belongs in byte_scan.py.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import orjson
import uvicorn

from sync_platform.platforms import load_platforms
from sync_platform.sandbox.server import App, Message, Receive, Send
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.sealed_values import value_at

MARKS = ("zyphermark", "9371046", "9371 046", "陳標記")
"""What is found in no text but that of a marked person."""
PERSONS = 5
UNDECLARED = "reviewerEmail"


def value_of(kind: PersonalKind, person: int, sent: Any) -> Any:
    """The value of a marked person in a field that had another one; of the same type, so that contracts are kept."""
    if isinstance(sent, int):
        return 937104600 + person
    return {
        PersonalKind.name: f"Zyphermark 陳標記 {person}",
        PersonalKind.handle: f"zyphermark_{person}",
        PersonalKind.email: f"zyphermark{person}@planted.example",
        PersonalKind.phone: f"+8529371046{person}",
        PersonalKind.home: f"Zyphermark Lane {person}",
        PersonalKind.picture: f"https://pictures.example/zyphermark/{person}.jpg",
    }.get(kind, f"{sent} Ring +852 9371 046{person}, or write to zyphermark{person}@planted.example. 陳標記")


class MarkedPersons:
    """The sandbox, as ASGI, with marked persons in its JSON. `planted` has each field that was ever marked.

    `is_cut`: the answers with persons end in the middle. `is_slow`: they take a second. `is_bad`: every third record
    breaks its contract, so that it goes to quarantine.
    """

    def __init__(self, sandbox: App) -> None:
        self._sandbox = sandbox
        self.is_cut = self.is_slow = self.is_bad = False
        self.planted: set[str] = set()
        self._records = 0
        self._personal = {
            platform.name: [(dataset.name, dataset.personal) for dataset in platform.datasets if dataset.personal]
            for platform in load_platforms().values()
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._sandbox(scope, receive, send)
            return
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._sandbox(scope, receive, keep)
        start, body = sent[0], b"".join(each.get("body", b"") for each in sent[1:])
        before = self._records
        if scope["method"] != "HEAD":
            body = self._marked(scope["path"][1:].partition("/")[0].removesuffix("_archive"), body)
        has_persons = self._records > before
        if has_persons and self.is_slow:
            await asyncio.sleep(1)
        if has_persons and self.is_cut:
            body = body[: len(body) * 2 // 3]
        headers = [each for each in start["headers"] if each[0] != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    def _marked(self, platform: str, body: bytes) -> bytes:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        for dataset, personal in self._personal.get(platform, []):
            for record in _records(document, personal):
                self._mark(f"{platform}.{dataset}", personal, record)
        return orjson.dumps(document)

    def _mark(self, dataset: str, personal: Personal, record: dict[str, Any]) -> None:
        named = [value_at(record, path.split(".")) for path in personal.subject]
        person = crc32(str(next(filter(None, named), record)).encode()) % PERSONS
        for path in personal.fields:
            *parents, name = path.split(".")
            parent = value_at(record, parents) if parents else record
            if isinstance(parent, dict) and parent.get(name) not in (None, ""):
                parent[name] = value_of(personal.kind_of(path), person, parent[name])
                self.planted.add(f"{dataset}.{path}")
        record[UNDECLARED] = value_of(PersonalKind.email, person, "")
        self._records += 1
        if self.is_bad and self._records % 3 == 0:
            record |= {name: -1 for name, value in record.items() if isinstance(value, int) and name != "id"}


def _records(document: Any, personal: Personal) -> Iterator[dict[str, Any]]:
    """The objects anywhere in a document that have at least two personal fields of a dataset, one naming the person."""
    if isinstance(document, list):
        for each in document:
            yield from _records(each, personal)
    if not isinstance(document, dict):
        return
    found = [path for path in personal.fields if value_at(document, path.split(".")) is not None]
    if len(found) > 1 and set(found) & set(personal.subject):
        yield document
        return
    for each in document.values():
        yield from _records(each, personal)


@contextmanager
def served(app: App) -> Iterator[str]:
    """The address of a server of this process that answers until the block ends."""
    bound = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
