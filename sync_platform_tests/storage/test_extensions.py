"""DuckDB's extensions: each file is checked once in a process, and nothing unsigned is ever loaded."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from sync_platform.storage.extensions import connect_with

COUNTERS = Path("/proc/self/io")
NAMES = ("ducklake", "sqlite_scanner")


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    """A copy of an extension with one byte changed."""
    folder = files("duckdb_extension_sqlite_scanner") / "extensions" / f"v{duckdb.__version__}"
    body = bytearray((folder / "sqlite_scanner.duckdb_extension").read_bytes())
    body[len(body) // 2] ^= 1
    path = tmp_path / "altered.duckdb_extension"
    path.write_bytes(body)
    return path


def test_an_altered_file_is_refused_before_and_after_a_check(altered: Path) -> None:
    for _ in range(2):
        with connect_with(NAMES, {}) as instance, pytest.raises(duckdb.IOException, match="signature"):
            instance.execute(f"LOAD '{altered}'")


def test_no_statement_allows_what_is_not_signed() -> None:
    with connect_with(NAMES, {}) as instance, pytest.raises(duckdb.InvalidInputException, match="Cannot change"):
        instance.execute("SET allow_unsigned_extensions = true")


@pytest.mark.skipif(not COUNTERS.exists(), reason="this system does not count what a process reads")
def test_a_process_reads_a_file_once() -> None:
    connect_with(NAMES, {}).close()
    before = _bytes_read()
    connect_with(NAMES, {}).close()
    assert _bytes_read() - before < 1_000_000


def _bytes_read() -> int:
    return int(COUNTERS.read_text().split()[1])
