"""No value of a marked person is in clear anywhere: files, databases, buckets, logs, Dagster's records, and output.

The quick case runs one sync of two platforms, backups and exports. With `--full`, everything there is runs, for every
platform with persons, on a laptop and on PostgreSQL with S3.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sync_platform.defs.resources import vault_of
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.settings import load_settings
from sync_platform_tests.cli.conftest import TODAY, Shell, wait_until
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.planted.byte_scan import ByteScan
from sync_platform_tests.planted.marked_persons import MARKS, MarkedPersons, served
from sync_platform_tests.services import PostgresServer, S3Server

QUICK = ("chope", "openrice")
PERSONAL = {
    platform.name: [dataset for dataset in platform.datasets if dataset.personal]
    for platform in load_platforms().values()
    if any(dataset.personal for dataset in platform.datasets)
}
FIELDS = {
    f"{platform}.{dataset.name}.{path}"
    for platform, datasets in PERSONAL.items()
    for dataset in datasets
    for path in dataset.personal.fields
}


@dataclass
class Marked:
    """An installation that syncs from marked persons, and everything that its commands wrote to the screen."""

    shell: Shell
    persons: MarkedPersons
    output: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> str:
        """Run a command, whatever its exit code; returns its standard output."""
        done = self.shell.run(*arguments)
        self.output += [done.stdout, done.stderr]
        return done.stdout

    def run_here(self, *arguments: str) -> str:
        """Like `run`, in this process, which saves a second."""
        done = self.shell.run_in_process(*arguments)
        self.output += [done.stdout, done.stderr]
        return done.stdout

    def scan(self) -> ByteScan:
        """A scan of the folder of the home with its temporary files, and of the output; it has found nothing."""
        scan = ByteScan(MARKS)
        hits = [*scan.in_folder(self.shell.home.parent), *scan.in_bytes("output", "\n".join(self.output).encode())]
        assert hits == []
        return scan

    def unsealed(self, table: str, column: str, path: str) -> Any:
        """The value of a sealed column in one row, which shows that a marked person arrived there."""
        rows = json.loads(self.run_here("query", f"SELECT {column} AS v FROM {table} LIMIT 1", "--format", "json"))
        platform = table.partition(".")[0]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.shell.environment.items():
                patch.setenv(name, value)
            vault = vault_of(load_settings(sync_home=self.shell.home)).vault
            return vault.unseal(platform, path, rows[0]["v"])


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Marked]:
    (tmp_path / "temp").mkdir()
    persons = MarkedPersons(create_app(City(12, 852, date.fromisoformat(TODAY))))
    with served(persons) as url:
        addresses = {f"{name.upper()}_BASE_URL": f"{url}/{name}" for name in load_platforms()}
        addresses |= {
            f"{platform.name.upper()}_ARCHIVE_URL": f"{url}/{platform.name}_archive"
            for platform in load_platforms().values()
            if platform.has_archive
        }
        logs = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "TMPDIR": str(tmp_path / "temp")}
        yield Marked(Shell(tmp_path / "home", {**addresses, **logs}), persons)


def test_no_value_of_a_marked_person_is_in_clear_after_a_sync_with_quarantine_backups_and_an_export(
    marked: Marked,
) -> None:
    marked.persons.is_bad = True
    marked.run("sync", *QUICK, "--no-unify")
    assert marked.persons.planted == {name for name in FIELDS if name.startswith(QUICK)}, "each was sent"
    assert "Zyphermark" in marked.unsealed("chope.reservations", "forename", "forename")
    for command in (
        ("backup", "create"),
        ("vault", "backup"),
        ("lineage", "export", "--out", str(marked.shell.home.parent / "changes.csv")),
        ("query", "SELECT * FROM chope.reservations", "--format", "csv"),
        ("query", "SELECT * FROM lineage.changes", "--format", "json"),
    ):
        assert "sealed:v1:" in marked.run_here(*command) or command[0] != "query"
    assert json.loads(marked.run_here("quarantine", "list", "--json"))
    scan = marked.scan()
    assert scan.files > 50
    assert scan.unopened == []


@pytest.mark.parametrize("kind", [only_in_full("laptop"), only_in_full("fleet")])
def test_no_value_of_a_marked_person_is_in_clear_after_everything(
    marked: Marked, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "fleet":
        postgres, s3 = request.getfixturevalue("postgres_server"), request.getfixturevalue("s3_server")
        marked.shell.environment |= fleet_settings(postgres, s3)
    _sync_in_every_way(marked)
    _copy_in_every_way(marked)
    _reports(marked)
    scan = marked.scan()
    if kind == "fleet":
        _scan_servers(scan, postgres, s3, marked.shell.environment)
    assert marked.persons.planted == FIELDS


def _sync_in_every_way(marked: Marked) -> None:
    """Clean, with bad records, with cut pages, killed, incremental, in the past, and from quarantine."""
    marked.persons.is_cut = True
    marked.run("sync", *PERSONAL, "--no-unify")
    marked.persons.is_cut = False
    marked.persons.is_slow = True
    for end in (signal.SIGABRT, signal.SIGKILL):
        process = marked.shell.start("sync", "openrice", "chope", "--no-unify")
        wait_until(lambda: marked.persons.planted, process)
        process.send_signal(end)
        done = process.wait()
        marked.output += [done.stdout, done.stderr]
    marked.persons.is_slow, marked.persons.is_bad = False, True
    marked.run("sync")
    marked.persons.is_bad = False
    marked.run("quarantine", "retry")
    marked.run("sync")
    marked.run("sync", "--mode", "incremental")
    marked.run("backfill", "data_gov_hk", "--from", TODAY)
    marked.run("emergency", "request", "chope", "--reason", "planted")
    marked.run("unify")
    marked.run("maintain")


def _copy_in_every_way(marked: Marked) -> None:
    """Backups, their verification, drill and restores, and the vault's backup, before and after a rotation."""
    restored = str(marked.shell.home.parent / "restored")
    for command in (
        ("backup", "create"),
        ("vault", "backup"),
        ("vault", "rotate"),
        ("backup", "create"),
        ("backup", "verify", "--all"),
        ("backup", "drill"),
        ("backup", "restore", "--target", restored),
        ("backup", "restore", "--target", "development", "--conflict", "overwrite"),
        ("backup", "prune"),
        ("lineage", "anchor"),
        ("lineage", "verify", "--landing"),
    ):
        marked.run(*command)


def _reports(marked: Marked) -> None:
    """Everything that shows or exports data."""
    folder = marked.shell.home.parent / "exports"
    folder.mkdir()
    for form in ("csv", "json"):
        marked.run("lineage", "export", "--format", form, "--out", str(folder / f"changes.{form}"))
    span = ("--from", "2020-01-01", "--to", TODAY)
    marked.run("report", "compliance", *span, "--html")
    for table in (f"{platform}.{dataset.name}" for platform, found in PERSONAL.items() for dataset in found):
        marked.run("query", f"SELECT * FROM {table}", "--format", "csv")
        found = json.loads(marked.run("query", f"SELECT min(source_id) AS id FROM {table}", "--format", "json"))
        if found and found[0]["id"]:
            marked.run("lineage", "show", *table.split("."), str(found[0]["id"]))
    marked.run("query", "SELECT * FROM lineage.changes LIMIT 500", "--format", "json")
    for command in (
        ("changes",),
        ("quality", "--html"),
        ("quarantine", "list"),
        ("match", "review"),
        ("status",),
        ("health",),
        ("anomalies",),
        ("metrics", "show"),
        ("alerts", "list"),
        ("audit",),
    ):
        marked.run(*command)


def _scan_servers(scan: ByteScan, postgres: PostgresServer, s3: S3Server, settings: dict[str, str]) -> None:
    """Every object of the bucket, and every row of the three databases."""
    import psycopg

    client = s3.client()
    prefix = settings["LANDING"].removeprefix(f"s3://{s3.bucket}/").partition("/")[0]
    objects = [
        each["Key"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=s3.bucket, Prefix=prefix)
        for each in page.get("Contents", [])
    ]
    assert len(objects) > 50
    for key in objects:
        body = client.get_object(Bucket=s3.bucket, Key=key)["Body"].read()
        assert list(scan.in_bytes(key, key.encode() + b"\n")) + list(scan.in_bytes(key, body)) == []
    databases = {settings[name].rpartition("/")[2] for name in ("LEDGER", "VAULT")}
    databases.add(settings["LAKE_CATALOG"].rpartition("dbname=")[2])
    assert len(databases) == 3
    for database in databases:
        with psycopg.connect(postgres.conninfo(database)) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname <> "
                "'information_schema'"
            ).fetchall()
            assert tables
            for schema, table in tables:
                rows = connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
                assert list(scan.in_bytes(f"{database}.{table}", repr(rows).encode())) == []
