"""A capped search over sources in memory: every record that a query lists is found, and others are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.errors import AuthenticationFailed, Refused, ServerFailed, SyncError
from sync_platform.sources.capped_search import CappedSearch
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.received import Page
from sync_platform.sources.search_query import Filters, SearchFilter
from sync_platform_tests.sources.answers import extraction_of, ids, reply_of, run

Dish = dict[str, Any]
Question = tuple[frozenset[tuple[str, Any]], int]
PAGE_ROWS, CAP = 2, 5
COLOURS, SIZES, SHOPS = (1, 2, 3), ("s", "l"), (-1, -2)
COLOUR, SIZE, SHOP = SearchFilter("colour", COLOURS), SearchFilter("size", SIZES), SearchFilter("shop", SHOPS)
PARTITIONS = [[COLOUR, SIZE], [SHOP, SIZE]]
LAST_FIRST: Filters = {"order": "last first"}


def dish(number: int, colour: int | None = 1, size: str | None = "s", *shops: int) -> Dish:
    return {"id": number, "colour": [colour], "size": [size], "shop": shops}


@dataclass
class CappedSource:
    """Lists at most `cap` of its dishes per query, in order, and counts all that match; `asked` records each page."""

    dishes: list[Dish]
    cap: int = CAP
    broken: dict[Question, SyncError] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    page_rows: int = PAGE_ROWS

    async def __call__(self, filters: Filters, page: int) -> Slice:
        question = frozenset(filters.items()), page
        self.asked.append(question)
        if question in self.broken:
            raise self.broken[question]
        start = (page - 1) * self.page_rows
        listed = self.matching(filters)[: self.cap][start : start + self.page_rows]
        return Slice(listed, reply_of([]), total=len(self.matching(filters)))

    def matching(self, filters: Filters) -> list[Dish]:
        chosen = {name: value for name, value in filters.items() if name != "order"}
        dishes = self.dishes[::-1] if filters.get("order") == "last first" else self.dishes
        return [one for one in dishes if all(value in one.get(name, ()) for name, value in chosen.items())]

    def reachable(self) -> set[int]:
        """The ids that some query lists: of the first partition, and of the second for dishes without a colour."""
        ids: set[int] = set()
        for dishes, (first, second) in zip((self.dishes, self._colourless), PARTITIONS, strict=True):
            queries: list[Filters] = [{}]
            for value in first.values:
                queries += [{first.name: value}]
                queries += [{first.name: value, second.name: finer} for finer in second.values]
            listed = [one for filters in queries for one in self.matching(filters)[: self.cap]]
            ids |= {one["id"] for one in listed if one in dishes}
        return ids

    @property
    def _colourless(self) -> list[Dish]:
        return [one for one in self.dishes if one["colour"] == [None]]


@dataclass
class Found:
    pages: list[Page]
    extraction: Extraction

    @property
    def ids(self) -> list[int]:
        return ids(self.pages)

    @property
    def capped(self) -> list[str]:
        return self.extraction.gaps["dishes"].capped_slices


def search(source: CappedSource, orders: Sequence[Filters] = (), other_filters: Sequence[SearchFilter] = ()) -> Found:
    extraction = extraction_of()
    crawl = CappedSearch(
        extraction, "dishes", source, cap=CAP, page_rows=PAGE_ROWS, orders=orders, other_filters=other_filters
    )

    async def collected() -> list[Page]:
        return [page async for page in crawl.pages(PARTITIONS)]

    return Found(run(collected()), extraction)


@st.composite
def capped_sources(draw: st.DrawFn) -> CappedSource:
    """Dishes with and without a colour, a size and shops; the cap announced, or one below it."""
    values = st.tuples(
        st.sampled_from((None, *COLOURS)), st.sampled_from((None, *SIZES)), st.lists(st.sampled_from(SHOPS))
    )
    dishes = [
        dish(number, colour, size, *shops)
        for number, (colour, size, shops) in enumerate(draw(st.lists(values, max_size=40)))
    ]
    return CappedSource(dishes, draw(st.sampled_from((CAP, CAP, CAP - 2))))


@given(capped_sources())
def test_every_record_that_a_query_lists_is_found_and_others_are_reported_as_capped(
    source: CappedSource,
) -> None:
    result = search(source)
    everything = {one["id"] for one in source.dishes}
    if source.cap == CAP:
        assert set(result.ids) >= source.reachable()
    assert bool(result.capped) == (set(result.ids) != everything)
    assert result.extraction.gaps["dishes"].claimed == len(everything)


@given(capped_sources())
def test_no_page_is_requested_twice_and_no_record_is_yielded_twice(source: CappedSource) -> None:
    result = search(source)
    assert Counter(source.asked).most_common(1)[0][1] == 1
    assert len(set(result.ids)) == len(result.ids)
    assert result.extraction.gaps["dishes"].pages_expected == len(source.asked)


@given(capped_sources())
def test_no_page_beyond_the_cap_or_the_count_is_requested(source: CappedSource) -> None:
    search(source)
    for filters, page in source.asked:
        reachable = min(CAP, len(source.matching(dict(filters))))
        assert page == 1 or (page - 1) * PAGE_ROWS < reachable


@given(capped_sources(), st.data())
def test_records_of_broken_pages_are_found_by_other_queries_or_reported(
    source: CappedSource, data: st.DataObject
) -> None:
    search(source)
    broken = data.draw(st.sets(st.sampled_from(source.asked), max_size=4))
    source.broken = dict.fromkeys(broken, ServerFailed("source: broken"))
    result = search(source)
    gaps = result.extraction.gaps["dishes"]
    assert set(result.ids) == {one["id"] for one in source.dishes} or gaps.failures or gaps.capped_slices


def test_a_search_within_the_cap_is_one_query() -> None:
    source = CappedSource([dish(number) for number in range(CAP)])
    assert search(source).ids == [*range(CAP)]
    assert source.asked == [(frozenset(), page) for page in (1, 2, 3)]


def test_a_query_above_the_cap_is_split_and_its_first_page_is_all_that_is_read_of_it() -> None:
    source = CappedSource([dish(number, colour) for number, colour in enumerate([1, 1, 1, 1, 2, 2, 2, 2])])
    result = search(source)
    assert len(result.ids) == 8
    assert not result.capped
    assert [page for filters, page in source.asked if not filters] == [1]


def test_a_part_above_the_cap_is_split_by_the_next_filter() -> None:
    source = CappedSource([dish(number, 1, size) for number, size in enumerate(["s"] * 5 + ["l"] * 5)])
    result = search(source)
    assert len(result.ids) == 10
    assert not result.capped


def test_records_without_a_value_for_a_filter_are_found_by_the_query_that_was_split() -> None:
    result = search(CappedSource([dish(1, None), *(dish(number, 2) for number in range(2, 7)), dish(7, 3)]))
    assert len(result.ids) == 7
    assert not result.capped


def test_a_query_that_stays_short_is_reported_by_its_filters_and_its_numbers() -> None:
    result = search(CappedSource([dish(number, 1, "s") for number in range(8)] + [dish(9, 2)]))
    assert result.capped == ["colour=1 size=s: 5 of 8"]


def test_a_query_that_stays_short_is_asked_again_in_another_order() -> None:
    source = CappedSource([dish(number, 1, "s") for number in range(8)] + [dish(9, 2)])
    result = search(source, orders=[LAST_FIRST])
    assert len(result.ids) == 9
    assert not result.capped
    assert {filters for filters, _ in source.asked if "order" in dict(filters)} == {
        frozenset({("colour", 1), ("size", "s"), *LAST_FIRST.items()})
    }


def test_a_query_that_no_order_lists_whole_is_reported_with_what_all_orders_listed() -> None:
    result = search(CappedSource([dish(number, 1, "s") for number in range(12)]), orders=[LAST_FIRST])
    assert result.capped == ["colour=1 size=s: 10 of 12"]


def test_a_source_whose_pages_are_shorter_than_requested_is_read_to_its_end() -> None:
    source = CappedSource([dish(number) for number in range(CAP)], page_rows=1)
    assert search(source).ids == [*range(CAP)]


def test_records_without_any_value_that_no_page_reaches_are_reported_for_the_whole_search() -> None:
    result = search(CappedSource([dish(number, None, None) for number in range(8)]))
    assert result.capped == ["the whole search: 5 of 8"]


def test_the_second_partition_is_used_only_where_the_first_leaves_records_out() -> None:
    covered = CappedSource([dish(number, colour, "s", -1) for number, colour in enumerate([1, 1, 1, 2, 2, 2])])
    left_out = CappedSource([dish(number, None, "s", -1 if number < 4 else -2) for number in range(8)])
    asks_shops = []
    for source in (covered, left_out):
        result = search(source)
        assert len(result.ids) == len(source.dishes)
        assert not result.capped
        asks_shops.append(any("shop" in dict(filters) for filters, _ in source.asked))
    assert asks_shops == [False, True]


def test_the_finest_queries_are_read_to_the_cap_before_the_second_partition_is_used() -> None:
    source = CappedSource([dish(number, 1, "s") for number in range(8)] + [dish(8, None, "s", -1), dish(9, None)])
    search(source)
    first_shop = next(place for place, (filters, _) in enumerate(source.asked) if "shop" in dict(filters))
    assert (frozenset({("colour", 1), ("size", "s")}), 3) in source.asked[:first_shop]


def test_a_query_is_not_asked_again_for_records_that_its_parts_miss() -> None:
    source = CappedSource([dish(number, 1, "s", -1) for number in range(8)])
    assert search(source, orders=[{"order": "the same"}]).capped == ["colour=1 size=s: 5 of 8"]
    asked = {filters for filters, page in source.asked if page > 1}
    finest = {("colour", 1), ("size", "s")}
    assert asked == {frozenset(finest), frozenset({*finest, ("order", "the same")})}
    assert not any("shop" in dict(filters) for filters, _ in source.asked)


def test_records_without_a_value_for_the_partition_are_found_by_another_filter() -> None:
    source = CappedSource([dish(number, 1, None) | {"taste": [number % 2]} for number in range(10)])
    result = search(source, other_filters=[SearchFilter("taste", (0, 1))])
    assert len(result.ids) == 10
    assert not result.capped


@pytest.mark.parametrize("error", [None, Refused("source: unknown filter")])
def test_another_filter_that_the_source_ignores_or_refuses_is_asked_for_once(error: SyncError | None) -> None:
    source = CappedSource([dish(number, 1, None) | {"taste": [0, 1]} for number in range(10)])
    source.broken = {(frozenset({("taste", 0)}), 1): error} if error else {}
    result = search(source, other_filters=[SearchFilter("taste", (0, 1))])
    assert result.capped == ["colour=1: 5 of 10"]
    assert [dict(filters) for filters, _ in source.asked if "taste" in dict(filters)] == [{"taste": 0}]
    assert result.extraction.gaps["dishes"].failures == []


def test_a_record_that_comes_again_with_other_values_is_kept_and_an_unchanged_one_is_left_out() -> None:
    @dataclass
    class Changing(CappedSource):
        async def __call__(self, filters: Filters, page: int) -> Slice:
            result = await super().__call__(filters, page)
            changed = [one | {"name": "new"} if one["id"] == 0 and filters else one for one in result.records]
            return replace(result, records=changed)

    result = search(Changing([dish(number, 1 + number % 2) for number in range(8)]))
    assert sorted(result.ids) == [0, *range(8)]
    assert {record.get("name") for page in result.pages for record in page.records if record["id"] == 0} == {
        None,
        "new",
    }


def test_the_finest_query_that_stays_short_is_read_first() -> None:
    sizes = ["s", None, None, None, "s", "s"]
    source = CappedSource(
        [dish(1, 2), dish(2, 2), *(dish(number, 1, size) for number, size in enumerate(sizes, start=3))]
    )
    assert len(search(source).ids) == 8
    assert (frozenset(), 2) not in source.asked


def test_queries_within_the_cap_that_list_nothing_new_are_not_split() -> None:
    source = CappedSource([dish(number, 1, "s") for number in range(CAP)], cap=2)
    assert search(source).capped == ["colour=1: 2 of 5"]
    assert not any("size" in dict(filters) for filters, _ in source.asked)


@pytest.mark.parametrize("count", [0, -1, 1, 3])
def test_a_count_that_is_too_small_is_a_finding(count: int) -> None:
    source = CappedSource([dish(number) for number in range(9)])

    async def fetch(filters: Filters, page: int) -> Slice:
        return replace(await source(filters, page), total=count)

    extraction = extraction_of()
    search = CappedSearch(extraction, "dishes", fetch, cap=CAP, page_rows=PAGE_ROWS)

    async def collect() -> list[Page]:
        return [page async for page in search.pages(PARTITIONS)]

    assert len(ids(run(collect()))) >= PAGE_ROWS
    counted = f"the whole search counts {max(0, count)} dishes, and lists more: the count is wrong"
    assert counted in extraction.gaps["dishes"].findings


def test_the_pages_after_a_lost_one_are_read() -> None:
    source = CappedSource([dish(number) for number in range(CAP)], broken={(frozenset(), 2): ServerFailed("broken")})
    assert sorted(search(source).ids) == [*range(CAP)]
    assert (frozenset(), 3) in source.asked


def test_a_query_that_repeats_itself_is_a_finding_and_is_not_split() -> None:
    class Stuck(CappedSource):
        async def __call__(self, filters: Filters, page: int) -> Slice:
            return await super().__call__(filters, 1)

    source = Stuck([dish(number) for number in range(CAP)])
    result = search(source)
    assert result.extraction.gaps["dishes"].findings == ["page 2 of the whole search repeats what came before it"]
    assert result.ids == [0, 1]
    assert len(source.asked) == 2


def test_a_lost_page_loses_only_records_that_no_other_query_lists() -> None:
    dishes = [dish(number, 1 + number % 2) for number in range(8)]
    lost = (frozenset({("colour", 1)}), 2)
    result = search(CappedSource(dishes, broken={lost: ServerFailed("source: broken")}))
    assert len(result.ids) == 8
    assert result.extraction.gaps["dishes"].failures == ["source: broken"]
    assert not result.capped


def test_records_without_an_id_are_all_kept() -> None:
    result = search(CappedSource([{"name": "A"}, {"name": "B"}]))
    assert [record["name"] for page in result.pages for record in page.records].count("A") == 1
    assert result.capped == ["the whole search: 0 of 2"]


@pytest.mark.parametrize("error", [ServerFailed("source: broken"), AuthenticationFailed("source: who are you")])
def test_a_search_that_fails_from_the_start_claims_nothing(error: SyncError) -> None:
    source = CappedSource([dish(1)], broken={(frozenset(), 1): error})
    if isinstance(error, AuthenticationFailed):
        with pytest.raises(AuthenticationFailed):
            search(source)
        return
    result = search(source)
    assert result.pages == []
    assert result.extraction.gaps["dishes"].claimed is None
    assert result.extraction.gaps["dishes"].failures == ["source: broken"]
