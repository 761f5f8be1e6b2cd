"""The health of one platform: freshness, syncs and quality.

What belongs here: which facts about a platform cost how many of its 100 points; docs/monitoring.md has the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sync_platform.documents.local_time import local_minute
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.lake.syncs import Status, SyncRecord
from sync_platform.monitoring.freshness import CADENCE, LATE_AFTER, PlatformFreshness, freshness_of
from sync_platform.monitoring.health import PRIORITY_WEIGHTS, Deficit, HealthPart, Subject, unknown
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.quality_health import named_datasets, quality_deficits
from sync_platform.monitoring.sync_outcomes import SyncOutcome, newest_of, outcomes_of
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period

FRESHNESS, SYNCS, QUALITY = 55.0, 25.0, 20.0
"""The points of each part."""
NEWEST: Mapping[Status, float] = {"failed": 0.7, "degraded": 0.45, "complete": 0.0}
NEWEST_WITH_GAPS = 0.1
EARLIER: Mapping[Status, float] = {"failed": 0.3, "degraded": 0.15, "complete": 0.0}
"""The shares that the outcome of the newest sync costs, and the mean outcome of the syncs before it."""
EARLIER_SYNCS = 10
CLOCK_DOUBT = 0.1
"""The share of freshness that is not known while syncs are recorded in the future."""
NEVER_SYNCED = "never synced"
MAX_REASONS = 2
SHORTENED = 160


def platform_health(
    platform: Platform,
    datasets: Sequence[str],
    state: InstallationState,
    weights: Mapping[str, float],
    now: datetime,
) -> Subject:
    """A platform as a subject. `datasets`: those that it stores. `weights`: of the dimensions of quality."""
    if isinstance(state.records, UnreadPart):
        reason, command = f"the syncs cannot be read: {state.records.reason}", ("status",)
        parts = [HealthPart(name, points, [unknown(reason, command)]) for name, points in _PARTS]
    elif not (records := state.records.get(platform.name, [])):
        parts = [HealthPart(name, points, [_never_synced(platform.name, name)]) for name, points in _PARTS]
    else:
        parts = [
            HealthPart("freshness", FRESHNESS, list(_freshness(freshness_of(platform, datasets, records, now), now))),
            HealthPart("syncs", SYNCS, list(_syncs(platform, records, now))),
            HealthPart("quality", QUALITY, list(quality_deficits(platform.name, datasets, state, weights))),
        ]
    return Subject(platform.name, platform.priority, PRIORITY_WEIGHTS[platform.priority], parts)


_PARTS = (("freshness", FRESHNESS), ("syncs", SYNCS), ("quality", QUALITY))


def _never_synced(platform: str, part: str) -> Deficit:
    """All points of a part are lost. Of the quality, that is because nothing is known of it."""
    lacking = 1.0 if part == "quality" else 0.0
    return Deficit(f"{platform}: {NEVER_SYNCED}", ("sync", platform), 1.0, lacking, common=NEVER_SYNCED)


def _freshness(freshness: PlatformFreshness, now: datetime) -> Iterator[Deficit]:
    """Nothing is lost until a full sync is late; all is lost at a staleness of 1."""
    cadence, late_after = CADENCE[freshness.cadence], LATE_AFTER[freshness.cadence]
    late = [dataset for dataset in freshness.datasets if dataset.is_late]
    for shown_at in dict.fromkeys(each.shown_at for each in late):
        names = [each.dataset for each in late if each.shown_at == shown_at]
        share = len(names) / len(freshness.datasets)
        reason, lost = "no full sync was ever complete", 1.0
        if shown_at:
            age = now - shown_at
            lost = min(1.0, (age - late_after) / (2 * cadence - late_after))
            reason = (
                f"the last complete full sync shows {local_minute(shown_at)}, {duration_in_words(age)} ago; "
                f"one is late after {late_after.days} days"
            )
        yield Deficit(
            f"{named_datasets(freshness.platform, names)}: {reason}", ("sync", freshness.platform), lost * share
        )
    if freshness.syncs_in_future:
        reason = (
            f"{freshness.platform}: {freshness.syncs_in_future} syncs are recorded in the future: a clock was wrong"
        )
        yield Deficit(reason, ("query", _FUTURE.format(freshness.platform)), 0.0, CLOCK_DOUBT)


def _syncs(platform: Platform, records: Sequence[SyncRecord], now: datetime) -> Iterator[Deficit]:
    outcomes = outcomes_of(records)
    newest = newest_of(outcomes)
    if newest is None:
        return
    if newest.status != "complete" or newest.gaps:
        yield _newest(platform, newest, now)
    since = now - 2 * CADENCE[platform.cadence]
    earlier = [outcome for outcome in outcomes if outcome.started_at >= since and outcome is not newest][
        -EARLIER_SYNCS:
    ]
    lost = sum(EARLIER[outcome.status] for outcome in earlier)
    if lost:
        counts = {status: sum(outcome.status == status for outcome in earlier) for status in EARLIER}
        reason = (
            f"{platform.name}: of the {len(earlier)} syncs before the newest, {counts['failed']} failed and "
            f"{counts['degraded']} were degraded"
        )
        yield Deficit(reason, ("query", _NOT_COMPLETE.format(platform.name)), lost / len(earlier))


def _newest(platform: Platform, newest: SyncOutcome, now: datetime) -> Deficit:
    lost = NEWEST[newest.status] or NEWEST_WITH_GAPS
    words = {"failed": "failed", "degraded": "is degraded", "complete": "has gaps"}[newest.status]
    period = "" if newest.partition == current_period(platform.cadence, now).key else f" of {newest.partition}"
    reason = (
        f"{platform.name}: the newest sync{period}, begun {local_minute(newest.started_at)}, {words}: "
        f"{_shortened([each.removeprefix(f'{platform.name}: ') for each in newest.reasons or newest.gaps])}"
    )
    return Deficit(reason, ("query", _REASONS.format(newest.sync_id)), lost)


def _shortened(reasons: Sequence[str]) -> str:
    shortened = [
        reason if len(reason) <= SHORTENED else f"{reason[: SHORTENED - 1]}…" for reason in reasons[:MAX_REASONS]
    ]
    more = [f"and {len(reasons) - MAX_REASONS} more"] if len(reasons) > MAX_REASONS else []
    return "; ".join([*shortened, *more]) or "no reason on record"


_REASONS = "SELECT dataset, status, reasons, gaps FROM sync.runs WHERE sync_id = $${}$$"
_NOT_COMPLETE = (
    "SELECT started_at, dataset, status, reasons FROM sync.runs WHERE platform = $${}$$ AND status <> $$complete$$ "
    "ORDER BY started_at DESC LIMIT 20"
)
_FUTURE = "SELECT sync_id, observed_at FROM sync.runs WHERE platform = $${}$$ AND observed_at > now()"
"""Texts are in `$$`, because a quotation mark inside a line for a shell would be hard to read."""
