"""Fetches what platform files declare: one list page by page, and the lists that belong to one record each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sync_platform.errors import Refused
from sync_platform.sources.endpoints import ChildEndpoint, CursorPaging, Endpoint, NumberedPaging, OffsetPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_proof import ListProof, Read
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.paging import by_cursor, by_offset, numbered, unpaged
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply

Get = Callable[[str, Mapping[str, Any], Callable[[Reply], Slice]], Awaitable[Slice]]
"""One request: a path, its parameters, and the function that reads the reply."""


class Parents:
    """Collects the ids and the child counts of a parent dataset's records, page by page.

    `counts`: by `source_id`, how many children a record says that it has (None: it does not say); records with 0
    children are left out.
    """

    def __init__(self, extraction: Extraction, child: ChildEndpoint) -> None:
        self._extraction, self.child = extraction, child
        self._dataset = extraction.state.datasets[child.parent]
        self._ids: set[str] = set()
        self._without_id = 0
        self.counts: dict[str, int | None] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Add the records of a page, before they are sealed."""
        for record in records:
            source_id = self._dataset.source_id(record)
            count = self.child.count.read(record) if self.child.count else None
            if source_id is None:
                self._without_id += count != 0
                continue
            self._ids.add(source_id)
            if count != 0:
                self.counts[source_id] = count

    def report(self) -> None:
        """Report which parents have no children, and if parents are missing: then their children are missing too."""
        extraction, parent, dataset = self._extraction, self.child.parent, self.child.dataset
        gaps, count = extraction.gaps[parent], len(self._ids)
        extraction.gaps[dataset].parts.note_read(self._ids - self.counts.keys())
        extraction.inherit_doubt(dataset, parent)
        if gaps.claimed is not None and count < gaps.claimed:
            finding = f"of {gaps.claimed:,} {parent} {count:,} came, and what belongs to the others is missing"
            extraction.report_missing_parents(dataset, parent, finding)
        elif self._without_id:
            finding = f"{self._without_id:,} {parent} came without an id, and what belongs to them is missing"
            extraction.report_missing_parents(dataset, parent, finding)
        elif gaps.is_known:
            extraction.inherit_gaps(dataset, parent)
        else:
            extraction.report_all_parts_known(dataset)


async def pages_of_all(extraction: Extraction, endpoints: Iterable[Endpoint]) -> AsyncIterator[Page]:
    """The pages of every declared endpoint whose dataset is wanted, one after the other; parents before children."""
    wanted_endpoints = [endpoint for endpoint in endpoints if extraction.wants(endpoint.dataset)]
    children = [endpoint for endpoint in wanted_endpoints if isinstance(endpoint, ChildEndpoint)]
    parents = {child.dataset: Parents(extraction, child) for child in children}
    for endpoint in wanted_endpoints:
        if isinstance(endpoint, ChildEndpoint):
            pages = pages_of_children(extraction, parents[endpoint.dataset])
        else:
            pages = pages_of(extraction, endpoint)
        async for page in pages:
            for child in children:
                if child.parent == page.dataset:
                    parents[child.dataset].add(page.records)
            yield page


async def pages_of_children(extraction: Extraction, parents: Parents, get: Get | None = None) -> AsyncIterator[Page]:
    """The lists that belong to one record each (the reviews of one restaurant), in whole parts that can be resumed.

    A parent whose count promises a list, and that lists nothing, is a finding, unless a delta is read.
    """
    endpoint, dataset = parents.child, parents.child.dataset
    parents.report()
    is_list_promised = endpoint.count is not None and endpoint.count.promises_list and not endpoint.is_delta(extraction)

    async def children(own: Extraction, parent: str) -> AsyncIterator[Page]:
        records = 0
        async for page in pages_of(own, endpoint, parent, get):
            records += len(page.records)
            yield page
        if is_list_promised and parents.counts[parent] and not records and own.part.is_whole:
            own.report_finding(dataset, f"it counts {parents.counts[parent]:,} {dataset} and lists none")

    async for page in extraction.each_part(dataset, sorted(parents.counts), children):
        yield page


async def pages_of(
    extraction: Extraction, endpoint: Endpoint, parent: str = "", get: Get | None = None
) -> AsyncIterator[Page]:
    """The pages of one list. `parent`: the `source_id` of the record that it belongs to. `get`: sends a request, in
    place of a plain GET."""
    path, parent_field = endpoint.path, ""
    if isinstance(endpoint, ChildEndpoint):
        path, parent_field = _path_of(extraction, endpoint, parent), endpoint.parent_field

    async def fetch(**position: Any) -> Slice:
        found_slice = await _slice_of(extraction, endpoint, path, position, get)
        if not parent_field:
            return found_slice
        return replace(found_slice, records=[{**record, parent_field: parent} for record in found_slice.records])

    async for page in ListProof(extraction, endpoint.dataset).pages(_one_read(endpoint, fetch)):
        yield page


async def page_of(
    extraction: Extraction, endpoint: Endpoint, position: Mapping[str, Any], get: Get | None = None
) -> Slice:
    """One page of a list, for a connector that pages in its own way. `position`: the parameters that choose the page;
    `get` as in `pages_of`."""
    return await _slice_of(extraction, endpoint, endpoint.path, position, get)


async def _slice_of(
    extraction: Extraction, endpoint: Endpoint, path: str, position: Mapping[str, Any], get: Get | None
) -> Slice:
    """One page. No content means that nothing changed; as the answer to a full list it proves nothing: a finding."""
    send = get or _plain_get(extraction)
    found_slice = await send(path, {**endpoint.query(extraction), **position}, endpoint.read)
    if found_slice.reply.has_no_content and not endpoint.is_delta(extraction):
        text = f"{found_slice.reply.url} answered {found_slice.reply.status} without content, which is no list"
        extraction.report_finding(endpoint.dataset, text)
    return found_slice


def _one_read(endpoint: Endpoint, fetch: Callable[..., Awaitable[Slice]]) -> Read:
    """A read of the list, page by page; `fetch` takes the parameter that says which page."""
    paging = endpoint.paging
    if isinstance(paging, NumberedPaging):
        return lambda reading: numbered(reading, lambda page: fetch(**{paging.page: page}), paging.size)
    if isinstance(paging, CursorPaging):
        return lambda reading: by_cursor(reading, lambda cursor: fetch(**({paging.cursor: cursor} if cursor else {})))
    if isinstance(paging, OffsetPaging):
        return lambda reading: by_offset(
            reading, lambda position: fetch(**paging.position(position)), paging.size, counts_pages=paging.counts_pages
        )
    return lambda reading: unpaged(reading, fetch)


def _path_of(extraction: Extraction, endpoint: ChildEndpoint, parent: str) -> str:
    """The path of one parent's list; Refused for an id that could be read as another path."""
    try:
        return endpoint.path_of(parent)
    except ValueError as error:
        reason = f"{extraction.client.platform}: {endpoint.path} is not requested: {error}"
        raise Refused(reason) from None


def _plain_get(extraction: Extraction) -> Get:
    async def get(path: str, params: Mapping[str, Any], read: Callable[[Reply], Slice]) -> Slice:
        return await extraction.client.get(path, params, read=read)

    return get
