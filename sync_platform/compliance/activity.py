"""Syncs and changes of the span by dataset, and changes without a source.

A sync may be in `sync.runs` more than once: its list was evaluated again when earlier data arrived, or its quarantined
records were retried. It counts once, with its last result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView, Name
from sync_platform.compliance.obligation import Obligation
from sync_platform.lake.chain import BATCHES
from sync_platform.lake.schema import ENDS, table_name
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.tables import COMPUTED_SCHEMAS, computed_tables

COMPUTED: tuple[Name, ...] = tuple(computed_tables())


@dataclass(frozen=True)
class SyncCounts:
    """The syncs of a dataset by status, and sums over them.

    `received`: records; `quarantined`: records put into quarantine; `not_retired`: rows that a sync did not see and
    kept live; `with_gaps`: the complete ones with gaps within the tolerance.
    """

    complete: int = 0
    degraded: int = 0
    failed: int = 0
    received: int = 0
    quarantined: int = 0
    not_retired: int = 0
    with_gaps: int = 0


@dataclass(frozen=True)
class ChangeCounts:
    """The changes of a dataset that were committed in the span."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    restored: int = 0
    past: int = 0


@dataclass(frozen=True)
class DatasetActivity:
    """One dataset in the span. `dataset` is empty for syncs that failed before they reached one.

    `live`: rows that are live at the time of the report; None where there is no table.
    """

    platform: str
    dataset: str
    is_declared: bool
    live: int | None
    syncs: SyncCounts
    changes: ChangeCounts


@dataclass(frozen=True)
class SourceGaps:
    """How many changes were committed in the span, and how many of them lack a part of their source."""

    changes: int = 0
    without_run: int = 0
    without_landing: int = 0
    in_no_batch: int = 0


@dataclass(frozen=True)
class Activities:
    """Every dataset, and the changes without a source."""

    datasets: list[DatasetActivity] = field(default_factory=list)
    sourcing: SourceGaps = field(default_factory=SourceGaps)


def activities_of(view: LakeView, platforms: Mapping[str, Platform]) -> Activities:
    """Every dataset that is declared, was ever synced, has a table, or changed; and the computed tables."""
    syncs, changes, tables = _syncs(view), _changes(view), view.tables()
    declared = {(name, dataset.name) for name, platform in platforms.items() for dataset in platform.datasets}
    computed = {name for name in COMPUTED if view.has(".".join(name))}
    names = declared | set(syncs) | set(changes) | tables | view.datasets_of_runs() | computed
    activities = [
        DatasetActivity(
            *name,
            name in declared | computed or not name[1],
            _live(view, name) if name in tables | computed else None,
            syncs.get(name, SyncCounts()),
            changes.get(name, ChangeCounts()),
        )
        for name in sorted(names)
    ]
    return Activities(activities, _sourcing(view))


def judge_sourced(sourcing: SourceGaps) -> Obligation:
    if not sourcing.changes:
        return requirements.SOURCED.unchecked("nothing changed in the span")
    lacking = {
        "without a run": sourcing.without_run,
        "without a landed line": sourcing.without_landing,
        "in no batch of the chain": sourcing.in_no_batch,
    }
    reasons = [f"{count:,} {words}" for words, count in lacking.items() if count]
    return requirements.SOURCED.judged(
        not reasons, f"{sourcing.changes:,} changes: {', '.join(reasons) or 'each has its run, batch and landed line'}"
    )


def _syncs(view: LakeView) -> dict[Name, SyncCounts]:
    """A sync belongs to the span in which it was first committed. Its result is the last one by the end of the span."""
    if not view.has("sync.runs"):
        return {}
    gaps = "len(gaps) > 0" if "gaps" in view.columns(("sync", "runs")) else "false"
    rows = view.rows(
        f"""WITH known AS (
            SELECT *, min(committed_at) OVER one_sync AS first_at,
                row_number() OVER (one_sync ORDER BY committed_at DESC) AS from_last
            FROM {LAKE}.sync.runs WHERE committed_at <= $last
            WINDOW one_sync AS (PARTITION BY platform, dataset, sync_id)
        )
        SELECT platform, coalesce(dataset, ''), count(*) FILTER (status = 'complete'),
            count(*) FILTER (status = 'degraded'), count(*) FILTER (status = 'failed'), sum(coalesce(records, 0)),
            sum(coalesce(quarantined, 0)), sum(coalesce(not_retired, 0)),
            count(*) FILTER (status = 'complete' AND {gaps})
        FROM known WHERE from_last = 1 AND first_at >= $first GROUP BY ALL"""
    )
    return {row[:2]: SyncCounts(*map(int, row[2:])) for row in rows}


def _changes(view: LakeView) -> dict[Name, ChangeCounts]:
    """From the history, which also has the corrections by late observations."""
    if not view.has(view.history):
        return {}
    rows = view.rows(
        f"""SELECT platform, dataset, count(*) FILTER (operation = 'insert'), count(*) FILTER (operation = 'update'),
            count(*) FILTER (operation = 'remove'), count(*) FILTER (operation = 'restore'),
            count(*) FILTER (operation = 'expire')
        FROM {view.changes} WHERE committed_at BETWEEN $first AND $last GROUP BY ALL"""
    )
    return {row[:2]: ChangeCounts(*row[2:]) for row in rows}


def _live(view: LakeView, name: Name) -> int:
    ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(*name)} WHERE removed_at IS NULL")
    return int(count)


NOT_FOLDED = "len(changed_fields) > 0"
"""SQL: false for a folded change that only says when a record was first seen (lineage/folding.py)."""


def _sourcing(view: LakeView) -> SourceGaps:
    """Changes of computed tables have no landed line."""
    if not view.has(view.history):
        return SourceGaps()
    inside = "WHERE committed_at BETWEEN $first AND $last"
    ((changes, without_run, without_landing),) = view.rows(
        f"""SELECT count(*), count(*) FILTER (coalesce(run_id, '') = ''), count(*) FILTER (operation NOT IN {ENDS}
            AND platform NOT IN {COMPUTED_SCHEMAS} AND {NOT_FOLDED}
            AND (coalesce(landing_object, '') = '' OR landing_line IS NULL))
        FROM {view.changes} {inside}"""
    )
    chained = f"""WHERE NOT EXISTS (FROM {LAKE}.{BATCHES} b WHERE b.platform = g.platform AND b.dataset = g.dataset
        AND g.committed_at BETWEEN b.committed_from AND b.committed_to)"""
    groups = f"(SELECT platform, dataset, committed_at, count(*) AS n FROM {LAKE}.{view.history} {inside} GROUP BY ALL)"
    ((in_no_batch,),) = view.rows(f"SELECT coalesce(sum(n), 0) FROM {groups} g {chained if view.has(BATCHES) else ''}")
    return SourceGaps(changes, without_run, without_landing, int(in_no_batch))
