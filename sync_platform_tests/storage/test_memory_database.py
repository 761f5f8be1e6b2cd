"""DuckDB prints no progress bar, which would stand in the JSON that a command prints."""

from __future__ import annotations

from sync_platform.storage.memory_database import memory_database
from sync_platform_tests.tree import ROOT, modules_of


def test_a_database_in_memory_shows_no_progress() -> None:
    with memory_database({"threads": 1}) as connection:
        settings = "SELECT current_setting('enable_progress_bar'), current_setting('threads')"
        assert connection.execute(settings).fetchall() == [(False, 1)]


def test_no_other_module_opens_a_database() -> None:
    opening = [
        module.path for module in modules_of("sync_platform") if "duckdb.connect(" in (ROOT / module.path).read_text()
    ]
    assert opening == ["sync_platform/storage/memory_database.py"]
