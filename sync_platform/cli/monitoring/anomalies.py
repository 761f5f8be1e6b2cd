"""`sync-platform anomalies`: the series of each platform, their newest value, their band and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.anomalies import JudgedSeries, anomalies, current, judged_series
from sync_platform.monitoring.anomaly_source import band_in_words, deviation_in_words
from sync_platform.monitoring.expected_anomaly import accepted_moments
from sync_platform.monitoring.judgement import MIN_KNOWN, Verdict
from sync_platform.monitoring.series_picture import series_line
from sync_platform.monitoring.stored_syncs import read_records
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

COLUMNS = ("series", "syncs", "newest", "expected", "verdict", "observed", "history")
COLOURS: dict[Verdict, str] = {"normal": "green", "anomaly": "red", "unknown": "yellow"}
POINTS = 26
"""The newest points of a series that the JSON has."""


def show_anomalies(platform: str | None, *, as_json: bool) -> int:
    """Show the series; 0, or 1 if there is an anomaly."""
    settings, now = load_settings(), datetime.now(UTC)
    chosen = choose(load_platforms(settings.platform_path), [platform] if platform else [])
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        all_judged = current(
            judged_series(lake, chosen, read_records(lake), now, accepted_moments(settings.ledger_url))
        )
    causes = anomalies(all_judged)
    if as_json:
        write_json(_document(all_judged, causes, now))
    else:
        _show(all_judged, [each.name for each in chosen], causes, is_whole=platform is not None)
    return FAILED if causes else OK


def _show(
    all_judged: Sequence[JudgedSeries],
    platforms: Sequence[str],
    causes: dict[str, list[JudgedSeries]],
    *,
    is_whole: bool,
) -> None:
    """The counts of each platform, the anomalies in words, and the series: all of one platform, or what deviates."""
    terminal = console()
    counts = FittedTable(("platform", "series", "normal", "deviating", "unknown"), numbers=("series",))
    for name in platforms:
        verdicts = [each.newest.verdict for each in all_judged if each.series.platform == name]
        normal, unknown = verdicts.count("normal"), verdicts.count("unknown")
        counts.add_row(name, str(len(verdicts)), str(normal), str(len(verdicts) - normal - unknown), str(unknown))
    terminal.print_table(counts)
    _show_series(
        terminal, [each for each in all_judged if is_whole or each.newest.verdict not in ("normal", "unknown")]
    )
    for cause, deviating in causes.items():
        terminal.print(f"\nanomaly {cause}", soft_wrap=True)
        for series in deviating:
            terminal.print(f"  {deviation_in_words(series)}", soft_wrap=True)
        terminal.print(f"  {deviating[0].series.quantity.means}", soft_wrap=True)
    if any(each.newest.verdict == "unknown" for each in all_judged):
        needed = f"{MIN_KNOWN['full']} full or {MIN_KNOWN['incremental']} incremental"
        terminal.print(f"unknown: {needed} syncs that can be compared must be known before a verdict", soft_wrap=True)
    if not is_whole:
        terminal.print(
            f"every series of a platform, with its history: {typed('anomalies', 'PLATFORM')}", soft_wrap=True
        )


def _show_series(terminal: Terminal, all_judged: Sequence[JudgedSeries]) -> None:
    if not all_judged:
        return
    table = FittedTable(
        COLUMNS, numbers=("newest",), unbroken=("observed", "history"), optional=("observed", "syncs", "history")
    )
    for judged in all_judged:
        newest, quantity = judged.newest, judged.series.quantity
        table.add_row(
            judged.series.name,
            judged.series.basis,
            quantity.in_words(newest.point.value),
            band_in_words(quantity, newest.band) if newest.band else "unknown",
            _verdict(newest.verdict),
            local_minute(newest.point.at),
            series_line(judged.judged),
        )
    terminal.print_table(table)


def _verdict(verdict: Verdict) -> Text:
    return styled(verdict, COLOURS.get(verdict, "yellow"))


def _document(
    all_judged: Sequence[JudgedSeries], causes: dict[str, list[JudgedSeries]], now: datetime
) -> dict[str, Any]:
    return {
        "made_at": now,
        "anomalies": [
            {
                "cause": cause,
                "series": [judged.series.name for judged in deviating],
                "in_words": [deviation_in_words(series) for series in deviating],
                "means": deviating[0].series.quantity.means,
            }
            for cause, deviating in causes.items()
        ],
        "series": [_series(series) for series in all_judged],
    }


def _series(judged: JudgedSeries) -> dict[str, Any]:
    series, newest = judged.series, judged.newest
    band = newest.band
    return {
        "series": series.name,
        "platform": series.platform,
        "dataset": series.dataset,
        "quantity": series.quantity.name,
        "column": series.column or None,
        "mode": series.mode,
        "basis": series.basis,
        "verdict": newest.verdict,
        "value": newest.point.value,
        "expected": band.expected if band else None,
        "low": band.low if band else None,
        "high": band.high if band else None,
        "observed_at": newest.point.at,
        "since": newest.since.at if newest.since else None,
        "sync_id": newest.point.sync_id,
        "points": [
            {"observed_at": each.point.at, "value": each.point.value, "verdict": each.verdict}
            for each in judged.judged[-POINTS:]
        ],
    }
