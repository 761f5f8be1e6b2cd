"""What was collected, changed and removed in the span, by dataset; and that every change says where it came from.

What belongs here: counts of syncs and changes. A sync that is taken in more than once, because its list was weighed
again or its records were retried, stands in `sync.runs` more than once; it counts once, with the last word on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.view import Name, View
from sync_platform.lake.chain import BATCHES
from sync_platform.lake.schema import table_name
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.tables import KEPT_TABLES, SCHEMA

UNIFIED: tuple[Name, ...] = tuple((SCHEMA, table.name) for table in KEPT_TABLES)


@dataclass(frozen=True)
class Syncs:
    """The syncs of a dataset by status, the records that they received and put into quarantine, and `not_retired`: the
    rows that they did not see and kept live; summed over syncs."""

    complete: int = 0
    degraded: int = 0
    failed: int = 0
    received: int = 0
    quarantined: int = 0
    not_retired: int = 0


@dataclass(frozen=True)
class Changes:
    """The changes of a dataset that were committed in the span."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    restored: int = 0


@dataclass(frozen=True)
class Activity:
    """One dataset in the span; `dataset` is empty for syncs that failed before any.

    `live`: rows that are live at the moment of the report; None where there is no table.
    """

    platform: str
    dataset: str
    is_declared: bool
    live: int | None
    syncs: Syncs
    changes: Changes


@dataclass(frozen=True)
class Sourcing:
    """Changes committed in the span, and how many of them lack which part of their source."""

    changes: int = 0
    without_run: int = 0
    without_landing: int = 0
    in_no_batch: int = 0


@dataclass(frozen=True)
class Activities:
    """What happened in the span."""

    datasets: list[Activity] = field(default_factory=list)
    sourcing: Sourcing = field(default_factory=Sourcing)


def activities_of(view: View, platforms: Mapping[str, Platform]) -> Activities:
    """Every dataset that is declared, was ever synced, is held, or changed; and the unified tables."""
    syncs, changes, tables = _syncs(view), _changes(view), view.tables()
    declared = {(name, dataset.name) for name, platform in platforms.items() for dataset in platform.datasets}
    unified = {name for name in UNIFIED if view.has(".".join(name))}
    names = declared | set(syncs) | set(changes) | tables | view.datasets_of_runs() | unified
    found = [
        Activity(
            *name,
            name in declared | unified or not name[1],
            _live(view, name) if name in tables | unified else None,
            syncs.get(name, Syncs()),
            changes.get(name, Changes()),
        )
        for name in sorted(names)
    ]
    return Activities(found, _sourcing(view))


def judge_sourced(sourcing: Sourcing) -> Obligation:
    if not sourcing.changes:
        return duties.SOURCED.unchecked("nothing changed in the span")
    lacking = {
        "without a run": sourcing.without_run,
        "without a landed line": sourcing.without_landing,
        "in no batch of the chain": sourcing.in_no_batch,
    }
    found = [f"{count:,} {words}" for words, count in lacking.items() if count]
    return duties.SOURCED.judged(
        not found, f"{sourcing.changes:,} changes: {', '.join(found) or 'each has its run, batch and landed line'}"
    )


def _syncs(view: View) -> dict[Name, Syncs]:
    """A sync is of the span if it was first committed in it; what it came to is as known when the span ends."""
    if not view.has("sync.runs"):
        return {}
    rows = view.rows(
        f"""WITH known AS (
            SELECT *, min(committed_at) OVER one_sync AS first_at,
                row_number() OVER (one_sync ORDER BY committed_at DESC) AS from_last
            FROM {LAKE}.sync.runs WHERE committed_at <= $last
            WINDOW one_sync AS (PARTITION BY platform, dataset, sync_id)
        )
        SELECT platform, coalesce(dataset, ''), count(*) FILTER (status = 'complete'),
            count(*) FILTER (status = 'degraded'), count(*) FILTER (status = 'failed'), sum(coalesce(records, 0)),
            sum(coalesce(quarantined, 0)), sum(coalesce(not_retired, 0))
        FROM known WHERE from_last = 1 AND first_at >= $first GROUP BY ALL"""
    )
    return {row[:2]: Syncs(*map(int, row[2:])) for row in rows}


def _changes(view: View) -> dict[Name, Changes]:
    """By what the history says, which has what late observations corrected too."""
    if not view.has(view.history):
        return {}
    rows = view.rows(
        f"""SELECT platform, dataset, count(*) FILTER (operation = 'insert'), count(*) FILTER (operation = 'update'),
            count(*) FILTER (operation = 'remove'), count(*) FILTER (operation = 'restore')
        FROM {LAKE}.{view.history} WHERE committed_at BETWEEN $first AND $last GROUP BY ALL"""
    )
    return {row[:2]: Changes(*row[2:]) for row in rows}


def _live(view: View, name: Name) -> int:
    ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(*name)} WHERE removed_at IS NULL")
    return int(count)


NOT_FOLDED = "len(changed_fields) > 0"
"""What is left of older changes may say only that a record was first seen (lineage/folding.py)."""


def _sourcing(view: View) -> Sourcing:
    """What is worked out of listings, the unified tables, has no landed line of its own: its changes name listings."""
    if not view.has(view.history):
        return Sourcing()
    inside = f"FROM {LAKE}.{view.history} c WHERE committed_at BETWEEN $first AND $last"
    ((changes, without_run, without_landing),) = view.rows(
        f"""SELECT count(*), count(*) FILTER (coalesce(run_id, '') = ''), count(*) FILTER (operation <> 'remove'
            AND platform <> '{SCHEMA}' AND {NOT_FOLDED} AND (coalesce(landing_object, '') = '' OR landing_line IS NULL))
        {inside}"""
    )
    chained = f"""WHERE NOT EXISTS (FROM {LAKE}.{BATCHES} b WHERE b.platform = g.platform AND b.dataset = g.dataset
        AND g.committed_at BETWEEN b.committed_from AND b.committed_to)"""
    groups = f"(SELECT platform, dataset, committed_at, count(*) AS n {inside} GROUP BY ALL)"
    ((in_no_batch,),) = view.rows(f"SELECT coalesce(sum(n), 0) FROM {groups} g {chained if view.has(BATCHES) else ''}")
    return Sourcing(changes, without_run, without_landing, int(in_no_batch))
