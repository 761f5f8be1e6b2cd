"""Values that mean the same agree, and the record has them in one form, with what the listing states."""

from __future__ import annotations

from typing import Any

import orjson

from .harness import UnificationHarness, place, settle

OPENRICE = [f"{day} 11:30-22:00" for day in range(1, 7)] + ["7 closed"]
TRIPADVISOR = [f"{day} 11:30-22:00" for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")]


def _list_place(harness: UnificationHarness, **of_openrice: Any) -> None:
    """Place 3 on two platforms, in two notations."""
    at = place(3)
    openrice = {
        **at, "name_en": f"{at['name_en']} (North Point)", "phones": [at["phone"], "3188 8888"],
        "price_level": 4, "opening_hours": OPENRICE, "cuisines": ["Dim Sum", *at["cuisines"]], **of_openrice,
    }  # fmt: skip
    harness.list("openrice", "o3", **openrice)
    tripadvisor = {
        **at, "phone": f"+852 {at['phone'][:4]} {at['phone'][4:]}", "opening_hours": TRIPADVISOR,
        "price_range": "Mid Range", "website": "HTTP://WWW.Lantern.example/?utm_source=ta",
    }  # fmt: skip
    harness.list("tripadvisor", "t3", **tripadvisor)
    harness.unify()


def _record(harness: UnificationHarness) -> dict[str, Any]:
    with harness.lake.session() as session:
        (row,) = session.sql("FROM unified.restaurants WHERE opening_hours_osm IS NOT NULL").pl().to_dicts()
    return {**row, "why": orjson.loads(row["why"])}


def test_values_in_other_notations_agree_and_have_one_form(harness: UnificationHarness) -> None:
    settle(harness, 12)
    _list_place(harness)
    found, phone = _record(harness), f"+852{place(3)['phone']}"
    assert found["opening_hours_osm"] == "Mo-Sa 11:30-22:00; Su off"
    assert (found["name_en"], found["branch_en"]) == (place(3)["name_en"], "North Point")
    assert found["phones"] == found["phone"].split("; ")
    assert phone in found["phones"]
    assert (found["price_level"], found["price_min_hkd"], found["price_max_hkd"]) == (3, 201, 400)
    assert found["website"] == "http://www.lantern.example"
    why = found["why"]
    assert (why["opening_hours"]["rule"], why["opening_hours"]["stated"]) == ("agreed", OPENRICE)
    assert why["name_en"]["stated"] == f"{place(3)['name_en']} (North Point)"
    in_agreement = ("opening_hours", "phone", "price_level", "cuisines")
    assert all(other["agrees"] for name in in_agreement for other in why[name]["others"])
    agree = "SELECT DISTINCT hours_across AND cuisines_across FROM unified.members WHERE source_id IN ('o3', 't3')"
    assert harness.ask(agree) == [(True,)]


def test_the_opening_hours_are_a_table_with_a_history(harness: UnificationHarness) -> None:
    settle(harness, 12)
    _list_place(harness)
    rows = "SELECT day, number, opens, closes, is_closed, platform FROM unified.opening_hours WHERE removed_at IS NULL"
    assert harness.one(f"{rows} AND day = 'Mo'") == ("Mo", 1, "11:30", "22:00", False, "openrice")
    assert harness.one(f"{rows} AND day = 'Su'") == ("Su", 1, None, None, True, "openrice")
    written = harness.one("SELECT count(*) FROM lineage.changes WHERE dataset = 'opening_hours'")
    harness.unify(rebuild=True)
    assert harness.one("SELECT count(*) FROM lineage.changes WHERE dataset = 'opening_hours'") == written
    _list_place(harness, opening_hours=[*OPENRICE[:6], "7 11:30-15:00", "7 18:00-02:00"])
    assert harness.ask("SELECT hours_across FROM unified.members WHERE source_id = 't3'") == [(False,)]
    sunday = harness.ask(f"{rows.replace('is_closed', 'is_past_midnight')} AND day = 'Su' ORDER BY number")
    assert sunday == [("Su", 1, "11:30", "15:00", False, "openrice"), ("Su", 2, "18:00", "02:00", True, "openrice")]
    _list_place(harness, opening_hours=OPENRICE)
    changed = (
        "SELECT operation, entity_id[-4:] FROM lineage.changes WHERE dataset = 'opening_hours' AND operation = 'remove'"
    )
    assert harness.ask(changed) == [("remove", "Su/2")]


def test_hours_that_cannot_be_read_are_empty_and_other_hours_are_used(harness: UnificationHarness) -> None:
    settle(harness, 12)
    _list_place(harness, opening_hours=["1 11:30-22:00", "2 unknown"])
    found = _record(harness)
    assert (found["opening_hours_osm"], found["why"]["opening_hours"]["source"]) == ("Mo-Sa 11:30-22:00", "tripadvisor")
