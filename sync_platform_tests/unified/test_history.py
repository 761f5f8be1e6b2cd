"""Replaying the history of unified tables gives the tables; related records follow their restaurants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sync_platform.lake.replay import replay
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lineage.past_lake import past_lake
from sync_platform.lineage.retention import close_lineage
from sync_platform.matching.model import Model
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.hours_checks import check_opening_hours
from sync_platform.unified.invariants import check_members, check_related_records, check_restaurants
from sync_platform.unified.tables import KEPT_TABLES, tracked_tables
from sync_platform_tests.extent import examples

from .harness import HISTORY, UnificationHarness, place, settle

PLACES = 30
STEPS = st.one_of(
    st.tuples(st.just("list"), st.integers(0, PLACES + 3), st.integers(0, PLACES + 3)),
    st.tuples(st.just("retire"), st.integers(0, PLACES - 1), st.just(0)),
    st.tuples(st.just("forget"), st.integers(0, PLACES - 1), st.just(0)),
    st.tuples(st.just("same"), st.integers(0, PLACES - 1), st.integers(0, PLACES - 1)),
    st.tuples(st.just("different"), st.integers(0, PLACES - 1), st.integers(0, PLACES - 1)),
)


def _rows(harness: UnificationHarness, table: TrackedTable) -> list[Any]:
    columns = ", ".join(table.replayed)
    return harness.ask(f"SELECT {columns} FROM unified.{table.name} ORDER BY ALL")


def _replayed(harness: UnificationHarness, table: TrackedTable) -> list[Any]:
    columns = ", ".join(table.replayed)
    with harness.lake.session() as session:
        session.execute("SET memory_limit = '1GB'")
        replayed = replay(TemporaryTables(session), HISTORY, table)
        return session.execute(f"SELECT {columns} FROM {replayed} ORDER BY ALL").fetchall()


@settings(max_examples=examples(2), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(batches=st.lists(st.lists(STEPS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_any_changes_lose_no_listing_equal_a_rebuild_and_replay_from_the_history(
    tmp_path_factory: pytest.TempPathFactory, model: Model, batches: list[list[tuple[str, int, int]]]
) -> None:
    harness = UnificationHarness(tmp_path_factory.mktemp("harness"), model=model)
    settle(harness, PLACES)
    harness.unify()
    for batch in batches:
        outcome = harness.unify(*(word for step in batch if (word := _play(harness, step))))
        assert harness.together() == harness.rebuilt()
        with harness.lake.session() as session:
            findings = [*check_members(session, outcome.run, 8), *check_restaurants(session)]
            findings += check_opening_hours(session)[1]
        assert {finding.check for finding in findings if not finding.passed} <= {
            "change_rate",
            "one_listing_per_platform",
        }
    for table in KEPT_TABLES:
        assert _replayed(harness, table) == _rows(harness, table)
    close_lineage(harness.lake, HISTORY, datetime.now(UTC), "run-of-maintenance")
    for table in KEPT_TABLES:
        assert _replayed(harness, table) == _rows(harness, table)
    harness.lake.close()


def _play(harness: UnificationHarness, step: tuple[str, int, int]) -> tuple[str, str, str] | None:
    """Apply one change. A decision about existing listings is returned for the run."""
    kind, one, other = step
    if kind == "list":
        harness.list("chope", f"c{one}", **place(other))
    elif kind == "retire":
        harness.retire("openrice", f"o{one}")
    elif kind == "forget":
        harness.forget("chope", f"c{one}")
    elif one != other:
        return f"openrice/o{one}", f"openrice/o{other}", kind
    return None


def test_related_records_follow_the_listing_of_a_restaurant(harness: UnificationHarness) -> None:
    settle(harness, 12)
    reviews = harness.platforms["openrice"].dataset("reviews")
    promotions = harness.platforms["eatigo"].dataset("promotions")
    harness.put("openrice", reviews, {"source_id": "r1", "restaurant_id": "o3", "overall": "smile", "body": "sealed:1"})
    harness.put("openrice", reviews, {"source_id": "r2", "restaurant_id": "nowhere", "overall": "cry"})
    harness.put("eatigo", promotions, {"source_id": "e3/2026-12-01/12:00", "branch_id": "e3", "discount_pct": 30,
                                    "slot_date": "2026-12-01", "slot_time": "12:00", "terms_en": "Lunch"})  # fmt: skip
    harness.list("eatigo", "e3", **place(3))
    harness.unify()
    ids = harness.restaurants()
    reviews = harness.ask("SELECT source_id, restaurant_id, rating, text FROM unified.reviews ORDER BY ALL")
    assert reviews == [("r1", ids["openrice", "o3"], 5.0, "sealed:1"), ("r2", None, 1.0, None)]
    offer = harness.one("SELECT restaurant_id, kind, discount_pct, epoch(starts_at) FROM unified.offers")
    assert offer == (ids["openrice", "o3"], "promotion", 30, 1_796_097_600)
    harness.unify(("openrice/o3", "eatigo/e3", "different"), ("chope/c3", "eatigo/e3", "different"))
    assert harness.one("SELECT restaurant_id FROM unified.offers") == (harness.restaurants()["eatigo", "e3"],)
    with harness.lake.session() as session:
        count, (finding,) = check_related_records(session, "reviews")
    assert (count, finding.passed) == (2, False)
    assert "1 of 2 reviews" in finding.words


def test_the_checks_find_what_is_wrong(harness: UnificationHarness) -> None:
    settle(harness, 12)
    outcome = harness.unify()
    name, other = (harness.restaurants()["openrice", each] for each in ("o1", "o2"))
    with harness.lake.session() as session:
        session.execute(f"UPDATE unified.members SET restaurant_id = '{name}' WHERE restaurant_id = '{other}'")
        session.execute("UPDATE unified.members SET restaurant_id = 'rest-nowhere' WHERE source_id = 'c5'")
        session.execute(f"UPDATE unified.restaurants SET why = '{{}}' WHERE restaurant_id = '{name}'")
        run = {**outcome.run, "changed_listings": 0, "moved_listings": 5}
        findings = {each.check: each for each in [*check_members(session, run, 8), *check_restaurants(session)]}
    assert {check for check, finding in findings.items() if not finding.passed} == {
        "one_listing_per_platform",
        "change_rate",
        "no_listing_is_lost",
        "every_field_is_explained",
    }
    assert name in findings["one_listing_per_platform"].words


def test_unified_tables_are_read_as_they_were_by_time_travel_and_by_replay_alike(harness: UnificationHarness) -> None:
    settle(harness, 12)
    harness.unify()
    moment = datetime.now(UTC)
    harness.unify(("openrice/o3", "chope/c3", "different"))
    queries = [
        "SELECT restaurant_id, name_en, phone, founded_by FROM unified.restaurants ORDER BY ALL",
        "SELECT platform, source_id, restaurant_id, decided_by FROM unified.members ORDER BY ALL",
    ]
    answers: dict[str, list[Any]] = {}
    for way in ("time travel", "replayed"):
        for sql in queries:
            with past_lake(harness.lake, HISTORY, tracked_tables({}), moment, sql) as then:
                assert way in then.way
                answers.setdefault(sql, []).append(then.session.execute(sql).fetchall())
        harness.ask("CALL ducklake_expire_snapshots('lake', older_than => now() + INTERVAL 1 HOUR)")
    for sql, (travelled, replayed) in answers.items():
        assert travelled == replayed
        assert travelled != harness.ask(sql)
