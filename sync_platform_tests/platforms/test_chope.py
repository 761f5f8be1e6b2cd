"""Chope: errors inside HTTP 200, cursors, deltas."""

from __future__ import annotations

import msgspec
import pytest

from sync_platform.errors import AuthenticationFailed
from sync_platform.platforms.chope import Chope
from sync_platform.sandbox.city import City
from sync_platform.sources.scope import Scope

from .replay import exchange, over_sandbox, replay, to_row

CHOPE = Chope()
RESTAURANTS, RESERVATIONS = "/v1/restaurants", "/v1/reservations"
BUSY = {"code": "B500", "message": "service busy, try again", "result": None}


def listed(*items: dict[str, object], cursor: str | None = None) -> dict[str, object]:
    return {"code": "A100", "result": {"items": list(items), "next_cursor": cursor, "total": len(items)}}


def test_an_error_inside_200_is_tried_again() -> None:
    replayed = replay(
        CHOPE,
        [
            exchange(RESTAURANTS, BUSY),
            exchange(RESTAURANTS, listed({"rid": "a1hk"})),
            exchange(RESERVATIONS, listed()),
        ],
    )
    assert replayed.ids("restaurants") == ["a1hk"]
    assert replayed.reasons("restaurants") == []


def test_an_error_inside_200_that_persists_loses_the_page_and_reports_the_platforms_message() -> None:
    replayed = replay(CHOPE, [exchange(RESTAURANTS, BUSY), exchange(RESERVATIONS, listed())])
    assert "B500: service busy, try again" in replayed.reasons("restaurants")[0]
    assert replayed.reasons("reservations") == []


@pytest.mark.parametrize(("code", "message"), [("E401", "no"), ("B100", "Invalid bearer token")])
def test_refused_credentials_inside_200_are_not_tried_again(code: str, message: str) -> None:
    with pytest.raises(AuthenticationFailed, match="CHOPE_API_KEY"):
        replay(CHOPE, [exchange(RESTAURANTS, {"code": code, "message": message})])


def test_a_cursor_that_never_ends_is_reported_and_no_longer_followed(city: City) -> None:
    replayed = over_sandbox(CHOPE, city, ["chope:endless-cursor~restaurants"], datasets=["restaurants"])
    assert "the cursor never ends" in " ".join(replayed.reasons("restaurants"))
    assert len(replayed.requests) < 50


def test_a_cursor_that_comes_again_is_reported_and_no_longer_followed() -> None:
    pages = [exchange(RESTAURANTS, listed({"rid": f"a{number}hk"}, cursor="same")) for number in range(9)]
    replayed = replay(CHOPE, pages, datasets=["restaurants"])
    assert "the cursor never ends" in " ".join(replayed.reasons("restaurants"))
    assert len(replayed.requests) == 2


def test_a_delta_starts_at_the_watermark_and_contains_deleted_records(city: City) -> None:
    since = "2026-05-20T00:00:00+00:00"
    scope = Scope("incremental", {"restaurants": since, "reservations": since})
    replayed = over_sandbox(CHOPE, city, scope=scope)
    assert {request.url.params["updated_since"] for request in replayed.requests} == {since}
    assert any(record["deleted"] for record in replayed.records("restaurants"))
    assert {name: replayed.reasons(name) for name in replayed.gaps} == {"restaurants": [], "reservations": []}


def test_a_list_cut_at_half_is_noticed(city: City) -> None:
    replayed = over_sandbox(CHOPE, city, ["chope:half~restaurants"])
    assert "the source claims" in replayed.reasons("restaurants")[0]


def test_a_latitude_that_becomes_text_is_an_error_with_its_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.lat`"):
        to_row(CHOPE.dataset("restaurants"), {"rid": "a1hk", "lat": "ask the staff"})
