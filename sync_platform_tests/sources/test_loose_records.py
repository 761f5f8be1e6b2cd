"""Fields of another JSON type than declared are read where their meaning is plain, and reported."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from sync_platform.platforms import load_platforms
from sync_platform.sources.loose_records import FieldMeanings, LooseReading, UnreadableDate, read_loosely


class Person(msgspec.Struct):
    name: str | None = None
    level: int | None = None


class Sent(msgspec.Struct):
    """A record with a field of every kind."""

    id: int | str
    day: date
    count: int | None = None
    price: float | None = None
    is_open: bool | None = None
    text: str | None = None
    tags: list[str] = []
    chef: Person | None = None
    cooks: list[Person] | None = None
    changed: str | None = None
    seen: date | None = None
    status: str | None = None


MEANINGS = FieldMeanings(frozenset({"changed"}), {"status": ("booked", "seated")})
WHOLE = {"id": 1, "day": "2026-11-24"}


def read(**sent: Any) -> Sent:
    return msgspec.convert(read_loosely({**WHOLE, **sent}, Sent, MEANINGS).value, Sent)


@pytest.mark.parametrize(
    ("name", "sent", "value"),
    [
        ("id", 12.0, 12),
        ("day", "2026/11/24", date(2026, 11, 24)),
        ("count", "8,446", 8446),
        ("count", 8446.0, 8446),
        ("count", {"code": 3, "name": "dear"}, 3),
        ("count", " ", None),
        ("count", "N/A", None),
        ("price", "暫無資料", None),
        ("is_open", "(TBC)", None),
        ("chef", "N/A", None),
        ("text", "N/A", "N/A"),
        ("price", "1,280.00", 1280.0),
        ("price", "HK$ 88", 88.0),
        ("is_open", 1, True),
        ("is_open", "N", False),
        ("is_open", "true", True),
        ("text", 28104567, "28104567"),
        ("text", {"name": "Bar"}, "Bar"),
        ("text", {"id": 7, "code": "BAR"}, "BAR"),
        ("text", {"value": 7}, "7"),
        ("text", False, None),
        ("status", {"name": "Booked", "code": "booked"}, "booked"),
        ("tags", "Bar", ["Bar"]),
        ("tags", {"name": "Bar"}, ["Bar"]),
        ("tags", [{"name": "Bar"}, "Pub", {"code": "TEA"}], ["Bar", "Pub", "TEA"]),
        ("tags", {}, []),
        ("chef", "Ann", Person("Ann")),
        ("chef", [], None),
        ("chef", "", None),
        ("chef", {"name": 5, "level": "3"}, Person("5", 3)),
        ("cooks", ["Ann", {"name": "Bo"}], [Person("Ann"), Person("Bo")]),
        ("cooks", {"name": "Bo"}, [Person("Bo")]),
        ("changed", 1795509000, "1795509000"),
        ("changed", "0000-00-00 00:00:00", None),
        ("changed", {"date": "now"}, None),
        ("seen", "2026-02-30", None),
        ("seen", "01/02/2026", None),
        ("seen", "", None),
        ("seen", "待定", None),
        ("seen", 1795509000, date(2026, 11, 24)),
    ],
)
def test_a_plain_value_of_another_type_is_read(name: str, sent: Any, value: Any) -> None:
    assert getattr(read(**{name: sent}), name) == value


@pytest.mark.parametrize(
    ("name", "sent", "why"),
    [
        ("id", {"id": 1}, "another kind of value"),
        ("id", 1.5, "not a whole number"),
        ("day", "0000-00-00", "year 0"),
        ("count", "8.446", "not a whole number"),
        ("count", True, "not a whole number"),
        ("count", [8], "another kind of value"),
        ("price", "1,280", "two meanings"),
        ("price", "1.280,00", "not a number"),
        ("is_open", "maybe", "neither true nor false"),
        ("text", True, "not a text"),
        ("text", 1.5, "not a text"),
        ("text", ["x"], "another kind of value"),
        ("text", {"en": "Bar"}, "an object without a code"),
        ("chef", "sealed:v1:abc:def", "sealed"),
        ("chef", 7, "another kind of value"),
    ],
)
def test_a_value_without_one_plain_meaning_is_refused_with_the_reason(name: str, sent: Any, why: str) -> None:
    loose = read_loosely({**WHOLE, name: sent}, Sent, MEANINGS)
    assert why in loose.refusals[f"$.{name}"]
    with pytest.raises(msgspec.ValidationError, match=rf"`\$\.{name}`"):
        msgspec.convert(loose.value, Sent)


def test_every_reading_and_every_unreadable_time_is_reported_with_its_path() -> None:
    loose = read_loosely(
        {**WHOLE, "chef": {"level": "3"}, "changed": "24:00:00", "text": "as declared"}, Sent, MEANINGS
    )
    assert loose.readings == [LooseReading("chef.level", "a whole number", "a text")]
    assert loose.unreadable == [UnreadableDate("changed", "24:00:00")]


def test_a_record_as_declared_is_left_as_it_is() -> None:
    record = {**WHOLE, "count": 3, "tags": ["a"], "cooks": [{"name": "Ann"}], "unknown": {"x": [1]}}
    loose = read_loosely(record, Sent)
    assert (loose.value, loose.readings, loose.unreadable) == (record, [], [])


@pytest.mark.parametrize(
    ("dataset", "sent", "column", "value"),
    [
        ("chope.restaurants", {"rid": "a", "price_band": 2.0}, "price_level", 2),
        ("chope.restaurants", {"rid": "a", "cuisines": [{"name": "Thai"}]}, "cuisines", ["Thai"]),
        ("eatigo.restaurants", {"branch_id": 7.0, "is_active": "true"}, "is_active", True),
        ("eatigo.restaurants", {"branch_id": 7.0}, "source_id", "7"),
        ("foodpanda.restaurants", {"code": "a", "cuisines": ["Thai"], "tags": "Hot"}, "cuisines", ["Thai"]),
        ("foodpanda.restaurants", {"code": "a", "is_active": "Y"}, "status", "open"),
        ("keeta.menu_items", {"shopId": 1, "id": 2, "skus": [{"price": "1,280.00"}]}, "price_min_hkd", 1280),
        ("keeta.restaurants", {"id": 1, "categories": {"secondary": [{"name": "Thai"}]}}, "cuisines", ["Thai"]),
        ("openrice.restaurants", {"poiId": 5, "status": {"id": 10}}, "status", "open"),
        ("openrice.reviews", {"reviewId": 5, "overall": {"code": "smile"}}, "overall", "smile"),
        ("tripadvisor.restaurants", {"id": 5, "status": "OPEN"}, "status", "open"),
        ("bistrochat.posts", {"post_id": "p", "hashtags": "tea", "likes": "1,234"}, "like_count", 1234),
        ("data_gov_hk.licences", {"LICNO": "3111111111", "EXPDATE": "0000-00-00"}, "expires_on", None),
    ],
)
def test_every_platform_reads_loose_values(dataset: str, sent: dict[str, Any], column: str, value: Any) -> None:
    platform, _, name = dataset.partition(".")
    decoding = load_platforms()[platform].dataset(name).record_decoding
    decoded = msgspec.convert(read_loosely(sent, decoding.wire, decoding.meanings).value, decoding.wire)
    row, unreadable = decoding.to_row_with_gaps(decoded)
    assert getattr(row, column) == value
    assert unreadable == []
