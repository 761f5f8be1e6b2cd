"""A PostgreSQL with a standby that takes its place: what a database service does when a host of it fails.

The primary commits only what the standby has written too (`synchronous_standby_names`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from sync_platform_tests.services import (
    PostgresServer,
    free_ports,
    open_folder,
    postgres_programs,
    postgres_server_at,
    postgres_user,
    running_postgres,
)


@dataclass
class PostgresPair:
    """Two servers, and the addresses that lead to the one that takes writes."""

    primary: PostgresServer
    standby: PostgresServer
    primary_process: ExitStack

    @property
    def _both(self) -> tuple[str, str]:
        servers = (self.primary, self.standby)
        return ",".join(each.address for each in servers), ",".join(str(each.port) for each in servers)

    def url(self, database: str) -> str:
        """A SQLAlchemy URL, which libpq reads too."""
        hosts, ports = self._both
        return f"postgresql://postgres@/{database}?host={hosts}&port={ports}&target_session_attrs=read-write"

    def conninfo(self, database: str) -> str:
        hosts, ports = self._both
        return f"host={hosts} port={ports} user=postgres dbname={database} target_session_attrs=read-write"

    def create_database(self) -> str:
        return self.primary.create_database()

    def fail_over(self) -> None:
        """Stop the primary as a lost host does, for its clients, and let the standby take writes."""
        self.primary_process.close()
        with psycopg.connect(self.standby.conninfo(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")


@contextmanager
def postgres_pair() -> Iterator[PostgresPair]:
    """A primary and its standby; the test is skipped where PostgreSQL is not installed."""
    programs = postgres_programs()
    with ExitStack() as stack, ExitStack() as primary_process:
        folder = stack.enter_context(open_folder("postgres-pair-"))
        primary = primary_process.enter_context(postgres_server_at())
        (port,) = free_ports(1)
        data = folder / "standby"
        source = ["-h", primary.address, "-p", str(primary.port), "-U", "postgres", "--checkpoint=fast", "--no-sync"]
        copy = [*postgres_user(folder), programs / "pg_basebackup", "-D", data, "-R", *source]
        subprocess.run(copy, check=True, capture_output=True, cwd=folder)
        standby = stack.enter_context(running_postgres(programs, data, port))
        with psycopg.connect(primary.conninfo(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield PostgresPair(primary, standby, primary_process)
