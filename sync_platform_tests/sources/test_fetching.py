"""Declared endpoints: their requests, what they read from an answer, and lists of the children of one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sync_platform.errors import AuthenticationFailed, ContractBroken, ServerFailed, SyncError
from sync_platform.sources.authentication import BearerToken, KeyHeader, NoAuthentication
from sync_platform.sources.columns import Row
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.endpoints import (
    ChildCount,
    ChildEndpoint,
    CursorPaging,
    Day,
    Endpoint,
    ErrorCode,
    NumberedPaging,
    OffsetPaging,
    Paging,
)
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.extraction_state import ExtractionState
from sync_platform.sources.fetching import pages_of_all
from sync_platform.sources.received import Page
from sync_platform.sources.scope import Scope
from sync_platform_tests.sources.answers import NoSecrets, client_of, reply_of, run

MIDNIGHT = datetime(2026, 11, 30, 16, tzinfo=UTC)  # in Hong Kong December begins


class Server:
    """Answers by path, from functions of the parameters; `asked` lists the paths and parameters of requests."""

    def __init__(self, **answers: Callable[[dict[str, str]], Any]) -> None:
        self.answers = {f"/{name}": answer for name, answer in answers.items()}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        self.asked.append((request.url.path, params))
        found = self.answers[request.url.path](params)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)


def fetched(
    server: Server, *endpoints: Endpoint, scope: Scope | None = None, wanted: Iterable[str] = ("dishes", "reviews")
) -> tuple[list[Page], Extraction]:
    datasets = [Dataset(name, name, Row, key=("id",)) for name in wanted]
    client = client_of(server)
    extraction = Extraction(client, scope or Scope(), {}, NoSecrets(), ExtractionState(datasets, MIDNIGHT))

    async def pages() -> list[Page]:
        async with client:
            return [page async for page in pages_of_all(extraction, endpoints)]

    return run(pages()), extraction


def ids(pages: list[Page], dataset: str = "dishes") -> list[Any]:
    return [record["id"] for page in pages if page.dataset == dataset for record in page.records]


def records(first: int, last: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(first, last + 1)]


def test_numbered_pages_are_read_where_they_are_declared() -> None:
    server = Server(
        dishes=lambda asked: {
            "data": records(2 * int(asked["page"]) - 1, 2 * int(asked["page"])),
            "meta": {"total": 6, "pages": 3},
        }
    )
    paging = NumberedPaging(size=2, limit="per_page", total="meta.total", pages="meta.pages")
    pages, extraction = fetched(server, Endpoint("dishes", "/dishes", "data", paging, {"city": "hk"}))
    assert sorted(ids(pages)) == [1, 2, 3, 4, 5, 6]
    assert sorted(asked["page"] for _, asked in server.asked) == ["1", "2", "3"]
    assert server.asked[0] == ("/dishes", {"city": "hk", "per_page": "2", "page": "1"})
    assert extraction.gaps["dishes"].claimed == 6


def test_the_number_of_pages_follows_from_the_total_where_it_is_not_sent() -> None:
    server = Server(dishes=lambda asked: {"data": records(int(asked["page"]), int(asked["page"])), "total": 3})
    pages, _ = fetched(server, Endpoint("dishes", "/dishes", "data", NumberedPaging(size=1, total="total")))
    assert sorted(ids(pages)) == [1, 2, 3]


def test_cursors_are_read_where_they_are_declared() -> None:
    server = Server(
        dishes=lambda asked: (
            {"items": records(3, 3), "next": ""} if "after" in asked else {"items": records(1, 2), "next": "b"}
        )
    )
    paging = CursorPaging(size=2, cursor="after", next_cursor="next", total="total?")
    pages, _ = fetched(server, Endpoint("dishes", "/dishes", "items", paging))
    assert ids(pages) == [1, 2, 3]
    assert [asked.get("after") for _, asked in server.asked] == [None, "b", "b"]  # the last page is confirmed


@pytest.mark.parametrize(("counts_pages", "sent"), [(False, ["0", "2", "4"]), (True, ["1", "2", "3"])])
def test_offsets_count_records_or_pages(counts_pages: bool, sent: list[str]) -> None:
    place = {text: at for at, text in enumerate(sent)}
    server = Server(dishes=lambda asked: {"data": records(1, 5)[2 * place[asked["start"]] :][:2], "count": 5})
    paging = OffsetPaging(size=2, limit="rows", offset="start", total="count", counts_pages=counts_pages)
    pages, extraction = fetched(server, Endpoint("dishes", "/dishes", "data", paging))
    assert ids(pages) == [1, 2, 3, 4, 5]
    assert [asked["start"] for _, asked in server.asked] == sent
    assert extraction.gaps["dishes"].claimed == 5


def test_a_list_without_paging_is_one_request_without_parameters() -> None:
    server = Server(dishes=lambda asked: records(1, 3))
    pages, _ = fetched(server, Endpoint("dishes", "/dishes", records=""))
    assert (ids(pages), server.asked) == ([1, 2, 3], [("/dishes", {})])


def test_a_day_is_that_of_the_extraction_in_hong_kong() -> None:
    server = Server(dishes=lambda asked: [])
    fetched(server, Endpoint("dishes", "/dishes", records="", params={"from": Day(), "to": Day(30)}))
    assert server.asked == [("/dishes", {"from": "2026-12-01", "to": "2026-12-31"})]


@pytest.mark.parametrize(("day_only", "sent"), [(False, "2026-11-20T10:00:00Z"), (True, "2026-11-20")])
def test_a_delta_asks_since_the_watermark(day_only: bool, sent: str) -> None:
    server = Server(dishes=lambda asked: [])
    scope = Scope("incremental", {"dishes": "2026-11-20T10:00:00Z"})
    endpoint = Endpoint("dishes", "/dishes", records="", since="since", since_day_only=day_only)
    fetched(server, endpoint, scope=scope)
    fetched(server, endpoint)
    assert [asked for _, asked in server.asked] == [{"since": sent}, {}]


def test_data_that_the_terms_do_not_allow_is_not_requested() -> None:
    server = Server(dishes=lambda asked: [])
    fetched(server, Endpoint("dishes", "/dishes", ""), Endpoint("reviews", "/reviews", ""), wanted=["dishes"])
    assert [path for path, _ in server.asked] == ["/dishes"]


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"meta": {"total": 1}}, "$"),
        ({"data": {}, "meta": {"total": 1}}, "$.data"),
        ({"data": [], "meta": {}}, "$.meta"),
        ({"data": [], "meta": {"total": "many"}}, "$.meta.total"),
    ],
)
def test_an_answer_of_another_shape_breaks_the_contract_with_its_path(answer: Any, path: str) -> None:
    endpoint = Endpoint("dishes", "/dishes", "data", NumberedPaging(size=1, total="meta.total"))
    with pytest.raises(ContractBroken) as raised:
        endpoint.read(reply_of(answer))
    assert f"{path} " in f"{raised.value} " or f"{path}:" in str(raised.value)


@pytest.mark.parametrize("total", [None, "many", {}, [5], 1.5, True])
@pytest.mark.parametrize(
    "paging",
    [
        NumberedPaging(size=2, total="meta.total", pages="meta.pages?"),
        OffsetPaging(size=2, total="meta.total"),
        CursorPaging(size=2, next_cursor="next", total="meta.total"),
    ],
    ids=lambda paging: type(paging).__name__,
)
def test_records_beside_a_total_that_cannot_be_read_are_kept_and_the_list_has_a_gap(paging: Paging, total: Any) -> None:
    def page(asked: dict[str, str]) -> Any:
        start = int(asked.get("offset", 2 * (int(asked.get("page", 1)) - 1)))
        listed = [{"id": number} for number in (1, 2, 3)][start : start + 2]
        return {"data": listed, "meta": {"total": total if listed else 0}, "next": None}

    pages, extraction = fetched(Server(dishes=page), Endpoint("dishes", "/dishes", "data", paging))
    assert [record["id"] for page in pages for record in page.records][:2] == [1, 2]
    assert "page 1 does not say how the list goes on: $.meta.total: Expected `int`" in str(
        extraction.gaps["dishes"].findings
    )


@pytest.mark.parametrize("cursor", [{}, [1], {"after": 2}, 1.5])
def test_records_beside_a_cursor_that_cannot_be_read_are_kept_and_the_list_has_a_gap(cursor: Any) -> None:
    paging = CursorPaging(size=2, next_cursor="next")
    server = Server(dishes=lambda asked: {"data": [{"id": 1}], "next": cursor})
    pages, extraction = fetched(server, Endpoint("dishes", "/dishes", "data", paging))
    assert [record["id"] for page in pages for record in page.records] == [1]
    assert "$.next" in extraction.gaps["dishes"].findings[0]


def _error(code: str, message: str, text: str) -> SyncError:
    return AuthenticationFailed(text) if code == "E401" else ServerFailed(text)


@pytest.mark.parametrize(("code", "error"), [("E401", AuthenticationFailed), ("E500", ServerFailed)])
def test_a_code_other_than_ok_is_an_error_in_any_answer(code: str, error: type[SyncError]) -> None:
    endpoint = Endpoint("dishes", "/dishes", "data", error_code=ErrorCode(ok="OK", error_of=_error))
    assert endpoint.read(reply_of({"code": "OK", "data": [{"id": 1}]})).records == [{"id": 1}]
    with pytest.raises(error, match=f"answered code {code}: not today"):
        endpoint.read(reply_of({"code": code, "message": "not today"}))
    with pytest.raises(error, match=f"answered code {code}: no message"):
        endpoint.read(reply_of({"code": code, "message": {"en": "not today"}}))


DISHES = Endpoint("dishes", "/dishes", records="")
REVIEWS = ChildEndpoint(
    "reviews",
    "/dishes/{parent}/reviews",
    records="data",
    paging=OffsetPaging(size=2),
    since="since",
    parent="dishes",
    count=ChildCount("reviews", promises_list=True),
    parent_field="dish",
)


def _served(**reviews: int) -> Server:
    """Dishes with these numbers of reviews, which they count and list."""
    server = Server(dishes=lambda asked: [{"id": name, "reviews": count} for name, count in reviews.items()])
    for name, count in reviews.items():
        listed = [{"id": f"{name}-{number}"} for number in range(count)]
        server.answers[f"/dishes/{name}/reviews"] = lambda asked, listed=listed: {
            "data": listed[int(asked["offset"]) :][:2]
        }
    return server


def test_children_are_requested_per_parent_unless_the_parent_counts_none() -> None:
    server = _served(a=3, b=0, c=1)
    pages, extraction = fetched(server, DISHES, REVIEWS)
    assert sorted(ids(pages, "reviews")) == ["a-0", "a-1", "a-2", "c-0"]
    assert "/dishes/b/reviews" not in [path for path, _ in server.asked]
    assert {record["dish"] for page in pages if page.dataset == "reviews" for record in page.records} == {"a", "c"}
    assert {page.part.name for page in pages if page.part} == {"a", "c"}
    assert not extraction.gaps["reviews"].is_known
    parts = extraction.gaps["reviews"].parts
    assert (parts.read, parts.unread, parts.are_all_known) == ({"a", "b", "c"}, set(), True)


def test_a_count_that_promises_no_list_is_no_gap() -> None:
    server = _served(a=2)
    server.answers["/dishes/a/reviews"] = lambda asked: {"data": []}
    _, extraction = fetched(server, DISHES, replace(REVIEWS, count=ChildCount("reviews", promises_list=False)))
    gaps = extraction.gaps["reviews"]
    assert (gaps.is_known, gaps.parts.read, gaps.claimed) == (False, {"a"}, None)


def test_a_parent_whose_list_has_fewer_records_than_its_total_is_not_read_whole() -> None:
    server = _served(a=2, b=1)
    twice = [{"id": "a-0"}, {"id": "a-0"}]
    server.answers["/dishes/a/reviews"] = lambda asked: {"data": twice if asked["page"] == "1" else [], "total": 2}
    server.answers["/dishes/b/reviews"] = lambda asked: {"data": [{"id": "b-0"}], "total": 1}
    paging = NumberedPaging(size=2, total="total?")
    _, extraction = fetched(server, DISHES, replace(REVIEWS, paging=paging))
    gaps = extraction.gaps["reviews"]
    assert gaps.part_findings == ["a: the source claims 2 records, and lists fewer"]
    assert (gaps.parts.read, gaps.parts.unread) == ({"b"}, {"a"})


def test_a_parent_that_counts_children_and_lists_none_is_a_finding_unless_in_a_delta() -> None:
    server = _served(a=2)
    server.answers["/dishes/a/reviews"] = lambda asked: {"data": []}
    _, extraction = fetched(server, DISHES, REVIEWS)
    assert extraction.gaps["reviews"].part_findings == ["a: it counts 2 reviews and lists none"]
    _, extraction = fetched(server, DISHES, REVIEWS, scope=Scope("incremental", {"reviews": "2026-11-20"}))
    assert not extraction.gaps["reviews"].is_known


def test_a_part_with_a_lost_page_is_not_whole_and_its_neighbours_are() -> None:
    server = _served(a=2, b=3)
    server.answers["/dishes/a/reviews"] = lambda asked: httpx.Response(404)
    pages, extraction = fetched(server, DISHES, REVIEWS)
    assert {page.part.name for page in pages if page.part} == {"b"}
    assert extraction.gaps["reviews"].parts.unread == {"a"}
    assert len(extraction.gaps["reviews"].failures) == 1


def test_children_of_missing_parents_are_missing_too() -> None:
    server = Server(dishes=lambda asked: httpx.Response(404))
    _, extraction = fetched(server, DISHES, REVIEWS)
    assert extraction.gaps["reviews"].missing_parents == "what belongs to the missing dishes is missing too"
    assert not extraction.gaps["reviews"].parts.are_all_known


def test_children_of_parents_without_an_id_are_missing_unless_they_count_none() -> None:
    server = _served(a=1)
    server.answers["/dishes"] = lambda asked: [{"id": "a"}, {"id": None, "reviews": 0}, {"id": "", "reviews": 2}]
    _, extraction = fetched(server, DISHES, REVIEWS)
    gaps = extraction.gaps["reviews"]
    assert gaps.missing_parents == "1 dishes came without an id, and what belongs to them is missing"
    assert (gaps.parts.read, gaps.parts.are_all_known) == ({"a"}, False)


def test_a_parent_whose_id_could_be_read_as_another_path_is_not_requested_and_the_others_are() -> None:
    server = _served(a=1)
    server.answers["/dishes"] = lambda asked: [{"id": each} for each in ("..", "../a", "a/", "b\0", "a#b", "a")]
    server.answers["/dishes/a#b/reviews"] = lambda asked: {"data": [{"id": "of a#b"}]}
    pages, extraction = fetched(server, DISHES, REVIEWS)
    children = {(record["dish"], record["id"]) for page in pages[1:] for record in page.records}
    assert children == {("a", "a-0"), ("a#b", "of a#b")}
    assert {path for path, _ in server.asked} == {"/dishes", "/dishes/a#b/reviews", "/dishes/a/reviews"}
    assert sorted(extraction.gaps["reviews"].failures) == [
        f"diner: /dishes/{{parent}}/reviews is not requested: the id {name!r} could be read as another path"
        for name in ("..", "../a", "a/")
    ]


def test_each_kind_of_authentication_has_its_header() -> None:
    credentials = {"api_key": "k"}
    assert NoAuthentication().headers(credentials) == {}
    assert BearerToken().headers(credentials) == {"Authorization": "Bearer k"}
    assert KeyHeader("X-Api-Key").headers(credentials) == {"X-Api-Key": "k"}


def test_children_are_incomplete_if_fewer_parents_were_listed_than_counted() -> None:
    server = _served(a=1)
    server.answers["/dishes"] = lambda asked: {"items": [{"id": "a", "reviews": 1}], "total": 2, "next": None}
    dishes = Endpoint("dishes", "/dishes", "items", CursorPaging(size=5, next_cursor="next", total="total"))
    _, extraction = fetched(server, dishes, REVIEWS)
    assert extraction.gaps["reviews"].missing_parents == "of 2 dishes 1 came, and what belongs to the others is missing"


LISTS = {
    "numbered": Endpoint(
        "dishes", "/dishes", records="data", paging=NumberedPaging(size=2, total="total"), since="after"
    ),
    "cursor": Endpoint("dishes", "/dishes", "data", paging=CursorPaging(size=2, next_cursor="next?"), since="after"),
    "offset": Endpoint("dishes", "/dishes", "data", paging=OffsetPaging(size=2, total="total?"), since="after"),
    "unpaged": Endpoint("dishes", "/dishes", records="data", since="after"),
    "a list itself": Endpoint("dishes", "/dishes", records="", since="after"),
}
DELTA = Scope("incremental", {"dishes": "2026-11-01T00:00:00Z"})


@pytest.mark.parametrize("status", [204, 205])
@pytest.mark.parametrize("endpoint", LISTS.values(), ids=LISTS)
def test_no_content_means_nothing_new_in_a_delta_and_proves_nothing_in_a_full_list(
    endpoint: Endpoint, status: int
) -> None:
    server = Server(dishes=lambda params: httpx.Response(status))
    pages, extraction = fetched(server, endpoint, scope=DELTA, wanted=["dishes"])
    assert [page.records for page in pages] == [[]]
    assert not extraction.gaps["dishes"].is_known
    pages, extraction = fetched(server, endpoint, wanted=["dishes"])
    assert [page.records for page in pages] == [[]]
    assert f"answered {status} without content, which is no list" in extraction.gaps["dishes"].findings[0]
    assert len(server.asked) == 2


def test_an_empty_body_with_status_200_is_a_broken_page_in_a_delta_too() -> None:
    server = Server(dishes=lambda params: httpx.Response(200))
    _, extraction = fetched(server, LISTS["numbered"], scope=DELTA, wanted=["dishes"])
    assert "answered 0 bytes that end too early" in extraction.gaps["dishes"].failures[0]


def test_no_content_for_the_children_of_one_record_is_a_finding_unless_they_are_a_delta() -> None:
    dishes = Endpoint("dishes", "/dishes", records="data")
    reviews = ChildEndpoint("reviews", "/dishes/{parent}/reviews", "data", parent="dishes", since="after")
    server = Server(dishes=lambda params: {"data": [{"id": 1}]})
    server.answers["/dishes/1/reviews"] = lambda params: httpx.Response(204)
    _, extraction = fetched(server, dishes, reviews, scope=Scope("incremental", {"reviews": "2026-11-01T00:00:00Z"}))
    assert not extraction.gaps["reviews"].is_known
    _, extraction = fetched(server, dishes, reviews)
    assert "/dishes/1/reviews answered 204 without content" in extraction.gaps["reviews"].part_findings[0]
