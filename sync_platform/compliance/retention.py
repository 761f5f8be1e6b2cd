"""Retention as it is applied: per rule the limit, the oldest thing that is held, what is overdue, and who cleaned up.

What belongs here: our own rules. What the terms of live sources ask for is judged in `holdings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.compliance import duties
from sync_platform.compliance.acts import Act, begun_in
from sync_platform.compliance.obligation import Duty, Obligation
from sync_platform.compliance.span import told_day
from sync_platform.compliance.view import View
from sync_platform.lake.maintenance import outdated_snapshots
from sync_platform.landing.retention import AT_WORK, Expired, LandedSync, find_expired, limits_of
from sync_platform.lineage.anchors import FOLDER as ANCHORS
from sync_platform.lineage.retention import due_closings
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.objects import ObjectStore

GRACE = timedelta(days=8)
"""How long something may be overdue without fault: maintenance is weekly, and spares what is younger than a day."""
LANDING, TIME_TRAVEL, LINEAGE, BACKUPS = "landed syncs", "snapshots", "changes", "backups"


@dataclass(frozen=True)
class Rule:
    """One rule. `days` is None where there is no limit. `overdue`: due to be deleted; `late`: for longer than GRACE."""

    what: str
    of: str
    days: int | None
    held: int
    oldest: datetime | None
    overdue: int
    late: int


@dataclass(frozen=True)
class Retention:
    """Every rule, and the maintenance that was begun in the span."""

    rules: list[Rule]
    maintenance: list[Act]


def retention_of(
    view: View,
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing: ObjectStore,
    landed: list[LandedSync],
    backups: ObjectStore,
    acts: Sequence[Act],
) -> Retention:
    """What is held now against how long it is kept; nothing is changed."""
    rules = [
        *_landing(view, settings, platforms, landing, landed),
        _time_travel(view, settings.time_travel_days),
        _lineage(view, settings.lineage_retention_days),
        _backups(view, settings.backup_retention_days, backups),
    ]
    return Retention(rules, list(begun_in(acts, view.span, "maintain")))


def judge_retention(found: Retention) -> list[Obligation]:
    landing = [rule for rule in found.rules if rule.what == LANDING]
    return [
        _judge(duties.LANDING, landing),
        _judge(duties.TIME_TRAVEL, [_named(found, TIME_TRAVEL)]),
        _judge(duties.LINEAGE, [_named(found, LINEAGE)]),
    ]


def _judge(duty: Duty, rules: Iterable[Rule]) -> Obligation:
    held = [rule for rule in rules if rule.held]
    if not held:
        return duty.unchecked("nothing of it is held")
    overdue, count = sum(rule.overdue for rule in held), sum(rule.held for rule in held)
    late = [f"{rule.of}: {rule.late:,} of {rule.held:,} {rule.what}" for rule in held if rule.late]
    if late:
        return duty.judged(False, f"overdue for more than {GRACE.days} days: {'; '.join(late)}")
    oldest = min(rule.oldest for rule in held if rule.oldest)
    told = f"{count:,} {held[0].what} are held, the oldest of {told_day(oldest)}"
    return duty.judged(True, f"{told}; {overdue:,} wait for the next maintenance")


def _named(found: Retention, what: str) -> Rule:
    return next(rule for rule in found.rules if rule.what == what)


def _landing(
    view: View,
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing: ObjectStore,
    landed: list[LandedSync],
) -> Iterator[Rule]:
    """By platform; the shorter limit of its terms is told where that binds."""
    limit = limits_of(platforms, settings.landing_retention_days)
    expired = find_expired(landing, limit, view.now)
    for name in sorted(platforms.keys() | {sync.platform for sync in landed}):
        mine = [sync.began_at for sync in landed if sync.platform == name]
        due = [each for each in expired if each.sync.platform == name]
        late = sum(_is_late(each, limit(name).days, view.now) for each in due)
        days = min(limit(name).days, limit(name).terms_days or limit(name).days)
        yield Rule(LANDING, name, days, len(mine), min(mine, default=None), len(due), late)


def _is_late(expired: Expired, days: int, now: datetime) -> bool:
    """Whether it should have gone by our own rule, or was interrupted, longer than GRACE ago."""
    if not expired.sync.is_whole:
        return expired.sync.newest_object_at < now - AT_WORK - GRACE
    return expired.sync.began_at < now - timedelta(days=days) - GRACE


def _time_travel(view: View, days: int) -> Rule:
    """The snapshot that was current when the window begins is needed, however old it is."""
    ((held, oldest),) = view.rows(f"SELECT count(*), min(snapshot_time) FROM ducklake_snapshots('{LAKE}')")
    overdue = outdated_snapshots(view.session, days, view.now)
    late = outdated_snapshots(view.session, days, view.now - GRACE)
    return Rule(TIME_TRAVEL, "lake", days, held, oldest, len(overdue), len(late))


def _lineage(view: View, days: int) -> Rule:
    """What older changes came to is kept for good, and no longer due."""
    held, oldest = 0, None
    if view.has(view.history):
        ((held, oldest),) = view.rows(f"SELECT count(*), min(committed_at) FROM {LAKE}.{view.history}")
    limit = view.now - timedelta(days=days)
    overdue, late = (sum(due.changes for due in due_closings(view.session, at)) for at in (limit, limit - GRACE))
    return Rule(LINEAGE, "lineage", days, held, oldest, overdue, late)


def _backups(view: View, days: int, store: ObjectStore) -> Rule:
    """What stands in the store of backups; anchors are kept for good."""
    made = [entry.modified_at for entry in store.entries() if not entry.key.startswith(ANCHORS)]
    limit = view.now - timedelta(days=days)
    overdue, late = sum(at < limit for at in made), sum(at < limit - GRACE for at in made)
    return Rule(BACKUPS, "objects", days, len(made), min(made, default=None), overdue, late)
