"""The report in every form, and the arithmetic behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest

from sync_platform.compliance.activity import ChangeCounts, DatasetActivity, SyncCounts
from sync_platform.compliance.compliance_report import ComplianceReport
from sync_platform.compliance.logged_operations import logged_operations
from sync_platform.compliance.obligation import ComplianceRate, Obligation
from sync_platform.compliance.report_document import report_document
from sync_platform.compliance.report_json import FORMAT, report_json
from sync_platform.compliance.requirements import SEALED
from sync_platform.compliance.span import Span
from sync_platform.documents.html import html_of
from sync_platform.documents.text import text_of
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.compliance.harness import IN_CLEAR, LIST, NOW, ComplianceHarness, found, house

HOSTILE = "<script>alert('&amp;')</script>"


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _activity(report: ComplianceReport, name: str) -> DatasetActivity:
    (activity,) = [each for each in report.activities.datasets if f"{each.platform}.{each.dataset}" == name]
    return activity


def test_the_rate_counts_checked_obligations_and_shows_their_number() -> None:
    judged = [SEALED.judged(True, "e"), SEALED.judged(False, "e"), SEALED.judged(True, "e"), SEALED.unchecked("why")]
    rate = ComplianceRate.of(judged)
    assert (rate.value, rate.checked, rate.of_all) == (2 / 3, 3, 4)
    assert rate.in_words == "66.7%: 2 of 3 checked obligations are met; 3 of 4 obligations were checked"
    nothing = ComplianceRate.of([SEALED.unchecked("why")])
    assert (nothing.value, "nothing could be checked" in nothing.in_words) == (None, True)
    assert isinstance(judged[0], Obligation) and judged[3].evidence == "why"


def test_whole_periods_are_those_within_the_span_that_are_over() -> None:
    span = Span(_day("2026-01-31T16:00:00"), _day("2026-03-31T15:59:59.999999"))  # February and March in Hong Kong
    later = _day("2026-06-01")
    assert [each.key for each in span.whole_periods("monthly", later)] == ["2026-02", "2026-03"]
    assert [each.key for each in span.whole_periods("monthly", _day("2026-03-15"))] == ["2026-02"]
    weeks = [each.key for each in span.whole_periods("weekly", later)]
    assert (weeks[0], weeks[-1], len(weeks)) == ("2026-02-02", "2026-03-23", 8)
    short = replace(span, first=span.first + timedelta(seconds=1))
    assert [each.key for each in short.whole_periods("monthly", later)] == ["2026-03"]


def test_an_operation_is_paired_with_its_end_and_a_scheduled_run_has_no_end_here(
    shared_harness: ComplianceHarness,
) -> None:
    shared_harness.note("sync", {"platforms": ["a"]}, "begun")
    shared_harness.note("sync", {"platforms": ["b"]}, "begun")
    shared_harness.note("sync", {"platforms": ["b"], "run_ids": ["2"]}, "failed")
    shared_harness.note("sync", {"run_id": "3"}, "begun", via="schedule")
    shared_harness.note("accept-shrink", {"reason": "closed"}, "begun")
    shared_harness.note("emergency", {"reason": "fire"}, "complete")
    operations = shared_harness.report().operations
    assert [each.subject for each in operations.killed] == [{"platforms": ["a"]}]
    counted = {(each.operation, each.via, each.outcome): each.times for each in operations.counts}
    assert counted == {
        ("sync", "cli", "complete"): 1,
        ("sync", "cli", "failed"): 1,
        ("sync", "cli", "no end on record"): 1,
        ("sync", "schedule", "begun; its run has the outcome"): 1,
        ("accept-shrink", "cli", "noted"): 1,
        ("emergency", "cli", "complete"): 1,
    }
    assert [each.subject["reason"] for each in (*operations.shrinks, *operations.emergencies)] == ["closed", "fire"]
    assert logged_operations([]) == []


def test_unsealing_for_analysis_has_a_section_with_who_why_and_how_much(shared_harness: ComplianceHarness) -> None:
    asked = {"tables": ["chope.reservations"], "reason": "no-shows by hour"}
    shared_harness.note("unseal", asked, "begun")
    shared_harness.note("unseal", {**asked, "rows": 20, "data_subjects": 7, "values": 31}, "complete")
    report = shared_harness.report()
    (section,) = [each for each in report_document(report).sections if each.title == "Unsealing for analysis"]
    (row,) = section.tables[0].rows
    assert row[1:] == ("ada", "chope.reservations", "no-shows by hour", 20, 7, 31, "complete")
    assert "1 times, of 7 persons" in section.paragraphs[0]
    (listed,) = report_json(report)["personal"]["unsealings"]
    assert (listed["actor"], listed["subject"]["values"]) == ("ada", 31)


def test_a_sync_that_is_evaluated_again_counts_once_with_its_last_result(tmp_path: Path) -> None:
    harness = ComplianceHarness(tmp_path)
    lake_harness = harness.lake_harness(house())
    type(lake_harness.platform).shrink_tolerance = 0.05
    lake_harness.sync([{"id": number} for number in range(20)], hour=0)
    assert lake_harness.sync([{"id": number} for number in range(6, 20)], hour=20).record.not_retired == 6
    lake_harness.sync([{"id": number} for number in range(3, 20)], hour=10)
    assert lake_harness.ask("SELECT count(*), count(DISTINCT sync_id) FROM sync.runs") == [(4, 3)]
    lake_harness.lake.close()
    activity = _activity(harness.report(), "diner.guests")
    assert activity.syncs == SyncCounts(3, 0, 0, 51, 0, 0)
    assert (activity.changes.inserted, activity.changes.removed, activity.live) == (20, 6, 14)


def test_a_dataset_that_is_no_longer_declared_is_listed_and_its_unsealed_values_are_found(
    harness: ComplianceHarness,
) -> None:
    """The comments of its columns decide, in the table and in the history, and not the form of the values."""
    lake_harness = harness.lake_harness(house(IN_CLEAR))
    lake_harness.sync([{"id": 7, "name": 'says "name":"sealed:v1:x"', "room": "Cellar"}, *LIST], hour=3)
    lake_harness.lake.close()
    harness.declared = {}
    report = harness.report()
    activity = _activity(report, "diner.guests")
    assert (activity.is_declared, activity.syncs.complete, activity.changes) == (False, 4, ChangeCounts(7, 6, 1, 1))
    (personal,) = report.personal.datasets
    assert (personal.columns, personal.records, personal.is_declared) == (["name"], 7, False)
    assert (personal.unsealed, personal.unsealed_changes) == (7, 7)
    assert report.personal.subjects.held == report.personal.subjects.created == 6
    assert found(report)["holdings-declared"].evidence.endswith("diner.guests (7 records)")


def test_the_report_of_an_empty_lake(tmp_path: Path) -> None:
    harness = ComplianceHarness(tmp_path)
    with Lake(LakeAddress.of(harness.settings)) as lake, lake.session():
        pass
    report = harness.report()
    checked = {name: each.evidence for name, each in found(report).items() if each.state != "not checked"}
    assert set(checked) == {"personal-registered", "history-holds", "audit-log-holds", "time-travel-window"}
    assert "is not there" in checked["history-holds"]
    for written in (text_of(report_document(report)), html_of(report_document(report))):
        assert "11. Operations" in written


class Words(HTMLParser):
    """The words and elements of a page; AssertionError where elements are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.loads: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.loads += [value or "" for name, value in attributes if name in ("src", "href") and value[:1] != "#"]  # type: ignore[index]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.words += text


@pytest.fixture
def hostile(shared_harness: ComplianceHarness) -> Iterator[ComplianceReport]:
    """A report with hostile values everywhere that values of others can be."""
    platform = house()
    type(platform).title = HOSTILE
    shared_harness.declared = {"diner": platform}
    shared_harness.note("accept-shrink", {"reason": HOSTILE}, "begun")
    yield shared_harness.report(hash_landing=True)


def test_the_page_runs_no_value_loads_nothing_and_repeats_table_headings(
    hostile: ComplianceReport,
) -> None:
    text = html_of(report_document(hostile))
    page = Words(text)
    assert page.words.count(HOSTILE) == 2 and "script" not in page.elements
    assert page.loads == [] and "url(" not in text and "@import" not in text
    assert [page.elements.count(tag) for tag in ("html", "h1", "header", "h2")] == [1, 1, 1, 11]
    assert page.elements.count("table") == page.elements.count("thead")
    for rule in ("@page { size: A4", "@media print", "table-header-group", "break-inside: avoid"):
        assert rule in page.words
    assert all(each.requirement in page.words and each.basis in page.words for each in hostile.obligations)


def test_text_and_json_have_every_obligation(hostile: ComplianceReport) -> None:
    document = orjson.loads(orjson.dumps(report_json(hostile)))
    assert document["format"] == FORMAT
    assert [each["id"] for each in document["obligations"]] == [each.id for each in hostile.obligations]
    assert document["compliance_rate"]["value"] == hostile.rate.value == 1
    assert document["identity"]["batches"]["number"] == 2
    assert document["verification"]["holds"] and document["verification"]["landed_objects"] == 3
    assert document["activity"]["datasets"][0]["changes"]["inserted"] == 6
    shrink = document["operations"]["shrinks"][0]
    assert (shrink["subject"]["reason"], shrink["is_word"], shrink["ends_elsewhere"]) == (HOSTILE, True, False)
    text = text_of(report_document(hostile))
    assert all(each.id in text for each in hostile.obligations)
    assert HOSTILE in text and f"{NOW:%Y-%m}" in text and hostile.chains.public_key in text
