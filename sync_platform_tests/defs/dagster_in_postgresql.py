"""Dagster's records in a real PostgreSQL: the tables and queries of its own SQL storage, in databases of a server.

What belongs here: connections. The package dagster-postgres, which an operator installs for this, has the same tables;
it adds statements of PostgreSQL for writing, which the tests do not need.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage, SqlEventLogStorageMetadata
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from dagster._core.storage.runs.schema import RunStorageSqlMetadata

from sync_platform_tests.services import PostgresServer


class EventsInPostgres(InMemoryEventLogStorage):
    def __init__(self, engine: sa.Engine) -> None:
        self._inst_data = None
        self._engine, self._held_conn = engine, engine.connect()
        self._handlers: Any = defaultdict(set)
        self._storage_id, self._db_lock = 0, threading.Lock()
        SqlEventLogStorageMetadata.create_all(engine)

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            yield connection


class RunsInPostgres(InMemoryRunStorage):
    def __init__(self, engine: sa.Engine) -> None:
        self._engine, self._held_conn = engine, engine.connect()
        RunStorageSqlMetadata.create_all(engine)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            yield connection


@contextmanager
def instance_in_postgresql(server: PostgresServer, home: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose runs and events are in a new database; the rest is that of an ephemeral one."""
    url = server.url(server.create_database()).replace("postgresql://", "postgresql+psycopg://")
    # each statement is a transaction: Dagster inserts, and updates where the row is there
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=LocalArtifactStorage(str(home)),
        run_storage=RunsInPostgres(engine),
        event_storage=EventsInPostgres(engine),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    ) as instance:
        yield instance
    engine.dispose()
