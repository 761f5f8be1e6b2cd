"""`query` and `platforms`: they read the lake and never write to it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sync_platform_tests.cli.conftest import Shell


def test_a_query_prints_a_table(synced: Shell) -> None:
    done = synced.run("query", "SELECT 茶 FROM (SELECT 'milk tea' AS 茶)")
    assert done.returncode == 0
    assert "milk tea" in done.stdout


def test_csv_and_parquet_give_every_row(synced: Shell, tmp_path: Path) -> None:
    sql = "SELECT entity_id, operation FROM lineage.changes ORDER BY ALL"
    count = synced.query("SELECT count(*) AS n FROM lineage.changes")[0]["n"]
    rows = list(csv.DictReader(io.StringIO(synced.run("query", sql, "--format", "csv").stdout)))
    assert len(rows) == count > 200
    import subprocess
    import sys

    with (tmp_path / "changes.parquet").open("wb") as file:
        command = [sys.executable, "-m", "sync_platform", "query", sql, "--format", "parquet"]
        subprocess.run(command, stdout=file, check=True, env=synced.variables())
    assert pq.read_table(tmp_path / "changes.parquet").num_rows == count


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM sync.runs", "takes one SELECT and changes nothing; this is DELETE"),
        ("SELECT 1; DROP TABLE sync.runs", "takes one SELECT"),
        ("COPY sync.runs TO '/tmp/x.csv'", "this is COPY"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEC 1", "the query is wrong"),
        ("", "this is nothing"),
    ],
)
def test_a_statement_that_writes_or_is_wrong_is_refused(synced: Shell, sql: str, message: str) -> None:
    done = synced.run_in_process("query", sql)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_query_before_the_first_sync_fails(shell: Shell) -> None:
    done = shell.run("query", "SELECT 1")
    assert done.returncode == 1
    assert "sync-platform sync" in done.stderr
    assert not shell.home.exists()


def test_the_platforms_are_shown_with_their_last_sync(synced: Shell) -> None:
    done = synced.run("platforms")
    assert done.returncode == 0
    for word in ("data_gov_hk", "keeta", "weekly", "complete", "sandbox"):
        assert word in done.stdout


def test_a_port_in_use_is_named(shell: Shell) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in ("up", "sandbox"):
            done = shell.run(command, "--port", str(port))
            assert done.returncode == 1
            assert str(port) in done.stderr
