"""A lake that an earlier version made gets the new columns and tables with its next run, and its history says so."""

from __future__ import annotations

from pathlib import Path

from sync_platform.lineage.findings import Findings
from sync_platform.lineage.replay_check import check_tables
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.restaurant_index import read_index
from sync_platform.unified.tables import tracked_tables
from sync_platform.unified.unification import unify
from sync_platform_tests.cli.unpacked_home import unpacked_home


def test_the_next_run_brings_an_earlier_lake_up_to_date_once(tmp_path: Path) -> None:
    platforms, history = load_platforms(), "lineage.changes"
    home = unpacked_home(tmp_path / "home").home
    with Lake(LakeAddress.of(load_settings(sync_home=home))) as lake:
        with lake.session() as session:
            assert read_index(session).frame["opening_hours_osm"].null_count() > 0, "it can be read before"
        first, second = (unify(lake, history, platforms, f"run-{number}").run for number in (1, 2))
        assert first["updated"]
        assert (second["changed_listings"], second["updated"], second["inserted"]) == (0, 0, 0)
        with lake.session() as session:
            names = {name for name, *_ in session.execute("DESCRIBE unified.restaurants").fetchall()}
            assert "opening_hours" not in names
            counts = session.execute(
                """SELECT count(DISTINCT restaurant_id), (SELECT count(opening_hours_osm) FROM unified.restaurants)
                FROM unified.opening_hours"""
            ).fetchone()
            assert counts is not None
            assert counts[0] == counts[1] > 0
            findings = Findings()
            check_tables(session, history, tracked_tables(platforms), findings)
            assert findings.breaks == []
