"""Retention as applied: per limit, the oldest stored item and what is overdue; and the maintenance of the span.

What belongs here: our own limits. The limits in the terms of live sources are judged in `stored_data`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.backup.backup_id import created_at_of
from sync_platform.backup.backup_manifest import FOLDER as MANIFESTS
from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.logged_operations import LoggedOperation, begun_in
from sync_platform.compliance.obligation import Obligation, Requirement
from sync_platform.compliance.span import Span, day_text
from sync_platform.lake.maintenance import outdated_snapshots
from sync_platform.landing.retention import AT_WORK, ExpiredSync, LandedSync, find_expired, limits_of
from sync_platform.lineage.retention import due_closings
from sync_platform.privacy.retention_rule import RULES, RetentionRule, RuleName
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName

GRACE = timedelta(days=8)
"""How long an item may be overdue: maintenance is weekly, and skips what is younger than a day."""
LANDING, TIME_TRAVEL, LINEAGE, BACKUPS = "landed syncs", "snapshots", "changes", "backups"


@dataclass(frozen=True)
class RetentionLimit:
    """One limit. `held`: how many items are stored.

    `overdue`: how many are due to be deleted; `late`: how many of them were due more than GRACE ago.

    `days` is None where there is no limit.
    """

    what: str
    of: str
    days: int | None
    held: int
    oldest: datetime | None
    overdue: int
    late: int


@dataclass(frozen=True)
class RuleInForce:
    """A rule of retention with its days."""

    name: RuleName
    what: str
    setting: str
    days: int
    then: str
    basis: str


@dataclass(frozen=True)
class RecordedDeletion:
    """What a rule deleted at one time, or that it failed. `before`: what is older was due."""

    at: datetime
    rule: str
    before: str
    deleted: dict[str, int]
    outcome: str
    error: str
    actor: str
    via: str


@dataclass(frozen=True)
class AppliedRetention:
    """Every limit, the maintenance operations that began in the span, every rule, and the deletions of the span."""

    limits: list[RetentionLimit]
    maintenance: list[LoggedOperation]
    rules: list[RuleInForce]
    deletions: list[RecordedDeletion]


def retention_of(
    view: LakeView,
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing: ObjectStore,
    landed: list[LandedSync],
    backups: ObjectStore,
    operations: Sequence[LoggedOperation],
) -> AppliedRetention:
    """What is stored now, compared with the limits. Nothing is changed."""
    limits = [
        *_landing(view, settings, platforms, landing, landed),
        _time_travel(view, settings.time_travel_days),
        _lineage(view, settings.lineage_retention_days),
        _backups(view, settings.backup_retention_days, backups),
    ]
    return AppliedRetention(
        limits,
        list(begun_in(operations, view.span, OperationName.maintain)),
        [_in_force(rule, settings) for rule in RULES],
        list(recorded_deletions(operations, view.span)),
    )


def _in_force(rule: RetentionRule, settings: Settings) -> RuleInForce:
    return RuleInForce(rule.name, rule.what, rule.setting, rule.days(settings), rule.then, rule.basis)


def recorded_deletions(operations: Sequence[LoggedOperation], span: Span) -> Iterator[RecordedDeletion]:
    """The deletions of the span: from the entries of retention, and from those of prunes that deleted something."""
    for operation in begun_in(operations, span, OperationName.retention, OperationName.prune):
        rule, deleted = operation.subject.get("rule", RuleName.backups), operation.subject.get("deleted", {})
        if operation.operation == OperationName.prune:
            backups, objects = operation.subject.get("backups") or [], operation.subject.get("objects") or 0
            deleted = {"backups": len(backups), "objects": objects} if backups or objects else {}
        if deleted or operation.subject.get("error"):
            yield RecordedDeletion(
                operation.began_at,
                rule,
                operation.subject.get("before", ""),
                deleted,
                operation.outcome or "",
                operation.subject.get("error", ""),
                operation.actor,
                operation.via,
            )


def judge_retention(retention: AppliedRetention) -> list[Obligation]:
    landing = [rule for rule in retention.limits if rule.what == LANDING]
    return [
        _judge(requirements.LANDING, landing),
        _judge(requirements.TIME_TRAVEL, [_named(retention, TIME_TRAVEL)]),
        _judge(requirements.LINEAGE, [_named(retention, LINEAGE)]),
    ]


def _judge(requirement: Requirement, rules: Iterable[RetentionLimit]) -> Obligation:
    filled = [rule for rule in rules if rule.held]
    if not filled:
        return requirement.unchecked("nothing of it is stored")
    overdue, count = sum(rule.overdue for rule in filled), sum(rule.held for rule in filled)
    late = [f"{rule.of}: {rule.late:,} of {rule.held:,} {rule.what}" for rule in filled if rule.late]
    if late:
        return requirement.judged(False, f"overdue for more than {GRACE.days} days: {'; '.join(late)}")
    oldest = min(rule.oldest for rule in filled if rule.oldest)
    stored = f"{count:,} {filled[0].what} are stored, the oldest of {day_text(oldest)}"
    return requirement.judged(True, f"{stored}; {overdue:,} wait for the next maintenance")


def _named(retention: AppliedRetention, what: str) -> RetentionLimit:
    return next(rule for rule in retention.limits if rule.what == what)


def _landing(
    view: LakeView,
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing: ObjectStore,
    landed: list[LandedSync],
) -> Iterator[RetentionLimit]:
    """One limit per platform: our own, or that of a live platform's terms if it is shorter."""
    limit = limits_of(platforms, settings.landing_retention_days)
    expired = find_expired(landing, limit, view.now)
    for name in sorted(platforms.keys() | {sync.platform for sync in landed}):
        began_at = [sync.began_at for sync in landed if sync.platform == name]
        due = [expired_sync for expired_sync in expired if expired_sync.sync.platform == name]
        late = sum(_is_late(sync, limit(name).days, view.now) for sync in due)
        days = min(limit(name).days, limit(name).terms_days or limit(name).days)
        yield RetentionLimit(LANDING, name, days, len(began_at), min(began_at, default=None), len(due), late)


def _is_late(expired: ExpiredSync, days: int, now: datetime) -> bool:
    """True if a landed sync passed our own limit, or was interrupted, longer than GRACE ago."""
    if not expired.sync.is_whole:
        return expired.sync.newest_object_at < now - AT_WORK - GRACE
    return expired.sync.began_at < now - timedelta(days=days) - GRACE


def _time_travel(view: LakeView, days: int) -> RetentionLimit:
    """The snapshot that was current at the beginning of the window is kept, however old it is."""
    ((held, oldest),) = view.rows(f"SELECT count(*), min(snapshot_time) FROM ducklake_snapshots('{LAKE}')")
    overdue = outdated_snapshots(view.session, days, view.now)
    late = outdated_snapshots(view.session, days, view.now - GRACE)
    return RetentionLimit(TIME_TRAVEL, "lake", days, held, oldest, len(overdue), len(late))


def _lineage(view: LakeView, days: int) -> RetentionLimit:
    """The final state of folded changes is kept for ever; it is not due."""
    held, oldest = 0, None
    if view.has(view.history):
        ((held, oldest),) = view.rows(f"SELECT count(*), min(committed_at) FROM {view.changes}")
    limit = view.now - timedelta(days=days)
    overdue, late = (sum(due.changes for due in due_closings(view.session, at)) for at in (limit, limit - GRACE))
    return RetentionLimit(LINEAGE, "lineage", days, held, oldest, overdue, late)


def _backups(view: LakeView, days: int, store: ObjectStore) -> RetentionLimit:
    """Backups, by the times in their ids: an object may belong to several. Anchors are kept for ever."""
    made = [created_at_of(key.removeprefix(MANIFESTS).removesuffix(".json")) for key in store.keys(MANIFESTS)]
    limit = view.now - timedelta(days=days)
    overdue, late = sum(at < limit for at in made), sum(at < limit - GRACE for at in made)
    return RetentionLimit(BACKUPS, "lake", days, len(made), min(made, default=None), overdue, late)
