"""Asset checks: per table and partition, whether the contract is kept and how good the data is, in words.

What belongs here: how scores are shown to Dagster. They were committed with the data; nothing is measured here.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from sync_platform.defs.partitions import partitions_of
from sync_platform.defs.resources import LakeResource
from sync_platform.defs.tables import table_key
from sync_platform.lake.syncs import SyncRecord, newest_sync
from sync_platform.quality.quarantine import entries
from sync_platform.quality.score import DIMENSIONS, Standards
from sync_platform.quality.scorecard import Scored, drift_of, newest_scores
from sync_platform.settings import load_settings, platform_settings
from sync_platform.sources.declaration import Dataset, Platform

CONTRACT, DRIFT = "contract", "drift"
MOST_SHOWN = 10
DESCRIPTIONS = {
    "validation": "The share of records that keep every rule of the contract.",
    "completeness": "The filled share of the columns that matter, of all records that the source claims to have.",
    "accuracy": "The share of records that a reference does not contradict: geography, and the licence register.",
    "consistency": "The share of records that contradict neither themselves, nor others, nor their own past.",
}


def quality_checks(platforms: dict[str, Platform]) -> list[dg.AssetChecksDefinition]:
    """The checks of every dataset of every platform."""
    return [_checks(platform, dataset) for platform in platforms.values() for dataset in platform.datasets]


def _checks(platform: Platform, dataset: Dataset) -> dg.AssetChecksDefinition:
    key, partitions = table_key(platform, dataset), partitions_of(platform.cadence)
    specs = [
        dg.AssetCheckSpec(
            CONTRACT,
            asset=key,
            blocking=True,
            partitions_def=partitions,
            description="Few enough records are in quarantine; otherwise nothing downstream of the partition runs.",
        ),
        *(
            dg.AssetCheckSpec(name, asset=key, partitions_def=partitions, description=description)
            for name, description in DESCRIPTIONS.items()
        ),
        dg.AssetCheckSpec(
            DRIFT,
            asset=key,
            partitions_def=partitions,
            description="Records have the shape that they had in the last good sync.",
        ),
    ]

    @dg.multi_asset_check(name=f"{platform.name}__{dataset.name}__quality", specs=specs, pool=platform.name)
    def check_quality(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        partition = context.partition_key
        record = newest_sync(lake.open(), platform.name, dataset.name, partition)
        if record is None:
            raise dg.Failure(f"{platform.name}.{dataset.name} was not synced for {partition}", allow_retries=False)
        with lake.open().session() as session:
            scores = newest_scores(session, platform=platform.name, dataset=dataset.name, partition=partition)
            drifts = drift_of(session, platform.name, dataset.name, partition)
            quarantined = entries(session, platform=platform.name, dataset=dataset.name, limit=MOST_SHOWN)
        yield _contract(key, record, [entry.in_words for entry in quarantined])
        by_dimension = {score.dimension: score for score in scores}
        for dimension in DIMENSIONS:
            yield _scored(key, dimension, by_dimension.get(dimension))
        yield _drift(key, drifts)

    return check_quality


def _contract(key: dg.AssetKey, record: SyncRecord, examples: list[str]) -> dg.AssetCheckResult:
    """Whether few enough records went to quarantine: the only check that keeps what follows from running."""
    tolerance = Standards.of(load_settings(), platform_settings(record.platform)).quarantine_tolerance
    share = record.quarantined / record.records if record.records else 0.0
    words = f"{record.quarantined:,} of {record.records:,} records are in quarantine, {tolerance:.1%} are tolerated"
    metadata: dict[str, Any] = {
        "quarantined": record.quarantined,
        "records": record.records,
        "share": share,
        "tolerance": tolerance,
        "sync_id": record.sync_id,
    }
    if examples and record.quarantined:
        metadata["in_quarantine"] = _listed(examples)
    return dg.AssetCheckResult(
        passed=share <= tolerance, asset_key=key, check_name=CONTRACT, description=words, metadata=metadata
    )


def _scored(key: dg.AssetKey, dimension: str, scored: Scored | None) -> dg.AssetCheckResult:
    """A dimension against its threshold; one that was not measured passes, and says so."""
    if scored is None:
        words = "not measured: nothing was scored in this partition yet"
        return dg.AssetCheckResult(passed=True, asset_key=key, check_name=dimension, description=words)
    shown = {
        "score": scored.score,
        "numerator": scored.numerator,
        "denominator": scored.denominator,
        "sampled_share": scored.sampled_share,
        "interval_low": scored.low,
        "interval_high": scored.high,
        "threshold": scored.threshold,
        "confidence": scored.confidence,
        "sync_id": scored.sync_id,
    }
    metadata: dict[str, Any] = {name: value for name, value in shown.items() if value is not None}
    if scored.worst_in_words:
        metadata["worst"] = _listed(scored.worst_in_words)
    if scored.detail.get("not_measured"):
        metadata["not_measured"] = ", ".join(scored.detail["not_measured"])
    return dg.AssetCheckResult(
        passed=scored.passes,
        asset_key=key,
        check_name=dimension,
        severity=dg.AssetCheckSeverity.WARN,
        description=scored.in_words,
        metadata=metadata,
    )


def _drift(key: dg.AssetKey, drifts: list[tuple[str, str]]) -> dg.AssetCheckResult:
    words = [in_words for _, in_words in drifts]
    return dg.AssetCheckResult(
        passed=not drifts,
        asset_key=key,
        check_name=DRIFT,
        severity=dg.AssetCheckSeverity.WARN,
        description=words[0] if words else "the shape of the last good sync",
        metadata={"drift": _listed(words), **_counted(drifts)} if words else {},
    )


def _counted(drifts: list[tuple[str, str]]) -> dict[str, int]:
    return dict(Counter(kind for kind, _ in drifts))


def _listed(lines: list[str]) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
