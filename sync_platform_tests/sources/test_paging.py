"""Every kind of paging: the pages it reads, and the gaps it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sync_platform.errors import AuthenticationFailed, ServerFailed, SyncError, Throttled
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import STALE_PAGES, Slice, by_cursor, by_offset, numbered
from sync_platform.sources.received import Page
from sync_platform_tests.sources.answers import extraction_of, ids, reply_of, run


def part(*numbers: int, **said: Any) -> Slice:
    """A slice of records with these ids."""
    return Slice([{"id": number} for number in numbers], reply_of([]), **said)


def scripted(*answers: Slice | SyncError) -> Callable[[Any], Awaitable[Slice]]:
    """Gives its answers in order, whatever is requested; `asked` lists the requests."""
    remaining = iter(answers)

    async def fetch(position: Any) -> Slice:
        fetch.asked.append(position)  # type: ignore[attr-defined] # set below
        answer = next(remaining)
        if isinstance(answer, SyncError):
            raise answer
        return answer

    fetch.asked = []  # type: ignore[attr-defined] # the tests read it
    return fetch


def mapped(pages: dict[Any, Slice | SyncError]) -> Callable[[Any], Awaitable[Slice]]:
    """Gives the requested page."""

    async def fetch(position: Any) -> Slice:
        answer = pages[position]
        if isinstance(answer, SyncError):
            raise answer
        return answer

    return fetch


def all_of(pages: AsyncIterator[Page]) -> list[Page]:
    async def collected() -> list[Page]:
        return [page async for page in pages]

    return run(collected())


def until_raised(pages: AsyncIterator[Page], error: type[SyncError]) -> list[Page]:
    """The pages before the error."""
    came: list[Page] = []

    async def collect() -> None:
        async for page in pages:
            came.append(page)

    with pytest.raises(error):
        run(collect())
    return came


@pytest.fixture
def extraction() -> Extraction:
    return extraction_of()


def gaps(extraction: Extraction) -> dict[str, Any]:
    """The gaps that were reported for the dataset."""
    return {name: value for name, value in vars(extraction.gaps["dishes"]).items() if value not in (None, [], 0)}


# numbered pages


def test_numbered_pages_all_come_once(extraction: Extraction) -> None:
    pages = {1: part(1, 2, pages=3, total=5), 2: part(3, 4, pages=3), 3: part(5, pages=3)}
    assert sorted(ids(all_of(numbered(extraction, "dishes", mapped(pages))))) == [1, 2, 3, 4, 5]
    assert gaps(extraction) == {"claimed": 5, "pages_expected": 3}


@pytest.mark.parametrize("said", [None, 0, 1, -4])
def test_a_list_of_one_page_is_one_request(extraction: Extraction, said: int | None) -> None:
    fetch = scripted(part(1, pages=said))
    assert ids(all_of(numbered(extraction, "dishes", fetch))) == [1]
    assert fetch.asked == [1]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"pages_expected": 1}


def test_a_numbered_page_that_fails_keeps_the_others(extraction: Extraction) -> None:
    pages = {1: part(1, pages=4), 2: ServerFailed("page 2 broke"), 3: part(3), 4: part(4)}
    assert sorted(ids(all_of(numbered(extraction, "dishes", mapped(pages))))) == [1, 3, 4]
    assert gaps(extraction) == {"pages_expected": 4, "failures": ["page 2 broke"]}


def test_a_first_page_that_fails_is_reported(extraction: Extraction) -> None:
    assert all_of(numbered(extraction, "dishes", mapped({1: ServerFailed("broke")}))) == []
    assert gaps(extraction) == {"pages_expected": 1, "failures": ["broke"]}


def test_an_error_that_stops_the_platform_stops_numbered_pages(extraction: Extraction) -> None:
    asked: list[int] = []

    async def fetch(page: int) -> Slice:
        asked.append(page)
        if page == 3:
            raise AuthenticationFailed("locked out")
        return part(page, pages=1_000)

    came = until_raised(numbered(extraction, "dishes", fetch), AuthenticationFailed)
    assert 1 in ids(came)
    assert len(asked) < 20
    assert gaps(extraction) == {"pages_expected": 1_000, "failures": ["locked out"]}


def test_a_list_that_grew_while_it_was_read_is_a_finding(extraction: Extraction) -> None:
    pages = {1: part(1, pages=2), 2: part(2, pages=3)}
    all_of(numbered(extraction, "dishes", mapped(pages)))
    assert gaps(extraction)["findings"] == ["the list grew from 2 to 3 pages while it was read"]


def test_pages_that_add_nothing_end_a_list_of_a_billion_as_a_finding(extraction: Extraction) -> None:
    asked: list[int] = []

    async def fetch(page: int) -> Slice:
        asked.append(page)
        return part(1, pages=10**9)

    all_of(numbered(extraction, "dishes", fetch))
    assert len(asked) < 20
    assert "the last 3 added nothing" in gaps(extraction)["findings"][0]
    assert gaps(extraction)["pages_expected"] == len(asked)


@pytest.mark.parametrize("totals", [(2, 4), (4, 2)])
def test_the_largest_total_of_all_pages_is_used(extraction: Extraction, totals: tuple[int, int]) -> None:
    pages = {number: part(number, pages=2, total=total) for number, total in enumerate(totals, 1)}
    all_of(numbered(extraction, "dishes", mapped(pages)))
    assert gaps(extraction) == {"claimed": 4, "pages_expected": 2}


# cursors


def test_cursors_are_followed_to_the_end(extraction: Extraction) -> None:
    fetch = scripted(part(1, total=3, next_cursor="b"), part(2, total=3, next_cursor="c"), part(3, total=3))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2, 3]
    assert fetch.asked == [None, "b", "c"]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"claimed": 3, "pages_expected": 3}


def test_a_cursor_that_comes_again_ends_the_list_as_a_finding(extraction: Extraction) -> None:
    fetch = scripted(part(1, next_cursor="b"), part(2, next_cursor="c"), part(3, next_cursor="b"))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2, 3]
    assert gaps(extraction)["findings"][0].startswith("the cursor never ends: 'b' came again")


def test_fresh_cursors_that_bring_nothing_new_end_the_list_as_a_finding(extraction: Extraction) -> None:
    endless = [part(1, 2, next_cursor=str(number)) for number in range(100)]
    came = all_of(by_cursor(extraction, "dishes", scripted(*endless)))
    assert len(came) == 1 + STALE_PAGES
    assert "the cursor never ends" in gaps(extraction)["findings"][0]


def test_an_endless_cursor_is_detected_although_records_are_sealed_at_once(extraction: Extraction) -> None:
    async def collected() -> int:
        count = 0
        endless = scripted(*[part(1, 2, next_cursor=str(number)) for number in range(100)])
        async for page in by_cursor(extraction, "dishes", endless):
            count += 1
            for record in page.records:
                record["id"] = f"sealed {count}"
        return count

    assert asyncio.run(collected()) == 1 + STALE_PAGES


def test_records_on_two_pages_of_a_list_without_a_total_are_a_finding(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, next_cursor="a"), part(2, 3))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2, 2, 3]
    assert gaps(extraction)["findings"] == ["the list moved while it was read: 1 records came on two pages"]


def test_records_are_distinguished_by_their_ids_or_without_ids_by_their_content(
    extraction: Extraction,
) -> None:
    def said(next_cursor: str | None, *records: dict[str, Any]) -> Slice:
        return Slice(list(records), reply_of([]), next_cursor=next_cursor)

    pages = said("a", {"id": 1, "rating": 3}, {"name": "Tea"}), said(None, {"id": 1, "rating": 4}, {"name": "Rice"})
    all_of(by_cursor(extraction, "dishes", scripted(*pages)))
    assert gaps(extraction)["findings"] == ["the list moved while it was read: 1 records came on two pages"]


def test_a_cursor_that_leads_to_an_empty_page_is_a_finding_unless_the_total_is_reached(extraction: Extraction) -> None:
    all_of(by_cursor(extraction, "dishes", scripted(part(1, total=1, next_cursor="a"), part(total=1))))
    assert gaps(extraction) == {"claimed": 1, "pages_expected": 2}
    all_of(by_cursor(extraction, "dishes", scripted(part(1, next_cursor="a"), part())))
    assert gaps(extraction)["findings"] == ["the cursor 'a' was to lead to more records, and there are none"]


def test_a_few_empty_pages_do_not_end_a_list(extraction: Extraction) -> None:
    fetch = scripted(part(1, next_cursor="b"), part(next_cursor="c"), part(next_cursor="d"), part(2))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2]
    assert gaps(extraction) == {"pages_expected": 4}


def test_a_page_that_fails_ends_the_cursor_and_keeps_the_pages_before_it(extraction: Extraction) -> None:
    fetch = scripted(part(1, total=9, next_cursor="b"), ServerFailed("broke"))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1]
    assert gaps(extraction) == {"claimed": 9, "pages_expected": 2, "failures": ["broke"]}


def test_an_error_that_stops_the_platform_stops_a_cursor(extraction: Extraction) -> None:
    fetch = scripted(part(1, next_cursor="b"), Throttled("wall"))
    assert ids(until_raised(by_cursor(extraction, "dishes", fetch), Throttled)) == [1]


# offsets


def test_offsets_continue_until_a_page_is_short(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(3, 4), part(5))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4, 5]
    assert fetch.asked == [0, 2, 4]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"pages_expected": 3}


def test_offsets_end_at_the_total_without_asking_for_an_empty_page(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, total=4), part(3, 4, total=4))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4]
    assert gaps(extraction) == {"claimed": 4, "pages_expected": 2}


def test_a_list_shorter_than_its_total_is_a_finding(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, total=9), part(3, total=9))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3]
    assert gaps(extraction)["findings"] == ["the list ends at 3 of 9 records"]


def test_an_empty_list_is_complete(extraction: Extraction) -> None:
    assert ids(all_of(by_offset(extraction, "dishes", scripted(part(total=0)), 2))) == []
    assert gaps(extraction) == {"pages_expected": 1}


@pytest.mark.parametrize("pages", [[(1, 2)] * 9, [(1, 2), (3, 4)] * 9])
def test_a_repeated_page_ends_the_list_as_a_finding(extraction: Extraction, pages: list[tuple[int, ...]]) -> None:
    came = ids(all_of(by_offset(extraction, "dishes", scripted(*[part(*page) for page in pages]), 2)))
    assert came == sorted({number for page in pages for number in page})
    assert gaps(extraction)["findings"] == [f"the page at offset {len(came)} repeats what came before it"]


def test_a_repeated_page_is_detected_although_records_are_sealed_at_once(extraction: Extraction) -> None:
    async def collected() -> int:
        count = 0
        async for page in by_offset(extraction, "dishes", scripted(*[part(1, 2) for _ in range(9)]), 2):
            count += 1
            for record in page.records:
                record["id"] = "sealed"
        return count

    assert asyncio.run(collected()) == 1


def test_an_offset_page_that_fails_is_stepped_over(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), ServerFailed("broke"), part(5))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 5]
    assert fetch.asked == [0, 2, 4]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"pages_expected": 3, "failures": ["broke"]}


@pytest.mark.parametrize("came", [0, 1])
def test_a_first_offset_page_that_fails_or_two_in_a_row_end_the_list(extraction: Extraction, came: int) -> None:
    fetch = scripted(*[part(1, 2)] * came, *[ServerFailed("broke")] * 2)
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2] * came
    assert gaps(extraction)["failures"] == ["broke"] * (1 + came)


def test_an_error_that_stops_the_platform_stops_offsets(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), AuthenticationFailed("locked out"))
    assert ids(until_raised(by_offset(extraction, "dishes", fetch, 2), AuthenticationFailed)) == [1, 2]
