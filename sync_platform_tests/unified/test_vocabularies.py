"""Vocabularies in the lake: loaded like any other data, with a history, and used by the next unification."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.lake.reference_tables import EDITIONS, load_editions, reference_table
from sync_platform.lake.replay import replay
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vocabularies.declared_vocabularies import CUISINES, DISTRICTS, shipped_editions
from sync_platform.vocabularies.vocabulary import Edition, shipped_edition

from .harness import HISTORY, UnificationHarness, place


@pytest.fixture
def harness(tmp_path: Path) -> UnificationHarness:
    harness = UnificationHarness(tmp_path)
    harness.list_all("openrice", {f"o{number}": place(number) for number in range(3)})
    return harness


def _load(harness: UnificationHarness, edition: Edition) -> list[str]:
    with harness.lake.session() as session:
        return load_editions(harness.lake, session, HISTORY, [edition], f"run-of-version-{edition.version}")


def _second(edition: Edition) -> Edition:
    """The next edition: its last row is gone, the row before has another English name."""
    *rows, changed, _ = edition.rows
    return replace(edition, version=2, digest="other", rows=(*rows, {**changed, "name_en": "Another"}))


def test_a_vocabulary_is_loaded_once_and_its_next_version_is_a_recorded_change(harness: UnificationHarness) -> None:
    first = shipped_edition(DISTRICTS)
    assert _load(harness, first) == ["districts 1"]
    assert _load(harness, first) == []
    assert _load(harness, _second(first)) == ["districts 2"]
    changes = harness.ask(
        f"""SELECT dataset, entity_id, operation, changed_fields, run_id FROM {HISTORY}
        WHERE platform = 'reference' AND operation <> 'insert' ORDER BY ALL"""
    )
    changed, gone = (row["code"] for row in first.rows[-2:])
    assert sorted(changes) == [
        ("districts", gone, "remove", [], "run-of-version-2"),
        ("districts", changed, "update", ["name_en"], "run-of-version-2"),
        ("vocabularies", "districts", "update", ["version", "digest", "words"], "run-of-version-2"),
    ]
    assert harness.one("SELECT count(DISTINCT run_id) FROM lineage.batches WHERE platform = 'reference'") == (2,)
    for table in (EDITIONS, reference_table(DISTRICTS)):
        assert _replayed(harness, table) == _stored(harness, table)


def test_another_version_of_a_vocabulary_is_a_recorded_change_of_what_depends_on_it(
    harness: UnificationHarness,
) -> None:
    first = harness.unify()
    assert first.run["vocabularies"] == sorted(edition.mark for edition in shipped_editions())
    assert harness.unify().restaurants.in_history == 0
    editions = [_renamed(edition) if edition.name == CUISINES.name else edition for edition in shipped_editions()]
    second = harness.unify(editions=editions)
    assert (second.restaurants.update, second.restaurants.in_history) == (3, 3)
    assert second.run["changed_listings"] == 0
    names = "SELECT DISTINCT cuisines_en, why->>'$.cuisines.words' FROM unified.restaurants"
    words = "only openrice says anything; by vocabulary cuisines 3, cuisine_words 1"
    assert harness.one(names) == (["Yue"], words)
    changed = harness.one(
        f"""SELECT DISTINCT changed_fields, run_id FROM {HISTORY}
        WHERE platform = 'unified' AND dataset = 'restaurants' AND operation = 'update'"""
    )
    assert changed == (["cuisines_en", "why"], "run-3")
    assert harness.unify(editions=editions).restaurants.in_history == 0


def _renamed(edition: Edition) -> Edition:
    """The next edition, in which Cantonese has another name."""
    rows = tuple({**row, "name_en": "Yue"} if row["code"] == "cantonese" else row for row in edition.rows)
    return replace(edition, version=edition.version + 1, digest="other", rows=rows)


def _stored(harness: UnificationHarness, table: TrackedTable) -> list[tuple[object, ...]]:
    return harness.ask(f"SELECT {', '.join(table.replayed)} FROM {table.sql} ORDER BY ALL")


def _replayed(harness: UnificationHarness, table: TrackedTable) -> list[tuple[object, ...]]:
    with harness.lake.session() as session, TemporaryTables(session) as scratch:
        until = datetime.now(UTC) + timedelta(days=1)
        replayed = replay(scratch, HISTORY, table, until=until)
        return session.execute(f"SELECT {', '.join(table.replayed)} FROM {replayed} ORDER BY ALL").fetchall()
