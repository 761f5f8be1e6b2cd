"""The identifiers of persons of an earlier version, read from what is stored: tables, history and landed pages.

Sealing writes the identifiers of everyone since then. A repeat is harmless: one that was interrupted goes on with the
platforms that are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import duckdb
import orjson

from sync_platform.lake.schema import table_name
from sync_platform.privacy.landed_lines import landed_objects
from sync_platform.privacy.searched_installation import SearchedInstallation, sealed_paths
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.received import Record
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.vault.identifiers import add_identifiers, mark_read, unread_subjects
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.record_identifiers import RecordIdentifiers, is_identifying
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.unsealing import Unsealer, subjects_in

BATCH = 5_000


def read_identifiers(installation: SearchedInstallation, on_step: OnStep = ignore_step) -> int:
    """Read the identifiers of everyone whose identifiers are not known yet; returns the number of persons."""
    unread = unread_subjects(installation.vault.engine)
    if not unread:
        return 0
    left = set(unread)
    for platform in installation.platforms.values():
        on_step(platform.name)
        seen: dict[str, list[str]] = defaultdict(list)
        for of_platform, dataset in installation.personal_datasets():
            if of_platform is platform:
                for subject in _read(installation, platform, dataset, unread):
                    seen[subject].append(f"{platform.name}.{dataset.name}")
        mark_read(installation.vault.engine, {subject: " ".join(names) for subject, names in seen.items()})
        left -= seen.keys()
    mark_read(installation.vault.engine, dict.fromkeys(left, ""))  # nothing of them is stored any more
    return len(unread)


def _read(installation: SearchedInstallation, platform: Platform, dataset: Dataset, unread: set[str]) -> set[str]:
    """Add the identifiers in a dataset; returns the persons that it has data of."""
    vault, seen = installation.vault, set[str]()
    hashes = RecordIdentifiers(vault.identifiers)
    personal = dataset.personal
    if personal is None:
        return seen
    stored = _records(installation, platform, dataset, personal)
    while records := list(islice(stored, BATCH)):
        owned = [(record, min(subjects_in([record]), default="")) for record in records]
        owned = [(record, subject) for record, subject in owned if subject in unread]
        subjects = [subject for _, subject in owned]
        unsealing = Unsealer(vault.ciphers(subjects), ())
        clear = [unsealing.value(record, platform.name) for record, _ in owned]
        add_identifiers(vault.engine, hashes.of(personal, clear, subjects))
        seen |= set(subjects)
    return seen


def _records(
    installation: SearchedInstallation, platform: Platform, dataset: Dataset, personal: Personal
) -> Iterator[Record]:
    """Everything that identifies persons in what is stored of a dataset, each time as a record with sealed fields."""
    paths = {column: path for column, path in sealed_paths(dataset).items() if is_identifying(personal.kind_of(path))}
    if installation.lake is not None and paths:
        with installation.lake.session() as session:
            yield from _rows(session, table_name(platform.name, dataset.name), paths)
            yield from _changes(session, installation.history, platform, dataset, paths)
    for _, body in landed_objects(installation.open_landing(), platform, dataset):
        yield from (orjson.loads(line) for line in body.splitlines() if PREFIX.encode() in line)


def _rows(session: duckdb.DuckDBPyConnection, table: str, paths: dict[str, str]) -> Iterator[Record]:
    if has_table(session, table):
        columns = ", ".join(f'"{name}"' for name in paths)
        for row in _fetched(session.execute(f"SELECT DISTINCT {columns} FROM {LAKE}.{table}")):
            yield _record(zip(paths.values(), row, strict=True))


def _changes(
    session: duckdb.DuckDBPyConnection, history: str, platform: Platform, dataset: Dataset, paths: dict[str, str]
) -> Iterator[Record]:
    if not has_table(session, history):
        return
    rows = session.execute(
        f"""SELECT before::VARCHAR, after::VARCHAR FROM {LAKE}.{history}
        WHERE platform = '{platform.name}' AND dataset = '{dataset.name}'
        AND (contains(before::VARCHAR, '{PREFIX}') OR contains(after::VARCHAR, '{PREFIX}'))"""
    )
    for sides in _fetched(rows):
        for side in filter(None, sides):
            values = orjson.loads(side)
            yield _record((path, values.get(column)) for column, path in paths.items())


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def _record(fields: Iterable[tuple[str, Any]]) -> Record:
    """A record with values at dotted paths."""
    record: Record = {}
    for path, value in fields:
        *parents, name = path.split(".")
        place = record
        for each in parents:
            place = place.setdefault(each, {})
        place[name] = value
    return record
