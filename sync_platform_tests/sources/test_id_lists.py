"""Lists that give only ids, and records that are fetched by id, over sources in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.errors import ServerFailed
from sync_platform.sources.endpoints import Endpoint, IdPaging, NumberedPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.id_lists import IdList, pages_by_id, read_id_list
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.received import Page
from sync_platform.sources.reply import Reply
from sync_platform_tests.sources.answers import extraction_of, ids, reply_of, run

SIZE = 3
LIST = Endpoint("dishes", "/names", records="data", paging=NumberedPaging(size=SIZE, total="total?", pages="pages?"))
BY_ID = Endpoint("dishes", "/dishes", records="data", paging=IdPaging(size=SIZE))


class ListSource:
    """Lists these ids page by page, with or without their total and the number of pages."""

    def __init__(self, names: list[Any], *, total: int | None, says_pages: bool = True) -> None:
        self.names, self.total, self.says_pages = names, total, says_pages
        self.broken: set[int] = set()
        self.asked: list[int] = []

    async def __call__(self, path: str, params: Mapping[str, Any], read: Callable[[Reply], Slice]) -> Slice:
        page = params["page"]
        self.asked.append(page)
        if page in self.broken:
            raise ServerFailed(f"page {page} is broken")
        listed = self.names[(page - 1) * SIZE : page * SIZE]
        pages = -(-len(self.names) // SIZE) if self.says_pages else None
        body = {"data": [{"id": name} for name in listed], "total": self.total, "pages": pages}
        return read(reply_of(body))


def read_list(source: ListSource) -> tuple[IdList[int], Extraction]:
    extraction = extraction_of()
    found = run(read_id_list(extraction, LIST, lambda record: record["id"], records="dishes", get=source))
    return found, extraction


@given(st.integers(0, 20), st.booleans(), st.booleans())
def test_every_page_is_read_once_and_every_name_is_found(count: int, says_total: bool, says_pages: bool) -> None:
    source = ListSource([*range(count)], total=count if says_total else None, says_pages=says_pages)
    found, extraction = read_list(source)
    assert found.by_id == {str(number): number for number in range(count)}
    assert (found.listed, found.total) == (count, count if says_total else None)
    assert len(source.asked) == len(set(source.asked))
    assert not extraction.gaps["dishes"].is_known


def test_a_list_that_names_fewer_than_its_total_is_a_finding() -> None:
    found, extraction = read_list(ListSource([1, 2, 2, None], total=5))
    assert found.listed == 4
    assert extraction.gaps["dishes"].findings == ["the list claims 5 dishes and lists 3"]


def test_a_record_whose_id_cannot_be_stored_is_kept_and_is_not_requested() -> None:
    found, extraction = read_list(ListSource([1, "a\0", 2], total=3))
    assert [*found.by_id] == ["1", "2"]
    assert [page.records for page in found.without_id] == [[{"id": "a\0"}]]
    assert not extraction.gaps["dishes"].is_known


def test_two_records_without_an_id_that_are_alike_may_be_one() -> None:
    found, extraction = read_list(ListSource([1, None, None], total=3))
    assert found.count_without_id == 1
    assert extraction.gaps["dishes"].findings == ["the list claims 3 dishes and lists 2"]


def test_a_list_without_a_number_of_pages_that_repeats_itself_is_ended() -> None:
    source = ListSource([1, 2, 3] * 5, total=None, says_pages=False)
    found, extraction = read_list(source)
    assert [*found.by_id] == ["1", "2", "3"]
    assert extraction.gaps["dishes"].findings == ["the list repeats at page 2 what came before it"]
    assert source.asked == [1, 2]


def test_a_lost_page_is_reported_and_the_others_are_read() -> None:
    source = ListSource([*range(9)], total=9)
    source.broken = {2}
    found, extraction = read_list(source)
    assert len(found.by_id) == 6
    assert extraction.gaps["dishes"].failures == ["page 2 is broken"]


def test_a_list_that_fails_from_the_start_names_nothing() -> None:
    source = ListSource([1], total=1)
    source.broken = {1}
    found, extraction = read_list(source)
    assert found == IdList()
    assert extraction.gaps["dishes"].failures == ["page 1 is broken"]


def test_only_a_numbered_list_is_read_for_its_ids() -> None:
    with pytest.raises(TypeError, match="numbered"):
        run(read_id_list(extraction_of(), BY_ID, lambda record: record, records="dishes"))


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
def test_every_id_is_requested_once_and_omitted_ids_are_reported(wanted: set[int], known: set[int]) -> None:
    asked: list[str] = []

    async def get(path: str, params: Mapping[str, Any], read: Callable[[Reply], Slice]) -> Slice:
        assert len(params["id"]) <= SIZE
        asked.extend(params["id"])
        return read(reply_of({"data": [{"id": int(one)} for one in params["id"] if int(one) in known]}))

    extraction = extraction_of()

    async def collected() -> list[Page]:
        return [page async for page in pages_by_id(extraction, BY_ID, [str(one) for one in sorted(wanted)], get)]

    pages = run(collected())
    assert sorted(asked) == sorted(map(str, wanted))
    assert set(ids(pages)) == wanted & known
    assert {*extraction.gaps["dishes"].omitted_ids} == {str(one) for one in wanted - known}
    assert extraction.gaps["dishes"].pages_expected == len(pages)
