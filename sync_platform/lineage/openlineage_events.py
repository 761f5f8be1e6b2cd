"""Runs and datasets as OpenLineage events (openlineage.io, specification 2-0-2), for lineage tools.

What belongs here: making events from rows of `sync.runs` and `unified.runs`. Each run has two events: START, then
COMPLETE or FAIL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import duckdb

from sync_platform import __version__
from sync_platform.errors import UsageError
from sync_platform.lake.reference_tables import REFERENCE
from sync_platform.lake.replay import END_OF_TIME
from sync_platform.lake.schema import table_columns
from sync_platform.lake.syncs import CHANGE_COUNTS
from sync_platform.lake.tracked_table import COMPUTED_KEPT
from sync_platform.lineage.change_export import ExportScope
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import HONG_KONG, parse_period
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.listings import listing_sources
from sync_platform.unified.queries import has_unified
from sync_platform.unified.tables import MEMBERS, RESTAURANTS, SCHEMA
from sync_platform.vocabularies.declared_vocabularies import VOCABULARIES

PRODUCER = f"urn:sync-platform:{__version__}"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets/1-0-0"
JOBS = "sync-platform"
"""The namespace of jobs and of run ids. It has no version, so that every export gives a run the same id."""
PLATFORMS = "urn:sync-platform:platform"
"""The namespace of the platforms' datasets. It has no URL, because a sandbox has another URL than the platform."""
STATISTICS = "OutputStatisticsOutputDatasetFacet"
Event = dict[str, Any]


@dataclass(frozen=True)
class DatasetNamespaces:
    """The namespaces of landed and stored datasets: the URLs of the landing store and of the lake's data."""

    landing: str
    lake: str


@dataclass(frozen=True)
class _JobRun:
    """The facts that both kinds of run, sync and unification, have."""

    name: str
    own_id: str
    run_id: str
    started_at: datetime
    ended_at: datetime
    has_failed: bool
    job: str
    reasons: list[str]


def events(
    session: duckdb.DuckDBPyConnection,
    platforms: Mapping[str, Platform],
    namespaces: DatasetNamespaces,
    scope: ExportScope,
) -> Iterator[Event]:
    """The events of every run that was committed in the scope: syncs first, each kind in order of commit."""
    yield from _syncs(session, platforms, namespaces, scope)
    if scope.platform in (None, SCHEMA) and has_unified(session):
        yield from _unifications(session, platforms, namespaces, scope)


def _syncs(
    session: duckdb.DuckDBPyConnection,
    platforms: Mapping[str, Platform],
    namespaces: DatasetNamespaces,
    scope: ExportScope,
) -> Iterator[Event]:
    rows = session.execute(
        f"""SELECT sync_id, run_id, platform, coalesce(dataset, ''), "partition", status, reasons, started_at,
            committed_at, coalesce(list_sum([*COLUMNS('^({"|".join(CHANGE_COUNTS)})$')]), 0)::BIGINT
        FROM {LAKE}.sync.runs WHERE committed_at BETWEEN $first AND $last AND platform = coalesce($platform, platform)
        ORDER BY committed_at, platform, dataset""",
        {**_bounds(scope), "platform": scope.platform},
    ).fetchall()
    for sync_id, run_id, name, dataset, partition, status, reasons, started_at, committed_at, written in rows:
        platform = platforms.get(name)
        job = f"{name}.{dataset}" if dataset else name
        began = min(started_at or committed_at, committed_at)
        run = _JobRun(job, sync_id, run_id, began, committed_at, status == "failed", f"sync_{name}", reasons or [])
        inputs = [_dataset(f"{PLATFORMS}:{name}", dataset)] if dataset else []
        outputs = [_dataset(namespaces.landing, f"landing/{name}/{dataset}")] if dataset else []
        if dataset:
            outputs.append(_table(namespaces, name, dataset, _columns(platform, dataset), written))
        yield from _pair(run, inputs, outputs, _period(platform, partition))


def _unifications(
    session: duckdb.DuckDBPyConnection,
    platforms: Mapping[str, Platform],
    namespaces: DatasetNamespaces,
    scope: ExportScope,
) -> Iterator[Event]:
    rows = session.execute(
        f"""SELECT run_id, committed_at, inserted + updated + removed + restored FROM {LAKE}.unified.runs
        WHERE committed_at BETWEEN $first AND $last ORDER BY committed_at""",
        _bounds(scope),
    ).fetchall()
    sources = [(source.platform, source.dataset.name) for source in listing_sources(platforms)]
    sources += [(REFERENCE, vocabulary.name) for vocabulary in VOCABULARIES]
    inputs = [_dataset(namespaces.lake, f"{platform}.{dataset}") for platform, dataset in sources]
    for run_id, committed_at, written in rows:
        run = _JobRun(
            f"{SCHEMA}.{RESTAURANTS.name}",
            f"{SCHEMA}/{committed_at.isoformat()}",
            run_id,
            committed_at,
            committed_at,
            False,
            "unify",
            [],
        )
        outputs = [
            _table(namespaces, SCHEMA, RESTAURANTS.name, (*RESTAURANTS.columns, *COMPUTED_KEPT), written),
            _table(namespaces, SCHEMA, MEMBERS.name, (*MEMBERS.columns, *COMPUTED_KEPT), None),
        ]
        yield from _pair(run, inputs, outputs, {})


def _pair(run: _JobRun, inputs: list[Event], outputs: list[Event], facets: Event) -> Iterator[Event]:
    """The two events of a run; `facets`: its run facets."""
    run_facets = {**facets, **_parent(run)}
    plain = [{name: item for name, item in output.items() if name != "outputFacets"} for output in outputs]
    yield _event("START", run, run.started_at, inputs, plain, run_facets)
    if run.reasons:
        message = "; ".join(run.reasons)
        run_facets |= {"errorMessage": _facet("ErrorMessageRunFacet", message=message, programmingLanguage="Python")}
    yield _event("FAIL" if run.has_failed else "COMPLETE", run, run.ended_at, inputs, outputs, run_facets)


def _event(kind: str, run: _JobRun, at: datetime, inputs: list[Event], outputs: list[Event], facets: Event) -> Event:
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"{JOBS}/{run.name}/{run.own_id}")), "facets": facets},
        "job": {"namespace": JOBS, "name": run.name},
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
    }


def _parent(run: _JobRun) -> Event:
    """The Dagster run; none if the run id is not one of Dagster's (a UUID)."""
    try:
        parent = str(UUID(run.run_id))
    except ValueError:
        return {}
    job = {"namespace": JOBS, "name": run.job}
    return {"parent": _facet("ParentRunFacet", run={"runId": parent}, job=job)}


def _period(platform: Platform | None, partition: str | None) -> Event:
    """The observation period as nominal time; none if the partition is not a period of the platform."""
    if platform is None or not partition:
        return {}
    try:
        period = parse_period(platform.cadence, partition)
    except UsageError:
        return {}
    start = datetime.combine(period.first, time(), HONG_KONG)
    times = {"nominalStartTime": start.isoformat(), "nominalEndTime": period.end.isoformat()}
    return {"nominalTime": _facet("NominalTimeRunFacet", **times)}


def _table(
    namespaces: DatasetNamespaces, schema: str, name: str, columns: tuple[Column, ...], written: int | None
) -> Event:
    """A table of the lake, with its columns and, if known, the number of rows that the run wrote."""
    fields = [{"name": column.name, "type": column.sql_type, "description": column.description} for column in columns]
    facets = {"schema": _facet("SchemaDatasetFacet", fields=fields)} if fields else {}
    counted = {} if written is None else {"outputStatistics": _facet(STATISTICS, rowCount=written)}
    return {**_dataset(namespaces.lake, f"{schema}.{name}"), "facets": facets, "outputFacets": counted}


def _columns(platform: Platform | None, name: str) -> tuple[Column, ...]:
    dataset: Dataset | None = (
        next((each for each in platform.datasets if each.name == name), None) if platform else None
    )
    return table_columns(dataset) if dataset else ()


def _dataset(namespace: str, name: str) -> Event:
    return {"namespace": namespace, "name": name}


def _facet(kind: str, **values: Any) -> Event:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{kind}.json#/$defs/{kind}", **values}


def _bounds(scope: ExportScope) -> dict[str, datetime]:
    return {"first": scope.first or datetime(1970, 1, 1, tzinfo=HONG_KONG), "last": scope.last or END_OF_TIME}
