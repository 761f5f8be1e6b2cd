"""Fetches one platform into the landing store: the connector's pages in, manifests out.

The connector and sealing run in an event loop: both are Python's work, and in two threads they would only get in each
other's way. Compressing and storing run beside it in one thread, a bounded number of objects behind, so that memory
does not grow with the platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from sync_platform.errors import StorageError, SyncError, TermsNotAccepted
from sync_platform.landing.interrupted import find_interrupted
from sync_platform.landing.manifest import Manifest, find_manifest, manifest_key
from sync_platform.landing.reader import LandedRecords
from sync_platform.landing.writer import DatasetWriter, OnObject
from sync_platform.settings import PlatformSettings
from sync_platform.sources.client import Client, Reply, is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.sources.extraction import Extraction, ExtractionState, NothingLanded, SecretBook
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.pace import Pacer
from sync_platform.sources.received import Body, Page
from sync_platform.sources.scope import Scope
from sync_platform.storage.objects import ObjectStore
from sync_platform.vault.seal import Vault

OBJECTS_BEHIND = 4
NOT_MODIFIED = 304
OnPage = Callable[[str, int, Gaps], None]
"""Called after each page with its dataset, its records and what is known so far."""


@dataclass(frozen=True)
class Source:
    """Where a platform is fetched from and how: its settings resolved against its declaration."""

    base_url: str
    archive_url: str
    credentials: dict[str, str] = field(repr=False)
    requests_per_second: float | None
    concurrency: int
    ids_only: bool
    timeout_s: float = 30.0
    attempts: int = 5
    transport: httpx.AsyncBaseTransport | None = None


def resolve_source(
    platform: Platform, own: PlatformSettings, sandbox_url: str | None, timeout_s: float, attempts: int
) -> Source:
    """The source of a platform: its configured address, or the sandbox where none is set.

    Raises TermsNotAccepted for an address that is not loopback before the operator accepted the terms.
    """
    base_url = own.base_url or f"{sandbox_url}/{platform.name}"
    archive_url = own.archive_url
    if not archive_url and not is_loopback(base_url):
        archive_url = platform.live_archive_url
    elif not archive_url and not own.base_url:
        archive_url = f"{sandbox_url}/{platform.name}_archive"
    live = [url for url in (base_url, archive_url) if url and not is_loopback(url)]
    if live and not own.terms_accepted:
        prefix = platform.name.upper()
        raise TermsNotAccepted(
            f"{platform.name}: {live[0]} is a live address, and its terms are not accepted "
            f"({platform.terms.summary}; {platform.terms.url}). "
            f"If you may use it, set {prefix}_TERMS_ACCEPTED=true; or unset {prefix}_BASE_URL to use the sandbox."
        )
    paced = bool(live)
    return Source(
        base_url=base_url,
        archive_url=archive_url,
        credentials={
            "api_key": own.api_key,
            "app_id": own.app_id,
            "app_secret": own.app_secret,
            "refresh_token": own.refresh_token,
        },
        requests_per_second=own.requests_per_second or (platform.pace.requests_per_second if paced else None),
        concurrency=own.concurrency or (platform.pace.concurrency if paced else 8),
        ids_only=own.store == "ids" or (own.store == "" and paced and platform.terms.without_agreement == "ids"),
        timeout_s=timeout_s,
        attempts=attempts,
    )


def extract(
    platform: Platform,
    source: Source,
    *,
    scope: Scope,
    partition: str,
    sync_id: str,
    run_id: str,
    store: ObjectStore,
    vault: Vault,
    secret_book: SecretBook,
    on_page: OnPage = lambda dataset, records, gaps: None,
    on_object: OnObject = lambda dataset, key, digest: None,
    started_at: datetime | None = None,
) -> list[Manifest]:
    """Fetch and land every dataset of a platform; one manifest each, incomplete ones included.

    Goes on with the whole parts that an interrupted sync of the same period landed. All pages count as observed at one
    moment, that of the oldest: `started_at` (now, unless it is given), or the start of the interrupted sync.
    Raises StorageError where sealing or storing fails, and else only where nothing at all came: the SyncError that
    stopped the platform, or the first page's that was lost.
    """
    began = started_at or datetime.now(UTC)
    return asyncio.run(
        _extract(
            platform, source, scope, partition, sync_id, run_id, store, vault, secret_book, on_page, on_object, began
        )
    )


async def _extract(
    platform: Platform,
    source: Source,
    scope: Scope,
    partition: str,
    sync_id: str,
    run_id: str,
    store: ObjectStore,
    vault: Vault,
    secret_book: SecretBook,
    on_page: OnPage,
    on_object: OnObject,
    started_at: datetime,
) -> list[Manifest]:
    datasets = platform.datasets[:1] if source.ids_only else platform.datasets
    names = [dataset.name for dataset in datasets]
    interrupted = find_interrupted(store, platform.name, names, partition, scope)
    known = _taken_in(platform, names, partition, scope, store)
    oldest_page_at = interrupted.started_at if interrupted else started_at
    state = ExtractionState(datasets, oldest_page_at)
    writers = {
        dataset.name: DatasetWriter(
            store, vault, platform.name, dataset, partition, sync_id, source.ids_only, scope, oldest_page_at, on_object
        )
        for dataset in datasets
    }
    client = Client(
        platform.name,
        source.base_url,
        headers=platform.headers(source.credentials),
        pacer=Pacer(source.requests_per_second, source.concurrency),
        concurrency=source.concurrency,
        timeout_s=source.timeout_s,
        attempts=source.attempts,
        wall_wait_s=platform.pace.wall_wait_s,
        html_is_a_wall=platform.html_is_a_wall,
        transport=source.transport,
    )
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix=f"landing-{platform.name}") as thread:
        async with client:
            extraction = Extraction(
                client,
                scope,
                source.credentials,
                secret_book,
                state,
                source.archive_url,
                interrupted or NothingLanded(),
                {body.url: body.etag for manifest in known for body in manifest.bodies if body.etag},
            )
            behind: list[asyncio.Future[Any]] = []
            try:
                async for page in platform.pages(extraction):
                    writer = writers[page.dataset]
                    filled = writer.take(page)
                    if filled is not None:
                        while len(behind) >= OBJECTS_BEHIND:
                            await behind.pop(0)
                        behind.append(loop.run_in_executor(thread, writer.store, filled))
                    on_page(page.dataset, len(page.records), extraction.gaps[page.dataset])
            except StorageError:
                await asyncio.gather(*behind, return_exceptions=True)
                raise
            except SyncError as error:
                await asyncio.gather(*behind, return_exceptions=True)
                if not any(writer.records for writer in writers.values()):
                    raise
                extraction.report_stop(error)
            await asyncio.gather(*behind)
    for name, replies in state.unchanged.items():
        _land_again(extraction, writers[name], next(each for each in known if each.dataset == name), store, replies)
    if state.first_loss and not any(writer.has_pages for writer in writers.values()):
        raise state.first_loss
    return [
        writer.finish(
            run_id=run_id,
            mode=scope.mode,
            started_at=started_at,
            observed_at=state.observed_at,
            gaps=extraction.gaps[name],
        )
        for name, writer in writers.items()
    ]


def _taken_in(
    platform: Platform, datasets: list[str], partition: str, scope: Scope, store: ObjectStore
) -> list[Manifest]:
    """The manifests of the sync that the source may call unchanged; none where it is not to be asked so."""
    if not platform.has_etags or scope.taken_in is None:
        return []
    keys = [manifest_key(platform.name, dataset, partition, scope.taken_in) for dataset in datasets]
    found = [find_manifest(store, key) for key in keys]
    return [manifest for manifest in found if manifest is not None] if None not in found else []


def _land_again(
    extraction: Extraction, writer: DatasetWriter, known: Manifest, store: ObjectStore, replies: tuple[Reply, ...]
) -> None:
    """Land once more what the source says is still so, with its word beside the bodies that it came in."""
    records, word = LandedRecords(store), tuple(map(Body.of, replies))
    extraction.expect_pages(known.dataset, len(known.pages))
    if known.claimed is not None:
        extraction.report_total(known.dataset, known.claimed)
    for entry in known.pages:
        received = tuple(body for body in entry.bodies if body.status != NOT_MODIFIED)
        writer.add(Page(known.dataset, records.of(entry), (), landed=(*received, *word)))
