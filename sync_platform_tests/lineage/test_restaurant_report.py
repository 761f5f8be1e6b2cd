"""The report of one restaurant: its verdict says whether its history is proven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.documents.html import html_of
from sync_platform.documents.text import text_of
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.restaurant_report import RelatedCount, RestaurantReport
from sync_platform.lineage.restaurant_report_document import restaurant_report_document
from sync_platform_tests.lineage.reader import restaurant
from sync_platform_tests.unified.harness import BEGIN, UnificationHarness, settle

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


@pytest.fixture
def report(tmp_path: Path) -> Iterator[RestaurantReport]:
    """The report of a restaurant with two listings, of which nothing is landed."""
    harness = UnificationHarness(tmp_path)
    settle(harness, 24)
    harness.unify()
    story = restaurant(harness, harness.restaurants()["chope", "c3"])
    related = (RelatedCount("reservations", "chope", "reservations", 7, 1, BEGIN, NOW),)
    yield RestaurantReport(story, related, Findings(batches=3, changes=90), NOW, "ada", "Dim Sum Ltd", "", "production")
    harness.lake.close()


def test_it_has_the_record_its_sources_its_listings_and_the_counts(report: RestaurantReport) -> None:
    text = text_of(restaurant_report_document(report))
    for words in ("Dim Sum Ltd", "set CONTACT", "chope/c3", "openrice/o3", "name_en", "Live now: reservations 7."):
        assert words in text
    assert "Every change of its record" in text


def test_an_intact_history_is_proven(report: RestaurantReport) -> None:
    assert report.is_proven == (not report.unproven)
    intact = replace(report, story=replace(report.story, fields=(), revisions=()))
    assert intact.is_proven
    assert intact.verdict.startswith("Proven: 3 batches with 90 changes")


def test_a_broken_chain_comes_first(report: RestaurantReport) -> None:
    broken = replace(
        report, findings=Findings(breaks=[Break("batch", "its digest is another", 7), Break("table", "x")])
    )
    assert not broken.is_proven
    assert broken.verdict == (
        "Not proven: the history of this installation is broken: batch number 7: its digest is another (and 1 more)"
    )
    page = html_of(restaurant_report_document(broken))
    assert page.index("Not proven") < page.index("Overview")
    assert 'class="verdict bad"' in page
