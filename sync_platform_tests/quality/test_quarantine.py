"""Quarantine: no invalid record is stored, none is lost, and an invalid record has no effect on others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.lake.watermarks import watermarks
from sync_platform.quality.quarantine import QuarantineEntry, entries
from sync_platform.sources.columns import Row
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import DISHES, LakeHarness, diner
from sync_platform_tests.quality.venues import VENUES, venues

numbers = itertools.count()


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path_factory.mktemp("harness"))
    yield harness
    harness.lake.close()


@pytest.fixture(autouse=True)
def _a_platform_of_its_own(harness: LakeHarness) -> None:
    harness.platform = diner(f"venues{next(numbers)}", dataset=VENUES)


def _entries(harness: LakeHarness, *, only_open: bool = True) -> list[QuarantineEntry]:
    with harness.lake.session() as session:
        return entries(session, platform=harness.platform.name, only_open=only_open)


def _stale(harness: LakeHarness) -> list[str]:
    name = f"{harness.platform.name}.{harness.platform.datasets[0].name}"
    return [row[0] for row in harness.ask(f"SELECT source_id FROM {name} WHERE stale_since IS NOT NULL ORDER BY 1")]


sent = st.fixed_dictionaries(
    {"id": st.one_of(st.integers(0, 4), st.sampled_from(["x", None, [], ""]))},
    optional={
        "name": st.sampled_from(["Tea", "茶", 7]),
        "rating": st.sampled_from([3, 9, "good", None]),
        "lat": st.sampled_from([22.3, 114.2]),
        "lng": st.sampled_from([114.2, 22.3]),
        "phone": st.sampled_from(["2345 6789", "none"]),
        "kind": st.sampled_from(["venue", "hotel"]),
    },
)


@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(sent, max_size=8))
def test_every_received_record_is_stored_dropped_as_a_duplicate_quarantined_or_out_of_scope(
    harness: LakeHarness, records: list[Record]
) -> None:
    harness.platform = diner(f"venues{next(numbers)}", dataset=VENUES)
    record = harness.sync(records, hour=0, gaps=Gaps(pages_expected=1)).record
    assert record.records == len(records)
    assert record.records == record.rows + record.duplicates + record.quarantined + record.not_ours
    assert len(harness.table("source_id")) == record.rows
    kept_aside = _entries(harness)
    assert len(kept_aside) == record.quarantined
    assert len({(entry.landing_object, entry.landing_line) for entry in kept_aside}) == record.quarantined
    assert all(entry.rules and entry.problems for entry in kept_aside)
    (good,) = harness.ask(
        f"SELECT count(*) FROM {harness.platform.name}.venues WHERE rating > 5 OR latitude > 23 OR longitude < 113"
    )[0]
    assert good == 0
    assert harness.replay_differs() == []


def test_an_entry_has_every_broken_rule_with_its_path_and_the_landed_line(harness: LakeHarness) -> None:
    first, second, third = venues(3)
    harness.sync([first, {**second, "rating": 9, "lat": 1.0}, {**third, "least": "one"}], hour=0)
    shape, range_ = sorted(_entries(harness), key=lambda entry: entry.source_id or "", reverse=True)
    assert (range_.source_id, range_.landing_line, sorted(range_.paths)) == ("1", 2, ["latitude", "rating"])
    assert "rating is 9.0, not from 0 to 5" in range_.problems
    assert (shape.source_id, shape.landing_line, shape.rules, shape.paths) == ("2", 3, ["shape"], ["$.least"])
    landed = harness.store.get(shape.landing_object)
    assert landed


def test_a_broken_soft_rule_is_reported_and_the_record_is_stored(harness: LakeHarness) -> None:
    outcome = harness.sync([{**venues(1)[0], "phone": "call us"}], hour=0)
    assert (outcome.record.status, outcome.record.quarantined) == ("complete", 0)
    assert harness.table("phone") == [("call us",)]
    validation = next(score for score in outcome.wholes if score.dimension == "validation")
    assert validation.score == 0
    assert "call us" in validation.detail["worst"][0]["examples"][0]


def test_the_stored_version_stays_live_and_stale_until_a_valid_one_arrives(harness: LakeHarness) -> None:
    first, second = venues(2)
    harness.sync([first, second], hour=0)
    bad = {**second, "name": "New name", "rating": 9}
    record = harness.sync([first, bad], hour=1).record
    assert (record.status, record.updated, record.removed) == ("degraded", 0, 0)
    assert harness.table("source_id, name_en") == [("0", "Noodle House 0"), ("1", "Noodle House 1")]
    assert _stale(harness) == ["1"]
    files = harness.files()
    harness.sync([first, bad], hour=2)
    assert harness.files() == files, "a row that is stale already is not written again"
    harness.sync([first, {**second, "name": "New name"}], hour=3)
    assert harness.table("source_id, name_en") == [("0", "Noodle House 0"), ("1", "New name")]
    assert _stale(harness) == []
    assert harness.replay_differs() == []


def test_a_valid_unchanged_record_ends_staleness_without_history(harness: LakeHarness) -> None:
    first, second = venues(2)
    harness.sync([first, second], hour=0)
    harness.sync([first, {**second, "rating": 9}], hour=1)
    record = harness.sync([first, second], hour=2).record
    assert (_stale(harness), record.changes, record.status) == ([], 0, "complete")


def test_a_quarantined_record_does_not_stop_retirement_of_others(harness: LakeHarness) -> None:
    first, second, third = venues(3)
    harness.sync([first, second, third], hour=0)
    record = harness.sync([first, {**second, "rating": 9}], hour=1).record
    assert (record.removed, record.list_complete, record.status) == (1, True, "degraded")
    assert [row[0] for row in harness.table("source_id")] == ["0", "1"]


def test_a_new_record_with_an_unreadable_id_stops_all_retirement(harness: LakeHarness) -> None:
    first, second, third = venues(3)
    harness.sync([first, second, third], hour=0)
    record = harness.sync([first, {**second, "id": None}], hour=1, gaps=Gaps(pages_expected=1)).record
    assert (record.removed, record.not_retired, record.list_complete) == (0, 2, False)
    assert "1 records in quarantine have no readable id" in record.reasons


@pytest.mark.parametrize(
    ("then", "how"), [("good", "stored"), ("bad", "seen again"), ("gone", "not seen again"), ("delta", None)]
)
def test_an_entry_is_open_until_its_record_is_examined_again(harness: LakeHarness, then: str, how: str | None) -> None:
    first, second = venues(2)
    bad = {**second, "rating": 9}
    harness.sync([first, bad], hour=0)
    after = {"good": [first, second], "bad": [first, bad], "gone": [first], "delta": [first]}[then]
    harness.sync(after, hour=1, mode="incremental" if then == "delta" else "full")
    oldest = min(_entries(harness, only_open=False), key=lambda entry: entry.committed_at)
    assert oldest.settled_how == how
    assert (oldest.settled_at is None) == (how is None)
    assert len(_entries(harness)) == (1 if then in ("bad", "delta") else 0)


def test_entries_of_an_older_observation_are_settled_at_once(harness: LakeHarness) -> None:
    first, second = venues(2)
    harness.sync([first, second], hour=5)
    harness.sync([first, {**second, "rating": 9}], hour=1)
    assert [entry.settled_how for entry in _entries(harness, only_open=False)] == ["late"]
    assert _stale(harness) == []


def test_a_retry_after_the_rule_was_corrected_stores_the_quarantined_records(harness: LakeHarness) -> None:
    first, second = venues(2)
    harness.sync([first], hour=0)
    landed = harness.land([first, {**second, "kind": "hotel"}, {**second, "rating": 9}], hour=1)
    assert harness.commit(landed).record.quarantined == 1
    harness.platform = diner(harness.platform.name, dataset=MENDED)
    record = harness.commit(landed).record
    assert (record.inserted, record.quarantined, record.status) == (1, 0, "complete")
    assert [entry.settled_how for entry in _entries(harness, only_open=False)] == ["stored"]
    assert harness.table("source_id, landing_line") == [("0", 1), ("1", 3)]


def _row_with_rating(venue: Any) -> Row | None:
    venue.rating = min(venue.rating or 0, 5)
    return VENUES.to_row(venue)


MENDED = replace(VENUES, decoding=Decoding(VENUES.wire, _row_with_rating))


def test_a_newly_quarantined_record_is_requested_again_once(harness: LakeHarness) -> None:
    harness.platform = diner(harness.platform.name, dataset=DISHES)

    def dish(day: int, price: Any = 1) -> Record:
        return {"id": day, "price": price, "updated_at": f"2026-09-{day:02}T00:00:00Z"}

    harness.sync([dish(1)], hour=0)
    watermark = watermarks(harness.lake, harness.platform.name)
    harness.sync([dish(2), dish(3, "dear")], hour=1, mode="incremental")
    assert watermarks(harness.lake, harness.platform.name) == watermark
    harness.sync([dish(2), dish(3, "dear"), dish(4)], hour=2, mode="incremental")
    assert watermarks(harness.lake, harness.platform.name)["dishes"].day == 4


def test_contradicting_versions_are_all_quarantined(harness: LakeHarness) -> None:
    first, second = venues(2)
    outcome = harness.sync([first, second, {**second, "name": "Another"}], hour=0)
    assert (outcome.record.rows, outcome.record.quarantined, outcome.record.duplicates) == (1, 2, 0)
    assert {(entry.source_id, entry.rules[0], entry.landing_line) for entry in _entries(harness)} == {
        ("1", "conflict", 2),
        ("1", "conflict", 3),
    }
    validation = next(score for score in outcome.wholes if score.dimension == "validation")
    assert (validation.numerator, validation.denominator) == (1, 3)


def test_a_retry_after_a_later_sync_without_the_record_settles_its_entry_too(harness: LakeHarness) -> None:
    first, second, third = venues(3)
    harness.sync([first, second], hour=0)
    bad = [{**second, "name": "New name", "rating": 9}, {**third, "rating": 9}]
    landed = harness.land([first, *bad], hour=1)
    harness.commit(landed)
    harness.sync([{**first, "name": "Renamed"}], hour=2, mode="incremental")
    assert _stale(harness) == ["1"]
    assert harness.commit(landed).record.quarantined == 2
    assert [(entry.source_id, entry.landing_line) for entry in _entries(harness)] == [("1", 2), ("2", 3)]
    harness.platform = diner(harness.platform.name, dataset=MENDED)
    harness.commit(landed)
    assert _entries(harness) == []
    assert _stale(harness) == []
    assert harness.table("source_id, name_en, landing_line") == [
        ("0", "Renamed", 1),
        ("1", "New name", 2),
        ("2", "Noodle House 2", 3),
    ]
    assert harness.replay_differs() == []
