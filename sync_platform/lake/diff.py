"""The difference between what came and what is held, as SQL over temporary tables, and its rows of history.

Tables, all temporary: `incoming` and `held_back` (lake/incoming.py), `delta` (source_id, operation), `old` (held rows
that change), `not_retired` (source_id).
Operations: insert | update | restore | remove go into history; `refresh` only brings volatile columns up to date, and
`stale` marks a row whose new version is in quarantine; `gone` is a live row that a full list did not show, which
becomes `remove`, or is let be and goes to `not_retired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from sync_platform.lake.history import append_changes
from sync_platform.lake.schema import table_columns
from sync_platform.lake.versions import any_differs, changed_names, changed_values, whole_version
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Origin:
    """Where a batch of changes comes from; every row of history carries it."""

    platform: str
    dataset: str
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime


@dataclass(frozen=True)
class Retirement:
    """When rows that a full list did not show may be retired: only if nothing is missing, and few enough leave.

    `tolerance` is the largest share of the listed rows that may leave at once; `accepted` an operator's reason for
    letting more leave.
    """

    list_is_full: bool
    list_is_complete: bool
    tolerance: float
    accepted: str | None = None


@dataclass
class Difference:
    """Counts of a difference, and why unseen rows were spared, if that is a reason of its own.

    `accepted`: the operator's reason, where rows were retired only because of it.
    """

    insert: int = 0
    update: int = 0
    restore: int = 0
    remove: int = 0
    refresh: int = 0
    stale: int = 0
    not_retired: int = 0
    reason: str | None = None
    accepted: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.insert or self.update or self.restore or self.remove or self.refresh or self.stale)


def find_difference(
    session: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    held: str,
    day: date,
    retirement: Retirement,
    *,
    held_is_replayed: bool = False,
) -> Difference:
    """Fill `temp.delta`, `temp.old` and `temp.not_retired` by comparing `temp.incoming` with the relation `held`.

    `held_is_replayed`: columns are compared, for a row replayed half-way through a splice bears the hash of the last
    change to it, which need not be that of its columns; and no row is marked stale, which is a matter of the present.
    `day`: when the source was observed, in Hong Kong; a full list is asked for from that day (Dataset.listed_from).
    """
    names = [column.name for column in columns_of(dataset.row) if column.name != "source_id"]
    volatile = any_differs(name for name in names if name in dataset.volatile)
    lasting = [name for name in names if name not in dataset.volatile]
    changed = any_differs(lasting) if held_is_replayed and lasting else "i.content_hash <> c.content_hash"
    stale, is_fresh = "false", "false"
    if not held_is_replayed:
        stale = "c.removed_at IS NULL AND c.stale_since IS NULL"
        is_fresh = "c.stale_since IS NOT NULL"
    listed = "c.removed_at IS NULL"
    if dataset.listed_from:
        listed += f""" AND c."{dataset.listed_from}" >= DATE '{day}'"""
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE delta AS
        SELECT coalesce(i.source_id, c.source_id) AS source_id,
            CASE WHEN h.source_id IS NOT NULL THEN 'stale'
                 WHEN i.source_id IS NULL THEN 'gone'
                 WHEN i.deleted THEN 'remove'
                 WHEN c.source_id IS NULL THEN 'insert'
                 WHEN c.removed_at IS NOT NULL THEN 'restore'
                 WHEN {changed} THEN 'update'
                 ELSE 'refresh' END AS operation
        FROM temp.incoming i FULL JOIN {held} c ON i.source_id = c.source_id
            LEFT JOIN temp.held_back h ON h.source_id = c.source_id
        WHERE CASE WHEN h.source_id IS NOT NULL THEN {stale}
                   WHEN i.source_id IS NULL THEN {listed if retirement.list_is_full else "false"}
                   WHEN i.deleted THEN c.source_id IS NOT NULL AND c.removed_at IS NULL
                   ELSE c.source_id IS NULL OR c.removed_at IS NOT NULL OR {changed}
                        OR {volatile} OR {is_fresh} END"""
    )
    counts: dict[str, int] = dict(session.execute("SELECT operation, count(*) FROM temp.delta GROUP BY ALL").fetchall())
    session.execute("CREATE OR REPLACE TEMP TABLE not_retired (source_id VARCHAR)")
    gone = counts.pop("gone", 0)
    difference = Difference(**counts)  # type: ignore[arg-type] # the keys are operations
    if gone:
        live = session.execute(f"SELECT count(*) FROM {held} c WHERE {listed}").fetchall()[0][0]
        _settle_unseen(session, difference, gone, live, retirement)
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE old AS SELECT c.* FROM {held} c SEMI JOIN temp.delta USING (source_id)"
    )
    return difference


def _settle_unseen(
    session: duckdb.DuckDBPyConnection, difference: Difference, gone: int, live: int, retirement: Retirement
) -> None:
    """Retire the unseen rows, or spare them. One row may always leave, or a small table could never lose any."""
    within = gone <= max(1, int(retirement.tolerance * live)) and gone < live
    if retirement.list_is_complete and (within or retirement.accepted):
        session.execute("UPDATE temp.delta SET operation = 'remove' WHERE operation = 'gone'")
        difference.remove += gone
        difference.accepted = None if within else retirement.accepted
        return
    session.execute("INSERT INTO temp.not_retired SELECT source_id FROM temp.delta WHERE operation = 'gone'")
    session.execute("DELETE FROM temp.delta WHERE operation = 'gone'")
    difference.not_retired = gone
    if retirement.list_is_complete:
        difference.reason = (
            f"{gone:,} of {live:,} live rows are not listed any more, beyond the tolerance of "
            f"{retirement.tolerance:.0%}: none was retired (see sync.not_retired; if they are really gone, sync again "
            'with --accept-shrink "why")'
        )


def write_history(session: duckdb.DuckDBPyConnection, history: str, dataset: Dataset, origin: Origin) -> None:
    """Append the difference to the history: the changed columns, and for an insert and a restore every lasting one.
    The transaction that does so ends with `chain.seal_batch`.

    A restored row must not depend on what it was before it left: that may become known later (lake/splice.py).
    """
    lasting = [
        column.name
        for column in columns_of(dataset.row)
        if column.name not in dataset.volatile and column.name != "source_id"
    ]
    names = ", ".join(f"'{name}'" for name in lasting)
    changed, record = changed_names(lasting), whole_version(lasting)
    before, after = (changed_values(side, lasting) for side in ("c", "i"))
    source = """FROM temp.delta d LEFT JOIN temp.incoming i ON i.source_id = d.source_id
        LEFT JOIN temp.old c ON c.source_id = d.source_id"""
    head = "SELECT $platform, $dataset, d.source_id, d.operation,"
    tail = """$partition, $sync_id, $run_id, $observed_at, $committed_at"""
    values: dict[str, object] = {
        "platform": origin.platform,
        "dataset": origin.dataset,
        "partition": origin.partition,
        "sync_id": origin.sync_id,
        "run_id": origin.run_id,
        "observed_at": origin.observed_at,
        "committed_at": origin.committed_at,
    }
    told = {
        "insert": f"[{names}]::VARCHAR[], NULL, {record}",
        "update": f"{changed}, {before}, {after}",
        "restore": f"{changed}, {before}, {record}",
    }
    for operation, number in _written_slices(session):
        if operation in told:
            append_changes(
                session,
                history,
                f"""{head} {told[operation]}, i.content_hash, i.landing_object, i.landing_line, {tail} {source}
                WHERE d.operation = '{operation}' AND i.slice = {number}""",
                values,
            )
    if session.execute("SELECT 1 FROM temp.delta WHERE operation = 'remove' LIMIT 1").fetchone():
        append_changes(
            session,
            history,
            f"""{head} []::VARCHAR[], NULL, NULL, c.content_hash, NULL, NULL, {tail} {source}
            WHERE d.operation = 'remove'""",
            values,
        )


def apply_difference(session: duckdb.DuckDBPyConnection, dataset: Dataset, table: str, observed_at: datetime) -> None:
    """Bring the table itself up to date with the difference."""
    own = [column.name for column in columns_of(dataset.row)]
    if session.execute("SELECT 1 FROM temp.old LIMIT 1").fetchone():
        session.execute(f"DELETE FROM {LAKE}.{table} WHERE source_id IN (SELECT source_id FROM temp.old)")
    into = f"INSERT INTO {LAKE}.{table} BY NAME SELECT"
    joined = "FROM temp.delta d JOIN temp.incoming i USING (source_id) LEFT JOIN temp.old c USING (source_id)"
    fresh = ", ".join(f'i."{name}"' for name in own)
    for number in sorted({number for operation, number in _written_slices(session) if operation != "remove"}):
        session.execute(
            f"""{into} {fresh}, i.content_hash, coalesce(c.first_seen_at, $at) AS first_seen_at,
                CASE WHEN d.operation = 'refresh' THEN c.last_changed_at ELSE $at END AS last_changed_at,
                NULL AS removed_at, NULL AS stale_since,
                CASE WHEN d.operation = 'refresh' THEN c.landing_object ELSE i.landing_object END AS landing_object,
                CASE WHEN d.operation = 'refresh' THEN c.landing_line ELSE i.landing_line END AS landing_line
            {joined} WHERE d.operation <> 'remove' AND i.slice = {number}""",
            {"at": observed_at},
        )
    session.execute(
        f"""{into} c.* REPLACE ($at AS removed_at)
        FROM temp.delta d JOIN temp.old c USING (source_id) WHERE d.operation = 'remove'""",
        {"at": observed_at},
    )
    session.execute(
        f"""{into} c.* REPLACE ($at AS stale_since)
        FROM temp.delta d JOIN temp.old c USING (source_id) WHERE d.operation = 'stale'""",
        {"at": observed_at},
    )


def _written_slices(session: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """The operations of the difference, with the slices of incoming rows that each touches, in order of arrival."""
    return session.execute(
        "SELECT DISTINCT d.operation, i.slice FROM temp.delta d JOIN temp.incoming i USING (source_id) ORDER BY i.slice"
    ).fetchall()


def rewrite_rows(session: duckdb.DuckDBPyConnection, dataset: Dataset, table: str, rows: str) -> None:
    """Replace the rows that the relation `rows` holds, keeping what is no history as the table already has it: the
    volatile columns, and since when a row is stale."""
    kept = {name: f'coalesce(t."{name}", r."{name}")' for name in dataset.volatile} | {"stale_since": "t.stale_since"}
    listed = ", ".join(
        f"""{kept.get(column.name, f'r."{column.name}"')} AS "{column.name}\"""" for column in table_columns(dataset)
    )
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE rewritten AS SELECT {listed}
        FROM {rows} r LEFT JOIN {LAKE}.{table} t ON t.source_id = r.source_id"""
    )
    session.execute(f"DELETE FROM {LAKE}.{table} WHERE source_id IN (SELECT source_id FROM temp.rewritten)")
    session.execute(f"INSERT INTO {LAKE}.{table} BY NAME SELECT * FROM temp.rewritten")
