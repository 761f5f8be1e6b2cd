"""The checks of the table of opening hours find each kind of wrong row, and nothing in right ones."""

from __future__ import annotations

from sync_platform.unified.hours_checks import check_opening_hours
from sync_platform.unified.tables import ensure_unified

from .harness import UnificationHarness

POSSIBLE, OVERLAP, OF_TEXT = "every_interval_is_possible", "no_intervals_overlap", "rows_are_those_of_the_text"
TEXTS = """('rest-1', 'Mo 11:00-15:00,18:00-02:00; Su off; PH 12:00-24:00'), ('rest-2', 'Tu 00:00-24:00'),
    ('rest-3', NULL)"""
ROWS = """('rest-1', 'Mo', 1, '11:00', '15:00', false, false), ('rest-1', 'Mo', 2, '18:00', '02:00', true, false),
    ('rest-1', 'Su', 1, NULL, NULL, false, true), ('rest-1', 'PH', 1, '12:00', '24:00', false, false),
    ('rest-2', 'Tu', 1, '00:00', '24:00', false, false)"""
INSERT = """INSERT INTO unified.opening_hours (restaurant_id, day, number, opens, closes, is_past_midnight, is_closed)
    VALUES """
CHANGES: tuple[tuple[str, set[str]], ...] = (
    ("SELECT 1", set()),
    (f"{INSERT} ('rest-1', 'Mo', 3, '14:00', '16:00', false, false)", {OVERLAP, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Tu', 1, '11:00', '10:00', false, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Tu', 1, '11:00', '12:00', true, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Tu', 1, '11:00', '25:00', false, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Tu', 1, '11:00', NULL, false, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Monday', 1, '11:00', '12:00', false, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-1', 'Su', 2, '11:00', '12:00', false, false)", {POSSIBLE, OF_TEXT}),
    (f"{INSERT} ('rest-3', 'Mo', 1, '11:00', '12:00', false, false)", {OF_TEXT}),
    ("DELETE FROM unified.opening_hours WHERE restaurant_id = 'rest-2'", {OF_TEXT}),
    ("UPDATE unified.opening_hours SET closes = '14:30' WHERE closes = '15:00'", {OF_TEXT}),
    ("UPDATE unified.restaurants SET opening_hours_osm = 'by phone' WHERE restaurant_id = 'rest-3'", {OF_TEXT}),
)


def test_each_wrong_row_is_found_by_its_check(harness: UnificationHarness) -> None:
    with harness.lake.session() as session:
        session.execute("BEGIN")
        ensure_unified(session)
        for change, wrong in CHANGES:
            session.execute("DELETE FROM unified.opening_hours")
            session.execute("DELETE FROM unified.restaurants")
            session.execute(f"INSERT INTO unified.restaurants (restaurant_id, opening_hours_osm) VALUES {TEXTS}")
            session.execute(INSERT + ROWS)
            session.execute(change)
            _, findings = check_opening_hours(session)
            assert {each.check for each in findings if not each.passed} == wrong, change
        session.execute("ROLLBACK")
