"""The asset check `anomalies` of a table: whether the sync fits the history of its dataset, with pictures.

What belongs here: how Dagster shows it. Series, bands and verdicts are made in monitoring/.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from sync_platform.defs.resources import LakeResource
from sync_platform.errors import SyncError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.anomalies import JudgedSeries, series_at_sync
from sync_platform.monitoring.anomaly_source import band_in_words, deviation_in_words
from sync_platform.monitoring.expected_anomaly import accepted_moments
from sync_platform.monitoring.quantity import DELTA_VOLUME, VOLUME
from sync_platform.monitoring.series_picture import series_markdown
from sync_platform.sources.declaration import Dataset, Platform

ANOMALIES = "anomalies"
MAX_PICTURES = 3


def anomaly_check_spec(key: dg.AssetKey, partitions: dg.TimeWindowPartitionsDefinition) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        ANOMALIES,
        asset=key,
        partitions_def=partitions,
        description="Volume, duration, throughput, error rate, null rates and score fit those of earlier syncs.",
    )


def anomaly_check_result(
    platform: Platform, dataset: Dataset, key: dg.AssetKey, lake: LakeResource, record: SyncRecord
) -> dg.AssetCheckResult:
    """The result for the sync of `record`, which is committed. If its history cannot be read, the check fails."""
    try:
        judged_series = series_at_sync(lake.open(), platform, dataset, record, accepted_moments(lake.ledger_url))
    except SyncError as error:
        return _result(key, passed=False, words=f"not judged: {error}")
    judged = [series for series in judged_series if series.newest.verdict != "unknown"]
    deviating = [series for series in judged if series.newest.is_anomaly]
    if not judged:
        return _result(key, passed=True, words="not judged: too few earlier syncs are known")
    return _result(
        key,
        passed=not deviating,
        words="; ".join(map(deviation_in_words, deviating)) or f"{len(judged)} series are as expected",
        metadata=_metadata(judged_series, judged, deviating),
    )


def _result(
    key: dg.AssetKey, *, passed: bool, words: str, metadata: dict[str, Any] | None = None
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=key,
        check_name=ANOMALIES,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata=metadata or {},
    )


def _metadata(
    all_series: Sequence[JudgedSeries], judged: Sequence[JudgedSeries], deviating: Sequence[JudgedSeries]
) -> dict[str, Any]:
    """The counts, a table of all series, and pictures of those that deviate, or else of the volume."""
    volumes = [judged_series for judged_series in judged if judged_series.series.quantity in (VOLUME, DELTA_VOLUME)]
    pictures = {
        judged_series.series.name.split(".", 2)[2]: dg.MetadataValue.md(series_markdown(judged_series))
        for judged_series in (deviating or volumes)[:MAX_PICTURES]
    }
    rows = [f"| {judged_series.series.name} | {_shown(judged_series)} |" for judged_series in all_series]
    table = "\n".join(["| series | value | expected | verdict |", "|---|---|---|---|", *rows])
    return {
        "judged": len(judged),
        "deviating": len(deviating),
        "not_judged": len(all_series) - len(judged),
        "series": dg.MetadataValue.md(table),
        **pictures,
    }


def _shown(judged: JudgedSeries) -> str:
    quantity, newest = judged.series.quantity, judged.newest
    expected = band_in_words(quantity, newest.band) if newest.band else ""
    return f"{quantity.in_words(newest.point.value)} | {expected} | {newest.verdict}"
