"""No value of a marked person is in clear anywhere: files, databases, buckets, logs, Dagster's records, and output.

The quick case runs one sync of one platform, and then, in this process, a backup, exports, requests of persons, an
answer to one, the API and an erasure; one scan looks at all of it. With `--full`, everything there is runs, for every
platform with persons, on a laptop and on PostgreSQL with S3.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from sync_platform.defs.resources import vault_of
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import TokenStore
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.server.application import ServerParts, application
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import TODAY, Shell, wait_until
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.folder_copies import copy_to_read
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.planted.byte_scan import ByteScan
from sync_platform_tests.planted.marked_persons import MARKS, MarkedPersons, served
from sync_platform_tests.services import PostgresServer, S3Server

QUICK = "chope"
PASSPHRASE = "correct horse battery"
API = "/api/production-sync"
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

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it will want another HTTP library in its next major version
    from starlette.testclient import TestClient


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
        with copy_to_read(self.shell.home.parent) as copy:
            hits = [*scan.in_folder(copy)]
        hits += [*scan.in_bytes("output", "\n".join(self.output).encode())]
        assert hits == []
        return scan

    def unsealed(self, table: str, column: str, path: str) -> Any:
        """The value of a sealed column in one row, which shows that a marked person arrived there."""
        rows = json.loads(self.run_here("query", f"SELECT {column} AS v FROM {table} LIMIT 1", "--format", "json"))
        platform = table.partition(".")[0]
        with self.settings() as settings:
            return vault_of(settings).vault.unseal(platform, path, rows[0]["v"])

    @contextmanager
    def settings(self) -> Iterator[Settings]:
        """The settings of the home, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.shell.environment.items():
                patch.setenv(name, value)
            yield load_settings(sync_home=self.shell.home)


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


def test_no_value_of_a_marked_person_is_in_clear_after_a_sync_a_backup_exports_and_requests(marked: Marked) -> None:
    marked.persons.is_bad = True
    marked.run("sync", QUICK, "--no-unify")
    assert marked.persons.planted == {name for name in FIELDS if name.startswith(QUICK)}, "each was sent"
    assert "Zyphermark" in marked.unsealed("chope.reservations", "forename", "forename")
    for command in (
        ("backup", "create"),
        ("vault", "backup"),
        ("lineage", "export", "--out", str(marked.shell.home.parent / "changes.csv")),
        ("query", "SELECT * FROM chope.reservations", "--format", "csv"),
    ):
        assert "sealed:v1:" in marked.run_here(*command) or command[0] != "query"
    assert json.loads(marked.run_here("quarantine", "list", "--json"))
    _requests_of_persons(marked)
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
    _requests_of_persons(marked)
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
        marked.persons.planted.clear()
        process = marked.shell.start("sync", "openrice", "chope", "--no-unify")
        assert process.process.pid is not None
        resource.prlimit(process.process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: marked.persons.planted, process)
        for child in Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text().split():
            os.kill(int(child), end)  # a worker, which has values in its memory
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
    for table in (f"{platform}.{dataset.name}" for platform, answer in PERSONAL.items() for dataset in answer):
        marked.run("query", f"SELECT * FROM {table}", "--format", "csv")
        answer = json.loads(marked.run("query", f"SELECT min(source_id) AS id FROM {table}", "--format", "json"))
        if answer and answer[0]["id"]:
            marked.run("lineage", "show", *table.split("."), str(answer[0]["id"]))
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


def _requests_of_persons(marked: Marked) -> None:
    """A correction, a restriction, an answer that is encrypted on disk, the API and the pages, and an erasure."""
    guest = marked.unsealed("chope.reservations", "email", "email")
    listed = json.loads(marked.run_here("privacy", "access", "--email", guest, "--list", "--json"))["candidates"]
    (subject,) = {each["subject_id"] for each in listed if each["platform"] == "chope"}
    row = json.loads(marked.run_here("query", f"{_OF_PERSON.format(subject=subject)} LIMIT 1", "--format", "json"))[0]
    who = ("--identity", "passport shown", "--subject", subject)
    assert marked.run_here("privacy", "requests", "add", "correction", *who)
    record = ("chope", "reservations", str(row["source_id"]), "surname")
    assert "applied" in marked.run_here("privacy", "correct", "1", *record, "--value", "Zyphermark 陳標記 right")
    secret, answer = marked.shell.home.parent / "passphrase", marked.shell.home.parent / "answer.age"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    asked = ("--subject", subject, "--identity", "passport shown", "--out", str(answer))
    marked.run_here("privacy", "access", *asked, "--passphrase-file", str(secret))
    assert answer.stat().st_size > 1000
    _ask_server(marked)
    assert marked.run_here("privacy", "requests", "add", "restriction", *who)
    marked.run_here("privacy", "requests", "close", "3", "--answer", "restricted")
    marked.run_here("query", "SELECT * FROM chope.reservations_history", "--format", "json")
    for command in (("list", "--all"), ("show", "1"), ("show", "3")):
        marked.run_here("privacy", "requests", *command)
    marked.run_here("privacy", "corrections", "--json")
    assert "complete" in marked.run_here("privacy", "erase", "--subject", subject, "--reason", "letter 7", "--yes")


_OF_PERSON = "SELECT source_id FROM chope.reservations WHERE starts_with(email, 'sealed:v1:{subject}:')"


READ = ("changes", "syncs", "quality", "privacy/requests", "alerts", "backups", "bulk", "openapi.json")


def _ask_server(marked: Marked) -> None:
    """The pages, and what the API answers to an administrator about every dataset with persons."""
    tables = [f"{platform}.{dataset.name}" for platform, found in PERSONAL.items() for dataset in found]
    stored = [table for table in tables if "sealed:" in marked.run_here("query", f"FROM {table} LIMIT 1")]
    statuses = {}
    with marked.settings() as settings:
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        parts = ServerParts(settings, ledger, lambda table, log: FastAPI(), list, lambda run_ids: {}, list)
        token = TokenStore(ledger).create("planted", Role.admin, (), timedelta(days=1), "test")[1]
        client = TestClient(application(parts), "http://127.0.0.1:3000", headers={"Authorization": f"Bearer {token}"})
        for path in ("/", "/metrics", *(f"{API}/{each}" for each in (*READ, *(f"bulk/{table}" for table in stored)))):
            answer = client.get(path)
            statuses[path] = answer.status_code
            marked.output.append(answer.text)
        ledger.dispose()
    assert {path for path, status in statuses.items() if status >= 500} == set()
    assert {statuses["/"], *(statuses[f"{API}/bulk/{table}"] for table in stored)} == {200}


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
