"""`sync-platform quality`: the scorecard, as a table for people, one JSON document, or one HTML page."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.errors import NoLakeYet
from sync_platform.platforms import choose, load_platforms
from sync_platform.quality.page import page_of
from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import Card, Scored, cards_of
from sync_platform.settings import load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress

BARS = "▁▂▃▄▅▆▇█"


def show_scorecard(platform: str | None, *, as_json: bool, as_html: bool) -> int:
    """Write the scorecard; 0 if every score that was measured reaches its threshold, else 1."""
    settings = load_settings()
    if platform is not None:
        choose(load_platforms(settings.platform_path), [platform])
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            cards = cards_of(session, platform)
    except NoLakeYet:
        cards = []
    if as_json:
        sys.stdout.write(orjson.dumps([_document(card) for card in cards], option=orjson.OPT_INDENT_2).decode() + "\n")
    elif as_html:
        sys.stdout.write(page_of(cards, datetime.now(UTC), settings.environment))
    else:
        _show(cards)
    return 1 if any(scored.falls_short for card in cards for scored in card.dimensions.values()) else 0


def _show(cards: list[Card]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if not cards:
        console.print("Nothing has been scored yet: run [bold]sync-platform sync[/] first.")
        return
    table = Table(header_style="bold")
    for name in ("dataset", "period"):
        table.add_column(name)
    for name in (*DIMENSIONS, OVERALL, "confidence"):
        table.add_column(name, justify="right")
    table.add_column("trend")
    for card in cards:
        shown = [_cell(card.dimensions.get(name)) for name in (*DIMENSIONS, OVERALL)]
        overall = card.dimensions.get(OVERALL)
        sure = f"{overall.confidence:.0%}" if overall and overall.confidence is not None else ""
        table.add_row(card.name, card.partition, *shown, sure, _trend(card))
    console.print(table)
    for card in cards:
        for finding in card.findings:
            told = finding.removeprefix(f"{card.name}: ")
            console.print(f"[bold]{card.name}[/]: {escape(told)}", soft_wrap=True)
    console.print("A dash: not measured, which lowers the confidence. Red: below its threshold.")


def _cell(scored: Scored | None) -> str:
    if scored is None or scored.score is None:
        return "[dim]–[/]"
    return f"[bold red]{scored.score:.1%}[/]" if scored.falls_short else f"{scored.score:.1%}"


def _trend(card: Card) -> str:
    """One bar per period, the tallest 100 %."""
    return "".join("·" if value is None else BARS[round(value * (len(BARS) - 1))] for _, value in card.trend)


def _document(card: Card) -> dict[str, Any]:
    return {
        "platform": card.platform,
        "dataset": card.dataset,
        "partition": card.partition,
        "scores": {name: _scored(scored) for name, scored in card.dimensions.items()},
        "measures": [{"dimension": each.dimension, "measure": each.measure, **_scored(each)} for each in card.measures],
        "findings": card.findings,
        "trend": [{"partition": partition, "score": score} for partition, score in card.trend],
    }


def _scored(scored: Scored) -> dict[str, Any]:
    return {
        "score": scored.score,
        "numerator": scored.numerator,
        "denominator": scored.denominator,
        "sampled_share": scored.sampled_share,
        "interval": scored.interval,
        "threshold": scored.threshold,
        "passes": not scored.falls_short,
        "confidence": scored.confidence,
        "detail": scored.detail,
        "sync_id": scored.sync_id,
        "observed_at": scored.observed_at,
    }
