"""Fetches run concurrently, never more than allowed, and every gap is reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from sync_platform.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContractBroken,
    MalformedBody,
    PresentOnly,
    Refused,
    ServerFailed,
    StorageError,
    SyncError,
    TermsNotAccepted,
    Throttled,
)
from sync_platform.sources.concurrency import concurrently
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.gaps import MAX_LISTED
from sync_platform.sources.received import Page
from sync_platform_tests.sources.answers import extraction_of, reply_of, run


async def _each(extraction: Extraction, items: range, failing: dict[int, SyncError]) -> list[int]:
    async def fetch(item: int) -> int:
        await asyncio.sleep(0)
        if item in failing:
            raise failing[item]
        return item

    return [result async for result in extraction.each("dishes", items, fetch)]


def test_each_item_is_fetched_once() -> None:
    assert sorted(run(_each(extraction_of(), range(50), {}))) == list(range(50))


@pytest.mark.parametrize(
    "error",
    [
        ServerFailed("s"),
        ConnectionFailed("c"),
        MalformedBody("m"),
        Refused("r"),
        ContractBroken("diner", "url", "1", "$", "p"),
    ],
)
def test_a_lost_item_keeps_the_others(error: SyncError) -> None:
    extraction = extraction_of()
    assert sorted(run(_each(extraction, range(5), {2: error}))) == [0, 1, 3, 4]
    assert extraction.gaps["dishes"].failures == [str(error)]
    assert extraction.state.first_loss is error


@pytest.mark.parametrize(
    "error",
    [AuthenticationFailed("a"), Throttled("t"), TermsNotAccepted("n"), StorageError("s"), PresentOnly("p")],
)
def test_an_error_that_stops_the_platform_stops_the_remaining_items(error: SyncError) -> None:
    extraction, taken = extraction_of(concurrency=4), 0

    def items() -> Iterator[int]:
        nonlocal taken
        for taken in range(1_000):  # noqa: UP028 - the test reads `taken`
            yield taken

    async def fetch(item: int) -> int:
        await asyncio.sleep(0)
        if item == 5:
            raise error
        return item

    async def collect() -> None:
        async for _ in extraction.each("dishes", items(), fetch):
            pass

    with pytest.raises(type(error)):
        run(collect())
    assert taken < 15


def test_no_more_run_at_once_than_the_width_however_fast_the_reader() -> None:
    running = most = 0

    async def fetch(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(2 + item % 4):
            await asyncio.sleep(0)
        running -= 1
        return item

    async def collect() -> list[object]:
        return [result async for result in concurrently(range(100), fetch, 5)]

    assert len(run(collect())) == 100
    assert most == 5


def test_fetching_waits_for_a_slow_reader() -> None:
    fetched = 0

    async def fetch(item: int) -> int:
        nonlocal fetched
        fetched += 1
        return item

    async def ahead() -> int:
        most, read = 0, 0
        async for _ in concurrently(range(100), fetch, 4):
            read += 1
            for _ in range(20):
                await asyncio.sleep(0)
            most = max(most, fetched - read)
        return most

    assert run(ahead()) <= 4


def test_an_error_that_is_not_a_sync_error_is_raised() -> None:
    async def fetch(item: int) -> int:
        raise ZeroDivisionError

    async def collect() -> None:
        async for _ in extraction_of().each("dishes", range(3), fetch):
            pass

    with pytest.raises(ZeroDivisionError):
        run(collect())


def test_a_reader_that_stops_reading_cancels_what_is_still_running() -> None:
    ended: list[int] = []

    async def fetch(item: int) -> int:
        try:
            await asyncio.sleep(0 if item == 0 else 3600)
        finally:
            ended.append(item)
        return item

    async def leave() -> None:
        results = concurrently(range(4), fetch, 4)
        await anext(results)
        await results.aclose()

    run(leave())
    assert sorted(ended) == [0, 1, 2, 3]


def test_a_stream_of_several_results_per_item_gives_them_all() -> None:
    async def reviews(place: int) -> AsyncIterator[str]:
        for number in range(place):
            yield f"{place}/{number}"

    async def collect() -> list[str]:
        return [review async for review in extraction_of().each_stream("dishes", range(4), reviews)]

    assert sorted(run(collect())) == ["1/0", "2/0", "2/1", "3/0", "3/1", "3/2"]


def test_claims_and_expectations_add_up() -> None:
    extraction = extraction_of()
    for total in (3, 0, 4):
        extraction.report_total("dishes", total)
        extraction.expect_pages("dishes", 2)
    gaps = extraction.gaps["dishes"]
    assert (gaps.claimed, gaps.pages_expected) == (7, 6)
    assert extraction_of().gaps["dishes"].claimed is None


def test_gaps_belong_to_their_dataset() -> None:
    extraction = extraction_of(datasets=("dishes", "reviews"))
    extraction.report_capped("dishes", "district=1")
    extraction.report_omitted("dishes", ["7"])
    extraction.report_finding("dishes", "odd")
    extraction.report_failure("dishes", ServerFailed("broke"))
    reported, unreported = extraction.gaps["dishes"], extraction.gaps["reviews"]
    assert (reported.capped_slices, reported.omitted_ids, reported.findings, reported.failures) == (
        ["district=1"],
        ["7"],
        ["odd"],
        ["broke"],
    )
    assert (unreported.capped_slices, unreported.omitted_ids, unreported.findings, unreported.failures) == (
        [],
        [],
        [],
        [],
    )


def test_a_stop_that_a_dataset_reported_is_reported_once() -> None:
    extraction, error = extraction_of(datasets=("dishes", "reviews")), Throttled("wall")
    with pytest.raises(Throttled):
        extraction.report_failure("dishes", error)
    extraction.report_stop(error)
    assert [gaps.failures for gaps in extraction.gaps.values()] == [["wall"], []]


def test_a_stop_that_no_dataset_reported_makes_every_dataset_incomplete() -> None:
    extraction = extraction_of(datasets=("dishes", "reviews"))
    extraction.report_stop(AuthenticationFailed("locked out"))
    assert [gaps.failures for gaps in extraction.gaps.values()] == [["locked out"], ["locked out"]]


def test_a_platform_that_fails_everywhere_does_not_fill_memory() -> None:
    extraction = extraction_of()
    for number in range(1_000):
        extraction.report_failure("dishes", ServerFailed(f"page {number}"))
    failures = extraction.gaps["dishes"].failures
    assert len(failures) == MAX_LISTED + 1
    assert (failures[0], failures[-1]) == ("page 0", "… and more")


def test_only_the_requested_datasets_are_wanted() -> None:
    extraction = extraction_of(datasets=("dishes",))
    assert (extraction.wants("dishes"), extraction.wants("reviews")) == (True, False)


def test_a_part_that_was_fetched_when_the_platform_stops_but_not_yielded_is_unread() -> None:
    """Its pages are lost, so its rows must not be retired."""
    for _ in range(20):  # which of two ended fetches comes first is not fixed
        extraction, yielded = extraction_of(concurrency=4), set()

        async def stream(own: Extraction, item: str) -> AsyncIterator[Page]:
            if item == "stops":
                raise AuthenticationFailed("diner: locked out")
            yield Page("dishes", [{"id": item}], (reply_of({"id": item}),))

        async def read(extraction: Extraction, yielded: set[str]) -> None:
            async for page in extraction.each_part("dishes", ["a", "stops", "b", "c", "d", "e"], stream):
                assert page.part is not None
                yielded.add(page.part.name)

        with pytest.raises(AuthenticationFailed):
            run(read(extraction, yielded))
        parts = extraction.gaps["dishes"].parts
        assert parts.read <= yielded
        assert parts.read | parts.unread == {"a", "stops", "b", "c", "d", "e"}
