"""Records decoded strictly into the struct that the columns describe, and the rows made of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from sync_platform.sources.columns import Row, column, reference, sent_as
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.place import Place


class Kitchen(msgspec.Struct):
    name: str | None = None


def _first_kitchen(kitchens: list[Kitchen] | None) -> str | None:
    return kitchens[0].name if kitchens else None


def _status(is_open: bool | None, code: int | None) -> str | None:
    return None if is_open is None else f"{'open' if is_open else 'closed'} {code}"


class Dish(Row):
    """Every kind of column."""

    restaurant_id: Annotated[str | None, reference("The diner", "diner.places")] = None
    name_en: Annotated[Place.NameEn, sent_as("name")] = None
    author: Annotated[str | None, column("Author"), sent_as("by.user.handle")] = None
    latitude: Annotated[Place.Latitude, sent_as("lat")] = None
    price_hkd: Annotated[Decimal | None, column("Price"), sent_as("price")] = None
    tags: Annotated[list[str], column("Tags")] = []
    since: Annotated[date | None, column("On the menu since")] = None
    updated_at: Annotated[datetime | None, column("Changed")] = None
    is_sold_out: Annotated[bool | None, column("Sold out")] = None
    kitchen: Annotated[str | None, column("Kitchen"), sent_as("kitchens", convert=_first_kitchen)] = None
    status: Annotated[str | None, column("Status"), sent_as("open", "by.code", convert=_status)] = None


DISHES = Dataset("dishes", "Dishes.", Dish, key=("id",), also_sent={"distance": float}, deleted="gone")


def row_of(record: dict[str, Any], dataset: Dataset = DISHES) -> Any:
    return dataset.to_row(msgspec.json.decode(msgspec.json.encode(record), type=dataset.wire))


def test_every_field_becomes_its_column() -> None:
    sent = {
        "id": 7,
        "restaurant_id": 12,
        "name": " Tea ",
        "by": {"user": {"handle": "ann"}, "code": 3},
        "lat": 0,
        "price": 12.5,
        "tags": ["hot", " "],
        "since": "2026-11-24",
        "updated_at": "2026-11-24T08:00:00",
        "is_sold_out": False,
        "kitchens": [{"name": "East"}],
        "open": True,
    }
    assert row_of(sent) == Dish(
        source_id="7",
        restaurant_id="12",
        name_en="Tea",
        author="ann",
        latitude=None,
        price_hkd=Decimal("12.50"),
        tags=["hot"],
        since=date(2026, 11, 24),
        updated_at=datetime(2026, 11, 24, tzinfo=UTC),
        is_sold_out=False,
        kitchen="East",
        status="open 3",
    )


@pytest.mark.parametrize(
    "sent",
    [{}, dict.fromkeys(["name", "by", "lat", "price", "tags", "since", "kitchens", "open"]), {"by": {"user": None}}],
)
def test_a_field_that_is_missing_or_null_leaves_its_column_empty(sent: dict[str, Any]) -> None:
    assert row_of({"id": "7", **sent}) == Dish(source_id="7")


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"name": 5}, "$.name"),
        ({"by": {"user": {"handle": 5}}}, "$.by.user.handle"),
        ({"by": "ann"}, "$.by"),
        ({"lat": "22.3"}, "$.lat"),
        ({"price": "12"}, "$.price"),
        ({"tags": [1]}, "$.tags[0]"),
        ({"since": "yesterday"}, "$.since"),
        ({"kitchens": [{"name": 1}]}, "$.kitchens[0].name"),
        ({"open": 1}, "$.open"),
        ({"distance": "far"}, "$.distance"),
        ({"gone": "yes"}, "$.gone"),
        ({"id": None}, "$.id"),
    ],
)
def test_a_field_of_another_type_is_an_error_with_its_path(sent: dict[str, Any], path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        row_of({"id": 7, **sent})
    assert str(raised.value).endswith(f"`{path}`")


def test_a_record_without_its_key_or_a_required_column_is_an_error() -> None:
    class Slot(Row):
        day: Annotated[date, column("Day")]

    slots = Dataset("slots", "Slots.", Slot, key=("id", "day"))
    assert row_of({"id": 7, "day": "2026-11-24"}, slots).source_id == "7/2026-11-24"
    for sent in ({"day": "2026-11-24"}, {"id": 7}, {"id": 7, "day": None}):
        with pytest.raises(msgspec.ValidationError):
            row_of(sent, slots)


def test_a_value_that_cannot_be_converted_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a coordinate"):
        row_of({"id": 7, "lat": 181})


def test_a_record_out_of_scope_is_no_row() -> None:
    cheap = Dataset("dishes", "Dishes.", Dish, key=("id",), in_scope=lambda dish: (dish.price or 0) < 100)
    assert row_of({"id": 7, "price": 500}, cheap) is None
    assert row_of({"id": 7, "price": 50}, cheap) is not None


def test_a_field_may_have_a_name_that_python_cannot_write() -> None:
    class Odd(Row):
        begin: Annotated[str | None, column("Begin"), sent_as("from")] = None
        tag: Annotated[str | None, column("Tag"), sent_as("x-tag")] = None

    row = row_of({"@id": 7, "from": "here", "x-tag": "hot"}, Dataset("odd", "Odd.", Odd, key=("@id",)))
    assert (row.source_id, row.begin, row.tag) == ("7", "here", "hot")


def test_two_columns_cannot_read_one_field_as_two_types() -> None:
    class Conflicting(Row):
        name: Annotated[str | None, column("Name")] = None
        number: Annotated[int | None, column("Number"), sent_as("name")] = None

    with pytest.raises(TypeError, match=r"Conflicting\.number: 'name' is .*str.* elsewhere, not .*int"):
        _ = Dataset("torn", "Conflicting.", Conflicting, key=("id",)).wire


def test_a_field_cannot_be_an_object_and_a_value() -> None:
    class Conflicting(Row):
        author: Annotated[str | None, column("Author")] = None
        name: Annotated[str | None, column("Name"), sent_as("author.name")] = None

    with pytest.raises(TypeError, match="'author' is declared as a field and as an object"):
        _ = Dataset("torn", "Conflicting.", Conflicting, key=("id",)).wire


def test_a_converter_without_annotations_is_refused() -> None:
    class Unannotated(Row):
        name: Annotated[str | None, column("Name"), sent_as(convert=lambda name: name)] = None

    with pytest.raises(TypeError, match=r"Unannotated\.name: convert must take name, each parameter annotated"):
        _ = Dataset("vague", "Unannotated.", Unannotated, key=("id",)).wire
