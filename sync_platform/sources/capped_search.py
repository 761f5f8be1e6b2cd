"""Reads all records of a search that lists only the first N results of a query, by splitting its queries.

What belongs here: which query is sent next, and which records could not be reached. What does not: the filters of any
platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

import orjson

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.received import Page, Record
from sync_platform.sources.search_query import Filters, Query, SearchFilter


class CappedSearch:
    """All records of a search that lists at most `cap` records per query, in pages of `page_rows`.

    A query that lists fewer records than it counts is split by the next filter of a partition. The parts need not
    add up, because a record may have no value for a filter: then the pages of the query itself are read too, up to
    the cap. A query that still misses records that none of its parts counts is asked again in the other `orders`,
    each of which lists other records first, and then with each value of the `other_filters`. A query that stays short
    after that is reported as capped. The values of the first filter of a partition name the parts of the list
    (sources/gaps.py).

    Parts may overlap: a record that comes again unchanged is left out.

    `orders`: the parameters of each order, without the one that `fetch` asks for by itself. `other_filters`: filters
    that many records have no value for; one that the source refuses or ignores is not used. `fetch` reads one page
    (1, 2, …) of the query with these filters; the `total` of its slice is the query's count. `whole_name` names the
    query without filters. Memory: the ids of all records, once per level of queries, and a hash of each record.
    """

    def __init__(
        self,
        extraction: Extraction,
        dataset: str,
        fetch: Callable[[Filters, int], Awaitable[Slice]],
        *,
        cap: int,
        page_rows: int,
        orders: Sequence[Filters] = (),
        other_filters: Sequence[SearchFilter] = (),
        whole_name: str = "the whole search",
    ) -> None:
        self._extraction, self._dataset, self._fetch = extraction, dataset, fetch
        self._cap, self._page_rows, self._orders = cap, page_rows, orders
        self._untried = [each for each in reversed(other_filters) if each.values]
        self._other_filters: list[SearchFilter] = []
        self._whole = Query({}, whole_name)
        self._seen: dict[str, int] = {}  # by id, the hash of the record as it came first
        self._split: list[Query] = []
        self._unsplit: list[Query] = []  # short, and no filter of the partition is left to split them

    async def pages(self, partitions: Sequence[Sequence[SearchFilter]]) -> AsyncIterator[Page]:
        """Every page, without the records that an earlier page listed.

        Each partition is a list of filters that split the search, the coarsest first. The second partition is used
        only for records that no part of the first counts, and so on. The first filters of two partitions have no value
        in common.
        """
        async for page in self._read(self._whole):
            yield page
        if self._whole.count is None:
            return
        self._extraction.report_total(self._dataset, self._whole.count)
        for search_filters in partitions:
            if self._whole.misses_more_than_its_parts:
                async for page in self._read_partition(search_filters):
                    yield page
        async for page in self._read_in_other_ways([self._whole]):
            yield page
        if self._whole.is_short:
            self._report([*self._unsplit, *reversed(self._split), self._whole])
        self._report_parts()

    async def _read_partition(self, search_filters: Sequence[SearchFilter]) -> AsyncIterator[Page]:
        """The parts of the search, then the queries that were split, as far as their parts miss records."""
        split, unsplit = len(self._split), len(self._unsplit)
        async for page in self._read_parts(search_filters):
            yield page
        coarser = list(reversed(self._split[split:]))  # the finest first: their records count for the coarser ones too
        for query in [*coarser, self._whole]:
            if self._is_wanted(query):
                async for page in self._read(query, despite_cap=True):
                    yield page
        async for page in self._read_in_other_ways([*self._unsplit[unsplit:], *coarser]):
            yield page

    async def _read_parts(self, search_filters: Sequence[SearchFilter]) -> AsyncIterator[Page]:
        """Read the parts of the search by the first filter, then the parts of short parts by the second, and so on."""
        short = [self._whole]
        for depth, search_filter in enumerate(search_filters, start=1):
            is_finest = depth == len(search_filters)
            level = [part for query in short for part in query.split(search_filter, is_finest)]
            known = len(self._seen)
            async for page in self._extraction.each_stream(self._dataset, level, self._read):
                yield page
            short = [query for query in level if query.is_short and query.is_answered]
            (self._unsplit if is_finest else self._split).extend(short)
            if len(self._seen) == known:
                # a query within the cap was read to its end: if no query listed a new record, its parts will not either
                short = [query for query in short if self._is_above_cap(query)]

    async def _read_in_other_ways(self, queries: Sequence[Query]) -> AsyncIterator[Page]:
        """The queries in each other order, then split by each other filter, as long as they miss records."""
        async for page in self._extraction.each_stream(self._dataset, queries, self._in_other_orders):
            yield page
        if any(self._is_wanted(query) for query in queries):
            async for page in self._try_other_filters():
                yield page
        async for page in self._extraction.each_stream(self._dataset, queries, self._by_other_filters):
            yield page

    async def _in_other_orders(self, query: Query) -> AsyncIterator[Page]:
        for order in self._orders:
            if self._is_wanted(query):
                async for page in self._read(query.in_order(order)):
                    yield page

    async def _by_other_filters(self, query: Query) -> AsyncIterator[Page]:
        for search_filter in self._other_filters:
            for value in search_filter.values:
                if self._is_wanted(query):
                    async for page in self._read(query.narrowed({search_filter.name: value})):
                        yield page

    def _is_wanted(self, query: Query) -> bool:
        """True if the query may still list records that were not found."""
        return self._whole.is_short and query.misses_more_than_its_parts

    async def _try_other_filters(self) -> AsyncIterator[Page]:
        """Ask once with each other filter. A source that ignores it counts as many records as without it."""
        while self._untried:
            search_filter = self._untried.pop()
            query = self._whole.narrowed({search_filter.name: search_filter.values[0]})
            try:
                part = await self._next_page(query)
            except SyncError as error:
                if stops_the_platform(error):
                    self._extraction.report_failure(self._dataset, error)
                continue
            if query.count != self._whole.count:
                self._other_filters.append(search_filter)
            yield self._without_seen(query, part)

    async def _read(self, query: Query, despite_cap: bool = False) -> AsyncIterator[Page]:
        """The pages of a query that are not read yet.

        Only the first page of a query that is above the cap and can be split, unless `despite_cap`.
        """
        while query.pages_requested < self._reachable_pages(query):
            try:
                part = await self._next_page(query)
            except SyncError as error:
                query.lost_a_page = True
                self._extraction.report_failure(self._dataset, error)
                continue
            if query.repeats:
                return
            yield self._without_seen(query, part)
            if not part.records or (self._is_above_cap(query) and not query.is_finest and not despite_cap):
                return

    async def _next_page(self, query: Query) -> Slice:
        """The next page. A page that lists only ids of earlier pages is a finding."""
        query.pages_requested += 1
        self._extraction.expect_pages(self._dataset, 1)
        part = await self._fetch(query.filters, query.pages_requested)
        largest_count = max(query.count or 0, part.total or 0)  # of two pages: a record may be gone before the second
        query.count, query.page_rows = max(0, part.total or 0), max(query.page_rows, len(part.records))
        ids = self._ids(part)
        if query.pages_requested > 1 and part.records and ids <= query.own_ids:
            query.repeats = True
            page = f"page {query.pages_requested} of {query.name}"
            self._extraction.report_finding(self._dataset, f"{page} repeats what came before it")
        query.own_ids |= ids
        if len(query.own_ids) > largest_count and not query.has_wrong_count:
            query.has_wrong_count = True
            counted = f"counts {largest_count:,} {self._dataset}, and lists more: the count is wrong"
            problem = f"does not say how it goes on: {part.problem}" if part.problem else counted
            self._extraction.report_finding(self._dataset, f"{query.name} {problem}")
        return part

    def _without_seen(self, query: Query, part: Slice) -> Page:
        """The page without the records that came before, unchanged. Those without an id are all kept."""
        fresh = [record for record in part.records if self._is_new(record)]
        ids = self._ids(part)
        for ancestor in query.with_ancestors:
            ancestor.ids |= ids
        return Page(self._dataset, fresh, (part.reply,))

    def _is_new(self, record: Record) -> bool:
        """True unless the record came before with the same values. With other values the two contradict each other, and
        the lake decides."""
        source_id = self._extraction.source_id(self._dataset, record)
        if source_id is None:
            return True
        is_first, own = source_id not in self._seen, hash(orjson.dumps(record))
        return self._seen.setdefault(source_id, own) != own or is_first

    def _report_parts(self) -> None:
        """Report which parts by a partition's first filter were read whole; their names are the filter's values.

        A part that counts no records may be a fault of the source, so it proves nothing.
        """
        parts = self._extraction.gaps[self._dataset].parts
        for query in self._whole.parts:
            names = map(str, query.filters.values())
            if query.repeats or query.is_short or not query.count:
                parts.expect(names)
            else:
                parts.note_read(names)

    def _ids(self, part: Slice) -> set[str]:
        ids = (self._extraction.source_id(self._dataset, record) for record in part.records)
        return {each for each in ids if each is not None}

    def _is_above_cap(self, query: Query) -> bool:
        return (query.count or 0) > self._cap

    def _reachable_pages(self, query: Query) -> int:
        """The number of pages that can have records; 1 until the first page is read.

        A source whose pages are shorter than `page_rows` has more of them.
        """
        if query.count is None:
            return 1
        return -(-min(query.count, self._cap) // min(self._page_rows, query.page_rows))

    def _report(self, queries: Iterable[Query]) -> None:
        """Report the finest of the queries that have more records than could be read."""
        for query in queries:
            if query.is_short and not query.is_reported:
                count = "an unknown number" if query.count is None else f"{query.count:,}"
                self._extraction.report_capped(self._dataset, f"{query.name}: {len(query.ids):,} of {count}")
                for ancestor in query.with_ancestors:
                    ancestor.is_reported = True
