"""The home after the first sync of every platform. A second sync changes nothing in it."""

from __future__ import annotations

from pathlib import Path

import zstandard

from sync_platform.platforms import load_platforms
from sync_platform_tests.cli.conftest import FirstSync, Shell
from sync_platform_tests.cli.test_sync import datasets_of
from sync_platform_tests.folder_copies import copy_to_read

PLATFORMS = load_platforms()
DATASETS = {f"{platform.name}.{dataset.name}" for platform in PLATFORMS.values() for dataset in platform.datasets}


def _files(home: Path) -> set[str]:
    """The Parquet files of tables and history, without those of sync records and scores."""
    paths = {path.relative_to(home).as_posix() for path in (home / "lake" / "data").rglob("*.parquet")}
    return {path for path in paths if not path.startswith(("lake/data/sync/", "lake/data/quality/"))}


def test_with_empty_settings_every_platform_is_synced_from_the_sandbox(first_sync: FirstSync) -> None:
    asked = f"SELECT platform, dataset, status, rows, inserted FROM sync.runs WHERE run_id IN {(*first_sync.run_ids,)}"
    tables = first_sync.shell.query(asked)
    assert {f"{row['platform']}.{row['dataset']}" for row in tables} == DATASETS
    assert all(row["status"] == "complete" and row["rows"] == row["inserted"] > 0 for row in tables)


def test_a_second_sync_changes_nothing_and_writes_no_file_of_data_or_history(synced: Shell) -> None:
    files = _files(synced.home)
    changes = synced.query("SELECT count(*) AS n FROM lineage.changes")
    code, document = synced.sync()
    assert (code, document["status"]) == (0, "complete")
    datasets = datasets_of(document)
    assert set(datasets) == DATASETS
    changed = {
        name: part
        for name, part in datasets.items()
        if any(part[count] for count in ("inserted", "updated", "removed", "restored", "quarantined"))
    }
    assert changed == {}
    assert synced.query("SELECT count(*) AS n FROM lineage.changes") == changes
    assert _files(synced.home) == files


def test_no_personal_value_is_anywhere_in_the_home(synced: Shell) -> None:
    sealed = synced.query("SELECT forename, email FROM chope.reservations WHERE email IS NOT NULL LIMIT 3")
    assert sealed and all(str(value).startswith("sealed:v1:") for row in sealed for value in row.values())
    with copy_to_read(synced.home) as copy:
        for path in copy.rglob("*"):
            if path.is_file():
                body = path.read_bytes()
                if path.suffix == ".zst":
                    body = zstandard.ZstdDecompressor().decompress(body)
                assert b"@example" not in body, path


def test_without_a_terminal_a_sync_prints_lines_and_a_summary(synced: Shell) -> None:
    done = synced.run("sync", "chope")
    assert done.returncode == 0
    assert "chope        complete:" in done.stderr
    assert "chope.reservations" in done.stdout
    assert "start-up" in done.stdout


def test_an_incremental_sync_requests_only_changed_records(synced: Shell) -> None:
    code, document = synced.sync("chope", "eatigo", "--mode", "incremental")
    assert code == 0
    full = {row["dataset"]: row["records"] for row in synced.query("SELECT * FROM sync.runs WHERE mode = 'full'")}
    assert 0 <= datasets_of(document)["chope.reservations"]["records"] < full["reservations"]
    assert synced.query("SELECT DISTINCT platform FROM sync.runs WHERE mode = 'incremental'") != []
