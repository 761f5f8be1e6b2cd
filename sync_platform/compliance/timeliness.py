"""Timeliness: whether every platform has a complete full sync for each of its periods.

Periods before a platform's first sync do not count, because it was not in operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.source_terms import SourceTerms
from sync_platform.documents.typed_command import typed
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE

MAX_NAMED = 10
_Results = dict[tuple[str, str, str], tuple[bool, str]]
"""By platform, partition and dataset: true if a full sync is complete, and the last sync in words."""


@dataclass(frozen=True)
class Timeliness:
    """The periods of one platform that lie wholly within the span and are over.

    `short`: the periods without a complete full sync of every dataset, and why, earliest first. `since`: the first
    period on record; empty if the platform was never synced.
    """

    platform: str
    cadence: str
    since: str
    periods: int
    short: list[str]

    @property
    def kept(self) -> int:
        return self.periods - len(self.short)

    @property
    def remedy(self) -> str:
        """The command that syncs the periods that are short."""
        first, last = (words.split(": ")[0] for words in (self.short[0], self.short[-1]))
        return typed("backfill", self.platform, "--from", first, "--to", last)


def timeliness_of(view: LakeView, platforms: Mapping[str, Platform], sources: list[SourceTerms]) -> list[Timeliness]:
    """The timeliness of every declared platform, by name."""
    results, since = _results(view), _since(view)
    only_ids = {source.platform for source in sources if source.may_store == "ids"}
    timeliness = []
    for name, platform in sorted(platforms.items()):
        first = since.get(name, "")
        keys = [
            period.key
            for period in view.span.whole_periods(platform.cadence, view.now)
            if first and period.key >= first
        ]
        wanted = [dataset.name for dataset in platform.datasets[: 1 if name in only_ids else None]]
        short = [
            f"{key}: {'; '.join(lacking)}" for key in keys if (lacking := list(_lacking(results, name, key, wanted)))
        ]
        timeliness.append(Timeliness(name, platform.cadence, first, len(keys), short))
    return timeliness


def judge_on_time(platforms: list[Timeliness]) -> Obligation:
    periods = sum(timeliness.periods for timeliness in platforms)
    if not periods:
        return requirements.ON_TIME.unchecked(
            "no period of a platform in operation lies wholly within the span and is over"
        )
    short = [f"{timeliness.platform} {words}" for timeliness in platforms for words in timeliness.short]
    more = [f"and {len(short) - MAX_NAMED:,} more"] if len(short) > MAX_NAMED else []
    remedies = (
        [f"the remedy: {', '.join(timeliness.remedy for timeliness in platforms if timeliness.short)}"] if short else []
    )
    counted = f"{periods - len(short)} of {periods} periods are complete"
    evidence = "; ".join([counted, *short[:MAX_NAMED], *more, *remedies])
    return requirements.ON_TIME.judged(not short, evidence)


def _lacking(results: _Results, platform: str, key: str, datasets: list[str]) -> Iterator[str]:
    no_dataset = results.get((platform, key, ""), (False, "no sync on record"))
    for dataset in datasets:
        is_complete, words = results.get((platform, key, dataset), no_dataset)
        if not is_complete:
            yield f"{dataset}: {words}"


def _results(view: LakeView) -> _Results:
    """A sync that was committed more than once counts with its last commit."""
    if not view.has("sync.runs"):
        return {}
    rows = view.rows(
        f"""WITH last_commits AS (
            SELECT * FROM {LAKE}.sync.runs
            QUALIFY row_number() OVER (PARTITION BY platform, dataset, sync_id ORDER BY committed_at DESC) = 1
        )
        SELECT platform, "partition", coalesce(dataset, ''), bool_or(status = 'complete' AND mode = 'full'),
            arg_max(status, committed_at), arg_max(mode, committed_at), arg_max(reasons, committed_at)
        FROM last_commits GROUP BY ALL"""
    )
    return {
        (platform, key, dataset): (is_complete, f"{mode} sync {status}" + (f" ({'; '.join(why)})" if why else ""))
        for platform, key, dataset, is_complete, status, mode, why in rows
    }


def _since(view: LakeView) -> dict[str, str]:
    """By platform, the first period. Keys of one cadence sort by time."""
    if not view.has("sync.runs"):
        return {}
    return dict(view.rows(f'SELECT platform, min("partition") FROM {LAKE}.sync.runs GROUP BY platform'))
