"""Whether every platform was synced for each of its periods, by its cadence.

What belongs here: periods and what came of them. Periods before a platform's first sync do not count: it was not in
operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.sources import Source
from sync_platform.compliance.view import View
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE

MOST_TOLD = 10
_Words = dict[tuple[str, str, str], tuple[bool, str]]
"""By platform, partition and dataset: whether a full sync is complete, and what is told of the last one."""


@dataclass(frozen=True)
class Punctuality:
    """One platform's periods that lie wholly within the span and are over; `short`: those without, and why.

    `since`: its first period on record; empty where it was never synced, so that nothing is held of it.
    """

    platform: str
    cadence: str
    since: str
    periods: int
    short: list[str]

    @property
    def kept(self) -> int:
        return self.periods - len(self.short)


def punctuality_of(view: View, platforms: Mapping[str, Platform], sources: list[Source]) -> list[Punctuality]:
    """Every declared platform."""
    words, since = _words(view), _since(view)
    only_ids = {source.platform for source in sources if source.may_store == "ids"}
    found = []
    for name, platform in sorted(platforms.items()):
        first = since.get(name, "")
        keys = [each.key for each in view.span.whole_periods(platform.cadence, view.now) if first and each.key >= first]
        wanted = [each.name for each in platform.datasets[: 1 if name in only_ids else None]]
        short = [
            f"{key}: {'; '.join(lacking)}" for key in keys if (lacking := list(_lacking(words, name, key, wanted)))
        ]
        found.append(Punctuality(name, platform.cadence, first, len(keys), short))
    return found


def judge_on_time(found: list[Punctuality]) -> Obligation:
    periods = sum(each.periods for each in found)
    if not periods:
        return duties.ON_TIME.unchecked("no period of a platform in operation lies wholly within the span and is over")
    short = [f"{each.platform} {words}" for each in found for words in each.short]
    more = [f"and {len(short) - MOST_TOLD:,} more"] if len(short) > MOST_TOLD else []
    told = "; ".join([f"{periods - len(short)} of {periods} periods are complete", *short[:MOST_TOLD], *more])
    return duties.ON_TIME.judged(not short, told)


def _lacking(words: _Words, platform: str, key: str, datasets: list[str]) -> Iterator[str]:
    before_any = words.get((platform, key, ""), (False, "no sync on record"))
    for dataset in datasets:
        is_complete, told = words.get((platform, key, dataset), before_any)
        if not is_complete:
            yield f"{dataset}: {told}"


def _words(view: View) -> _Words:
    """Of a sync that is taken in more than once the last word counts."""
    if not view.has("sync.runs"):
        return {}
    rows = view.rows(
        f"""WITH last_words AS (
            SELECT * FROM {LAKE}.sync.runs
            QUALIFY row_number() OVER (PARTITION BY platform, dataset, sync_id ORDER BY committed_at DESC) = 1
        )
        SELECT platform, "partition", coalesce(dataset, ''), bool_or(status = 'complete' AND mode = 'full'),
            arg_max(status, committed_at), arg_max(mode, committed_at), arg_max(reasons, committed_at)
        FROM last_words GROUP BY ALL"""
    )
    return {
        (platform, key, dataset): (is_complete, f"{mode} sync {status}" + (f" ({'; '.join(why)})" if why else ""))
        for platform, key, dataset, is_complete, status, mode, why in rows
    }


def _since(view: View) -> dict[str, str]:
    """Keys of one cadence sort by time."""
    if not view.has("sync.runs"):
        return {}
    return dict(view.rows(f'SELECT platform, min("partition") FROM {LAKE}.sync.runs GROUP BY platform'))
