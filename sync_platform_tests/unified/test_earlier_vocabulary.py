"""A lake with an earlier edition of a vocabulary gets the shipped one with its next run, and its history says so.

The lake of version 1.0.0 has the first edition of the cuisines, whose table has no broader cuisines (`within`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sync_platform.lake.reference_tables import EDITIONS, reference_table
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.replay_check import check_tables
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.tables import tracked_tables
from sync_platform.unified.unification import unify
from sync_platform.vocabularies.declared_vocabularies import CUISINES
from sync_platform.vocabularies.vocabulary import shipped_edition
from sync_platform_tests.cli.released_home import RELEASED_HOMES
from sync_platform_tests.cli.unpacked_home import unpacked_home

_HISTORY = "lineage.changes"
_SHIPPED = shipped_edition(CUISINES)


_RESTAURANTS_BY_THE_FIRST = (
    "SELECT count(*) FROM unified.restaurants WHERE why->>'$.cuisines.words' LIKE '%cuisines 1,%'"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The lake of 1.0.0 after its next run."""
    home = unpacked_home(tmp_path_factory.mktemp("earlier") / "home", RELEASED_HOMES / "1.0.0").home
    with Lake(LakeAddress.of(load_settings(sync_home=home))) as lake:
        assert _ask(lake, f"SELECT version FROM {EDITIONS.sql} WHERE name = 'cuisines'") == [(1,)]
        assert _ask(lake, _RESTAURANTS_BY_THE_FIRST) != [(0,)]
        assert _SHIPPED.mark in unify(lake, _HISTORY, load_platforms(), "run-1").run["vocabularies"]
        yield lake


def test_the_next_run_loads_the_shipped_cuisines(lake: Lake) -> None:
    editions = f"SELECT version, digest, words FROM {EDITIONS.sql} WHERE name = 'cuisines' AND removed_at IS NULL"
    assert _ask(lake, editions) == [(_SHIPPED.version, _SHIPPED.digest, len(_SHIPPED.rows))]
    columns = [column.name for column in CUISINES.columns]
    stored = f"SELECT {', '.join(columns)} FROM {reference_table(CUISINES).sql} WHERE removed_at IS NULL ORDER BY code"
    shipped = sorted(_SHIPPED.rows, key=lambda row: row["code"])
    assert _ask(lake, stored) == [tuple(row[column] for column in columns) for row in shipped]


def test_the_history_says_what_changed(lake: Lake) -> None:
    changes = f"""SELECT entity_id, operation, changed_fields, run_id FROM {_HISTORY} WHERE platform = 'reference'
        AND dataset = 'cuisines' AND operation <> 'insert' ORDER BY entity_id"""
    codes = sorted(row["code"] for row in _SHIPPED.rows)
    assert _ask(lake, changes) == [(code, "update", ["within"], "run-1") for code in codes]


def test_the_changed_tables_are_what_their_history_makes(lake: Lake) -> None:
    findings = Findings()
    with lake.session() as session:
        check_tables(session, _HISTORY, tracked_tables(load_platforms()), findings)
    assert (findings.breaks, findings.not_compared) == ([], [])


def test_each_restaurant_names_the_edition_that_its_cuisines_come_from(lake: Lake) -> None:
    assert _ask(lake, f"{_RESTAURANTS_BY_THE_FIRST} AND removed_at IS NULL") == [(0,)]


def test_the_run_after_it_changes_nothing(lake: Lake) -> None:
    run = unify(lake, _HISTORY, load_platforms(), "run-2").run
    assert (run["changed_listings"], run["updated"], run["inserted"]) == (0, 0, 0)


def _ask(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.session() as session:
        return session.execute(query).fetchall()
