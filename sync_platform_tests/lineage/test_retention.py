"""Changes past their retention are folded: tables still replay, the chain still holds, and what was cut is told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sync_platform.errors import StorageError, UsageError
from sync_platform.lake.chain import append_batch, contents
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lineage.as_of import past
from sync_platform.lineage.record import read_record_story
from sync_platform.lineage.retention import Closed, close_lineage, due_closings
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.lab import HISTORY, Lab, diner
from sync_platform_tests.lineage.conftest import MENU, Office, open_office
from sync_platform_tests.lineage.reader import history_of, text_of_story

CHANGED = "SELECT count(*) FROM lineage.changes"


def _close(office: Office, before: datetime | None = None) -> list[Closed]:
    return close_lineage(office.lab.lake, HISTORY, before or datetime.now(UTC), "run-of-maintenance")


def _aged(office: Office) -> Office:
    """As if changes had not to be kept: a day is the least that settings allow."""
    office.record = type(office.record)(**{**vars(office.record), "kept": timedelta(0)})
    return office


def _tables(office: Office) -> list[Any]:
    return [office.lab.ask(f"FROM {name}.dishes ORDER BY source_id") for name in ("diner", "tea")]


def test_what_is_left_replays_to_the_same_tables_and_the_chain_holds(any_office: Office) -> None:
    office = _aged(any_office)
    before, links = _tables(office), office.lab.ask("SELECT number, link FROM lineage.batches ORDER BY number")
    closed = _close(office)
    assert [(each.dataset, each.changes_before) for each in closed] == [("dishes", 14), ("dishes", 3)]
    assert closed[0].changes_after < closed[0].changes_before
    findings = office.verify(landing=True)
    assert findings.breaks == []
    assert findings.changes == sum(each.changes_after for each in closed)
    assert _tables(office) == before
    assert office.lab.ask("SELECT number, link FROM lineage.batches ORDER BY number")[: len(links)] == links


def test_a_record_keeps_that_it_was_first_seen_its_last_version_and_its_end(office: Office) -> None:
    _close(office)
    told = "operation, changed_fields, after->>'$.name', landing_object IS NOT NULL, run_id"
    renamed = office.lab.ask(
        f"SELECT {told} FROM {HISTORY} WHERE platform = 'diner' AND entity_id = '1' ORDER BY observed_at"
    )
    assert [(row[0], row[2], row[3]) for row in renamed] == [("insert", None, False), ("update", "Renamed", True)]
    assert (renamed[0][1], renamed[0][4]) == ([], "run-1")
    assert "name" in renamed[1][1]


def test_what_was_said_before_the_last_version_is_gone_also_where_there_were_two(office: Office) -> None:
    _aged(office)
    office.lab.sync([{**MENU[0], "name": "Renamed"}, {**MENU[1], "name": "Second of two"}, *MENU[2:]], hour=30)
    tea = Lab(office.lab.folder, diner("tea"), itertools.count(300))
    tea.sync([{**MENU[0], "name": "Second of two"}, *MENU[1:3]], hour=30)
    tea.lake.close()
    _close(office)
    told = "operation, coalesce(before::VARCHAR, '') || coalesce(after::VARCHAR, '')"
    left = office.lab.ask(
        f"SELECT {told} FROM {HISTORY} WHERE platform = 'tea' AND entity_id = '1' ORDER BY observed_at"
    )
    assert [(operation, "Dish 1" in text, "Second of two" in text) for operation, text in left] == [
        ("insert", False, False),
        ("update", False, True),
    ]
    assert office.verify().breaks == []
    rows = office.lab.ask(f"FROM {HISTORY} ORDER BY ALL")
    office.lab.sync([{**MENU[0], "name": "Renamed"}], hour=40, mode="incremental")
    _close(office)
    assert office.lab.ask(f"FROM {HISTORY} ORDER BY ALL") == rows


def test_syncs_go_on_and_the_next_closing_takes_the_last_one_in(office: Office) -> None:
    _aged(office)
    _close(office)
    office.lab.sync([{**MENU[0], "name": "Renamed again"}, *MENU[1:5]], hour=30)
    office.lab.sync([{**MENU[0], "name": "Late"}, *MENU[1:5]], hour=3)
    assert office.verify().breaks == []
    closed = _close(office)
    assert [each.platform for each in closed] == ["diner"]
    assert office.verify().breaks == []
    assert _close(office) == []


def test_only_batches_that_ended_before_then_are_folded(office: Office) -> None:
    moments = [at for (at,) in office.lab.ask("SELECT committed_to FROM lineage.batches ORDER BY number")]
    with office.lab.lake.session() as session:
        assert due_closings(session, moments[0]) == []
        (due,) = due_closings(session, moments[1] + timedelta(microseconds=1))
    assert (due.platform, due.changes) == ("diner", 10)
    count = office.lab.ask(CHANGED)
    assert _close(office, moments[0]) == []
    assert office.lab.ask(CHANGED) == count


def test_what_does_not_hold_is_not_folded(office: Office) -> None:
    office.run(f"UPDATE lake.{HISTORY} SET run_id = 'forged' WHERE entity_id = '3'")
    count = office.lab.ask(CHANGED)
    with pytest.raises(StorageError, match="the chain does not hold, so that nothing was folded: batch number 1"):
        _close(office)
    assert office.lab.ask(CHANGED) == count


def test_history_that_was_to_be_kept_cannot_be_cut_under_the_name_of_retention(office: Office) -> None:
    _close(office)
    assert "0 days old, and they are kept 2555 days: history was cut" in office.found()


@pytest.mark.parametrize("sync_id", ["none of ours", None, "20990101T000000.000000Z-abcdef"])
def test_a_closing_cannot_lie_about_when_it_was_made(office: Office, sync_id: str | None) -> None:
    now = datetime.now(UTC)
    with office.lab.lake.session() as session:
        session.execute(f"CREATE TEMP TABLE forged AS SELECT *, repeat('0', 64) AS digest FROM lake.{HISTORY} LIMIT 1")
        session.execute(f"DELETE FROM lake.{HISTORY} WHERE platform = 'tea'")
        (content,) = contents(session, "temp.forged")
        context = CommitContext("", "", "2026-11", sync_id, "run", now, now)  # type: ignore[arg-type]
        append_batch(session, "closing", content, context)
    assert "history was cut" in str(office.verify().breaks)


@pytest.mark.parametrize(
    "edit", ["after = '{}'", "operation = 'restore'", "changed_fields = []", "run_id = 'forged'", "after = NULL"]
)
def test_what_is_left_is_sealed(office: Office, edit: str) -> None:
    _aged(office)
    _close(office)
    office.run(f"UPDATE lake.{HISTORY} SET {edit} WHERE entity_id = '1' AND operation = 'update'")
    assert office.found().startswith("batch number 6 (diner.dishes")


def test_the_lake_of_a_folded_time_is_refused_and_not_made_up(office: Office) -> None:
    then = datetime.now(UTC)
    office.lab.sync(MENU[:4], hour=40)
    _close(office, datetime.now(UTC))
    office.lab.ask("CALL ducklake_expire_snapshots('lake', older_than => now())")
    refused = pytest.raises(UsageError, match="cannot be told any more: changes until .* are folded")
    with refused, past(office.lab.lake, HISTORY, office.record.tables, then, "FROM diner.dishes"):
        raise AssertionError("never given")


PRICES = st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=4)
SYNCS = st.lists(st.tuples(st.integers(0, 6), PRICES), min_size=2, max_size=5)


@settings(
    max_examples=examples(4),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(old=SYNCS, new=SYNCS)
def test_whatever_is_synced_before_and_after_folding_replays_to_the_table(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[tuple[int, dict[int, int]]],
    new: list[tuple[int, dict[int, int]]],
) -> None:
    lab = Lab(tmp_path_factory.mktemp("folded"))
    office = _aged(open_office(lab))
    for syncs in (old, new):
        for hour, prices in syncs:
            records = [{"id": number, "name": f"Dish {number}", "price": price} for number, price in prices.items()]
            lab.sync(records, hour)
        _close(office)
        assert lab.replay_differs() == []
    assert office.verify().breaks == []
    office.record.lake.close()
    lab.lake.close()


def test_the_story_of_a_record_says_what_is_past_its_retention(office: Office) -> None:
    _close(office)
    with history_of(office.lab) as history:
        story = read_record_story(history, "diner", "dishes", "1")
    told = text_of_story(story)
    assert "reached this state (older changes are past their retention)" in told
    assert "name: “Renamed”" in told
    assert [traced.origin.state for traced in story.changes if traced.origin] == ["intact"]
