"""The scorecard as a document for people.

What belongs here: wording and layout. The figures are in `scorecard`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync_platform.documents.document import Cell, Document, DocumentTable, Item, Mark, Row, Section
from sync_platform.documents.wording import utc_text
from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import Card, Scored

BARS = "▁▂▃▄▅▆▇█"
EXPLANATION = (
    "A score is a share of what could be judged. A score that was judged on a sample is followed by its 95 % interval. "
    "A dash was not measured, which lowers the confidence. Red: below its threshold."
)
COLUMNS = ("dataset", "period", *DIMENSIONS, OVERALL, "confidence", "trend")
OPTIONAL = ("trend", "confidence", "period", "consistency", "accuracy")


def scorecard_document(cards: Sequence[Card], made_at: datetime, installation: str) -> Document:
    """The scores of each dataset in its newest period, and the findings."""
    empty = "Nothing has been scored yet: run `sync-platform sync` first"
    rows = [_row(card) for card in cards]
    scores = DocumentTable("The newest period of each dataset", COLUMNS, rows, empty, OPTIONAL)
    findings = [
        Item(f"{card.name}, {card.partition}", items=tuple(map(Item, card.findings))) for card in cards if card.findings
    ]
    sections = [Section("Scores", [EXPLANATION], [scores])]
    if findings:
        sections.append(Section("Findings", items=findings))
    facts = [("Installation", installation), ("Made", utc_text(made_at))]
    return Document("Data quality of the restaurant platforms", facts, sections)


def _row(card: Card) -> Row:
    overall = card.dimensions.get(OVERALL)
    confidence = f"{overall.confidence:.0%}" if overall and overall.confidence is not None else None
    scores = (_score(card.dimensions.get(name)) for name in (*DIMENSIONS, OVERALL))
    return card.name, card.partition, *scores, confidence, _trend(card)


def _score(scored: Scored | None) -> Cell:
    if scored is None or scored.score is None:
        return None
    interval = f" ({scored.interval[0]:.0%}–{scored.interval[1]:.0%})" if scored.interval else ""
    return Mark(f"{scored.score:.1%}{interval}", "bad" if scored.falls_short else None)


def _trend(card: Card) -> Mark:
    """One bar per period, the tallest for 100 %; a dot for a period that was not measured."""
    bars = "".join("·" if value is None else BARS[round(value * (len(BARS) - 1))] for _, value in card.trend)
    return Mark(
        bars, detail=", ".join(f"{partition} {value:.1%}" for partition, value in card.trend if value is not None)
    )
