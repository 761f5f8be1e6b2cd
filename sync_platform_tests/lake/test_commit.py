"""What a commit does: rows, history, cursor and sync record, all or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables
from sync_platform.lake.syncs import last_syncs, record_failure, syncs_of_runs, watermarks
from sync_platform.sources.gaps import Gaps
from sync_platform_tests.lake.lab import DISHES, HISTORY, Lab, diner

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


def test_a_first_sync_inserts_every_row_with_its_types_times_and_landing_line(lab: Lab) -> None:
    record = lab.sync([NOODLES, RICE], hour=0).record
    assert (record.status, record.inserted, record.rows) == ("complete", 2, 2)
    row = lab.table(
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
    seen = lab.table("first_seen_at = last_changed_at, first_seen_at, landing_object")
    assert all(same and at == record.observed_at for same, at, _ in seen)
    assert seen[0][2].startswith("landing/diner/dishes/2026-11/sync-00001/")


def test_an_update_records_only_the_changed_fields_before_and_after(lab: Lab) -> None:
    lab.sync([NOODLES, RICE], hour=0)
    record = lab.sync([{**NOODLES, "price": 52, "tags": []}, RICE], hour=1).record
    assert (record.updated, record.unchanged, record.inserted) == (1, 1, 0)
    operation, fields, before, after = lab.changes("operation, changed_fields, before, after")[-1]
    assert (operation, fields) == ("update", ["price_hkd", "tags"])
    assert json.loads(before) == {"price_hkd": 48.5, "tags": ["noodles", "湯"]}
    assert json.loads(after) == {"price_hkd": 52.0, "tags": []}
    first_seen, last_changed = lab.table("first_seen_at, last_changed_at")[0]
    assert (last_changed - first_seen).total_seconds() == 3600


def test_a_field_that_becomes_empty_is_a_change_to_null(lab: Lab) -> None:
    lab.sync([NOODLES], hour=0)
    lab.sync([{**NOODLES, "name": None}], hour=1)
    assert json.loads(lab.changes("after")[-1][0]) == {"name": None}
    assert lab.table("name") == [(None,)]
    assert lab.replay_differs() == []


def test_a_second_sync_of_unchanged_data_writes_no_row_no_history_and_no_file(lab: Lab) -> None:
    lab.sync([NOODLES, RICE], hour=0)
    files, changes, row = lab.files(), lab.changes("*"), lab.table("*")
    record = lab.sync([RICE, NOODLES], hour=1).record
    assert (record.unchanged, record.changes) == (2, 0)
    assert (lab.files(), lab.changes("*"), lab.table("*")) == (files, changes, row)


def test_a_volatile_column_is_kept_current_and_leaves_no_history(lab: Lab) -> None:
    lab.sync([NOODLES], hour=0)
    changes = lab.changes("*")
    record = lab.sync([{**NOODLES, "stock": 3}], hour=1).record
    assert (record.unchanged, record.changes) == (1, 0)
    assert lab.table("stock") == [(3,)]
    assert lab.changes("*") == changes
    assert "stock" not in changes[0][4]


def test_a_record_that_is_listed_no_more_is_retired_and_comes_back_as_a_restore(lab: Lab) -> None:
    lab.sync([NOODLES, RICE, TEA], hour=0)
    gone = lab.sync([NOODLES, RICE], hour=1).record
    assert (gone.removed, lab.table("source_id")) == (1, [("1",), ("2",)])
    assert lab.table("source_id", live=False) == [("1",), ("2",), ("3",)]
    back = lab.sync([NOODLES, RICE, {**TEA, "price": 20}], hour=2).record
    assert (back.restored, back.status) == (1, "complete")
    assert [row for row in lab.changes() if row[1] == "3"] == [("insert", "3"), ("remove", "3"), ("restore", "3")]
    assert lab.replay_differs() == []


@pytest.mark.parametrize(
    "gaps",
    [
        Gaps(claimed=3, pages_expected=1),
        Gaps(claimed=2, pages_expected=2),
        Gaps(claimed=2, pages_expected=1, failures=["page 2: reset"]),
        Gaps(claimed=2, pages_expected=1, capped_slices=["Central"]),
        Gaps(claimed=2, pages_expected=1, omitted_ids=["3"]),
        Gaps(claimed=2, pages_expected=1, findings=["the cursor never ends"]),
    ],
    ids=["claims more", "page missing", "page failed", "capped", "ids omitted", "finding"],
)
def test_an_incomplete_extract_takes_in_good_rows_and_retires_nothing(lab: Lab, gaps: Gaps) -> None:
    lab.sync([NOODLES, RICE, TEA], hour=0)
    record = lab.sync([{**NOODLES, "price": 50}, RICE], hour=1, gaps=gaps).record
    assert (record.status, record.updated, record.removed, record.not_retired) == ("degraded", 1, 0, 1)
    assert record.reasons
    assert len(lab.table()) == 3


def test_more_than_the_tolerance_leaving_at_once_retires_none_and_says_so(lab: Lab) -> None:
    menu = [{"id": number, "name": f"Dish {number}"} for number in range(20)]
    lab.platform = diner(tolerance=0.1)
    lab.sync(menu, hour=0)
    assert lab.sync(menu[2:], hour=1).record.removed == 2
    record = lab.sync(menu[5:], hour=2).record
    assert (record.status, record.removed, record.not_retired) == ("degraded", 0, 3)
    assert "3 of 18 live rows" in record.reasons[0]


def test_an_empty_list_retires_nothing_even_where_all_may_leave(lab: Lab) -> None:
    lab.platform = diner(tolerance=1.0)
    lab.sync([NOODLES], hour=0)
    assert lab.sync([], hour=1).record.status == "degraded"
    assert lab.table("source_id") == [("1",)]


def test_one_row_may_always_leave_a_small_table(lab: Lab) -> None:
    lab.platform = diner(tolerance=0.1)
    lab.sync([NOODLES, RICE, TEA], hour=0)
    assert lab.sync([NOODLES, RICE], hour=1).record.removed == 1


def test_an_incremental_sync_retires_only_what_is_marked_deleted(lab: Lab) -> None:
    lab.sync([NOODLES, RICE, TEA], hour=0)
    record = lab.sync([{**RICE, "deleted": True}, {**TEA, "price": 21}], hour=1, mode="incremental").record
    assert (record.removed, record.updated, record.not_retired) == (1, 1, 0)
    assert lab.table("source_id") == [("1",), ("3",)]
    assert lab.replay_differs() == []


def test_of_duplicates_the_latest_counts_and_a_conflict_is_reported(lab: Lab) -> None:
    older = {**RICE, "name": "Rice", "updated_at": "2026-09-01T00:00:00Z"}
    record = lab.sync([RICE, older, NOODLES, NOODLES], hour=0).record
    assert (record.rows, record.duplicates, record.status) == (2, 2, "degraded")
    assert "1 records came more than once" in record.reasons[0]
    assert lab.table() == [("1", NOODLES["name"]), ("2", "Clay-pot rice")]


def test_a_record_that_breaks_the_contract_goes_to_quarantine_and_its_neighbours_go_on(lab: Lab) -> None:
    lab.sync([NOODLES, RICE, TEA], hour=0)
    outcome = lab.sync([{**NOODLES, "price": "dear"}, {**RICE, "since": "someday"}, {**TEA, "price": 20}], hour=1)
    record = outcome.record
    assert (record.quarantined, record.updated, record.status, record.removed) == (2, 1, "degraded", 0)
    assert "$.price" in outcome.quarantined[0]
    assert "http://diner.test/dishes" in outcome.quarantined[0]
    assert lab.table("source_id, price_hkd")[0] == ("1", Decimal("48.50"))


def test_a_field_that_the_contract_does_not_know_is_reported_and_kept_in_landing(lab: Lab) -> None:
    outcome = lab.sync([{**NOODLES, "halal": True}], hour=0)
    assert outcome.unknown_fields == ["halal"]
    assert outcome.record.status == "complete"
    assert b"halal" in next(body for _, body in lab.land([{**NOODLES, "halal": True}], hour=1).objects())


def test_rows_before_the_day_that_a_list_starts_at_are_past_and_not_gone(lab: Lab) -> None:
    lab.platform = diner(tolerance=0.5, dataset=replace(DISHES, listed_from="since"))
    slots = [{"id": n, "since": day} for n, day in enumerate(["2026-09-20", "2026-09-21", "2026-09-30", "2026-10-01"])]
    lab.sync(slots, hour=0)  # 2026-09-21 in Hong Kong
    record = lab.sync(slots[2:3], hour=24).record  # a day later: what lay before is not listed
    assert (record.removed, record.status) == (1, "complete")
    assert lab.table("source_id") == [("0",), ("1",), ("2",)]


def test_the_cursor_moves_with_the_rows_and_never_back_or_into_the_future(lab: Lab) -> None:
    lab.sync([NOODLES, RICE], hour=0)
    assert watermarks(lab.lake, "diner") == {"dishes": datetime(2026, 9, 21, 0, 0, tzinfo=UTC)}
    lab.sync([NOODLES, RICE], hour=1, gaps=Gaps(claimed=9, pages_expected=1))
    lab.sync([NOODLES], hour=2, mode="incremental")
    assert watermarks(lab.lake, "diner")["dishes"] == datetime(2026, 9, 21, 0, 0, tzinfo=UTC)
    record = lab.sync([{**NOODLES, "updated_at": "2999-01-01T00:00:00Z"}], hour=3, mode="incremental").record
    assert watermarks(lab.lake, "diner")["dishes"] == record.observed_at


def test_an_incomplete_sync_does_not_move_the_cursor(lab: Lab) -> None:
    lab.sync([NOODLES], hour=0)
    lab.sync([RICE], hour=1, mode="incremental", gaps=Gaps(pages_expected=2))
    assert watermarks(lab.lake, "diner")["dishes"] == datetime(2026, 9, 20, 0, 0, tzinfo=UTC)


def test_the_run_stands_in_the_snapshot_the_history_and_the_sync_record(lab: Lab) -> None:
    outcome = lab.sync([NOODLES], hour=0)
    extra = lab.ask(f"SELECT commit_extra_info FROM lake.snapshots() WHERE snapshot_id = {outcome.snapshot_id}")
    assert json.loads(extra[0][0]) == {"run_id": "run-1"}
    assert lab.changes("run_id, sync_id, partition") == [("run-1", "sync-00001", "2026-11")]
    assert syncs_of_runs(lab.lake, ["run-1"]) == [outcome.record]


def test_a_commit_that_fails_leaves_nothing_behind(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.sync([NOODLES], hour=0)
    before = (lab.table("*", live=False), lab.changes("*"), lab.ask("SELECT * FROM sync.runs"))

    def breaks(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sync_platform.lake.commit.write_sync", breaks)
    with pytest.raises(KeyboardInterrupt):
        lab.sync([NOODLES, RICE], hour=1)
    monkeypatch.undo()
    assert (lab.table("*", live=False), lab.changes("*"), lab.ask("SELECT * FROM sync.runs")) == before
    assert lab.sync([NOODLES, RICE], hour=1).record.inserted == 1


def test_the_same_landing_committed_twice_changes_nothing_the_second_time(lab: Lab) -> None:
    from sync_platform.lake.commit import commit_landed

    landed = lab.land([NOODLES, RICE], hour=0)
    commit_landed(lab.lake, HISTORY, TypedRows(landed, lab.platform), "run-a")
    changes = lab.changes("*")
    assert commit_landed(lab.lake, HISTORY, TypedRows(landed, lab.platform), "run-b").record.changes == 0
    assert lab.changes("*") == changes


def test_a_column_that_a_declaration_gains_is_added_with_its_comment(lab: Lab) -> None:
    lab.sync([NOODLES], hour=0)
    with lab.lake.session() as session:
        session.execute("ALTER TABLE lake.diner.dishes DROP COLUMN rating")
        ensure_tables(session, HISTORY, "diner", DISHES)
        found = session.execute(
            "SELECT data_type, comment FROM duckdb_columns() WHERE table_name = 'dishes' AND column_name = 'rating'"
        ).fetchall()
    assert found == [("DOUBLE", "Rating")]


def test_a_failed_platform_is_on_record_and_the_worst_dataset_counts(lab: Lab) -> None:
    record = lab.sync([NOODLES], hour=0).record
    assert last_syncs(lab.lake)["diner"].status == "complete"
    record_failure(lab.lake, replace(record, sync_id="sync-99999", dataset=None, status="failed", reasons=["401"]))
    assert last_syncs(lab.lake)["diner"].status == "failed"


def test_an_answer_without_rows_moves_no_cursor(lab: Lab) -> None:
    lab.sync([RICE], hour=0)
    held = watermarks(lab.lake, "diner")
    assert lab.sync([], hour=1, mode="incremental").record.status == "complete"
    assert watermarks(lab.lake, "diner") == held


def test_of_records_that_contradict_each_other_none_is_taken_and_what_is_held_stays(lab: Lab) -> None:
    lab.sync([TEA, RICE], hour=0)
    record = lab.sync([{**TEA, "price": 20}, {**TEA, "price": 22}, {**RICE, "price": 60}], hour=1).record
    assert (record.rows, record.duplicates, record.quarantined, record.status) == (1, 0, 2, "degraded")
    assert lab.table("source_id, price_hkd") == [("2", Decimal("60.00")), ("3", None)]
    assert lab.replay_differs() == []


@pytest.mark.parametrize("beyond", [{"stock": 2**63}, {"price": 1e11}])
def test_a_value_that_its_column_cannot_hold_costs_its_own_record_alone(lab: Lab, beyond: dict[str, float]) -> None:
    outcome = lab.sync([{**RICE, **beyond}, TEA], hour=0)
    assert (outcome.record.quarantined, outcome.record.status) == (1, "degraded")
    assert "does not fit" in outcome.quarantined[0]
    assert lab.table("source_id") == [("3",)]
