"""Every kind of paging: the pages it reads, and the gaps it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sync_platform.errors import AuthenticationFailed, Refused, ServerFailed, SyncError, Throttled
from sync_platform.sources import list_reading, paging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_proof import ListProof
from sync_platform.sources.list_reading import STALE_PAGES, Slice
from sync_platform.sources.received import Page
from sync_platform_tests.sources.answers import extraction_of, ids, reply_of, run


def part(*numbers: int, **said: Any) -> Slice:
    """A slice of records with these ids."""
    return Slice([{"id": number} for number in numbers], reply_of([]), **said)


def scripted(*answers: Slice | SyncError) -> Callable[[Any], Awaitable[Slice]]:
    """Gives its answers in order, whatever is requested, the last one repeatedly; `asked` lists the requests."""
    remaining = list(answers)

    async def fetch(position: Any) -> Slice:
        fetch.asked.append(position)  # type: ignore[attr-defined] # set below
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
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


def numbered(extraction: Extraction, dataset: str, fetch: Any, size: int = 2) -> AsyncIterator[Page]:
    return ListProof(extraction, dataset).pages(lambda reading: paging.numbered(reading, fetch, size))


def by_cursor(extraction: Extraction, dataset: str, fetch: Any) -> AsyncIterator[Page]:
    return ListProof(extraction, dataset).pages(lambda reading: paging.by_cursor(reading, fetch))


def by_offset(
    extraction: Extraction, dataset: str, fetch: Any, limit: int, *, counts_pages: bool = False
) -> AsyncIterator[Page]:
    proof = ListProof(extraction, dataset)
    return proof.pages(lambda reading: paging.by_offset(reading, fetch, limit, counts_pages=counts_pages))


@pytest.fixture
def extraction() -> Extraction:
    return extraction_of()


def gaps(extraction: Extraction) -> dict[str, Any]:
    """The gaps that were reported for the dataset."""
    named = ("claimed", "pages_expected", "failures", "findings", "doubts")
    return {name: value for name in named if (value := getattr(extraction.gaps["dishes"], name)) not in (None, [], 0)}


# numbered pages


def test_numbered_pages_all_come_once(extraction: Extraction) -> None:
    pages = {1: part(1, 2, pages=3, total=5), 2: part(3, 4, pages=3), 3: part(5, pages=3)}
    assert sorted(ids(all_of(numbered(extraction, "dishes", mapped(pages))))) == [1, 2, 3, 4, 5]
    assert gaps(extraction) == {"claimed": 5, "pages_expected": 3}


@pytest.mark.parametrize("said", [0, 1, -4])
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


def test_a_list_that_grew_while_it_was_read_is_read_to_its_new_end(extraction: Extraction) -> None:
    pages = {1: part(1, pages=2), 2: part(2, pages=3), 3: part(3, pages=3)}
    assert ids(all_of(numbered(extraction, "dishes", mapped(pages)))) == [1, 2, 3]
    assert gaps(extraction) == {"pages_expected": 3}


def test_a_list_without_a_number_of_pages_and_a_total_is_read_to_an_empty_page(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(3), part(4, 5), part())
    assert ids(all_of(numbered(extraction, "dishes", fetch))) == [1, 2, 3, 4, 5]
    assert gaps(extraction)["doubts"] == ["the list has 1 records on page 2 and 2 on another one"]


def test_a_source_that_caps_pages_below_what_was_requested_is_followed(extraction: Extraction) -> None:
    pages = {number: part(2 * number - 1, 2 * number, total=6) for number in (1, 2, 3)}
    assert ids(all_of(numbered(extraction, "dishes", mapped(pages), size=100))) == [1, 2, 3, 4, 5, 6]
    assert gaps(extraction) == {"claimed": 6, "pages_expected": 3}


def test_an_empty_page_among_others_is_a_finding_unless_the_total_is_reached(extraction: Extraction) -> None:
    pages = {1: part(1, 2, pages=3), 2: part(pages=3), 3: part(3, pages=3)}
    all_of(numbered(extraction, "dishes", mapped(pages)))
    assert gaps(extraction)["findings"] == ["page 2 of 3 is empty"]


def test_pages_that_add_nothing_end_a_list_of_a_billion_as_a_finding(extraction: Extraction) -> None:
    asked: list[int] = []

    async def fetch(page: int) -> Slice:
        asked.append(page)
        return part(1, pages=10**9)

    all_of(numbered(extraction, "dishes", fetch))
    assert len(asked) < 20
    assert "the last 3 added nothing" in gaps(extraction)["findings"][0]
    assert gaps(extraction)["pages_expected"] == len(asked)


def test_the_largest_total_of_all_pages_is_used(extraction: Extraction) -> None:
    pages = {1: part(1, pages=2, total=2), 2: part(2, pages=2, total=4), 3: part()}
    all_of(numbered(extraction, "dishes", mapped(pages)))
    assert gaps(extraction)["claimed"] == 4


def test_a_total_that_a_table_cannot_store_and_is_corrected_leaves_the_corrected_one(extraction: Extraction) -> None:
    totals = iter([10**30, 2])

    async def fetch(offset: int) -> Slice:
        return part(*[1, 2][offset : offset + 1], total=next(totals, 2))

    all_of(by_offset(extraction, "dishes", fetch, 1))
    assert gaps(extraction)["claimed"] == 2


@pytest.mark.parametrize("total", [0, -1, 1, 2, 3])
def test_a_total_that_is_too_small_ends_no_list(extraction: Extraction, total: int) -> None:
    listed = [1, 2, 3, 4, 5, 6, 7]

    async def by_number(page: int) -> Slice:
        return part(*listed[2 * page - 2 : 2 * page], total=total, pages=min(total, 1))

    async def by_position(offset: int) -> Slice:
        return part(*listed[offset : offset + 2], total=total)

    for pages in (numbered(extraction, "dishes", by_number), by_offset(extraction, "dishes", by_position, 2)):
        assert sorted(ids(all_of(pages))) == listed
    assert "findings" not in gaps(extraction)
    notes = extraction.gaps["dishes"].notes
    assert notes == [f"the list counts {max(0, total)} records, and lists 7: the count is not used"] * 2


def test_a_total_that_counts_the_records_of_its_page_ends_no_list(extraction: Extraction) -> None:
    async def fetch(offset: int) -> Slice:
        return part(*[1, 2, 3, 4, 5][offset : offset + 2], total=len([1, 2, 3, 4, 5][offset : offset + 2]))

    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("beyond", [part(), part(1, 2), Refused("404: no such page")])
def test_a_full_first_page_that_is_the_whole_list_leaves_no_gap(
    extraction: Extraction, beyond: Slice | SyncError
) -> None:
    first = part(1, 2, total=2, pages=1)
    assert ids(all_of(numbered(extraction, "dishes", mapped({1: first, 2: beyond})))) == [1, 2]
    assert ids(all_of(by_offset(extraction, "dishes", mapped({0: first, 2: beyond}), 2))) == [1, 2]
    assert gaps(extraction) == {"claimed": 4, "pages_expected": 2}


def test_new_records_on_every_page_end_after_the_most_pages_that_are_read(
    extraction: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_reading, "MAX_PAGES", 9)
    asked = 0

    async def fetch(position: Any) -> Slice:
        nonlocal asked
        asked += 1
        return part(2 * asked, 2 * asked + 1, next_cursor=f"after {asked}")

    for pages in (
        numbered(extraction, "dishes", fetch),
        by_cursor(extraction, "dishes", fetch),
        by_offset(extraction, "dishes", fetch, 2),
    ):
        assert len(ids(all_of(pages))) == 18
    assert gaps(extraction)["findings"] == ["the list has more than 9 pages, and may have no end"] * 3


def test_a_last_page_with_other_records_each_time_ends_as_a_finding(extraction: Extraction) -> None:
    asked = 0

    async def fetch(cursor: Any) -> Slice:
        nonlocal asked
        asked += 1
        return part(asked)

    all_of(by_cursor(extraction, "dishes", fetch))
    assert gaps(extraction)["findings"] == ["the last page listed other records each of 4 times"]


def test_a_long_cursor_is_cut_in_a_finding(extraction: Extraction) -> None:
    all_of(by_cursor(extraction, "dishes", scripted(part(1, next_cursor="c" * 50_000))))
    assert len(gaps(extraction)["findings"][0]) < 200


# lists that move while they are read


def moving(*reads: list[Slice]) -> Callable[[int], Awaitable[Slice]]:
    """The pages of each read, one read after the other; a read begins with a request for page 1."""
    remaining = list(reads)

    async def fetch(page: int) -> Slice:
        if page == 1 and len(remaining) > 1:
            fetch.pages = remaining.pop(0)  # type: ignore[attr-defined] # set below
        elif page == 1:
            fetch.pages = remaining[0]  # type: ignore[attr-defined] # set below
        pages: list[Slice] = fetch.pages  # type: ignore[attr-defined] # set above
        return pages[page - 1] if page <= len(pages) else part(total=pages[-1].total)

    return fetch


def list_of(*numbers: int, total: int | None) -> list[Slice]:
    """Pages of two."""
    pages = -(-len(numbers) // 2)
    return [part(*numbers[at : at + 2], total=total, pages=pages) for at in range(0, len(numbers), 2)]


@pytest.mark.parametrize("total", [6, None])
def test_a_list_to_which_one_was_added_and_from_which_one_is_gone_is_read_again(
    extraction: Extraction, total: int | None
) -> None:
    shifted = [*list_of(1, 2, 3, 4, total=total), part(4, 5, total=total)]  # 0 came first, 6 is gone
    shifted = [Slice(each.records, each.reply, total, 3) for each in shifted]
    fetch = moving(shifted, list_of(0, 1, 2, 3, 4, 5, total=total))
    assert sorted(ids(all_of(numbered(extraction, "dishes", fetch)))) == [0, 1, 2, 3, 4, 4, 5]
    assert "findings" not in gaps(extraction)
    assert gaps(extraction).get("claimed") == total


def test_a_list_that_shrank_while_it_was_read_is_read_again_and_claims_its_new_total(extraction: Extraction) -> None:
    before, after = list_of(1, 2, 3, 4, 5, total=5), list_of(2, 3, 4, 5, total=4)
    fetch = moving([before[0], Slice(after[1].records, after[1].reply, 4, 3)], after)
    assert sorted(ids(all_of(numbered(extraction, "dishes", fetch)))) == [1, 2, 3, 4, 5]
    assert gaps(extraction) == {"claimed": 4, "pages_expected": 6}


def test_a_list_that_moves_in_every_read_is_a_finding_after_three(extraction: Extraction) -> None:
    reads = [[part(first, first + 1, pages=2), part(first + 1, first + 2, pages=2)] for first in (10, 20, 30, 40)]
    came = ids(all_of(numbered(extraction, "dishes", moving(*reads))))
    assert max(came) == 32
    assert gaps(extraction)["findings"] == ["the list moved in each of 3 reads: records came twice"]


def test_two_reads_that_agree_prove_a_list_whose_source_lists_records_twice(extraction: Extraction) -> None:
    pages = [part(1, 2, pages=2), part(2, 3, pages=2)]
    came = all_of(numbered(extraction, "dishes", moving(pages, pages)))
    assert ids(came) == [1, 2, 2, 3]
    assert gaps(extraction) == {"pages_expected": 4}


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
    assert any("the cursor never ends" in each for each in gaps(extraction)["findings"])


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


def test_records_are_distinguished_by_their_ids_or_without_ids_by_their_content(
    extraction: Extraction,
) -> None:
    def said(next_cursor: str | None, *records: dict[str, Any]) -> Slice:
        return Slice(list(records), reply_of([]), next_cursor=next_cursor)

    pages = {
        None: said("a", {"id": 1, "rating": 3}, {"name": "Tea"}),
        "a": said(None, {"id": 1, "rating": 4}, {"name": "Rice"}),
    }
    came = all_of(by_cursor(extraction, "dishes", mapped(pages)))
    assert [len(page.records) for page in came] == [2, 2, 0, 0]  # it moved, and the second read agrees


def test_a_short_page_that_is_not_the_last_leaves_a_doubt(extraction: Extraction) -> None:
    pages = {None: part(1, 2, next_cursor="b"), "b": part(3, next_cursor="c"), "c": part(5, 6)}
    assert ids(all_of(by_cursor(extraction, "dishes", mapped(pages)))) == [1, 2, 3, 5, 6]
    assert gaps(extraction) == {
        "pages_expected": 3,
        "doubts": ["the list has 1 records on page 2 and 2 on another one"],
    }
    assert extraction.gaps["dishes"].is_unproven


def test_the_last_page_of_a_list_without_a_total_is_requested_twice(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, next_cursor="b"), part(3), part(3, 4))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2, 3, 4]
    assert fetch.asked == [None, "b", "b", "b"]  # type: ignore[attr-defined] # see scripted


def test_a_cursor_that_leads_to_an_empty_page_is_a_finding_unless_the_total_is_reached(extraction: Extraction) -> None:
    all_of(by_cursor(extraction, "dishes", scripted(part(1, total=1, next_cursor="a"), part(total=1))))
    assert gaps(extraction) == {"claimed": 1, "pages_expected": 2}
    all_of(by_cursor(extraction, "dishes", scripted(part(2, next_cursor="a"), part())))
    assert gaps(extraction)["findings"] == ["the cursor 'a' was to lead to more records, and there are none"]


def test_empty_pages_that_lead_on_are_findings_and_do_not_end_a_list(extraction: Extraction) -> None:
    fetch = scripted(part(1, next_cursor="b"), part(next_cursor="c"), part(next_cursor="d"), part(2))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1, 2]
    assert gaps(extraction)["findings"] == [
        "page 2 is empty, and its cursor 'c' leads on",
        "page 3 is empty, and its cursor 'd' leads on",
    ]


def test_an_empty_page_that_leads_on_is_no_finding_if_the_total_is_reached(extraction: Extraction) -> None:
    fetch = scripted(part(1, total=2, next_cursor="b"), part(total=2, next_cursor="c"), part(2, total=2))
    all_of(by_cursor(extraction, "dishes", fetch))
    assert gaps(extraction) == {"claimed": 2, "pages_expected": 3}


def test_a_page_that_fails_ends_the_cursor_and_keeps_the_pages_before_it(extraction: Extraction) -> None:
    fetch = scripted(part(1, total=9, next_cursor="b"), ServerFailed("broke"))
    assert ids(all_of(by_cursor(extraction, "dishes", fetch))) == [1]
    assert gaps(extraction) == {"claimed": 9, "pages_expected": 2, "failures": ["broke"]}


def test_an_error_that_stops_the_platform_stops_a_cursor(extraction: Extraction) -> None:
    fetch = scripted(part(1, next_cursor="b"), Throttled("wall"))
    assert ids(until_raised(by_cursor(extraction, "dishes", fetch), Throttled)) == [1]


# offsets


def test_offsets_continue_after_a_short_page_until_a_page_is_empty(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(3), part(4, 5), part(6), part())
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4, 5, 6]
    assert fetch.asked == [0, 2, 3, 5, 6]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"pages_expected": 5}


def test_numbers_of_pages_continue_after_a_short_page_and_leave_a_doubt(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(3), part(4, 5), part(6), part())
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2, counts_pages=True))) == [1, 2, 3, 4, 5, 6]
    assert fetch.asked == [0, 1, 2, 3, 4]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction)["doubts"] == ["the list has 1 records on page 2 and 2 on another one"]


def test_an_empty_page_after_a_full_one_is_requested_twice_and_leaves_a_doubt(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(), part(3, 4), part())
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4]
    assert fetch.asked == [0, 2, 2, 4, 4]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction)["doubts"] == ["the list ends with an empty page right after a full one"]


def test_a_source_that_repeats_its_last_short_page_has_ended(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), part(3))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3]
    assert gaps(extraction) == {"pages_expected": 3}


def test_offsets_end_at_the_total_without_asking_for_an_empty_page(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, total=4), part(3, 4, total=4))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3, 4]
    assert gaps(extraction) == {"claimed": 4, "pages_expected": 2}


def test_a_list_shorter_than_its_total_is_a_finding(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2, total=9), part(3, total=9), part(total=9))
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 3]
    assert gaps(extraction)["findings"] == ["the list ends at 3 of 9 records"]


def test_an_empty_list_is_complete(extraction: Extraction) -> None:
    assert ids(all_of(by_offset(extraction, "dishes", scripted(part(total=0)), 2))) == []
    assert gaps(extraction) == {"pages_expected": 1}


@pytest.mark.parametrize("pages", [[(1, 2)] * 9, [(1, 2), (3, 4)] * 9])
def test_a_repeated_page_ends_the_list_as_a_finding(extraction: Extraction, pages: list[tuple[int, ...]]) -> None:
    came = ids(all_of(by_offset(extraction, "dishes", scripted(*[part(*page) for page in pages]), 2)))
    assert came == sorted({number for page in pages for number in page})
    assert gaps(extraction)["findings"] == [f"the list repeats at offset {len(came)} what came before it"]


def test_a_repeated_page_is_detected_although_records_are_sealed_at_once(extraction: Extraction) -> None:
    async def collected() -> int:
        count = 0
        async for page in by_offset(extraction, "dishes", scripted(*[part(1, 2) for _ in range(9)]), 2):
            count += 1
            for record in page.records:
                record["id"] = "sealed"
        return count

    assert asyncio.run(collected()) == 2


def test_an_offset_page_that_fails_is_stepped_over(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), ServerFailed("broke"), part(5), part())
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2, 5]
    assert fetch.asked == [0, 2, 4, 5]  # type: ignore[attr-defined] # see scripted
    assert gaps(extraction) == {"pages_expected": 4, "failures": ["broke"]}


@pytest.mark.parametrize("came", [0, 1])
def test_a_first_offset_page_that_fails_or_two_in_a_row_end_the_list(extraction: Extraction, came: int) -> None:
    fetch = scripted(*[part(1, 2)] * came, *[ServerFailed("broke")] * 2)
    assert ids(all_of(by_offset(extraction, "dishes", fetch, 2))) == [1, 2] * came
    assert gaps(extraction)["failures"] == ["broke"] * (1 + came)


def test_an_error_that_stops_the_platform_stops_offsets(extraction: Extraction) -> None:
    fetch = scripted(part(1, 2), AuthenticationFailed("locked out"))
    assert ids(until_raised(by_offset(extraction, "dishes", fetch, 2), AuthenticationFailed)) == [1, 2]
