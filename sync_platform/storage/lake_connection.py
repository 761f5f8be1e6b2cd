"""The connection to the lake: DuckDB with DuckLake attached, on a local folder or on PostgreSQL and S3.

Only the ATTACH string, a secret and the kind of lock differ between the two. Writers take a lock between processes.
Without it, SQLite would fail with "database is locked", and PostgreSQL would reject one of two overlapping
transactions, so its work would be repeated. Readers need no lock.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Self

import duckdb

from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import in_one_line
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.settings import without_password
from sync_platform.storage.damaged_database import is_damage, with_repair
from sync_platform.storage.data_path import has_encrypted_files, is_moved, store_data_path
from sync_platform.storage.duckdb_s3 import use_s3
from sync_platform.storage.environment_proxy import with_named_proxy
from sync_platform.storage.extensions import connect_with, extension_paths
from sync_platform.storage.full_disk import with_advice
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.lake_address import CIPHER, LakeAddress
from sync_platform.storage.lake_formats import require_known_formats, store_formats
from sync_platform.storage.missing_lake import missing_lake
from sync_platform.storage.process_files import ProcessFolder
from sync_platform.storage.session_memory import return_freed_memory
from sync_platform.storage.sql_text import sql_text
from sync_platform.storage.unwritable_place import place_problem, spill_folder

LAKE = "lake"
BESIDE = "beside"
"""The name of the other lake in the sessions of a lake that was opened with one beside it."""
DISABLED_OPTIMIZERS = "join_filter_pushdown,statistics_propagation"
"""Two optimizers of DuckDB that are wrong over DuckLake 1.5.5. The first writes joined values into the catalog's SQL,
which NUL breaks. The second trusts the least and the largest value of a column, which leave out the files that have
none: where a text beyond ASCII has more than 256 bytes. A condition on such a column then hides rows."""
ATTACH_ATTEMPTS = 8
# error texts of SQLite for a busy file, and of PostgreSQL for a table that another process created meanwhile
CREATED_TOGETHER = ("locked", "already exists", "duplicate key")


class Lake:
    """One process's connection to a lake: a DuckDB instance, opened on first use, that gives out sessions.

    Safe to use from several threads; each session has its own temporary tables. `beside`: another lake, which sessions
    read as `beside`. `require_lock`: is asked before each commit, and raises where a lock is lost. Raises StorageError
    where the lake cannot be used, and NoLakeYet where a reader opens it before the first writer.
    """

    def __init__(
        self,
        address: LakeAddress,
        *,
        read_only: bool = False,
        snapshot: int | None = None,
        beside: Lake | None = None,
        require_lock: Callable[[], None] = needs_no_lock,
    ) -> None:
        self.address, self.read_only, self._snapshot, self._beside = address, read_only, snapshot, beside
        self.require_lock = require_lock
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._spill: ProcessFolder | None = None
        self._opening = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the lake attached as `lake` and in use."""
        with self._errors_explained():
            session = self.open_session()
            try:
                yield session
            except BaseException:
                session.interrupt()  # otherwise `close` waits for the end of a query that Ctrl-C has interrupted
                raise
            finally:
                session.close()

    def open_session(self) -> duckdb.DuckDBPyConnection:
        """A session that the caller closes; closing the lake closes it too."""
        session = self._opened().cursor()
        session.execute("SET TimeZone = 'UTC'")
        session.execute(f"USE {LAKE}")
        return session

    def pinned(self, snapshot: int | None = None) -> Lake:
        """A read-only view of the lake at one snapshot (default: the newest); later commits do not change it."""
        if snapshot is None:
            with self.session() as session:
                snapshot = session.execute(f"SELECT id FROM {LAKE}.current_snapshot()").fetchall()[0][0]
        return Lake(self.address, read_only=True, snapshot=snapshot)

    def write_lock(self) -> AbstractContextManager[object]:
        """Lock for a write transaction; see LakeAddress."""
        return self.address.write_lock()

    def close(self) -> None:
        with self._opening:
            if self._instance is not None:
                self._instance.close()
                self._instance = None
            if self._spill is not None:
                self._spill.remove()
                self._spill = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._instance is None:
                if self.read_only and not self.address.exists:
                    raise missing_lake(self.address)
                if not self.read_only:
                    _make_folders(self.address)
                if self._spill is None:
                    self._spill = spill_folder(self.address.temp, read_only=self.read_only)
                spill = self._spill.path
                address = self.address.readable(spill) if self.read_only else self.address
                config: dict[str, str | bool | int | float | list[str]] = {
                    "temp_directory": str(spill),
                    "memory_limit": self.address.memory_limit,
                    "autoload_known_extensions": False,
                    "disabled_optimizers": DISABLED_OPTIMIZERS,
                }
                if not self.read_only:
                    return_freed_memory()
                    config["threads"] = 1  # platforms are written by processes; a second thread costs 150 MB and time
                instance = connect_with(self._extensions(address), config)
                try:
                    _attach(instance, address, self.read_only, self._snapshot)
                    if self._beside is not None:
                        _attach(instance, self._beside.address, True, self._beside._snapshot, BESIDE)
                except BaseException:
                    instance.close()
                    raise
                self._instance = instance
            return self._instance

    def _extensions(self, address: LakeAddress) -> tuple[str, ...]:
        others = self._beside.address.extensions if self._beside is not None else ()
        return tuple(dict.fromkeys((*address.extensions, *others)))

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.HTTPException, sqlite3.Error, OSError) as error:
            reason = with_repair(with_named_proxy(without_password(in_one_line(error))))
            place = place_problem(self.address.catalog_file) if self.address.catalog_file else None
            reason = with_advice(f"{reason} ({place})" if place and with_advice(reason) == reason else reason)
            raise StorageError(f"{self.address} cannot be used: {reason}") from None
        except duckdb.OutOfMemoryException as error:
            reason = str(error).split("\n")[0]  # the other lines advise on DuckDB's own settings
            raise StorageError(f"{self.address} needs more memory than it is given: {reason}") from None
        except duckdb.Error as error:  # as DuckLake passes on an error of its catalog
            if not is_damage(error):
                raise
            reason = with_repair(without_password(in_one_line(error)))
            raise StorageError(f"{self.address} cannot be used: {reason}") from None


def _make_folders(address: LakeAddress) -> None:
    if address.catalog_file:
        address.catalog_file.parent.mkdir(parents=True, exist_ok=True)
    if not address.is_remote:
        Path(address.data).mkdir(parents=True, exist_ok=True)


def attach_statement(address: LakeAddress, more: list[str], name: str = LAKE) -> str:
    """SQL: the lake attached as `name`, with `more` options of DuckLake."""
    # inlined rows would escape encryption and erasure, so the limit is 0 from the first moment and never changes
    options = [f"DATA_PATH {sql_text(address.data)}", "DATA_INLINING_ROW_LIMIT 0"]
    if address.catalog_file:
        options += ["META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 60000"]
    if address.is_encrypted:
        options.append("ENCRYPTED")
    return f"ATTACH {sql_text(f'ducklake:{address.catalog}')} AS {name} ({', '.join([*options, *more])})"


def _attach(
    connection: duckdb.DuckDBPyConnection,
    address: LakeAddress,
    read_only: bool,
    snapshot: int | None = None,
    name: str = LAKE,
) -> None:
    if address.is_remote:
        use_s3(connection, address.data, address.region, address.endpoint)
    options = []
    catalog, data = address.catalog_file, Path(address.data)
    if catalog and not address.is_encrypted and has_encrypted_files(connection, catalog):
        connection.execute(f"LOAD {sql_text(*extension_paths([CIPHER]))}")
    if catalog and not address.is_remote and is_moved(connection, catalog, data):
        options.append("OVERRIDE_DATA_PATH TRUE")
        if not read_only:
            with address.write_lock():
                store_data_path(connection, catalog, data)
    if read_only:
        options.append("READ_ONLY")
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {snapshot}")
    statement = attach_statement(address.with_keepalive(), options, name)
    creating = not read_only and not address.exists
    for attempt in range(ATTACH_ATTEMPTS):
        try:
            with address.write_lock() if creating else nullcontext():
                connection.execute(statement)
                if creating:
                    store_formats(connection, name)
            break
        except duckdb.Error as error:
            if read_only and "creating a new DuckLake is explicitly disabled" in str(error):
                raise NoLakeYet(f"{address} does not exist yet: run `{typed('sync')}` first") from None
            if "catalog version mismatch" in str(error):
                reason = str(error).removeprefix("Invalid Input Error: ")
                raise StorageError(f"{address} was made by another version of DuckLake: {reason}") from None
            if attempt == ATTACH_ATTEMPTS - 1 or not any(mark in str(error) for mark in CREATED_TOGETHER):
                raise
            time.sleep(0.1 * 2**attempt)
    require_known_formats(connection, name)
    if not address.catalog_file:
        # even so two writers may overlap: the second must repeat its work, because its chain continues an old entry
        connection.execute("SET ducklake_max_retry_count = 1")
