"""The scorecard as a document for people.

What belongs here: wording and layout. The figures are in `scorecard`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync_platform.documents.document import Cell, Document, DocumentTable, Item, Mark, Row, Section
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.quality.own_check_run import own_check_in_words
from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import DatasetCard, StoredScore

BARS = "▁▂▃▄▅▆▇█"
EXPLANATION = (
    "A score is a share of what could be judged. A score that was judged on a sample is followed by its 95 % interval. "
    "A dash was not measured, which lowers the confidence. Red: below its threshold."
)
COLUMNS = ("dataset", "period", *DIMENSIONS, OVERALL, "confidence", "trend")
OPTIONAL = ("trend", "confidence", "period", "consistency", "accuracy")


def scorecard_document(
    cards: Sequence[DatasetCard], made_at: datetime, installation: str, problems: Sequence[str] = ()
) -> Document:
    """The scores of each dataset in its newest period, the results of own checks, and the findings.

    `problems`: what is wrong with the files of own checks.
    """
    empty = f"Nothing has been scored yet: run `{typed('sync')}` first"
    rows = [_row(card) for card in cards]
    scores = DocumentTable("The newest period of each dataset", COLUMNS, rows, empty, OPTIONAL)
    findings = [
        Item(f"{card.name}, {card.partition}", items=tuple(map(Item, card.findings))) for card in cards if card.findings
    ]
    sections = [Section("Scores", [EXPLANATION], [scores])]
    own = [_own_row(card, scored) for card in cards for scored in card.own_checks]
    if own or problems:
        table = DocumentTable("At the newest sync of each dataset", ("dataset", "check", "right", "result"), own)
        sections.append(Section("Own checks", tables=[table], items=[Item(problem) for problem in problems]))
    if findings:
        sections.append(Section("Findings", items=findings))
    facts = [("Installation", installation), ("Made", local_time(made_at))]
    return Document("Data quality of the restaurant platforms", facts, sections)


def _row(card: DatasetCard) -> Row:
    overall = card.dimensions.get(OVERALL)
    confidence = f"{overall.confidence:.0%}" if overall and overall.confidence is not None else None
    scores = (_score(card.dimensions.get(name)) for name in (*DIMENSIONS, OVERALL))
    return card.name, card.partition, *scores, confidence, _trend(card)


def _own_row(card: DatasetCard, scored: StoredScore) -> Row:
    share = None if scored.score is None else f"{scored.score:.1%}"
    failed = scored in card.failed_own_checks
    return card.name, scored.measure, share, Mark(own_check_in_words(scored), "bad" if failed else None)


def _score(scored: StoredScore | None) -> Cell:
    if scored is None or scored.score is None:
        return None
    interval = f" ({scored.interval[0]:.0%}–{scored.interval[1]:.0%})" if scored.interval else ""
    return Mark(f"{scored.score:.1%}{interval}", "bad" if scored.falls_short else None)


def _trend(card: DatasetCard) -> Mark:
    """One bar per period, the tallest for 100 %; a dot for a period that was not measured."""
    bars = "".join("·" if value is None else BARS[round(value * (len(BARS) - 1))] for _, value in card.trend)
    return Mark(
        bars, detail=", ".join(f"{partition} {value:.1%}" for partition, value in card.trend if value is not None)
    )
