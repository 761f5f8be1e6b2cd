"""Drift in a sync: against the last good shape, which only a good shape or a new declaration replaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from sync_platform.quality.scorecard import drift_of
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.received import Record
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.quality.venues import VENUES, Venue, venues


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path, diner(dataset=VENUES))
    yield harness
    harness.lake.close()


def _drift(harness: LakeHarness, records: list[Record], hour: float) -> list[tuple[str, str]]:
    harness.sync(records, hour)
    with harness.lake.session() as session:
        return drift_of(session, "diner", "venues", "2026-11")


def _renamed(record: Record, old: str, new: str) -> Record:
    return {new if name == old else name: value for name, value in record.items()}


def test_unchanged_syncs_have_no_drift_and_soon_store_no_more_shapes(harness: LakeHarness) -> None:
    for hour in range(4):
        assert _drift(harness, venues(60), hour) == []
    assert harness.ask("SELECT count(*) FROM quality.shapes") == [(2,)], "the first shape, and one of more records"


def test_a_renamed_field_is_reported_with_its_path_until_it_is_back(harness: LakeHarness) -> None:
    harness.sync(venues(60), hour=0)
    renamed = [_renamed(record, "phone", "phoneNumber") for record in venues(60)]
    for hour in (1, 2):
        ((kind, words),) = _drift(harness, renamed, hour)
        assert kind == "renamed"
        assert "`phone`" in words
        assert "`phoneNumber`" in words
        assert "landing/diner/venues" in words
    assert _drift(harness, venues(60), hour=3) == []


def test_a_retyped_field_is_reported_and_corrupts_no_column(harness: LakeHarness) -> None:
    harness.sync(venues(60), hour=0)
    ((kind, words),) = _drift(harness, [{**record, "rating": "4.5"} for record in venues(60)], hour=1)
    assert kind == "retyped"
    assert "was a number and is now text" in words
    assert {row[0] for row in harness.table("rating")} == {4.5}


def test_a_missing_field_is_reported(harness: LakeHarness) -> None:
    harness.sync(venues(60), hour=0)
    without = [{name: value for name, value in record.items() if name != "district"} for record in venues(60)]
    ((kind, words),) = _drift(harness, without, hour=1)
    assert (kind, "`district`" in words) == ("missing", True)


def test_a_new_field_is_reported_once_and_then_belongs_to_the_shape(harness: LakeHarness) -> None:
    harness.sync(venues(60), hour=0)
    halal = [{**record, "halal": True} for record in venues(60)]
    assert [kind for kind, _ in _drift(harness, halal, hour=1)] == ["new"]
    assert _drift(harness, halal, hour=2) == []


def test_after_a_new_declaration_the_next_shape_is_the_reference(harness: LakeHarness) -> None:
    harness.sync(venues(60), hour=0)
    renamed = [_renamed(record, "phone", "tel") for record in venues(60)]
    assert _drift(harness, renamed, hour=1)
    wire = msgspec.defstruct("Renamed", [("tel", str | None, None)], bases=(Venue,))
    harness.platform = diner(dataset=replace(VENUES, decoding=Decoding(wire, VENUES.to_row)))
    assert _drift(harness, renamed, hour=2) == []
