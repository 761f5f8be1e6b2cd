"""`query` and `platforms`: they read the lake and never write to it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sync_platform import __version__
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.limits import LONGEST_WAIT_S


def test_a_query_prints_a_table(synced: Shell) -> None:
    done = synced.run("query", "SELECT 茶 FROM (SELECT 'milk tea' AS 茶)")
    assert done.returncode == 0
    assert "milk tea" in done.stdout


def test_a_query_that_runs_long_ends_with_ctrl_c(synced: Shell) -> None:
    long = "SELECT sum(a.range) FROM chope.restaurants, range(10000000000) a, range(1000) b"
    process = synced.start("query", "--as-of", datetime.now(UTC).isoformat(), long)
    wait_until(lambda: bool(process.errors), process)  # the line that says what is read, right before the query runs
    time.sleep(2)  # then DuckDB is at work
    process.send_signal(signal.SIGINT)
    done = process.wait(LONGEST_WAIT_S)
    assert (done.returncode, done.stdout) == (130, "")
    assert "sync-platform: cancelled" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_query_over_the_network_is_refused_in_words(synced: Shell) -> None:
    done = synced.run_in_process("query", "FROM read_csv('https://example.com/x.csv')")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the query needs what is not there" in done.stderr
    assert "httpfs" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("query", "--as-of", "", "SELECT 1"),
        ("changes", "--since", "2026-01-01", "--until", ""),
        ("audit", "--since", ""),
        ("lineage", "export", "--from", "", "--out", os.devnull),
        ("report", "compliance", "--from", "", "--to", ""),
        ("metrics", "history", "DataStaleness", "--since", ""),
    ],
)
def test_an_empty_moment_is_not_taken_for_none(synced: Shell, command: tuple[str, ...]) -> None:
    """As where a variable of a script is not set."""
    done = synced.run_in_process(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'' is neither a day" in done.stderr


@pytest.mark.parametrize(
    "command", [("privacy", "access", "--list", "--handle", "ren\udce9"), ("query", "SELECT 'ren\udce9'")]
)
def test_an_argument_that_is_no_utf8_is_named(synced: Shell, command: tuple[str, ...]) -> None:
    done = synced.run_in_process(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "\\udce9" in done.stderr
    assert "is no text in UTF-8" in done.stderr


def test_csv_and_parquet_give_every_row(synced: Shell, tmp_path: Path) -> None:
    sql = "SELECT entity_id, operation FROM lineage.changes ORDER BY ALL"
    count = synced.query("SELECT count(*) AS n FROM lineage.changes")[0]["n"]
    rows = list(csv.DictReader(io.StringIO(synced.run("query", sql, "--format", "csv").stdout)))
    assert len(rows) == count > 200
    for form in ("csv", "json", "parquet"):
        out = tmp_path / f"changes.{form}"
        assert synced.run_in_process("query", sql, "--out", str(out)).stdout == ""
        assert _rows_in(out) == count
    exports = json.loads(synced.run_in_process("audit", "--operation", "export", "--json").stdout)["entries"]
    assert [each["subject"]["format"] for each in exports[-3:]] == ["csv", "json", "parquet"]


def _rows_in(file: Path) -> int:
    if file.suffix == ".parquet":
        return pq.read_table(file).num_rows
    return len(json.loads(file.read_text())) if file.suffix == ".json" else len(file.read_text().splitlines()) - 1


def test_a_wrong_query_leaves_no_file(synced: Shell, tmp_path: Path) -> None:
    done = synced.run_in_process("query", "SELECT CAST('x' AS INTEGER)", "--out", str(tmp_path / "rows.csv"))
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_json_has_every_column_and_every_type(synced: Shell) -> None:
    assert synced.query("SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a") == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]
    sql = (
        "SELECT 123456789012345678901234567890::HUGEINT AS n, map {1: 'x'} AS m, INTERVAL 1 DAY AS i, '茶' AS t, "
        "['NaN'::DOUBLE] AS f"
    )
    assert synced.query(sql) == [
        {"n": 123456789012345678901234567890, "m": {"1": "x"}, "i": "1 day", "t": "茶", "f": [None]}
    ]


ODD = {  # what Python's types cannot hold: its text in JSON, in CSV and in a table
    "'a\\xff\\x00'::BLOB": ("Yf8A", "Yf8A", r"a\xFF\x00"),
    "DATE 'infinity'": ("infinity",) * 3,
    "TIMESTAMP '-infinity'": ("-infinity",) * 3,
    "TIMESTAMPTZ 'infinity'": ("infinity",) * 3,
    "DATE '9999-12-31'": ("9999-12-31",) * 3,
    "TIMESTAMPTZ '2026-01-01 10:00:00.5+08'": ("2026-01-01T02:00:00.500000+00:00",)
    + ("2026-01-01 02:00:00.500000+00:00",) * 2,
    "TIMESTAMP '2026-01-01'": ("2026-01-01T00:00:00",) + ("2026-01-01 00:00:00",) * 2,
    "TIMESTAMPTZ '0044-03-15 (BC) 00:00:00+00'": ("0044-03-15 (BC) 00:00:00+00",) * 3,
    "TIMESTAMP_NS '2026-01-01 10:00:00.123456789'": ("2026-01-01T10:00:00.123456789",)
    + ("2026-01-01 10:00:00.123456789",) * 2,
    "INTERVAL '1 month 2 days'": ("1 month 2 days",) * 3,
    "TIMETZ '10:11:12+08'": ("10:11:12+08",) * 3,
}


def test_values_that_python_cannot_hold_are_written_in_standard_forms(synced: Shell) -> None:
    sql = f"SELECT {', '.join(f'{value} AS c{number}' for number, value in enumerate(ODD))}"
    in_json, in_csv, in_table = map(list, zip(*ODD.values(), strict=True))
    assert list(synced.query(sql)[0].values()) == in_json
    _, row = csv.reader(io.StringIO(synced.run_in_process("query", sql, "--format", "csv").stdout))
    assert row == in_csv
    printed = synced.run_in_process("query", sql).stdout
    assert [text for text in in_table if text not in printed] == []


def test_values_within_others_are_written_in_standard_forms(synced: Shell) -> None:
    nested = {
        "['infinity'::DATE, NULL]": ["infinity", None],
        "['a'::BLOB]::BLOB[1]": ["YQ=="],
        "{'a \"b': [{'d': '-infinity'::DATE}]}": {'a "b': [{"d": "-infinity"}]},
        "row(1, 'infinity'::DATE)": [1, "infinity"],
        "map {'k'::BLOB: 100000000000000000000::HUGEINT}": {"aw==": 100000000000000000000},
        "NULL::STRUCT(d DATE)": None,
        "NULL::MAP(DATE, INTEGER)": None,
        "[true]": [True],
    }
    sql = f"SELECT {', '.join(f'{value} AS c{number}' for number, value in enumerate(nested))}, true AS t"
    assert list(synced.query(sql)[0].values()) == [*nested.values(), True]
    _, row = csv.reader(io.StringIO(synced.run_in_process("query", sql, "--format", "csv").stdout))
    assert [json.loads(text or "null") for text in row] == [*nested.values(), True]


def test_a_device_and_a_link_are_written_to_and_not_replaced(synced: Shell, tmp_path: Path) -> None:
    """A command of root had replaced /dev/null by a file."""
    pipe, link, file = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "rows.csv"
    os.mkfifo(pipe)
    link.symlink_to(file)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for out in (pipe, link):
            assert synced.run_in_process("query", "SELECT 1 AS n", "--format", "csv", "--out", str(out)).returncode == 0
        assert os.read(reader, 100) == b"n\n1\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo() and link.is_symlink() and file.read_text() == "n\n1\n"


def test_a_spreadsheet_is_not_written(synced: Shell, tmp_path: Path) -> None:
    done = synced.run_in_process("query", "SELECT 1", "--out", str(tmp_path / "rows.xlsx"))
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "name a .csv file" in done.stderr


def test_a_reader_that_has_enough_is_no_error(synced: Shell) -> None:
    with synced.start_interpreter("query", "FROM range(10000000)", "--format", "csv") as command:
        assert command.stdout and command.stderr
        assert command.stdout.readline() == "range\n"
        command.stdout.close()
        assert command.stderr.read() == ""


def test_every_table_and_column_is_listed_with_its_meaning(synced: Shell) -> None:
    tables = json.loads(synced.run_in_process("tables", "--json").stdout)["tables"]
    by_name = {table["name"]: table for table in tables}
    assert {"unified.restaurants", "sync.runs", "chope.reservations", "unified.reviews"} <= set(by_name)
    assert all(table["description"] and "(definition" not in table["description"] for table in tables)
    assert by_name["unified.restaurants"]["rows"] >= by_name["unified.restaurants"]["live"] > 0
    assert by_name["sync.runs"]["live"] is None
    for name in ("unified.restaurants", "unified.reviews", "unified.restaurant_fields", "sync.runs", "lineage.changes"):
        columns = json.loads(synced.run_in_process("tables", name, "--json").stdout)["columns"]
        assert [column["name"] for column in columns if not column["description"]] == [], name
    assert "chope.reservations" in synced.run_in_process("tables", "chope").stdout
    unknown = synced.run_in_process("tables", "nowhere")
    assert (unknown.returncode, "no table or schema 'nowhere'" in unknown.stderr) == (2, True)


def test_the_status_says_what_runs_next_and_how_the_last_syncs_ended(synced: Shell) -> None:
    status = json.loads(synced.run_in_process("status", "--json").stdout)
    assert (status["is_daemon_running"], status["runs"], status["open_requests"]) == (False, [], [])
    assert {each["last_status"] for each in status["platforms"]} == {"complete"}
    moments = [datetime.fromisoformat(each["next_at"]) for each in status["schedules"]]
    names = {each["name"] for each in status["schedules"]}
    assert {"monthly_full_sync_schedule", "weekly_full_backup_schedule"} < names
    assert moments == sorted(moments)
    assert datetime.now(UTC) < moments[0] < datetime.now(UTC) + timedelta(days=1, hours=1)
    output = synced.run_in_process("status").stdout
    assert "Dagster daemon: not running: start it with `sync-platform serve`" in output
    assert "monthly_full_sync_schedule" in output and "nothing runs or waits now" in output


def test_the_version_is_shown(shell: Shell) -> None:
    assert shell.run_in_process("--version").stdout == f"sync-platform {__version__}\n"


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
        done = shell.run("sandbox", "--port", str(port))
        assert done.returncode == 1
        assert str(port) in done.stderr


def test_a_fault_that_the_sandbox_does_not_know_is_a_wrong_option(shell: Shell) -> None:
    done = shell.run("sandbox", "--fault", "keeta:none")
    assert done.returncode == 2
    assert "--fault: unknown fault 'none'" in done.stderr
