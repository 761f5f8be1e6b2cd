"""Quarantine: no invalid record is stored, none is lost, and an invalid record has no effect on others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.lake.syncs import watermarks
from sync_platform.quality.quarantine import QuarantineEntry, entries
from sync_platform.sources.columns import Row
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.lab import DISHES, Lab, diner
from sync_platform_tests.quality.venues import VENUES, venues

numbers = itertools.count()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.lake.close()


@pytest.fixture(autouse=True)
def _a_platform_of_its_own(lab: Lab) -> None:
    lab.platform = diner(f"venues{next(numbers)}", dataset=VENUES)


def _entries(lab: Lab, *, only_open: bool = True) -> list[QuarantineEntry]:
    with lab.lake.session() as session:
        return entries(session, platform=lab.platform.name, only_open=only_open)


def _stale(lab: Lab) -> list[str]:
    name = f"{lab.platform.name}.{lab.platform.datasets[0].name}"
    return [row[0] for row in lab.ask(f"SELECT source_id FROM {name} WHERE stale_since IS NOT NULL ORDER BY 1")]


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
    lab: Lab, records: list[Record]
) -> None:
    lab.platform = diner(f"venues{next(numbers)}", dataset=VENUES)
    record = lab.sync(records, hour=0, gaps=Gaps(pages_expected=1)).record
    assert record.records == len(records)
    assert record.records == record.rows + record.duplicates + record.quarantined + record.not_ours
    assert len(lab.table("source_id")) == record.rows
    kept_aside = _entries(lab)
    assert len(kept_aside) == record.quarantined
    assert len({(entry.landing_object, entry.landing_line) for entry in kept_aside}) == record.quarantined
    assert all(entry.rules and entry.problems for entry in kept_aside)
    (good,) = lab.ask(
        f"SELECT count(*) FROM {lab.platform.name}.venues WHERE rating > 5 OR latitude > 23 OR longitude < 113"
    )[0]
    assert good == 0
    assert lab.replay_differs() == []


def test_an_entry_has_every_broken_rule_with_its_path_and_the_landed_line(lab: Lab) -> None:
    first, second, third = venues(3)
    lab.sync([first, {**second, "rating": 9, "lat": 1.0}, {**third, "least": "one"}], hour=0)
    shape, range_ = sorted(_entries(lab), key=lambda entry: entry.source_id or "", reverse=True)
    assert (range_.source_id, range_.landing_line, sorted(range_.paths)) == ("1", 2, ["latitude", "rating"])
    assert "rating is 9.0, not from 0 to 5" in range_.problems
    assert (shape.source_id, shape.landing_line, shape.rules, shape.paths) == ("2", 3, ["shape"], ["$.least"])
    landed = lab.store.get(shape.landing_object)
    assert landed


def test_a_broken_soft_rule_is_reported_and_the_record_is_stored(lab: Lab) -> None:
    outcome = lab.sync([{**venues(1)[0], "phone": "call us"}], hour=0)
    assert (outcome.record.status, outcome.record.quarantined) == ("complete", 0)
    assert lab.table("phone") == [("call us",)]
    validation = next(score for score in outcome.wholes if score.dimension == "validation")
    assert validation.score == 0
    assert "call us" in validation.detail["worst"][0]["examples"][0]


def test_the_stored_version_stays_live_and_stale_until_a_valid_one_arrives(lab: Lab) -> None:
    first, second = venues(2)
    lab.sync([first, second], hour=0)
    bad = {**second, "name": "New name", "rating": 9}
    record = lab.sync([first, bad], hour=1).record
    assert (record.status, record.updated, record.removed) == ("degraded", 0, 0)
    assert lab.table("source_id, name_en") == [("0", "Noodle House 0"), ("1", "Noodle House 1")]
    assert _stale(lab) == ["1"]
    files = lab.files()
    lab.sync([first, bad], hour=2)
    assert lab.files() == files, "a row that is stale already is not written again"
    lab.sync([first, {**second, "name": "New name"}], hour=3)
    assert lab.table("source_id, name_en") == [("0", "Noodle House 0"), ("1", "New name")]
    assert _stale(lab) == []
    assert lab.replay_differs() == []


def test_a_valid_unchanged_record_ends_staleness_without_history(lab: Lab) -> None:
    first, second = venues(2)
    lab.sync([first, second], hour=0)
    lab.sync([first, {**second, "rating": 9}], hour=1)
    record = lab.sync([first, second], hour=2).record
    assert (_stale(lab), record.changes, record.status) == ([], 0, "complete")


def test_a_quarantined_record_does_not_stop_retirement_of_others(lab: Lab) -> None:
    first, second, third = venues(3)
    lab.sync([first, second, third], hour=0)
    record = lab.sync([first, {**second, "rating": 9}], hour=1).record
    assert (record.removed, record.list_complete, record.status) == (1, True, "degraded")
    assert [row[0] for row in lab.table("source_id")] == ["0", "1"]


def test_a_record_with_an_unreadable_id_stops_all_retirement(lab: Lab) -> None:
    first, second, third = venues(3)
    lab.sync([first, second, third], hour=0)
    record = lab.sync([first, {**second, "id": None}], hour=1, gaps=Gaps(pages_expected=1)).record
    assert (record.removed, record.not_retired, record.list_complete) == (0, 2, False)
    assert "1 records in quarantine bear no id that can be read" in record.reasons


@pytest.mark.parametrize(
    ("then", "how"), [("good", "stored"), ("bad", "seen again"), ("gone", "not seen again"), ("delta", None)]
)
def test_an_entry_is_open_until_its_record_is_examined_again(lab: Lab, then: str, how: str | None) -> None:
    first, second = venues(2)
    bad = {**second, "rating": 9}
    lab.sync([first, bad], hour=0)
    after = {"good": [first, second], "bad": [first, bad], "gone": [first], "delta": [first]}[then]
    lab.sync(after, hour=1, mode="incremental" if then == "delta" else "full")
    oldest = min(_entries(lab, only_open=False), key=lambda entry: entry.committed_at)
    assert oldest.settled_how == how
    assert (oldest.settled_at is None) == (how is None)
    assert len(_entries(lab)) == (1 if then in ("bad", "delta") else 0)


def test_entries_of_an_older_observation_are_settled_at_once(lab: Lab) -> None:
    first, second = venues(2)
    lab.sync([first, second], hour=5)
    lab.sync([first, {**second, "rating": 9}], hour=1)
    assert [entry.settled_how for entry in _entries(lab, only_open=False)] == ["late"]
    assert _stale(lab) == []


def test_a_retry_after_the_rule_was_corrected_stores_the_quarantined_records(lab: Lab) -> None:
    first, second = venues(2)
    lab.sync([first], hour=0)
    landed = lab.land([first, {**second, "kind": "hotel"}, {**second, "rating": 9}], hour=1)
    assert lab.commit(landed).record.quarantined == 1
    lab.platform = diner(lab.platform.name, dataset=MENDED)
    record = lab.commit(landed).record
    assert (record.inserted, record.quarantined, record.status) == (1, 0, "complete")
    assert [entry.settled_how for entry in _entries(lab, only_open=False)] == ["stored"]
    assert lab.table("source_id, landing_line") == [("0", 1), ("1", 3)]


def _row_with_rating(venue: Any) -> Row | None:
    venue.rating = min(venue.rating or 0, 5)
    return VENUES.to_row(venue)


MENDED = replace(VENUES, decoding=Decoding(VENUES.wire, _row_with_rating))


def test_a_newly_quarantined_record_is_requested_again_once(lab: Lab) -> None:
    lab.platform = diner(lab.platform.name, dataset=DISHES)

    def dish(day: int, price: Any = 1) -> Record:
        return {"id": day, "price": price, "updated_at": f"2026-09-{day:02}T00:00:00Z"}

    lab.sync([dish(1)], hour=0)
    watermark = watermarks(lab.lake, lab.platform.name)
    lab.sync([dish(2), dish(3, "?")], hour=1, mode="incremental")
    assert watermarks(lab.lake, lab.platform.name) == watermark
    lab.sync([dish(2), dish(3, "?"), dish(4)], hour=2, mode="incremental")
    assert watermarks(lab.lake, lab.platform.name)["dishes"].day == 4


def test_contradicting_versions_are_all_quarantined(lab: Lab) -> None:
    first, second = venues(2)
    outcome = lab.sync([first, second, {**second, "name": "Another"}], hour=0)
    assert (outcome.record.rows, outcome.record.quarantined, outcome.record.duplicates) == (1, 2, 0)
    assert {(entry.source_id, entry.rules[0], entry.landing_line) for entry in _entries(lab)} == {
        ("1", "conflict", 2),
        ("1", "conflict", 3),
    }
    validation = next(score for score in outcome.wholes if score.dimension == "validation")
    assert (validation.numerator, validation.denominator) == (1, 3)


def test_a_retry_after_a_later_sync_without_the_record_settles_its_entry_too(lab: Lab) -> None:
    first, second, third = venues(3)
    lab.sync([first, second], hour=0)
    bad = [{**second, "name": "New name", "rating": 9}, {**third, "rating": 9}]
    landed = lab.land([first, *bad], hour=1)
    lab.commit(landed)
    lab.sync([{**first, "name": "Renamed"}], hour=2, mode="incremental")
    assert _stale(lab) == ["1"]
    assert lab.commit(landed).record.quarantined == 2
    assert [(entry.source_id, entry.landing_line) for entry in _entries(lab)] == [("1", 2), ("2", 3)]
    lab.platform = diner(lab.platform.name, dataset=MENDED)
    lab.commit(landed)
    assert _entries(lab) == []
    assert _stale(lab) == []
    assert lab.table("source_id, name_en, landing_line") == [
        ("0", "Renamed", 1),
        ("1", "New name", 2),
        ("2", "Noodle House 2", 3),
    ]
    assert lab.replay_differs() == []
