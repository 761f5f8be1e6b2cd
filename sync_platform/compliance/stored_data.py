"""The stored data of live sources compared with their terms, and whether every stored dataset is declared.

What belongs here: content and its age. Our own retention limits are in `applied_retention`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import msgspec

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.source_terms import SourceTerms
from sync_platform.compliance.span import day_text
from sync_platform.lake.schema import KEPT_COLUMNS, table_name
from sync_platform.landing.retention import LandedSync
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE


def judge_cache(view: LakeView, sources: Iterable[SourceTerms], landed: list[LandedSync]) -> Obligation:
    """Landed pages and changes are checked by their age."""
    bound = [source for source in sources if source.is_live and source.cache_days is not None]
    if not bound:
        return requirements.CACHE.unchecked("no live source has terms that name a number of days")
    problems = [problem for source in bound for problem in _too_old(view, source, landed)]
    limits = ", ".join(f"{terms.platform} {terms.cache_days} days" for terms in bound)
    return requirements.CACHE.judged(
        not problems, "; ".join(problems) or f"nothing is older than its terms allow ({limits})"
    )


def judge_stored(view: LakeView, sources: Iterable[SourceTerms], platforms: Mapping[str, Platform]) -> Obligation:
    live = [source for source in sources if source.is_live]
    limited = [source for source in live if source.without_agreement == "ids" or source.may_store == "ids"]
    if not limited:
        return requirements.STORED.unchecked("no live source has terms that limit what may be stored")
    stored = [
        f"{terms.platform}: everything, under an agreement that the operator has declared"
        for terms in limited
        if terms.may_store == "everything"
    ]
    only_ids = [source.platform for source in limited if source.may_store == "ids"]
    problems = [problem for name in only_ids for problem in _beyond_ids(view, platforms[name])]
    stored += [f"{name}: ids only, and nothing else is stored" for name in only_ids if not problems]
    return requirements.STORED.judged(not problems, "; ".join([*problems, *stored]))


def judge_declared(view: LakeView, platforms: Mapping[str, Platform]) -> Obligation:
    declared = {(name, dataset.name) for name, platform in platforms.items() for dataset in platform.datasets}
    counts = {name: _count(view, *name) for name in sorted(view.tables())}
    filled = {name: count for name, count in counts.items() if count}
    if not filled:
        return requirements.DECLARED.unchecked("no dataset has a record")
    undeclared = [f"{'.'.join(name)} ({count:,} records)" for name, count in filled.items() if name not in declared]
    if undeclared:
        return requirements.DECLARED.judged(False, f"stored, but declared by no platform file: {', '.join(undeclared)}")
    return requirements.DECLARED.judged(True, f"{len(filled)} of {len(filled)} datasets with records are declared")


def _too_old(view: LakeView, source: SourceTerms, landed: list[LandedSync]) -> Iterator[str]:
    limit = view.now - timedelta(days=source.cache_days or 0)
    old = [sync for sync in landed if sync.platform == source.platform and sync.began_at < limit]
    if old:
        since = day_text(min(sync.began_at for sync in old))
        yield f"{source.platform}: {len(old):,} landed syncs are older than {source.cache_days} days, from {since} on"
    if not view.has(view.history):
        return
    # a removal has no content
    ((count, first),) = view.rows(
        f"""SELECT count(*), min(committed_at) FROM {view.changes} WHERE platform = $platform
        AND committed_at < $limit AND (before IS NOT NULL OR after IS NOT NULL)""",
        {"platform": source.platform, "limit": limit},
    )
    if count:
        yield (
            f"{source.platform}: {count:,} changes with content are older than {source.cache_days} days, "
            f"from {day_text(first)} on"
        )


def _beyond_ids(view: LakeView, platform: Platform) -> Iterator[str]:
    """Columns of the first dataset that follow from its key may be stored, and nothing of the other datasets."""
    present = view.tables()
    for number, dataset in enumerate(platform.datasets):
        if (platform.name, dataset.name) not in present:
            continue
        allowed = _follow_from_key(dataset) if number == 0 else set()
        columns_kept = {column.name for column in KEPT_COLUMNS}
        checked = [column for column in columns_of(dataset.row) if column.name not in allowed | columns_kept]
        empty = {
            column.name: f'len("{column.name}") = 0' if column.sql_type.endswith("[]") else "false"
            for column in checked
        }
        filled = " OR ".join(f'("{name}" IS NOT NULL AND NOT {test})' for name, test in empty.items()) or "false"
        ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(platform, dataset)} WHERE {filled}")
        if count:
            yield f"{platform.name}.{dataset.name}: {count:,} records have more than ids"


def _follow_from_key(dataset: Dataset) -> set[str]:
    """The columns that are filled by a record that has only its key."""
    for value in ("1", 1):
        try:
            row = dataset.to_row(msgspec.convert(dict.fromkeys(dataset.key, value), dataset.wire))
        except (msgspec.ValidationError, ValueError, TypeError, AttributeError):
            continue
        if row is not None:
            return {name for name in row.__struct_fields__ if getattr(row, name) not in (None, [])}
    return {"source_id"}


def _count(view: LakeView, platform: str, dataset: str) -> int:
    ((count,),) = view.rows(f"SELECT count(*) FROM {LAKE}.{table_name(platform, dataset)}")
    return int(count)
