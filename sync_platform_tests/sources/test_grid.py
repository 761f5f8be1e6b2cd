"""A grid crawl over sources in memory: each record comes once, as its own cell lists it, in any order of answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync_platform.errors import ServerFailed
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.grid import Grid, GridCrawl
from sync_platform.sources.list_reading import Slice
from sync_platform_tests.sources.answers import extraction_of, reply_of, run

GRID = Grid(south=10.0, north=13.0, west=20.0, east=24.0, step=1.0)
PAGE_ROWS = 3
Stall = dict[str, Any]
Point = tuple[float, float]
latitudes, longitudes = st.floats(9.0, 14.0), st.floats(19.0, 25.0)


def stall(number: int, latitude: Any = 11.2, longitude: Any = 22.7) -> Stall:
    return {"id": number, "latitude": latitude, "longitude": longitude}


@dataclass
class Market:
    """Lists the stalls within `reach` degrees of a point; each listed stall names that point as `seen_from`.

    `shuffled_by`: the seed that makes some points answer later than others.
    """

    stalls: list[Stall]
    reach: float = 1.5
    broken: set[Point] = field(default_factory=set)
    shuffled_by: int | None = None
    asked: list[tuple[float, float, int]] = field(default_factory=list)

    async def __call__(self, latitude: float, longitude: float, offset: int) -> Slice:
        self.asked.append((latitude, longitude, offset))
        if self.shuffled_by is not None:
            for _ in range(Random(f"{self.shuffled_by} {latitude} {longitude}").randrange(20)):
                await asyncio.sleep(0)
        if (latitude, longitude) in self.broken:
            raise ServerFailed(f"market: {latitude},{longitude} is broken")
        near = self.near(latitude, longitude)
        listed = [{**one, "seen_from": (latitude, longitude)} for one in near[offset : offset + PAGE_ROWS]]
        return Slice(listed, reply_of([latitude, longitude, offset]), total=len(near))

    def near(self, latitude: float, longitude: float) -> list[Stall]:
        return [
            one
            for one in self.stalls
            if not isinstance(one["latitude"], float)  # a stall without a location is near to all points
            or max(abs(one["latitude"] - latitude), abs(one["longitude"] - longitude)) <= self.reach
        ]

    def expected(self) -> dict[int, Point]:
        """The point whose answer is used, for every stall that a working point lists."""
        cells: dict[int, Point] = {}
        for cell in range(len(GRID)):
            point = GRID.middle(cell)
            for one in [] if point in self.broken else self.near(*point):
                placed = isinstance(one["latitude"], float)
                is_own = placed and GRID.cell_at(one["latitude"], one["longitude"]) == cell
                cells[one["id"]] = point if is_own else cells.get(one["id"], point)
        return cells


@dataclass
class Found:
    stalls: list[Stall]
    extraction: Extraction

    @property
    def points(self) -> dict[int, Point]:
        return {one["id"]: one["seen_from"] for one in self.stalls}

    @property
    def findings(self) -> list[str]:
        gaps = self.extraction.gaps["dishes"]
        return gaps.findings + gaps.part_findings


def crawl(market: Any, width: int = 4) -> Found:
    extraction = extraction_of(concurrency=width)
    crawled = GridCrawl(extraction, "dishes", GRID, market, page_rows=PAGE_ROWS, noun="stalls")

    async def collected() -> list[Stall]:
        return [record async for page in crawled.pages() for record in page.records]

    return Found(run(collected()), extraction)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Stalls in and around the grid, some without a location; broken points; answers in any order."""
    places = st.one_of(st.tuples(latitudes, longitudes), st.just((None, None)))
    stalls = [stall(number, *place) for number, place in enumerate(draw(st.lists(places, max_size=15)))]
    broken = draw(st.sets(st.sampled_from([GRID.middle(cell) for cell in range(len(GRID))]), max_size=4))
    return Market(stalls, draw(st.sampled_from((0.4, 0.5, 1.5))), broken, draw(st.integers(0, 5)))


@given(markets())
def test_every_listed_record_comes_once_and_from_its_own_cell_if_that_lists_it(market: Market) -> None:
    result = crawl(market)
    assert len(result.stalls) == len(result.points)
    assert result.points == market.expected()
    gaps = result.extraction.gaps["dishes"]
    assert (gaps.claimed, len(gaps.failures)) == (len(result.stalls), len(market.broken))
    assert not gaps.findings
    broken = {str(cell) for cell in range(len(GRID)) if GRID.middle(cell) in market.broken}
    assert gaps.parts.unread == broken
    assert len(gaps.parts.read) == len(GRID) - len(broken)


@given(markets())
def test_no_page_of_a_point_is_requested_twice(market: Market) -> None:
    result = crawl(market)
    assert Counter(market.asked).most_common(1)[0][1] == 1
    assert {(latitude, longitude) for latitude, longitude, _ in market.asked} == {*map(GRID.middle, range(len(GRID)))}
    tried = [asked for asked in market.asked if asked[2] and asked[2] == len(market.near(*asked[:2]))]
    assert all(offset == PAGE_ROWS for *_, offset in tried), (
        "only a full first page is followed by one that may be empty"
    )
    assert result.extraction.gaps["dishes"].pages_expected == len(market.asked) - len(tried)


@given(st.floats(10.0, 13.0, exclude_max=True), st.floats(20.0, 24.0, exclude_max=True))
def test_every_point_of_the_box_lies_in_the_cell_whose_middle_is_nearest(latitude: float, longitude: float) -> None:
    cell = GRID.cell_at(latitude, longitude)
    assert cell is not None
    north, east = GRID.middle(cell)
    assert max(abs(latitude - north), abs(longitude - east)) <= GRID.step / 2 + 1e-6


@given(st.sampled_from((0.02, 0.03, 0.1, 0.15)))
def test_the_middle_of_each_cell_lies_in_it_and_no_two_are_the_same(step: float) -> None:
    grid = Grid(south=22.0, north=22.6, west=113.7, east=114.6, step=step)
    middles = [grid.middle(cell) for cell in range(len(grid))]
    assert [grid.cell_at(*middle) for middle in middles] == [*range(len(grid))]
    assert len(grid) == grid.rows * grid.columns == len({*middles})


def test_no_cell_has_a_point_outside_the_box() -> None:
    outside = [(9.9, 22.0), (13.0, 22.0), (11.0, 19.9), (11.0, 24.0), (0.0, 0.0)]
    assert [GRID.cell_at(*point) for point in outside] == [None] * 5


def test_two_records_of_one_id_in_one_answer_are_both_kept() -> None:
    twice = [{**stall(1), "name": "A"}, {**stall(1), "name": "B"}]
    assert [one["name"] for one in crawl(Market(twice)).stalls] == ["A", "B"]


def test_two_records_of_one_id_without_a_location_are_both_kept() -> None:
    twice = [{**stall(1, None), "name": "A"}, {**stall(1, None), "name": "B"}]
    assert [one["name"] for one in crawl(Market(twice)).stalls] == ["A", "B"]


def test_records_without_an_id_are_kept_and_are_a_finding() -> None:
    result = crawl(Market([{"latitude": 10.5, "longitude": 20.5}], reach=0.5))
    assert len(result.stalls) == 1
    assert result.findings == ["stalls without an id were listed 1 times"]


def test_a_point_that_lists_fewer_than_it_counts_is_named() -> None:
    class Short(Market):
        async def __call__(self, latitude: float, longitude: float, offset: int) -> Slice:
            part = await super().__call__(latitude, longitude, offset)
            return Slice(part.records, part.reply, total=(part.total or 0) + bool(part.records))

    result = crawl(Short([stall(1, 10.5, 20.5)], reach=0.5))
    cell = GRID.cell_at(10.5, 20.5)
    assert result.findings == [f"{cell}: the point 10.50,20.50 ends at 1 of 2 stalls"]
    assert result.extraction.gaps["dishes"].parts.unread == {str(cell)}


def test_a_point_that_lists_the_same_page_for_ever_is_ended() -> None:
    class Stuck(Market):
        async def __call__(self, latitude: float, longitude: float, offset: int) -> Slice:
            await super().__call__(latitude, longitude, offset)
            return await Market(self.stalls, self.reach)(latitude, longitude, 0)

    market = Stuck([stall(number, 10.5, 20.5) for number in range(PAGE_ROWS + 1)], reach=0.5)
    result = crawl(market)
    point = f"{GRID.cell_at(10.5, 20.5)}: the point 10.50,20.50"
    assert result.findings == [f"{point} repeats at offset 3 what came before it", f"{point} ends at 3 of 4 stalls"]
    assert sorted(result.points) == [0, 1, 2]
    assert len(market.asked) == len(GRID) + 1
