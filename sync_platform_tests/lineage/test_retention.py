"""Changes past their retention are folded: tables still replay, the chain still verifies, and stories say it."""

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
from sync_platform.lineage.past_lake import past_lake
from sync_platform.lineage.record_story import read_record_story
from sync_platform.lineage.retention import FoldedDataset, close_lineage, due_closings
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, begin_log, diner
from sync_platform_tests.lineage.conftest import MENU, AuditedLake, open_audited
from sync_platform_tests.lineage.reader import history_of, text_of_story

CHANGED = "SELECT count(*) FROM lineage.changes"


def _fold(audited: AuditedLake, before: datetime | None = None) -> list[FoldedDataset]:
    return close_lineage(audited.harness.lake, HISTORY, before or datetime.now(UTC), "run-of-maintenance")


def _aged(audited: AuditedLake) -> AuditedLake:
    """A record without a retention period; settings allow no less than a day."""
    audited.installation = type(audited.installation)(**{**vars(audited.installation), "kept": timedelta(0)})
    return audited


def _tables(audited: AuditedLake) -> list[Any]:
    return [audited.harness.ask(f"FROM {name}.dishes ORDER BY source_id") for name in ("diner", "tea")]


def test_a_folded_history_replays_to_the_same_tables_and_its_chain_still_verifies(any_audited: AuditedLake) -> None:
    audited = _aged(any_audited)
    before, links = _tables(audited), audited.harness.ask("SELECT number, link FROM lineage.batches ORDER BY number")
    folds = _fold(audited)
    assert [(each.dataset, each.changes_before) for each in folds] == [("dishes", 14), ("dishes", 3)]
    assert folds[0].changes_after < folds[0].changes_before
    findings = audited.verify(landing=True)
    assert findings.breaks == []
    assert findings.changes == sum(each.changes_after for each in folds)
    assert _tables(audited) == before
    assert audited.harness.ask("SELECT number, link FROM lineage.batches ORDER BY number")[: len(links)] == links


def test_a_record_keeps_that_it_was_first_seen_its_last_version_and_its_end(audited: AuditedLake) -> None:
    _fold(audited)
    columns = "operation, changed_fields, after->>'$.name', landing_object IS NOT NULL, run_id"
    renamed = audited.harness.ask(
        f"SELECT {columns} FROM {HISTORY} WHERE platform = 'diner' AND entity_id = '1' ORDER BY observed_at"
    )
    assert [(row[0], row[2], row[3]) for row in renamed] == [("insert", None, False), ("update", "Renamed", True)]
    assert (renamed[0][1], renamed[0][4]) == ([], "run-1")
    assert "name" in renamed[1][1]


def test_values_before_the_last_version_are_gone_also_after_several_versions(audited: AuditedLake) -> None:
    _aged(audited)
    audited.harness.sync([{**MENU[0], "name": "Renamed"}, {**MENU[1], "name": "Second of two"}, *MENU[2:]], hour=30)
    tea = LakeHarness(audited.harness.folder, diner("tea"), itertools.count(300))
    tea.sync([{**MENU[0], "name": "Second of two"}, *MENU[1:3]], hour=30)
    tea.lake.close()
    _fold(audited)
    columns = "operation, coalesce(before::VARCHAR, '') || coalesce(after::VARCHAR, '')"
    left = audited.harness.ask(
        f"SELECT {columns} FROM {HISTORY} WHERE platform = 'tea' AND entity_id = '1' ORDER BY observed_at"
    )
    assert [(operation, "Dish 1" in text, "Second of two" in text) for operation, text in left] == [
        ("insert", False, False),
        ("update", False, True),
    ]
    assert audited.verify().breaks == []
    rows = audited.harness.ask(f"FROM {HISTORY} ORDER BY ALL")
    audited.harness.sync([{**MENU[0], "name": "Renamed"}], hour=40, mode="incremental")
    _fold(audited)
    assert audited.harness.ask(f"FROM {HISTORY} ORDER BY ALL") == rows


def test_syncs_continue_and_the_next_fold_includes_the_last_one(audited: AuditedLake) -> None:
    _aged(audited)
    _fold(audited)
    audited.harness.sync([{**MENU[0], "name": "Renamed again"}, *MENU[1:5]], hour=30)
    audited.harness.sync([{**MENU[0], "name": "Late"}, *MENU[1:5]], hour=3)
    assert audited.verify().breaks == []
    folds = _fold(audited)
    assert [each.platform for each in folds] == ["diner"]
    assert audited.verify().breaks == []
    assert _fold(audited) == []


def test_only_batches_that_ended_before_then_are_folded(audited: AuditedLake) -> None:
    moments = [at for (at,) in audited.harness.ask("SELECT committed_to FROM lineage.batches ORDER BY number")]
    with audited.harness.lake.session() as session:
        assert due_closings(session, moments[0]) == []
        (due,) = due_closings(session, moments[1] + timedelta(microseconds=1))
    assert (due.platform, due.changes) == ("diner", 10)
    count = audited.harness.ask(CHANGED)
    assert _fold(audited, moments[0]) == []
    assert audited.harness.ask(CHANGED) == count


def test_a_history_that_does_not_verify_is_not_folded(audited: AuditedLake) -> None:
    audited.run(f"UPDATE lake.{HISTORY} SET run_id = 'forged' WHERE entity_id = '3'")
    count = audited.harness.ask(CHANGED)
    with pytest.raises(StorageError, match="the chain does not hold, so that nothing was folded: batch number 1"):
        _fold(audited)
    assert audited.harness.ask(CHANGED) == count


def test_a_fold_of_changes_within_their_retention_is_found(audited: AuditedLake) -> None:
    _fold(audited)
    assert "0 days old, and they are kept 2555 days: history was cut" in audited.found()


@pytest.mark.parametrize("sync_id", ["none of ours", None, "20990101T000000.000000Z-abcdef"])
def test_a_fold_with_a_false_time_is_found(audited: AuditedLake, sync_id: str | None) -> None:
    now = datetime.now(UTC)
    with audited.harness.lake.session() as session:
        session.execute(f"CREATE TEMP TABLE forged AS SELECT *, repeat('0', 64) AS digest FROM lake.{HISTORY} LIMIT 1")
        session.execute(f"DELETE FROM lake.{HISTORY} WHERE platform = 'tea'")
        (content,) = contents(session, "temp.forged")
        context = CommitContext("", "", "2026-11", sync_id, "run", now, now)  # type: ignore[arg-type]
        append_batch(session, "closing", content, context)
    assert "history was cut" in str(audited.verify().breaks)


@pytest.mark.parametrize(
    "edit", ["after = '{}'", "operation = 'restore'", "changed_fields = []", "run_id = 'forged'", "after = NULL"]
)
def test_an_edit_of_a_folded_history_is_found(audited: AuditedLake, edit: str) -> None:
    _aged(audited)
    _fold(audited)
    audited.run(f"UPDATE lake.{HISTORY} SET {edit} WHERE entity_id = '1' AND operation = 'update'")
    assert audited.found().startswith("batch number 6 (diner.dishes")


def test_a_query_as_of_a_folded_time_is_refused(audited: AuditedLake) -> None:
    then = datetime.now(UTC)
    audited.harness.sync(MENU[:4], hour=40)
    _fold(audited, datetime.now(UTC))
    audited.harness.ask("CALL ducklake_expire_snapshots('lake', older_than => now())")
    refused = pytest.raises(UsageError, match="can no longer be read: changes until .* are folded")
    with refused, past_lake(audited.harness.lake, HISTORY, audited.installation.tables, then, "FROM diner.dishes"):
        raise AssertionError("never given")


PRICES = st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=4)
SYNCS = st.lists(st.tuples(st.integers(0, 6), PRICES), min_size=2, max_size=5)


@settings(
    max_examples=examples(2),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(old=SYNCS, new=SYNCS)
def test_any_syncs_before_and_after_folding_replay_to_the_table(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[tuple[int, dict[int, int]]],
    new: list[tuple[int, dict[int, int]]],
) -> None:
    harness = LakeHarness(tmp_path_factory.mktemp("folded"))
    begin_log(harness.folder)
    audited = _aged(open_audited(harness))
    for syncs in (old, new):
        for hour, prices in syncs:
            records = [{"id": number, "name": f"Dish {number}", "price": price} for number, price in prices.items()]
            harness.sync(records, hour)
        _fold(audited)
        assert harness.replay_differs() == []
    assert audited.verify().breaks == []
    audited.installation.lake.close()
    harness.lake.close()


def test_the_story_of_a_record_says_what_is_past_its_retention(audited: AuditedLake) -> None:
    _fold(audited)
    with history_of(audited.harness) as history:
        story = read_record_story(history, "diner", "dishes", "1")
    text = text_of_story(story)
    assert "reached this state (older changes are past their retention)" in text
    assert "name: “Renamed”" in text
    assert [traced.origin.state for traced in story.changes if traced.origin] == ["intact"]
