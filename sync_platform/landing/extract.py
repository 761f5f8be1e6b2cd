"""Fetches one platform into the landing store: stores the pages of its connector, and returns manifests.

The connector and the sealing run in one event loop: both are Python code, and two threads would only slow each other
down. One thread beside the loop compresses and stores objects. It may be a few objects behind, not more, so that memory
does not grow with the platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sync_platform.errors import StorageError, SyncError
from sync_platform.landing.destination import Destination
from sync_platform.landing.interrupted_syncs import find_interrupted
from sync_platform.landing.manifest import Manifest, find_manifest, manifest_key
from sync_platform.landing.reader import LandedRecords
from sync_platform.landing.source import Source
from sync_platform.landing.writer import DatasetWriter, OnObject
from sync_platform.sources.client import Client
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.extraction import Extraction, NoLandedParts, SecretStore
from sync_platform.sources.extraction_state import ExtractionState
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.pace import Pacer
from sync_platform.sources.received import Body, Page
from sync_platform.sources.reply import Reply
from sync_platform.sources.scope import Scope
from sync_platform.sources.unchanged_files import NOT_MODIFIED
from sync_platform.storage.object_store import ObjectStore

OBJECTS_BEHIND = 4
OnPage = Callable[[str, int, Gaps], None]
"""Called after each page with its dataset, its number of records and the gaps known so far."""


@dataclass(frozen=True)
class Fetch:
    """One fetch of one platform: what is requested, from where, and the ids under which it is landed."""

    platform: Platform
    source: Source
    secrets: SecretStore
    scope: Scope
    partition: str
    sync_id: str
    run_id: str

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The datasets to fetch: only the first where the terms allow to keep ids only."""
        return self.platform.datasets[:1] if self.source.ids_only else self.platform.datasets

    @property
    def dataset_names(self) -> list[str]:
        return [dataset.name for dataset in self.datasets]


def extract(
    fetch: Fetch,
    destination: Destination,
    on_page: OnPage = lambda dataset, records, gaps: None,
    on_object: OnObject = lambda dataset, key, digest: None,
    started_at: datetime | None = None,
) -> list[Manifest]:
    """Fetch and land every dataset of a platform. Returns one manifest for each, incomplete ones included.

    Complete parts that an interrupted sync of the same period landed are not fetched again. All pages count as observed
    at one moment, that of the oldest: `started_at` (now, unless it is given), or the start of the interrupted sync.
    Raises StorageError where sealing or storing fails. If no page was received, raises the SyncError that stopped the
    platform, or that of the first lost page.
    """
    return asyncio.run(_extract(fetch, destination, on_page, on_object, started_at or datetime.now(UTC)))


async def _extract(
    fetch: Fetch, destination: Destination, on_page: OnPage, on_object: OnObject, started_at: datetime
) -> list[Manifest]:
    store = destination.store
    interrupted = find_interrupted(store, fetch.platform.name, fetch.dataset_names, fetch.partition, fetch.scope)
    known_manifests = _committed_manifests(fetch, store)
    oldest_page_at = interrupted.started_at if interrupted else started_at
    state = ExtractionState(fetch.datasets, oldest_page_at, fetch.source.day)
    writers = {
        dataset.name: DatasetWriter(
            destination,
            fetch.platform.name,
            dataset,
            fetch.partition,
            fetch.sync_id,
            fetch.source.ids_only,
            fetch.scope,
            oldest_page_at,
            on_object,
        )
        for dataset in fetch.datasets
    }
    async with _client(fetch) as client:
        extraction = Extraction(
            client,
            fetch.scope,
            fetch.source.credentials,
            fetch.secrets,
            state,
            fetch.source.archive_url,
            interrupted or NoLandedParts(),
            {body.url: body.etag for manifest in known_manifests for body in manifest.bodies if body.etag},
        )
        await _land_pages(fetch.platform, extraction, writers, on_page)
    for name, replies in state.unchanged.items():
        _land_again(
            extraction,
            writers[name],
            next(manifest for manifest in known_manifests if manifest.dataset == name),
            store,
            replies,
        )
    if state.first_loss and not any(writer.has_pages for writer in writers.values()):
        raise state.first_loss
    manifests: dict[str, Manifest] = {}
    for name, writer in writers.items():  # a dataset's parents are declared before it
        gaps = extraction.gaps[name]
        manifests[name] = writer.finish(
            run_id=fetch.run_id,
            mode=fetch.scope.mode,
            started_at=started_at,
            observed_at=state.observed_at,
            gaps=gaps,
            missing_parents_share=manifests[gaps.parent].missing_share if gaps.parent else 0.0,
            left_out=state.left_out[name],
            loose_readings=state.loose_readings[name],
            clock_ahead_s=client.clock_ahead_s,
            day=fetch.source.day,
        )
    return list(manifests.values())


def _client(fetch: Fetch) -> Client:
    platform, source = fetch.platform, fetch.source
    return Client(
        platform.name,
        source.base_url,
        headers=platform.headers(source.credentials),
        pacer=Pacer(source.requests_per_second, source.concurrency),
        concurrency=source.concurrency,
        timeout_s=source.timeout_s,
        attempts=source.attempts,
        wall_wait_s=platform.pace.wall_wait_s,
        longest_pause_s=source.longest_pause_s,
        most_body_bytes=source.body_limit_mb * 1_000_000,
        html_is_a_wall=platform.html_is_a_wall,
        transport=source.transport,
    )


async def _land_pages(
    platform: Platform, extraction: Extraction, writers: dict[str, DatasetWriter], on_page: OnPage
) -> None:
    """Hand every page to the writer of its dataset, and store full objects in a thread.

    An error that stops the platform is reported to the extraction if records were received before it, else raised.
    """
    loop = asyncio.get_running_loop()
    storing: list[asyncio.Future[Any]] = []
    with ThreadPoolExecutor(1, thread_name_prefix=f"landing-{platform.name}") as thread:
        try:
            async for page in platform.pages(extraction):
                writer = writers[page.dataset]
                filled = writer.take(page)
                if filled is not None:
                    while len(storing) >= OBJECTS_BEHIND:
                        await storing.pop(0)
                    storing.append(loop.run_in_executor(thread, writer.store, filled))
                for reply in page.replies:
                    extraction.report_loose_readings(page.dataset, reply)
                on_page(page.dataset, len(page.records), extraction.gaps[page.dataset])
        except StorageError:
            await asyncio.gather(*storing, return_exceptions=True)
            raise
        except SyncError as error:
            await asyncio.gather(*storing, return_exceptions=True)
            if not any(writer.records for writer in writers.values()):
                raise
            extraction.report_stop(error)
        await asyncio.gather(*storing)


def _committed_manifests(fetch: Fetch, store: ObjectStore) -> list[Manifest]:
    """The manifests of the last committed sync of the period, if the source can say that its files are unchanged."""
    if not fetch.platform.has_etags or fetch.scope.taken_in is None:
        return []
    keys = [
        manifest_key(fetch.platform.name, dataset, fetch.partition, fetch.scope.taken_in)
        for dataset in fetch.dataset_names
    ]
    manifests = [find_manifest(store, key) for key in keys]
    whole = [manifest for manifest in manifests if manifest is not None and manifest.complete]
    return whole if len(whole) == len(manifests) else []  # what a gap left out would not be fetched again


def _land_again(
    extraction: Extraction,
    writer: DatasetWriter,
    known_manifest: Manifest,
    store: ObjectStore,
    replies: tuple[Reply, ...],
) -> None:
    """Land again what the source calls unchanged, with its 304 replies beside the bodies that were received first."""
    records, unchanged = LandedRecords(store), tuple(map(Body.of, replies))
    extraction.expect_pages(known_manifest.dataset, len(known_manifest.pages))
    if known_manifest.claimed is not None:
        extraction.report_total(known_manifest.dataset, known_manifest.claimed)
    for entry in known_manifest.pages:
        received = tuple(body for body in entry.bodies if body.status != NOT_MODIFIED)
        writer.add(Page(known_manifest.dataset, records.of(entry), (), landed=(*received, *unchanged)))
