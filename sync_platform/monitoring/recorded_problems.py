"""The problem sources of a round that look at recorded state, each for its names.

What belongs here: which part of the state each source reads. What is a problem is in the module of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sync_platform.errors import StorageError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_problems import drill_problems, failed_backups, overdue_backups
from sync_platform.monitoring.completed_syncs import completed_syncs
from sync_platform.monitoring.counted_scores import counted_scores, own_checks_of
from sync_platform.monitoring.current_syncs import CurrentSync, current_syncs
from sync_platform.monitoring.history_problems import history_problems
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.obligation_problems import obligation_problems
from sync_platform.monitoring.privacy_problems import erasure_problems, privacy_problems
from sync_platform.monitoring.problem import Problem, ProblemName, ProblemSource
from sync_platform.monitoring.quality_problems import drift_problems, quality_problems, quarantine_problems
from sync_platform.monitoring.staleness_problems import staleness_problems
from sync_platform.monitoring.storage_problems import storage_problems
from sync_platform.monitoring.sync_problems import sync_problems
from sync_platform.platforms import platforms_in_use
from sync_platform.quality.score import Standards
from sync_platform.settings import Settings, platform_settings
from sync_platform.sources.declaration import Platform

Known = TypeVar("Known")


def recorded_sources(
    settings: Settings, platforms: Mapping[str, Platform], state: InstallationState, now: datetime
) -> list[ProblemSource]:
    """A source for each kind of problem. `look` raises StorageError where its part of the state is not known.

    Of a platform that is not in use, nothing is a problem.
    """
    in_use = platforms_in_use(platforms, settings)
    chosen, unused = list(in_use.values()), platforms.keys() - in_use.keys()

    def syncs() -> Iterator[Problem]:
        found_syncs = _syncs(chosen, _known(state.records))
        quarantined = list(quarantine_problems(found_syncs, _tolerances(settings, chosen)))
        yield from quarantined
        yield from sync_problems(found_syncs, over_tolerance={problem.detail for problem in quarantined})

    def quality() -> Iterator[Problem]:
        scores = [score for score in _known(state.scores) if score.platform not in unused]
        yield from quality_problems(counted_scores(scores, _known(state.last_measured)))
        yield from quality_problems(own_checks_of(_known(state.own_checks), scores))

    names = ProblemName
    backups = None if isinstance(state.backups, UnreadPart) else state.backups
    return [
        _source(lambda: storage_problems(state), names.lake_unusable, names.ledger_unusable),
        _source(syncs, names.sync_failed, names.sync_degraded, names.records_quarantined),
        _source(lambda: staleness_problems(chosen, _known(state.records), now), names.sync_stale),
        _source(lambda: completed_syncs(chosen, _known(state.records), now), names.sync_completed),
        _source(quality, names.quality_below_threshold),
        _source(
            lambda: drift_problems([each for each in _known(state.drift) if each.platform not in unused]),
            names.drift_found,
        ),
        _source(lambda: failed_backups(_known(state.backup_log), now), names.backup_failed),
        _source(lambda: overdue_backups(_known(state.backups), now), names.backup_overdue),
        _source(lambda: drill_problems(_known(state.drills), backups, now), names.drill_overdue),
        _source(lambda: history_problems(_known(state.verifications)), names.history_not_intact),
        _source(lambda: obligation_problems(_known(state.obligations), now), names.obligation_not_met),
        _source(lambda: privacy_problems(_known(state.privacy_requests), now), names.privacy_request_overdue),
        _source(lambda: erasure_problems(_known(state.erasures), now), names.erasure_overdue),
    ]


def _source(look: Callable[[], Iterable[Problem]], *names: ProblemName) -> ProblemSource:
    return ProblemSource(frozenset(names), lambda: list(look()))


def _known(read: Known | UnreadPart) -> Known:
    if isinstance(read, UnreadPart):
        raise StorageError(read.reason)
    return read


def _syncs(platforms: Iterable[Platform], records: Mapping[str, Sequence[SyncRecord]]) -> list[CurrentSync]:
    return [sync for platform in platforms for sync in current_syncs(platform, records.get(platform.name, []))]


def _tolerances(settings: Settings, platforms: Iterable[Platform]) -> dict[str, float]:
    """The largest share of a dataset's records that may be in quarantine, by platform."""
    return {
        platform.name: Standards.of(settings, platform_settings(platform.name)).quarantine_tolerance
        for platform in platforms
    }
