"""A commit writes rows, history, cursor and sync record, all or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest

from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables
from sync_platform.lake.syncs import last_syncs, record_failure, syncs_of_runs
from sync_platform.lake.watermarks import watermarks
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.gaps import Gaps
from sync_platform_tests.extent import first_of, only_in_full
from sync_platform_tests.lake.harness import DISHES, HISTORY, LakeHarness, diner

NOODLES = {
    "id": 1,
    "name": "雲吞麵 Wonton noodles",
    "price": 48.5,
    "rating": 4.25,
    "tags": ["noodles", "湯"],
    "since": "2019-03-01",
    "sold_out": False,
    "updated_at": "2026-09-20T08:00:00+08:00",
    "stock": 12,
}
RICE = {"id": 2, "name": "Clay-pot rice", "updated_at": "2026-09-21T08:00:00+08:00"}
TEA = {"id": 3, "name": "Milk tea"}


def test_a_first_sync_inserts_every_row_with_its_types_times_and_landing_line(harness: LakeHarness) -> None:
    record = harness.sync([NOODLES, RICE], hour=0).record
    assert (record.status, record.inserted, record.rows) == ("complete", 2, 2)
    row = harness.table(
        "source_id, name, price_hkd, rating, tags, since, sold_out, updated_at, stock, removed_at, landing_line"
    )[0]
    assert row == (
        "1",
        "雲吞麵 Wonton noodles",
        Decimal("48.50"),
        4.25,
        ["noodles", "湯"],
        date(2019, 3, 1),
        False,
        datetime(2026, 9, 20, 0, 0, tzinfo=UTC),
        12,
        None,
        1,
    )
    seen = harness.table("first_seen_at = last_changed_at, first_seen_at, landing_object")
    assert all(same and at == record.observed_at for same, at, _ in seen)
    assert seen[0][2].startswith("landing/diner/dishes/2026-11/sync-00001/")


def test_an_update_records_only_the_changed_fields_before_and_after(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    record = harness.sync([{**NOODLES, "price": 52, "tags": []}, RICE], hour=1).record
    assert (record.updated, record.unchanged, record.inserted) == (1, 1, 0)
    operation, fields, before, after = harness.changes("operation, changed_fields, before, after")[-1]
    assert (operation, fields) == ("update", ["price_hkd", "tags"])
    assert json.loads(before) == {"price_hkd": 48.5, "tags": ["noodles", "湯"]}
    assert json.loads(after) == {"price_hkd": 52.0, "tags": []}
    first_seen, last_changed = harness.table("first_seen_at, last_changed_at")[0]
    assert (last_changed - first_seen).total_seconds() == 3600


def test_a_field_that_becomes_empty_is_a_change_to_null(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    harness.sync([{**NOODLES, "name": None}], hour=1)
    assert json.loads(harness.changes("after")[-1][0]) == {"name": None}
    assert harness.table("name") == [(None,)]
    assert harness.replay_differs() == []


def test_a_second_sync_of_unchanged_data_writes_no_row_no_history_and_no_file(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    files, changes, row = harness.files(), harness.changes("*"), harness.table("*")
    record = harness.sync([RICE, NOODLES], hour=1).record
    assert (record.unchanged, record.changes) == (2, 0)
    assert (harness.files(), harness.changes("*"), harness.table("*")) == (files, changes, row)


def test_a_volatile_column_is_kept_current_and_leaves_no_history(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    changes = harness.changes("*")
    record = harness.sync([{**NOODLES, "stock": 3}], hour=1).record
    assert (record.unchanged, record.changes) == (1, 0)
    assert harness.table("stock") == [(3,)]
    assert harness.changes("*") == changes
    assert "stock" not in changes[0][4]


def test_a_record_that_is_no_longer_listed_is_retired_and_its_return_is_a_restore(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE, TEA], hour=0)
    gone = harness.sync([NOODLES, RICE], hour=1).record
    assert (gone.removed, harness.table("source_id")) == (1, [("1",), ("2",)])
    assert harness.table("source_id", live=False) == [("1",), ("2",), ("3",)]
    back = harness.sync([NOODLES, RICE, {**TEA, "price": 20}], hour=2).record
    assert (back.restored, back.status) == (1, "complete")
    assert [row for row in harness.changes() if row[1] == "3"] == [("insert", "3"), ("remove", "3"), ("restore", "3")]
    assert harness.replay_differs() == []


@pytest.mark.parametrize(
    "gaps",
    [
        Gaps(claimed=3, pages_expected=1),
        only_in_full(Gaps(claimed=2, pages_expected=2)),
        only_in_full(Gaps(claimed=2, pages_expected=1, failures=["page 2: reset"])),
        only_in_full(Gaps(claimed=2, pages_expected=1, capped_slices=["Central"])),
        only_in_full(Gaps(claimed=2, pages_expected=1, omitted_ids=["3"])),
        Gaps(claimed=2, pages_expected=1, findings=["the cursor never ends"]),
    ],
    ids=["claims more", "page missing", "page failed", "capped", "ids omitted", "finding"],
)
def test_an_incomplete_extract_stores_its_valid_rows_and_retires_nothing(harness: LakeHarness, gaps: Gaps) -> None:
    harness.sync([NOODLES, RICE, TEA], hour=0)
    record = harness.sync([{**NOODLES, "price": 50}, RICE], hour=1, gaps=gaps).record
    assert (record.status, record.updated, record.removed, record.not_retired) == ("degraded", 1, 0, 1)
    assert record.reasons
    assert len(harness.table()) == 3


def test_a_list_that_shrinks_beyond_the_tolerance_retires_nothing_and_reports_it(harness: LakeHarness) -> None:
    menu = [{"id": number, "name": f"Dish {number}"} for number in range(20)]
    harness.platform = diner(tolerance=0.1)
    harness.sync(menu, hour=0)
    assert harness.sync(menu[2:], hour=1).record.removed == 2
    record = harness.sync(menu[8:], hour=2).record
    assert (record.status, record.removed, record.not_retired) == ("degraded", 0, 6)
    assert "6 of 18 live rows are not listed any more, beyond the tolerance of 10% (at most 5)" in record.reasons[0]


def test_an_empty_list_retires_nothing_whatever_the_tolerance(harness: LakeHarness) -> None:
    harness.platform = diner(tolerance=1.0)
    harness.sync([NOODLES], hour=0)
    assert harness.sync([], hour=1).record.status == "degraded"
    assert harness.table("source_id") == [("1",)]


def test_a_small_table_may_always_retire_one_row(harness: LakeHarness) -> None:
    harness.platform = diner(tolerance=0.1)
    harness.sync([NOODLES, RICE, TEA], hour=0)
    assert harness.sync([NOODLES, RICE], hour=1).record.removed == 1


def test_an_incremental_sync_retires_only_what_is_marked_deleted(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE, TEA], hour=0)
    record = harness.sync([{**RICE, "deleted": True}, {**TEA, "price": 21}], hour=1, mode="incremental").record
    assert (record.removed, record.updated, record.not_retired) == (1, 1, 0)
    assert harness.table("source_id") == [("1",), ("3",)]
    assert harness.replay_differs() == []


def test_the_latest_duplicate_is_stored_and_a_conflict_is_reported(harness: LakeHarness) -> None:
    older = {**RICE, "name": "Rice", "updated_at": "2026-09-01T00:00:00Z"}
    record = harness.sync([RICE, older, NOODLES, NOODLES], hour=0).record
    assert (record.rows, record.duplicates, record.status) == (2, 2, "degraded")
    assert "1 records came more than once" in record.reasons[0]
    assert harness.table() == [("1", NOODLES["name"]), ("2", "Clay-pot rice")]


def test_a_record_that_breaks_the_contract_is_quarantined_and_others_are_stored(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE, TEA], hour=0)
    outcome = harness.sync([{**NOODLES, "price": "dear"}, {**RICE, "since": "someday"}, {**TEA, "price": 20}], hour=1)
    record = outcome.record
    assert (record.quarantined, record.updated, record.status, record.removed) == (2, 1, "degraded", 0)
    assert "$.price" in outcome.quarantined[0]
    assert "http://diner.test/dishes" in outcome.quarantined[0]
    assert harness.table("source_id, price_hkd")[0] == ("1", Decimal("48.50"))


def test_an_unknown_field_is_reported_and_kept_in_landing(harness: LakeHarness) -> None:
    outcome = harness.sync([{**NOODLES, "halal": True}], hour=0)
    assert outcome.unknown_fields == ["halal"]
    assert outcome.record.status == "complete"
    assert b"halal" in next(body for _, body in harness.land([{**NOODLES, "halal": True}], hour=1).objects())


def test_the_cursor_moves_with_the_rows_and_never_back_or_into_the_future(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    assert watermarks(harness.lake, "diner") == {"dishes": datetime(2026, 9, 21, 0, 0, tzinfo=UTC)}
    harness.sync([NOODLES, RICE], hour=1, gaps=Gaps(claimed=9, pages_expected=1))
    harness.sync([NOODLES], hour=2, mode="incremental")
    assert watermarks(harness.lake, "diner")["dishes"] == datetime(2026, 9, 21, 0, 0, tzinfo=UTC)
    record = harness.sync([{**NOODLES, "updated_at": "2999-01-01T00:00:00Z"}], hour=3, mode="incremental").record
    assert watermarks(harness.lake, "diner")["dishes"] == record.observed_at


def test_an_incomplete_sync_does_not_move_the_cursor(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    harness.sync([RICE], hour=1, mode="incremental", gaps=Gaps(pages_expected=2))
    assert watermarks(harness.lake, "diner")["dishes"] == datetime(2026, 9, 20, 0, 0, tzinfo=UTC)


def test_the_run_is_named_in_the_snapshot_the_history_and_the_sync_record(harness: LakeHarness) -> None:
    outcome = harness.sync([NOODLES], hour=0)
    extra = harness.ask(f"SELECT commit_extra_info FROM lake.snapshots() WHERE snapshot_id = {outcome.snapshot_id}")
    assert json.loads(extra[0][0]) == {"run_id": "run-1"}
    assert harness.changes("run_id, sync_id, partition") == [("run-1", "sync-00001", "2026-11")]
    assert syncs_of_runs(harness.lake, ["run-1"]) == [outcome.record]


def test_a_commit_that_fails_leaves_nothing_behind(harness: LakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.sync([NOODLES], hour=0)
    before = (harness.table("*", live=False), harness.changes("*"), harness.ask("SELECT * FROM sync.runs"))

    def breaks(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sync_platform.lake.commit.write_sync", breaks)
    with pytest.raises(KeyboardInterrupt):
        harness.sync([NOODLES, RICE], hour=1)
    monkeypatch.undo()
    assert (harness.table("*", live=False), harness.changes("*"), harness.ask("SELECT * FROM sync.runs")) == before
    assert harness.sync([NOODLES, RICE], hour=1).record.inserted == 1


def test_the_same_landing_committed_twice_changes_nothing_the_second_time(harness: LakeHarness) -> None:
    from sync_platform.lake.commit import commit_landed

    landed = harness.land([NOODLES, RICE], hour=0)
    commit_landed(harness.lake, HISTORY, TypedRows(landed, harness.platform), "run-a")
    changes = harness.changes("*")
    assert commit_landed(harness.lake, HISTORY, TypedRows(landed, harness.platform), "run-b").record.changes == 0
    assert harness.changes("*") == changes


def test_a_column_that_a_declaration_gains_is_added_with_its_comment(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    with harness.lake.session() as session:
        session.execute("ALTER TABLE lake.diner.dishes DROP COLUMN rating")
        ensure_tables(session, HISTORY, "diner", DISHES)
        rows = session.execute(
            "SELECT data_type, comment FROM duckdb_columns() WHERE table_name = 'dishes' AND column_name = 'rating'"
        ).fetchall()
    assert rows == [("DOUBLE", "Rating")]


def test_a_failed_platform_is_recorded_with_the_status_of_its_worst_dataset(harness: LakeHarness) -> None:
    record = harness.sync([NOODLES], hour=0).record
    assert last_syncs(harness.lake)["diner"].status == "complete"
    record_failure(harness.lake, replace(record, sync_id="sync-99999", dataset=None, status="failed", reasons=["401"]))
    assert last_syncs(harness.lake)["diner"].status == "failed"


def test_an_answer_without_rows_moves_no_cursor(harness: LakeHarness) -> None:
    harness.sync([RICE], hour=0)
    before = watermarks(harness.lake, "diner")
    assert harness.sync([], hour=1, mode="incremental").record.status == "complete"
    assert watermarks(harness.lake, "diner") == before


def test_records_that_contradict_each_other_are_not_stored_and_the_stored_row_stays(harness: LakeHarness) -> None:
    harness.sync([TEA, RICE], hour=0)
    record = harness.sync([{**TEA, "price": 20}, {**TEA, "price": 22}, {**RICE, "price": 60}], hour=1).record
    assert (record.rows, record.duplicates, record.quarantined, record.status) == (1, 0, 2, "degraded")
    assert harness.table("source_id, price_hkd") == [("2", Decimal("60.00")), ("3", None)]
    assert harness.replay_differs() == []


@pytest.mark.parametrize("beyond", [{"stock": 2**63}, {"price": 1e11}])
def test_a_value_that_its_column_cannot_store_affects_only_its_own_record(
    harness: LakeHarness, beyond: dict[str, float]
) -> None:
    outcome = harness.sync([{**RICE, **beyond}, TEA], hour=0)
    assert (outcome.record.quarantined, outcome.record.status) == (1, "degraded")
    assert "does not fit" in outcome.quarantined[0]
    assert harness.table("source_id") == [("3",)]


@pytest.mark.parametrize("mark", first_of([1, "true", "Y", 1.0, True], 2))
def test_a_deletion_takes_effect_however_it_is_marked(harness: LakeHarness, mark: object) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    record = harness.sync([{**RICE, "deleted": mark}], hour=1, mode="incremental").record
    assert (record.removed, record.quarantined) == (1, 0)


@pytest.mark.parametrize("mark", first_of([0, "", "false", "N", None, False], 2))
def test_a_record_that_is_marked_as_not_deleted_stays(harness: LakeHarness, mark: object) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    record = harness.sync([{**RICE, "deleted": mark}], hour=1, mode="incremental").record
    assert (record.removed, record.unchanged) == (0, 1)


class Slot(Row):
    """A row with informational times and a required day."""

    day: Annotated[date, column("Day")]
    updated_at: Annotated[datetime | None, column("Changed")] = None
    opened_on: Annotated[date | None, column("Opened")] = None
    seats: Annotated[int | None, column("Seats")] = None


SLOTS = Dataset("slots", "Slots.", Slot, key=("id",), cursor="updated_at")
SLOT = {"id": 1, "day": "2026-11-24", "updated_at": "2026-11-24T08:00:00Z", "opened_on": "2020-01-01", "seats": 4}


def test_a_time_that_cannot_be_read_costs_its_field_and_no_record(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path, diner(dataset=SLOTS))
    outcome = harness.sync(
        [
            {**SLOT, "updated_at": "0000-00-00 00:00:00"},
            {**SLOT, "id": 2, "updated_at": "24:00:00", "opened_on": "2026-02-30"},
            {**SLOT, "id": 3, "updated_at": 1795509000, "opened_on": ""},
            {**SLOT, "id": 4, "day": "0000-00-00"},
        ],
        hour=0,
    )
    moment = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert harness.table("source_id, updated_at, opened_on") == [
        ("1", None, date(2020, 1, 1)),
        ("2", None, None),
        ("3", moment, None),
    ]
    assert (outcome.record.rows, outcome.record.quarantined) == (3, 1)
    assert "year 0 is out of range at $.day" in outcome.quarantined[0]
    validation = next(score for score in outcome.scores if (score.dimension, score.measure) == ("validation", "cells"))
    broken = {each["column"]: each for each in outcome.wholes[0].detail["worst"]}
    assert (broken["updated_at"]["records"], broken["opened_on"]["records"]) == (2, 1)
    assert broken["updated_at"]["hard"] is False
    assert "updated_at is 0000-00-00 00:00:00, not a time that can be read" in broken["updated_at"]["examples"][0]
    assert validation.numerator == validation.denominator - 4  # type: ignore[operator]


def test_a_value_in_another_form_is_stored_and_told_as_drift(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path, diner(dataset=SLOTS))
    outcome = harness.sync([{**SLOT, "seats": "4"}, {**SLOT, "id": 2.0, "seats": 5.0}, {**SLOT, "id": 3}], hour=0)
    assert harness.table("source_id, seats") == [("1", 4), ("2", 5), ("3", 4)]
    assert outcome.record.status == "complete"
    drift_in_words = [drift.in_words("diner.slots") for drift in outcome.drift]
    assert drift_in_words[1].startswith(
        "diner.slots: `seats` is declared as a whole number and came as a number in 1 of 3 records; it was read as what"
    )
    assert [drift.path for drift in outcome.drift] == ["id", "seats", "seats"]
    assert harness.ask("SELECT count(*) FROM quality.drift WHERE kind = 'loose'") == [(3,)]


def test_a_filter_that_leaves_out_most_of_a_list_is_a_fault_and_retires_nothing(tmp_path: Path) -> None:
    dataset = replace(SLOTS, in_scope=lambda slot: slot.seats != 0, out_of_scope_because="they have no seats")
    harness = LakeHarness(tmp_path, diner(dataset=dataset))
    slots = [{**SLOT, "id": number} for number in range(1, 6)]
    assert harness.sync(slots, hour=0).record.status == "complete"
    few = harness.sync([*slots[:4], {**slots[4], "seats": 0}], hour=1).record
    assert (few.status, few.not_ours, few.removed) == ("complete", 1, 1)
    record = harness.sync([{**slot, "seats": 0} for slot in slots], hour=2).record
    assert (record.status, record.not_ours, record.removed, record.list_complete) == ("degraded", 5, 0, False)
    assert record.reasons == ["all 5 records were left out: they have no seats"]
    assert len(harness.table("source_id")) == 4
