"""Columns that are sets: neither the order nor the repetition of values is a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from sync_platform.sources.columns import Row, column
from sync_platform.sources.decoding import Decoding

from .harness import DISHES, LakeHarness, diner


class Shop(msgspec.Struct):
    id: int
    cuisines: list[str] = []
    phones: list[str] = []
    hours: list[str] = []
    name: str | None = None
    stock: int | None = None


class ShopRow(Row):
    name: str | None = None
    cuisines: Annotated[list[str], column("Cuisines", is_set=True)] = []
    phones: Annotated[list[str], column("Phones", is_set=True)] = []
    phone: Annotated[str | None, column("One of the phones", one_of="phones")] = None
    hours: Annotated[list[str], column("Hours")] = []
    stock: Annotated[int | None, column("Tables left")] = None


def _row(shop: Shop) -> ShopRow:
    return ShopRow(
        source_id=str(shop.id),
        name=shop.name,
        cuisines=shop.cuisines,
        phones=shop.phones,
        phone=shop.phones[0] if shop.phones else None,
        hours=shop.hours,
        stock=shop.stock,
    )


SHOPS = diner("shops", dataset=replace(DISHES, row=ShopRow, decoding=Decoding(Shop, _row), cursor=None))
LANTERN: dict[str, Any] = {"id": 1, "name": "Lantern", "cuisines": ["Thai", "Cantonese"], "phones": ["2", "3"]}
OTHERWISE = {**LANTERN, "cuisines": ["Cantonese", "Thai", "Thai"], "phones": ["3", "2"]}
AS_FIRST_SENT = (["Thai", "Cantonese"], ["2", "3"], "2")


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path, platform=SHOPS)
    yield harness
    harness.lake.close()


def test_another_order_of_a_set_writes_no_row(harness: LakeHarness) -> None:
    harness.sync([LANTERN], hour=0)
    before = harness.files()
    record = harness.sync([OTHERWISE], hour=1).record
    assert (record.updated, record.unchanged, record.status) == (0, 1, "complete")
    assert harness.files() == before


def test_another_order_of_a_list_is_a_change(harness: LakeHarness) -> None:
    harness.sync([{**LANTERN, "hours": ["mon", "tue"]}], hour=0)
    assert harness.sync([{**LANTERN, "hours": ["tue", "mon"]}], hour=1).record.updated == 1


@pytest.mark.parametrize("change", [{"name": "Lantern House"}, {"stock": 4}])
def test_a_row_that_changes_otherwise_keeps_its_sets_as_first_sent(
    harness: LakeHarness, change: dict[str, Any]
) -> None:
    harness.sync([LANTERN], hour=0)
    harness.sync([{**OTHERWISE, **change}], hour=1)
    assert harness.table("cuisines, phones, phone") == [AS_FIRST_SENT]
    assert harness.replay_differs() == []
    assert [names for names, operation in harness.changes("changed_fields, operation") if operation == "update"] == (
        [["name"]] if "name" in change else []
    )


def test_a_restored_row_has_its_sets_as_sent_then(harness: LakeHarness) -> None:
    harness.sync([LANTERN, {**LANTERN, "id": 2}], hour=0)
    harness.sync([{**LANTERN, "id": 2}], hour=1)
    assert harness.sync([OTHERWISE, {**LANTERN, "id": 2}], hour=2).record.restored == 1
    assert harness.table("cuisines, phone")[0] == (["Cantonese", "Thai", "Thai"], "3")
    assert harness.replay_differs() == []


def test_a_value_that_is_new_in_a_set_is_a_change(harness: LakeHarness) -> None:
    harness.sync([LANTERN], hour=0)
    assert harness.sync([{**LANTERN, "cuisines": ["Thai"]}], hour=1).record.updated == 1
    assert harness.sync([{**LANTERN, "cuisines": ["Thai"], "phones": ["3"]}], hour=2).record.updated == 1
    assert harness.table("cuisines, phones, phone") == [(["Thai"], ["3"], "3")]
    assert harness.replay_differs() == []


def test_records_that_differ_only_in_the_order_of_a_set_are_duplicates(harness: LakeHarness) -> None:
    record = harness.sync([LANTERN, OTHERWISE], hour=0).record
    assert (record.rows, record.duplicates, record.quarantined, record.status) == (1, 1, 0, "complete")


def test_a_lake_with_hashes_of_an_earlier_version_has_no_change(harness: LakeHarness) -> None:
    harness.sync([LANTERN], hour=0)
    with harness.lake.session() as session:
        session.execute("UPDATE lake.shops.dishes SET content_hash = 'of an earlier version'")
    before = harness.files()
    assert harness.sync([LANTERN], hour=1).record.updated == 0
    assert harness.files() == before
    assert harness.sync([{**LANTERN, "name": "Lantern House"}], hour=2).record.updated == 1


def test_a_late_observation_in_another_order_changes_nothing(harness: LakeHarness) -> None:
    harness.sync([LANTERN], hour=0)
    harness.sync([{**LANTERN, "name": "Lantern House"}], hour=2)
    harness.sync([OTHERWISE], hour=1)
    assert harness.table("name, cuisines, phone") == [("Lantern House", ["Thai", "Cantonese"], "2")]
    assert harness.replay_differs() == []
