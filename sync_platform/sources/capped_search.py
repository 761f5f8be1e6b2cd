"""Reads all records of a search that lists only the first N results of a query, by splitting its queries.

What belongs here: which query is sent next, and which records could not be reached. What does not: the filters of any
platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync_platform.errors import SyncError
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.received import Page

Filters = Mapping[str, int | str]


@dataclass(frozen=True)
class SearchFilter:
    """A filter that splits a query: its name and the values that it takes."""

    name: str
    values: Sequence[int | str]


@dataclass(eq=False)
class Query:
    """One query: its filters, the source's count of its records, and the ids that it and its parts have listed."""

    filters: Filters
    name: str
    parent: Query | None = None
    is_finest: bool = False  # True if no filter is left to split it
    count: int | None = None  # None: no page was read
    page_rows: int = 1  # the records of its longest page
    pages_requested: int = 0
    own_ids: set[str] = field(default_factory=set)  # those that its own pages listed
    ids: set[str] = field(default_factory=set)
    repeats: bool = False
    is_reported: bool = False

    @property
    def is_answered(self) -> bool:
        return self.count is not None

    @property
    def is_short(self) -> bool:
        """True if the query counts more records than were listed.

        If it repeats its pages this is unknown, also for its parts.
        """
        return self.count is None or (len(self.ids) < self.count and not self.repeats)

    @property
    def with_ancestors(self) -> list[Query]:
        """This query, the query that it is a part of, and so on."""
        return [self, *(self.parent.with_ancestors if self.parent else [])]

    def parts(self, search_filter: SearchFilter, is_finest: bool) -> list[Query]:
        """The query split by a filter."""
        found = []
        for value in dict.fromkeys(search_filter.values):
            filters = {**self.filters, search_filter.name: value}
            name = " ".join(f"{name}={chosen}" for name, chosen in filters.items())
            found.append(Query(filters, name, self, is_finest))
        return found

    def in_order(self, order: Filters) -> Query:
        """The query in another order. The records that it lists count for this query too."""
        name = " ".join(f"{name}={chosen}" for name, chosen in order.items())
        return Query({**self.filters, **order}, f"{self.name} {name}", self, is_finest=True)


class CappedSearch:
    """All records of a search that lists at most `cap` records per query, in pages of `page_rows`.

    A query that lists fewer records than it counts is split by the next filter of a partition. The parts need not
    add up, because a record may have no value for a filter: then the pages of the query itself are read too, up to
    the cap. Parts may overlap: each record is yielded once. A query that cannot be split further and stays short is
    asked again in the other `orders`, each of which lists other records first. A query that stays short after that is
    reported as capped. The values of the first filter of a partition name the parts of the list (sources/gaps.py).

    `orders`: the parameters of each order, without the one that `fetch` asks for by itself. `fetch` reads one page
    (1, 2, …) of the query with these filters; the `total` of its slice is the query's count. `whole_name` names the
    query without filters. Memory: the ids of all records, once per level of queries.
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
        whole_name: str = "the whole search",
    ) -> None:
        self._extraction, self._dataset, self._fetch = extraction, dataset, fetch
        self._cap, self._page_rows, self._orders = cap, page_rows, orders
        self._whole = Query({}, whole_name)
        self._seen: set[str] = set()
        self._split: list[Query] = []
        self._coarsest: list[Query] = []  # the parts by the first filter of each partition
        self._unsplit: list[Query] = []  # short, and no filter is left to split them

    async def pages(self, partitions: Sequence[Sequence[SearchFilter]]) -> AsyncIterator[Page]:
        """Every page, without the records that an earlier page listed.

        Each partition is a list of filters that split the search, the coarsest first. The second partition is used
        only if the first leaves records out, and so on. The first filters of two partitions have no value in common.
        """
        async for page in self._read(self._whole):
            yield page
        if self._whole.count is None:
            return
        self._extraction.report_total(self._dataset, self._whole.count)
        for search_filters in partitions:
            if self._whole.is_short:
                known = len(self._unsplit)
                async for page in self._read_parts(search_filters):
                    yield page
                unsplit = self._unsplit[known:]
                async for page in self._extraction.each_stream(self._dataset, unsplit, self._in_other_orders):
                    yield page
        for query in reversed([self._whole, *self._split]):  # the finest first: their records count for the coarser too
            if self._whole.is_short and query.is_short:
                async for page in self._read(query, despite_cap=True):
                    yield page
        for query in [*reversed(self._split), self._whole]:
            async for page in self._in_other_orders(query):
                yield page
        if self._whole.is_short:
            self._report([*self._unsplit, *reversed(self._split), self._whole])
        self._report_parts()

    async def _in_other_orders(self, query: Query) -> AsyncIterator[Page]:
        """The query in each other order, as long as it is short."""
        for order in self._orders:
            if not (self._whole.is_short and query.is_short):
                return
            async for page in self._read(query.in_order(order)):
                yield page

    async def _read_parts(self, search_filters: Sequence[SearchFilter]) -> AsyncIterator[Page]:
        """Read the parts of the search by the first filter, then the parts of short parts by the second, and so on."""
        short = [self._whole]
        for depth, search_filter in enumerate(search_filters, start=1):
            is_finest = depth == len(search_filters)
            level = [part for query in short for part in query.parts(search_filter, is_finest)]
            if depth == 1:
                self._coarsest += level
            known = len(self._seen)
            async for page in self._extraction.each_stream(self._dataset, level, self._read):
                yield page
            short = [query for query in level if query.is_short and query.is_answered]
            (self._unsplit if is_finest else self._split).extend(short)
            if len(self._seen) == known:
                # a query within the cap was read to its end: if no query listed a new record, its parts will not either
                short = [query for query in short if self._is_above_cap(query)]

    async def _read(self, query: Query, despite_cap: bool = False) -> AsyncIterator[Page]:
        """The pages of a query that are not read yet.

        Only the first page of a query that is above the cap and can be split, unless `despite_cap`.
        """
        while query.pages_requested < self._reachable_pages(query):
            try:
                part = await self._next_page(query)
            except SyncError as error:
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
        query.count, query.page_rows = part.total or 0, max(query.page_rows, len(part.records))
        ids = self._ids(part)
        if query.pages_requested > 1 and part.records and ids <= query.own_ids:
            query.repeats = True
            page = f"page {query.pages_requested} of {query.name}"
            self._extraction.report_finding(self._dataset, f"{page} repeats what came before it")
        query.own_ids |= ids
        return part

    def _without_seen(self, query: Query, part: Slice) -> Page:
        """The records of a page that no earlier page listed; those without an id are all kept."""
        source_id = self._extraction.source_id
        fresh = [record for record in part.records if source_id(self._dataset, record) not in self._seen]
        ids = self._ids(part)
        for each in query.with_ancestors:
            each.ids |= ids
        self._seen |= ids
        return Page(self._dataset, fresh, (part.reply,))

    def _report_parts(self) -> None:
        """Report which parts by a partition's first filter were read whole; their names are the filter's values.

        A part that counts no records may be a fault of the source, so it proves nothing.
        """
        parts = self._extraction.gaps[self._dataset].parts
        for query in self._coarsest:
            names = map(str, query.filters.values())
            if query.repeats or query.is_short or not query.count:
                parts.expect(names)
            else:
                parts.note_read(names)

    def _ids(self, part: Slice) -> set[str]:
        found = (self._extraction.source_id(self._dataset, record) for record in part.records)
        return {each for each in found if each is not None}

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
                for each in query.with_ancestors:
                    each.is_reported = True
