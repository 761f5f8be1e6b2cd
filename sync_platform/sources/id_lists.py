"""Lists that are read only for the ids of their records, which are then fetched by id.

Such a list is not landed, but for its records without an id: they cannot be fetched, and go to quarantine as listed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson

from sync_platform.sources.endpoints import Endpoint, IdPaging, NumberedPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import Get, page_of
from sync_platform.sources.list_proof import ListProof
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.paging import numbered
from sync_platform.sources.received import Page, Record

Kept = TypeVar("Kept")


@dataclass
class IdList(Generic[Kept]):
    """The result of reading such a list: `by_id` is what is kept of each record, by `source_id`.

    `without_id`: pages with the records that have no id. `listed`: how many records were listed, with or without an id.
    `total`: the largest total of any page.
    """

    by_id: dict[str, Kept] = field(default_factory=dict)
    without_id: list[Page] = field(default_factory=list)
    listed: int = 0
    total: int | None = None

    @property
    def count_without_id(self) -> int:
        """The number of records without an id; those that are alike count once."""
        return len({orjson.dumps(record) for page in self.without_id for record in page.records})


async def read_id_list(
    extraction: Extraction,
    endpoint: Endpoint,
    keep: Callable[[Record], Kept],
    *,
    records: str,
    name: str = "the list",
    get: Get | None = None,
) -> IdList[Kept]:
    """Read a numbered list, again where it moved while it was read. Fewer records than its total are a finding.

    `records` and `name`: what findings call the records and the list.
    """
    dataset, paging = endpoint.dataset, endpoint.paging
    if not isinstance(paging, NumberedPaging):
        raise TypeError(f"{endpoint.path}: only a numbered list is read for its ids")
    id_list: IdList[Kept] = IdList()

    async def fetch(page: int) -> Slice:
        part = await page_of(extraction, endpoint, {paging.page: page}, get)
        extraction.report_loose_readings(dataset, part.reply)
        return part

    proof = ListProof(extraction, dataset, is_landed=False, has_claim=False, name=name, noun=records)
    async for part in proof.slices(lambda reading: numbered(reading, fetch, paging.size)):
        ids = [extraction.source_id(dataset, record) for record in part.records]
        for source_id, record in zip(ids, part.records, strict=True):
            if source_id is not None:
                id_list.by_id[source_id] = keep(record)
        if None in ids:
            without_id = [record for source_id, record in zip(ids, part.records, strict=True) if source_id is None]
            id_list.without_id.append(Page(dataset, without_id, (part.reply,)))
    id_list.listed, id_list.total = proof.last.received, proof.last.total
    came = len(id_list.by_id) + id_list.count_without_id
    if id_list.total is not None and came < id_list.total and not proof.last.is_broken:
        finding = f"{name} claims {id_list.total:,} {records} and lists {came:,}"
        extraction.report_finding(dataset, finding)
    return id_list


async def pages_by_id(
    extraction: Extraction, endpoint: Endpoint, ids: list[str], get: Get | None = None
) -> AsyncIterator[Page]:
    """The records with these ids, in batches; ids that an answer leaves out without an error are reported.

    Each id is a part of the list. The list of ids is whole unless a gap of it was reported before.
    """
    dataset, paging = endpoint.dataset, endpoint.paging
    if not isinstance(paging, IdPaging):
        raise TypeError(f"{endpoint.path} is not requested by id")
    batches = [ids[start : start + paging.size] for start in range(0, len(ids), paging.size)]
    extraction.expect_pages(dataset, len(batches))
    gaps = extraction.gaps[dataset]
    gaps.parts.are_all_known = not gaps.is_known
    gaps.parts.expect(ids)

    async def fetch(batch: list[str]) -> Slice:
        part = await page_of(extraction, endpoint, {paging.ids: batch}, get)
        received = {extraction.source_id(dataset, record) for record in part.records}
        gaps.parts.note_read(source_id for source_id in batch if source_id in received)
        extraction.report_omitted(dataset, [source_id for source_id in batch if source_id not in received])
        return part

    async for part in extraction.each(dataset, batches, fetch):
        yield part.as_page(dataset)
