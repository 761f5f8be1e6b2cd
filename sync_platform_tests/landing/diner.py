"""A small platform over a handler: places in numbered pages, and reviews that persons wrote, by cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson
import zstandard

from sync_platform.landing.destination import DEFAULT_LIMITS, Destination, ObjectLimits
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.sources.columns import Row
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_proof import ListProof
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.paging import by_cursor, numbered
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply
from sync_platform.sources.scope import Scope
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.ledger import Ledger
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.platform_secrets import PlatformSecrets
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.folder_copies import copy_to_read

Handler = Callable[[httpx.Request], httpx.Response]


PLACES = Dataset("places", "Places.", Row, key=("id",))
REVIEWS = Dataset(
    "reviews",
    "Reviews.",
    Row,
    key=("id",),
    personal=Personal(fields=("author.name", "author.email", "text"), subject=("author.email",)),
)


class Envelope(msgspec.Struct):
    data: list[Record]
    pages: int | None = None
    total: int | None = None
    next: str | None = None


def read_slice(reply: Reply) -> Slice:
    envelope = reply.json_as(Envelope)
    return Slice(envelope.data, reply, envelope.total, envelope.pages, envelope.next)


class Diner(Platform):
    """Two datasets."""

    name, title, description, live_base_url = "diner", "Diner", "A diner.", "https://api.diner.test"
    cadence, priority = "monthly", "low"
    live_archive_url = "https://archive.diner.test"
    terms = Terms("Diner agreement", "https://diner.test/terms", agreement_needed=True, without_agreement="ids")
    pace = Pace(3, 2)
    datasets = (PLACES, REVIEWS)

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials['api_key']}"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        async def places(page: int) -> Slice:
            return await extraction.client.get("/places", {"page": page}, read=read_slice)

        async def reviews(cursor: str | None) -> Slice:
            return await extraction.client.get("/reviews", {"cursor": cursor or ""}, read=read_slice)

        async for page in ListProof(extraction, "places").pages(lambda read: numbered(read, places, 20)):
            yield page
        if extraction.wants("reviews"):
            async for page in ListProof(extraction, "reviews").pages(lambda read: by_cursor(read, reviews)):
                yield page


def answering(places: dict[int, Any], reviews: dict[str, Any] | None = None) -> Handler:
    """Answers each page and each cursor with its envelope, its response or its status."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        found: Any = places[int(asked["page"])] if request.url.path == "/places" else (reviews or NONE)[asked["cursor"]]
        if isinstance(found, int):
            return httpx.Response(found)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return answer


NONE: dict[str, Any] = {"": {"data": []}}


def source_of(handler: Handler, **options: Any) -> Source:
    """A source on loopback, over a handler."""
    options = {"archive_url": "", "requests_per_second": None, "concurrency": 4, "ids_only": False, **options}
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "key")
    transport = httpx.MockTransport(handler)
    return Source("http://127.0.0.1", credentials=credentials, attempts=2, transport=transport, **options)


@dataclass
class LandingHarness:
    """Lands a diner: a store, a vault and a ledger in one folder."""

    folder: Path
    store: ObjectStore = field(init=False)
    limits: ObjectLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder / "landing")
        self.vault = Vault(open_vault_database(f"sqlite:///{self.folder / 'vault.sqlite'}"), MasterKey(bytes(32)))
        self.secrets = PlatformSecrets(Ledger(f"sqlite:///{self.folder / 'ledger.sqlite'}"), self.vault, "diner")

    @property
    def destination(self) -> Destination:
        return Destination(self.store, self.vault, self.limits)

    def extract(
        self,
        handler: Handler,
        sync_id: str = "sync-1",
        scope: Scope | None = None,
        platform: Platform | None = None,
        started_at: datetime | None = None,
        **options: Any,
    ) -> list[Manifest]:
        """Land a diner (or another platform) that the handler serves."""
        source = source_of(handler, **options)
        fetch = Fetch(platform or Diner(), source, self.secrets, scope or Scope(), "2026-11", sync_id, "run-1")
        return extract(fetch, self.destination, started_at=started_at)

    def records(self, manifest: Manifest) -> list[Record]:
        """What was landed, in landing order."""
        return [
            orjson.loads(line)
            for _, body in LandedDataset(manifest, self.store).objects()
            for line in body.splitlines()
        ]

    def everything_written(self) -> bytes:
        """Every byte of every file and object; compressed ones also unpacked."""
        with copy_to_read(self.folder) as copy:
            files = [file.read_bytes() for file in copy.rglob("*") if file.is_file()]
        objects = [self.store.get(key) for key in list(self.store.keys())]
        unpacked = [zstandard.decompress(body) for body in objects if body[:4] == b"\x28\xb5\x2f\xfd"]
        names = [str(file).encode() for file in self.folder.rglob("*")]
        return b"\n".join(files + objects + unpacked + names)


def page_of(dataset: str, records: list[Record], body: bytes = b"[]") -> Page:
    """A page as a connector yields it."""
    reply = Reply("diner", f"http://127.0.0.1/{dataset}", 200, datetime.now(UTC), body, etag='"v1"')
    return Page(dataset, records, (reply,))
