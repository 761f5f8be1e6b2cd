"""The golden record: the chosen values, their sources and the reasons."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.unified.golden import EXPLAINED
from sync_platform.unified.trading_status import StatusClaim, TradingStatus, trading_status

from .harness import UnificationHarness, place, settle

TODAY = date(2026, 11, 25)


def _unify(harness: UnificationHarness, **listings: dict[str, Any]) -> dict[str, Any]:
    """The restaurant of place 3 with these listings; `why` by field."""
    settle(harness, 12)
    harness.forget("openrice", "o3")
    harness.forget("chope", "c3")
    for platform, columns in listings.items():
        harness.list(platform, f"{platform}-3", **{**place(3), **columns})
    harness.unify()
    first = f"{next(iter(listings))}-3"
    name = harness.one(f"SELECT restaurant_id FROM unified.members WHERE source_id = '{first}'")[0]
    with harness.lake.session() as session:
        (row,) = session.sql(f"FROM unified.restaurants WHERE restaurant_id = '{name}'").pl().to_dicts()
    return {**row, "why": orjson.loads(row["why"])}


def test_the_value_of_most_platforms_is_used_and_the_others_are_kept(harness: UnificationHarness) -> None:
    record = _unify(
        harness,
        eatigo={"price_level": 2},
        tripadvisor={"price_range": "Mid Range", "cuisines": ["Cantonese"]},
        openrice={"price_level": 6, "phones": [place(3)["phone"]]},
    )
    why = record["why"]["price_level"]
    assert (record["price_level"], why["rule"], why["words"]) == (2, "agreement", "2 of 3 platforms say so")
    assert {"source": "openrice", "source_id": "openrice-3", "value": 4, "agrees": False} in why["others"]


def test_the_value_of_the_more_trusted_of_two_platforms_is_used(harness: UnificationHarness) -> None:
    record = _unify(harness, openrice={"price_level": 6, "phones": [place(3)["phone"]]}, eatigo={"price_level": 1})
    why = record["why"]["price_level"]
    assert (record["price_level"], why["rule"], why["words"]) == (4, "priority", "openrice comes before eatigo")


def test_a_removed_listing_comes_last(harness: UnificationHarness) -> None:
    record = _unify(harness, eatigo={"price_level": 1})
    assert (record["price_level"], record["why"]["price_level"]["source"]) == (1, "eatigo")
    harness.list("openrice", "o3", **place(3), price_level=6, phones=[place(3)["phone"]])
    harness.unify()
    assert harness.one("SELECT price_level FROM unified.restaurants WHERE price_level IS NOT NULL") == (4,)
    harness.retire("openrice", "o3")
    harness.unify()
    why = orjson.loads(harness.one("SELECT why FROM unified.restaurants WHERE price_level = 1")[0])["price_level"]
    assert why["rule"] == "current"


def test_each_language_comes_from_text_in_that_language(harness: UnificationHarness) -> None:
    record = _unify(
        harness,
        data_gov_hk={"name_en": "金獅小廚", "name_zh": "金獅小廚", "address_zh": "九龍彌敦道32號地下4號舖",
                     "expires_on": date(2099, 1, 1), "district_en": "Yau Tsim", "licence_type": "RL"},
        eatigo={"name_zh": "金獅小廚 Silver Phoenix"},
    )  # fmt: skip
    assert record["name_en"] == place(3)["name_en"]
    assert (record["name_zh"], record["why"]["name_zh"]["source"]) == ("金獅小廚", "data_gov_hk")
    assert record["why"]["name_zh"]["rule"] == "agreed"


def test_places_within_150_metres_are_one_place(harness: UnificationHarness) -> None:
    record = _unify(
        harness,
        eatigo={"latitude": place(3)["latitude"] + 0.0008},
        keeta={"name": place(3)["name_en"], "address": place(3)["address_en"], "phones": [place(3)["phone"]]},
        bistrochat={"latitude": place(3)["latitude"] + 0.02},
    )
    why = record["why"]["location"]
    assert (why["rule"], why["words"]) == ("agreement", "2 of 3 platforms say so")
    assert [other["source"] for other in why["others"] if not other["agrees"]] == ["bistrochat"]


def test_every_value_of_every_restaurant_has_its_source(harness: UnificationHarness) -> None:
    settle(harness, 12)
    harness.unify()
    bare = harness.ask(
        """SELECT restaurant_id FROM unified.restaurants
        WHERE name_en IS NULL OR (why->>'$.name_en.source_id') IS NULL"""
    )
    assert bare == []
    fields = {name for (name,) in harness.ask("SELECT DISTINCT field FROM unified.restaurant_fields")}
    assert fields <= set(EXPLAINED)
    strangers = harness.ask(
        """SELECT * FROM unified.restaurant_fields f LEFT JOIN unified.members m USING (platform, source_id)
        WHERE f.platform IS NOT NULL AND m.restaurant_id IS DISTINCT FROM f.restaurant_id"""
    )
    assert strangers == []
    others = "SELECT DISTINCT json_type(others) FROM unified.restaurant_fields ORDER BY ALL"
    assert harness.ask(others) == [("ARRAY",), (None,)]


OPEN, CLOSED = "open", "closed"


def _claim(source: str, status: str | None = None, **changes: Any) -> StatusClaim:
    usual = {
        "is_live": True,
        "is_second_listing": False,
        "is_reference": False,
        "licence_number": None,
        "licence_expires_on": None,
    }
    return StatusClaim(source=source, status=status, **{**usual, **changes})


LICENCE = _claim("register", is_reference=True, licence_number="22", licence_expires_on=date(2027, 1, 1))


@pytest.mark.parametrize(
    ("claims", "status", "licence_state", "words"),
    [
        ([_claim("a", OPEN), _claim("b", OPEN), _claim("c", CLOSED)], OPEN, "not_found", "a, b: open; c: closed"),
        ([_claim("a", OPEN), _claim("c", CLOSED)], CLOSED, "not_found", "a: open; c: closed"),
        ([_claim("a", OPEN), _claim("c", CLOSED), LICENCE], OPEN, "in_force", "a licence is in force"),
        ([_claim("a")], OPEN, "not_found", "listed by a"),
        ([LICENCE], OPEN, "in_force", "no platform lists it"),
        ([_claim("a", OPEN, is_live=False)], CLOSED, "not_found", "no platform lists it any more"),
        ([_claim("a", CLOSED, is_second_listing=True), _claim("a", OPEN)], OPEN, "not_found", "a: open"),
        ([_claim("a", OPEN, is_second_listing=True)], OPEN, "not_found", "a: open"),
        ([LICENCE._replace(licence_expires_on=date(2026, 11, 24))], CLOSED, "expired", "no platform lists it"),
        ([LICENCE._replace(licence_expires_on=TODAY)], OPEN, "in_force", "a licence is in force"),
        ([LICENCE._replace(is_live=False), _claim("a", OPEN)], OPEN, "expired", "a: open"),
        ([LICENCE._replace(is_provisional_licence=True)], OPEN, "provisional", "a licence is in force"),
    ],
)  # fmt: skip
def test_status_and_licence_state_follow_from_the_listings(
    claims: list[StatusClaim], status: str, licence_state: str, words: str
) -> None:
    record = trading_status(claims, TODAY)
    assert (record.status, record.licence_state) == (status, licence_state)
    assert words in record.status_reason


CLAIMS = st.builds(
    StatusClaim,
    source=st.sampled_from("abcd"),
    is_live=st.booleans(),
    is_second_listing=st.booleans(),
    status=st.sampled_from([None, OPEN, CLOSED, "temporarily_closed"]),
    is_reference=st.booleans(),
    licence_number=st.sampled_from([None, "22", "38"]),
    licence_expires_on=st.sampled_from([None, date(2026, 1, 1), TODAY, date(2027, 1, 1)]),
)


@given(claims=st.lists(CLAIMS, min_size=1, max_size=6), data=st.data())
def test_the_order_of_platforms_makes_no_difference(claims: list[StatusClaim], data: st.DataObject) -> None:
    def outcome(trading: TradingStatus) -> tuple[str, str, str]:
        return trading.status, trading.status_reason, trading.licence_state

    assert outcome(trading_status(claims, TODAY)) == outcome(trading_status(data.draw(st.permutations(claims)), TODAY))


def test_a_neighbourhood_and_its_district_agree_and_the_neighbourhood_is_named(harness: UnificationHarness) -> None:
    record = _unify(
        harness,
        openrice={"district": "Eastern", "phones": [place(3)["phone"]], "latitude": None, "longitude": None},
        eatigo={"district": "North Point", "latitude": None, "longitude": None},
    )
    assert (record["area_en"], record["district"], record["district_zh"]) == ("Hong Kong Island", "eastern", "東區")
    assert (record["neighbourhood"], record["neighbourhood_zh"]) == ("north-point", "北角")
    assert record["district_evidence"] == ["statement"]
    assert [other["agrees"] for other in record["why"]["district"]["others"]] == [True]
    assert record["why"]["district"]["words"] == "all 2 platforms agree; by vocabulary districts 1"


def test_a_stated_district_outweighs_address_and_coordinates(harness: UnificationHarness) -> None:
    address = f"{place(3)['address_en']}, Wan Chai"
    record = _unify(
        harness, eatigo={"district": "北角", "address_en": address, "latitude": 22.2830, "longitude": 114.1570}
    )
    assert (record["district"], record["district_evidence"]) == ("eastern", ["statement"])
    assert record["why"]["district"]["rule"] == "evidence"


def test_address_and_coordinates_name_the_district_where_nothing_is_stated(harness: UnificationHarness) -> None:
    address = f"{place(3)['address_en']}, Causeway Bay, Hong Kong"
    record = _unify(harness, eatigo={"address_en": address, "latitude": 22.2802, "longitude": 114.1849})
    assert (record["district"], record["neighbourhood_en"]) == ("wan-chai", "Causeway Bay")
    assert record["district_evidence"] == ["address", "coordinates"]


def test_cuisines_are_codes_with_names_in_both_languages_and_unknown_words_are_listed(
    harness: UnificationHarness,
) -> None:
    record = _unify(harness, eatigo={"cuisines": ["粵菜", "Sushi Bar", "Martian"]})
    assert record["cuisines"] == ["cantonese", "sushi"]
    assert (record["cuisines_en"], record["cuisines_zh"]) == (["Cantonese", "Sushi"], ["粵菜", "壽司"])
    unmapped = "SELECT vocabulary, platform, word, listings FROM unified.unmapped_words WHERE removed_at IS NULL"
    assert harness.one(unmapped) == ("cuisine_words", "eatigo", "Martian", 1)
    harness.retire("eatigo", "eatigo-3")
    harness.unify()
    assert harness.ask(unmapped) == []
