"""Asset checks: per table and partition, whether the contract is met, and how good the data is.

What belongs here: how Dagster shows scores. They were measured by a commit; nothing is measured here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from sync_platform.lake.commit_outcome import CommitOutcome
from sync_platform.quality.own_check_run import own_check_in_words
from sync_platform.quality.own_checks import OwnCheck
from sync_platform.quality.score import DIMENSIONS, Score
from sync_platform.sources.declaration import Dataset, Platform

CONTRACT, DRIFT = "contract", "drift"
DESCRIPTIONS = {
    "validation": "The share of records that keep every rule of the contract.",
    "completeness": "The filled share of the columns that matter, of all records that the source claims to have.",
    "accuracy": "The share of records that a reference does not contradict: geography, and the licence register.",
    "consistency": "The share of records that contradict neither themselves, nor others, nor their own past.",
}


def check_specs(
    platform: Platform,
    dataset: Dataset,
    key: dg.AssetKey,
    partitions: dg.TimeWindowPartitionsDefinition,
    own_checks: Sequence[OwnCheck] = (),
) -> list[dg.AssetCheckSpec]:
    """The checks of a table: the built-in ones, and the team's own."""
    return [
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
        *(
            dg.AssetCheckSpec(
                check.name,
                asset=key,
                partitions_def=partitions,
                description=check.description or f"An own check: {check.file}.",
            )
            for check in own_checks
        ),
    ]


def check_results(key: dg.AssetKey, outcome: CommitOutcome, tolerance: float) -> Iterator[dg.AssetCheckResult]:
    """The results of the table's checks; `tolerance` is the largest share of records in quarantine."""
    yield _contract(key, outcome, tolerance)
    by_dimension = {score.dimension: score for score in outcome.wholes}
    for dimension in DIMENSIONS:
        yield _scored(key, dimension, by_dimension[dimension])
    yield _drift(key, outcome)


def own_check_results(
    key: dg.AssetKey, own_checks: Sequence[OwnCheck], scores: Sequence[Score]
) -> Iterator[dg.AssetCheckResult]:
    """The results of the team's own checks; one that could not be run has failed."""
    for check, score in zip(own_checks, scores, strict=True):
        figures = {"score": score.score, "threshold": score.threshold, "records": score.denominator, "file": check.file}
        metadata: dict[str, Any] = {name: value for name, value in figures.items() if value is not None}
        if ids := score.detail.get("wrong_ids"):
            metadata["wrong_ids"] = _listed(ids)
        yield dg.AssetCheckResult(
            passed=score.score is not None and not score.falls_short,
            asset_key=key,
            check_name=check.name,
            severity=dg.AssetCheckSeverity.ERROR if check.severity == "error" else dg.AssetCheckSeverity.WARN,
            description=own_check_in_words(score),
            metadata=metadata,
        )


def _contract(key: dg.AssetKey, outcome: CommitOutcome, tolerance: float) -> dg.AssetCheckResult:
    """Passed if few enough records were quarantined. It is the only check that blocks the assets downstream."""
    record = outcome.record
    share = record.quarantined / record.records if record.records else 0.0
    words = f"{record.quarantined:,} of {record.records:,} records are in quarantine, {tolerance:.1%} are tolerated"
    metadata: dict[str, Any] = {
        "quarantined": record.quarantined,
        "records": record.records,
        "share": share,
        "tolerance": tolerance,
        "sync_id": record.sync_id,
    }
    if outcome.quarantined:
        metadata["in_quarantine"] = _listed(outcome.quarantined)
    return dg.AssetCheckResult(
        passed=share <= tolerance, asset_key=key, check_name=CONTRACT, description=words, metadata=metadata
    )


def _scored(key: dg.AssetKey, dimension: str, score: Score) -> dg.AssetCheckResult:
    """A dimension compared with its threshold. One that was not measured passes, and its description says so."""
    low, high = score.interval or (None, None)
    figures = {
        "score": score.score,
        "numerator": score.numerator,
        "denominator": score.denominator,
        "sampled_share": score.sampled_share,
        "interval_low": low,
        "interval_high": high,
        "threshold": score.threshold,
        "confidence": score.confidence,
    }
    metadata: dict[str, Any] = {name: value for name, value in figures.items() if value is not None}
    if worst := score.worst_in_words:
        metadata["worst"] = _listed(worst)
    if score.detail.get("not_measured"):
        metadata["not_measured"] = ", ".join(score.detail["not_measured"])
    return dg.AssetCheckResult(
        passed=not score.falls_short,
        asset_key=key,
        check_name=dimension,
        severity=dg.AssetCheckSeverity.WARN,
        description=score.in_words,
        metadata=metadata,
    )


def _drift(key: dg.AssetKey, outcome: CommitOutcome) -> dg.AssetCheckResult:
    words = [drift.in_words(f"{outcome.record.platform}.{outcome.record.dataset}") for drift in outcome.drift]
    counted: dict[str, Any] = dict(Counter(drift.kind for drift in outcome.drift))
    return dg.AssetCheckResult(
        passed=not words,
        asset_key=key,
        check_name=DRIFT,
        severity=dg.AssetCheckSeverity.WARN,
        description=words[0] if words else "the shape of the last good sync",
        metadata={"drift": _listed(words), **counted} if words else {},
    )


def _listed(lines: list[str]) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
