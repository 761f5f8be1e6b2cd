"""Quarantine: records that cannot be stored, each with its problems, their paths, and its landed line.

An entry is open until its record is stored, or until a later sync examines the record again, which may create a new
entry. So the open entries are the current problems, and all entries are all problems so far.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import duckdb

from sync_platform.landing.reader import LandedDataset
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table

MAX_SHOWN = 20
_JUST_SETTLED = """e.platform = $platform AND e.dataset = $dataset AND e.sync_id = $sync_id
    AND e.settled_at = $committed_at"""
QUARANTINE = (
    Column("platform", "VARCHAR", "Platform the record came from"),
    Column("dataset", "VARCHAR", "Dataset of the platform"),
    Column("partition", "VARCHAR", "Observation period"),
    Column("sync_id", "VARCHAR", "Sync that brought the record: sync.runs"),
    Column("run_id", "VARCHAR", "Dagster run of that sync"),
    Column("source_id", "VARCHAR", "The record's id; empty where it cannot be read"),
    Column("landing_object", "VARCHAR", "Landing object that holds the record"),
    Column("landing_line", "BIGINT", "Line within the landing object, from 1"),
    Column("rules", "VARCHAR[]", "Every hard rule that is broken: `shape`, `conflict`, or the contract's words"),
    Column("paths", "VARCHAR[]", "Per rule, the field's path as received, or the column; empty for the whole record"),
    Column("problems", "VARCHAR[]", "Per rule, what is wrong, in words"),
    Column("observed_at", "TIMESTAMPTZ", "When the source was observed (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When the record went to quarantine (UTC)"),
    Column("settled_at", "TIMESTAMPTZ", "When it ceased to be open (UTC); empty while it is"),
    Column("settled_how", "VARCHAR", "stored | seen again | not seen again | late; empty while it is open"),
    Column("record_hash", "VARCHAR", "SHA-256 (first 128 bits, hex) of the landed line of a record without an id"),
)


@dataclass(frozen=True)
class QuarantineEntry:
    """One row of `quality.quarantine`; see QUARANTINE for the meaning of the columns."""

    platform: str
    dataset: str
    partition: str
    sync_id: str
    run_id: str
    source_id: str | None
    landing_object: str
    landing_line: int
    rules: list[str]
    paths: list[str | None]
    problems: list[str]
    observed_at: datetime
    committed_at: datetime
    settled_at: datetime | None
    settled_how: str | None

    @property
    def problem(self) -> str:
        """The problems of the record with their paths."""
        return describe_problems(self.paths, self.problems)

    @property
    def in_words(self) -> str:
        """The record's id, its problems, and its landed line."""
        name = self.source_id or "a record without an id"
        return f"{name}: {self.problem} ({self.landing_object}:{self.landing_line})"


def describe_problems(paths: list[str | None], problems: list[str]) -> str:
    """The problems of one record in one sentence, each with its path."""
    return "; ".join(
        problem if path is None or path in problem else f"{problem} at {path}"
        for path, problem in zip(paths, problems, strict=True)
    )


def quarantine(
    session: duckdb.DuckDBPyConnection,
    origin: dict[str, str | datetime | None],
    quarantined: str,
    stored: str,
    *,
    is_whole: bool,
    is_late: bool,
) -> None:
    """Insert the records of the relation `quarantined`, and settle open entries whose records were examined again.

    Within the caller's transaction. `origin`: platform, dataset, partition, sync_id, run_id, observed_at, committed_at.
    `quarantined`: source_id, landing_object, landing_line, problems as JSON, record_hash. `stored`: a relation of the
    valid rows of the sync. `is_whole`: the sync examined every record. `is_late`: the lake has a later observation,
    which stays valid; only entries of this same landing are settled.
    """
    _settle(session, origin, quarantined, stored, is_whole=is_whole, is_late=is_late)
    if not session.execute(f"FROM {quarantined} LIMIT 1").fetchone():
        return
    stays_open = "true"
    if is_late:  # an entry of this landing that was open until now stays open
        stays_open = f"""EXISTS (FROM {LAKE}.quality.quarantine e WHERE {_JUST_SETTLED}
            AND e.landing_object = q.landing_object AND e.landing_line = q.landing_line)"""
    session.execute(
        f"""INSERT INTO {LAKE}.quality.quarantine BY NAME
        SELECT $platform AS platform, $dataset AS dataset, $partition AS partition, $sync_id AS sync_id,
            $run_id AS run_id, source_id, landing_object, landing_line, problems->>'$[*].rule' AS rules,
            problems->>'$[*].path' AS paths, problems->>'$[*].problem' AS problems, $observed_at AS observed_at,
            $committed_at AS committed_at, CASE WHEN NOT {stays_open} THEN $committed_at END AS settled_at,
            CASE WHEN NOT {stays_open} THEN 'late' END AS settled_how, record_hash
        FROM {quarantined} q ORDER BY landing_object, landing_line""",
        origin,
    )


def first_in_words(session: duckdb.DuckDBPyConnection, landed: LandedDataset, quarantined: str) -> list[str]:
    """The first records of the relation `quarantined`: their problems, the page's URL, and the landed line."""
    rows = session.execute(
        f"""SELECT source_id, problems->>'$[*].path', problems->>'$[*].problem', landing_object, landing_line
        FROM {quarantined} ORDER BY landing_object, landing_line LIMIT {MAX_SHOWN}"""
    ).fetchall()
    first = []
    for source_id, paths, problems, key, line in rows:
        problem = f"{source_id or 'a record without an id'}: {describe_problems(paths, problems)}"
        bodies = landed.page_of(key, line).bodies
        first.append(f"{problem} ({bodies[0].url if bodies else 'no page'}; {key}:{line})")
    return first


def has_newly_quarantined(
    session: duckdb.DuckDBPyConnection, platform: str, dataset: str, quarantined: str, only_quarantined: str | None
) -> bool:
    """True if a record is quarantined that had no open entry before; call this before `quarantine`.

    `quarantined`: as in `quarantine`; of its records only those without an id count, by their hash. `only_quarantined`:
    a relation of the source_ids whose records are all in quarantine; None for none.
    """
    open_entries = f"""FROM {LAKE}.quality.quarantine
        WHERE platform = $platform AND dataset = $dataset AND settled_at IS NULL"""
    queries = [
        f"""SELECT 1 FROM {quarantined} WHERE source_id IS NULL AND coalesce(record_hash NOT IN (
            SELECT record_hash {open_entries} AND record_hash IS NOT NULL), true) LIMIT 1"""
    ]
    if only_quarantined is not None:
        queries.append(
            f"""SELECT 1 FROM {only_quarantined} WHERE source_id NOT IN (
            SELECT source_id {open_entries} AND source_id IS NOT NULL) LIMIT 1"""
        )
    values = {"platform": platform, "dataset": dataset}
    return any(session.execute(query, values).fetchone() is not None for query in queries)


def _settle(
    session: duckdb.DuckDBPyConnection,
    origin: dict[str, str | datetime | None],
    quarantined: str,
    valid: str,
    *,
    is_whole: bool,
    is_late: bool,
) -> None:
    """Settle the open entries whose records were examined again; `valid`: a relation of the valid rows of the sync."""
    is_open = "platform = $platform AND dataset = $dataset AND settled_at IS NULL"
    values = {"platform": origin["platform"], "dataset": origin["dataset"]}
    if is_late:
        is_open, values = f"{is_open} AND sync_id = $sync_id", {**values, "sync_id": origin["sync_id"]}
    table = f"{LAKE}.quality.quarantine"
    if not session.execute(f"SELECT 1 FROM {table} WHERE {is_open} LIMIT 1", values).fetchone():
        return
    stored = f"source_id IN (SELECT source_id FROM {valid})"
    again = f"source_id IN (SELECT source_id FROM {quarantined} WHERE source_id IS NOT NULL)"
    unseen = "true" if is_whole or is_late else "false"
    session.execute(
        f"""UPDATE {table} SET settled_at = $at,
            settled_how = CASE WHEN {stored} THEN 'stored' WHEN {again} THEN 'seen again' ELSE 'not seen again' END
        WHERE {is_open} AND (coalesce({stored}, false) OR coalesce({again}, false) OR {unseen})""",
        {**values, "at": origin["committed_at"]},
    )
    if is_late:
        session.execute(
            f"""UPDATE {LAKE}."{origin["platform"]}"."{origin["dataset"]}" SET stale_since = NULL
            WHERE stale_since IS NOT NULL AND source_id IN (
                SELECT source_id FROM {table} e WHERE {_JUST_SETTLED} AND settled_how = 'stored')""",
            {name: origin[name] for name in ("platform", "dataset", "sync_id", "committed_at")},
        )


def entries(
    session: duckdb.DuckDBPyConnection,
    *,
    platform: str | None = None,
    dataset: str | None = None,
    only_open: bool = True,
) -> list[QuarantineEntry]:
    """Quarantined records, newest first; none where the lake has no quarantine table yet."""
    if not has_table(session, "quality.quarantine"):
        return []
    wanted = {"platform": platform, "dataset": dataset}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    conditions = [f"{name} = ${name}" for name in chosen] + (["settled_at IS NULL"] if only_open else [])
    listed = ", ".join(part.name for part in fields(QuarantineEntry))
    rows = session.execute(
        f"""SELECT {listed} FROM {LAKE}.quality.quarantine WHERE {" AND ".join(conditions) or "true"}
        ORDER BY committed_at DESC, platform, dataset, landing_object, landing_line""",
        chosen,
    ).fetchall()
    return [QuarantineEntry(*row) for row in rows]
