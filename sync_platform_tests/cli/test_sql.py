"""docs/sql.md: its lines read the lake from other programs as they stand, without the network, and write nothing."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import sqlalchemy

from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import DISABLED_OPTIMIZERS
from sync_platform.storage.reading_statements import reading_statements
from sync_platform_tests.cli.conftest import ROOT, Shell

PAGE = (ROOT / "docs" / "sql.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SQL = [line for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}


@pytest.fixture(scope="module")
def folder(synced: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `attach.sql` of the synced home."""
    folder = tmp_path_factory.mktemp("outside")
    done = synced.run_in_process("attach", "--out", str(folder / "attach.sql"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return folder


@pytest.fixture
def outside(folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB of another program, which may neither install nor find an extension by itself."""
    connection = duckdb.connect(config={**OFFLINE})
    connection.execute((folder / "attach.sql").read_text())
    return connection


def test_the_page_has_lines_for_the_shell_and_for_each_library() -> None:
    assert len(SQL) == 6
    assert [
        name for name in ("polars", "pandas", "sqlalchemy") if not any(f"import {name}" in block for block in PYTHON)
    ] == []


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: re.findall(r"import (\w+)", block)[-1])
def test_the_lines_for_python_work_as_they_stand(
    folder: Path, block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in re.findall(r"^import (\w+)", block, re.MULTILINE):
        pytest.importorskip(name, reason=f"{name} is not installed: the lines of docs/sql.md that need it are untested")
    monkeypatch.chdir(folder)
    exec(compile(block, "docs/sql.md", "exec"), {})
    if "report.duckdb" in block:
        with duckdb.connect("report.duckdb", read_only=True) as report:
            assert report.execute("SELECT count(*) FROM restaurants").fetchall()[0][0] > 0
        pytest.importorskip("duckdb_engine")
        engine = sqlalchemy.create_engine(f"duckdb:///{folder}/report.duckdb?access_mode=read_only")
        with engine.connect() as tool:
            assert tool.execute(sqlalchemy.text("SELECT count(*) FROM reviews")).scalar_one() > 0
            with pytest.raises(sqlalchemy.exc.ProgrammingError, match="read-only"):
                tool.execute(sqlalchemy.text("DELETE FROM reviews"))
        engine.dispose()
    else:
        assert len(capsys.readouterr().out) > 20


@pytest.mark.parametrize("statement", SQL)
def test_the_lines_for_the_shell_work_as_they_stand(outside: duckdb.DuckDBPyConnection, statement: str) -> None:
    outside.execute(statement).fetchall()


def test_the_lake_is_read_only_and_without_the_wrong_optimizers(outside: duckdb.DuckDBPyConnection) -> None:
    ((disabled,),) = outside.execute("SELECT current_setting('disabled_optimizers')").fetchall()
    assert set(disabled.split(",")) == set(DISABLED_OPTIMIZERS.split(","))
    with pytest.raises(duckdb.Error, match="read-only"):
        outside.execute("DELETE FROM openrice.restaurants")


def test_the_history_of_a_dataset_has_typed_values(outside: duckdb.DuckDBPyConnection) -> None:
    different = outside.execute(
        """SELECT h.source_id FROM openrice.restaurants_history h JOIN openrice.restaurants r USING (source_id)
        WHERE h.operation = 'insert' AND (h.name_en, h.latitude, h.phones, h.status)
            IS DISTINCT FROM (r.name_en, r.latitude, r.phones, r.status)"""
    ).fetchall()
    assert different == []
    kinds = dict(
        outside.execute("SELECT column_name, column_type FROM (DESCRIBE openrice.restaurants_history)").fetchall()
    )
    assert (kinds["latitude"], kinds["phones"], kinds["phones_before"]) == ("DOUBLE", "VARCHAR[]", "VARCHAR[]")


def test_a_password_is_not_written(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LAKE_CATALOG": "postgres:host=db password=secret", "LAKE_DATA": "s3://bucket/lake"})
    written = shell.run_in_process("attach").stdout
    assert "secret" not in written.lower().replace("create secret", "").replace("secret '...'", "")
    assert "CREATE SECRET (TYPE s3" in written


def test_an_encrypted_lake_is_attached_with_its_cipher(tmp_path: Path) -> None:
    statements = reading_statements(LakeAddress("postgres:host=db", str(tmp_path), tmp_path))
    assert [
        name for name in ("ducklake", "postgres_scanner", "httpfs") if f"{name}.duckdb" not in str(statements)
    ] == []
    assert "ENCRYPTED" in statements[-2]
