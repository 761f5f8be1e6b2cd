"""What is held of live sources, against what their terms allow; and whether all that is held is declared.

What belongs here: content and how old it is. How long pages are kept by our own rules is in `retention`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import msgspec

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.sources import Source
from sync_platform.compliance.span import told_day
from sync_platform.compliance.view import View
from sync_platform.lake.schema import KEPT_COLUMNS, table_name
from sync_platform.landing.retention import LandedSync
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE


def judge_cache(view: View, sources: Iterable[Source], landed: list[LandedSync]) -> Obligation:
    """Landed pages, rows and history all hold content."""
    bound = [source for source in sources if source.is_live and source.cache_days is not None]
    if not bound:
        return duties.CACHE.unchecked("no live source has terms that name a number of days")
    found = [problem for source in bound for problem in _too_old(view, source, landed)]
    kept = ", ".join(f"{each.platform} {each.cache_days} days" for each in bound)
    return duties.CACHE.judged(not found, "; ".join(found) or f"nothing is older than its terms allow ({kept})")


def judge_stored(view: View, sources: Iterable[Source], platforms: Mapping[str, Platform]) -> Obligation:
    live = [source for source in sources if source.is_live]
    limited = [source for source in live if source.without_agreement == "ids" or source.may_store == "ids"]
    if not limited:
        return duties.STORED.unchecked("no live source has terms that limit what may be stored")
    words = [
        f"{each.platform}: everything, by an agreement on the operator's word"
        for each in limited
        if each.may_store == "everything"
    ]
    only_ids = [source.platform for source in limited if source.may_store == "ids"]
    found = [problem for name in only_ids for problem in _beyond_ids(view, platforms[name])]
    words += [f"{name}: ids only, and only those are held" for name in only_ids if not found]
    return duties.STORED.judged(not found, "; ".join([*found, *words]))


def judge_declared(view: View, platforms: Mapping[str, Platform]) -> Obligation:
    declared = {(name, dataset.name) for name, platform in platforms.items() for dataset in platform.datasets}
    held = {name: _count(view, *name) for name in sorted(view.tables())}
    filled = {name: count for name, count in held.items() if count}
    if not filled:
        return duties.DECLARED.unchecked("no dataset holds a record")
    strange = [f"{'.'.join(name)} ({count:,} records)" for name, count in filled.items() if name not in declared]
    if strange:
        return duties.DECLARED.judged(False, f"held, and declared by no platform file: {', '.join(strange)}")
    return duties.DECLARED.judged(True, f"{len(filled)} of {len(filled)} datasets that hold records are declared")


def _too_old(view: View, source: Source, landed: list[LandedSync]) -> Iterator[str]:
    limit = view.now - timedelta(days=source.cache_days or 0)
    old = [sync for sync in landed if sync.platform == source.platform and sync.began_at < limit]
    if old:
        since = told_day(min(sync.began_at for sync in old))
        yield f"{source.platform}: {len(old):,} landed syncs are older than {source.cache_days} days, from {since} on"
    if not view.has(view.history):
        return
    # a removal holds no content
    ((count, first),) = view.rows(
        f"""SELECT count(*), min(committed_at) FROM {LAKE}.{view.history} WHERE platform = $platform
        AND committed_at < $limit AND (before IS NOT NULL OR after IS NOT NULL)""",
        {"platform": source.platform, "limit": limit},
    )
    if count:
        yield (
            f"{source.platform}: {count:,} changes with content are older than {source.cache_days} days, "
            f"from {told_day(first)} on"
        )


def _beyond_ids(view: View, platform: Platform) -> Iterator[str]:
    """Of the first dataset only what follows from the key may be held, of the others nothing."""
    present = view.tables()
    for number, dataset in enumerate(platform.datasets):
        if (platform.name, dataset.name) not in present:
            continue
        allowed = _follow_from_key(dataset) if number == 0 else set()
        kept = {column.name for column in KEPT_COLUMNS}
        checked = [each for each in columns_of(dataset.row) if each.name not in allowed | kept]
        empty = {each.name: f'len("{each.name}") = 0' if each.sql_type.endswith("[]") else "false" for each in checked}
        filled = " OR ".join(f'("{name}" IS NOT NULL AND NOT {test})' for name, test in empty.items()) or "false"
        ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(platform, dataset)} WHERE {filled}")
        if count:
            yield f"{platform.name}.{dataset.name}: {count:,} records hold more than ids"


def _follow_from_key(dataset: Dataset) -> set[str]:
    """The columns that a record of nothing but its key fills."""
    for value in ("1", 1):
        try:
            row = dataset.to_row(msgspec.convert(dict.fromkeys(dataset.key, value), dataset.wire))
        except (msgspec.ValidationError, ValueError, TypeError, AttributeError):
            continue
        if row is not None:
            return {name for name in row.__struct_fields__ if getattr(row, name) not in (None, [])}
    return {"source_id"}


def _count(view: View, platform: str, dataset: str) -> int:
    ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(platform, dataset)}")
    return int(count)
