"""The report as a document for people, in ten sections.

What belongs here: the title, the order of the sections, and the first two. The others are in `sections_of_data` and
`sections_of_operations`.
"""

from __future__ import annotations

from sync_platform.compliance.compliance_report import ComplianceReport
from sync_platform.compliance.obligation import State
from sync_platform.compliance.sections_of_data import (
    activity_section,
    personal_section,
    quality_section,
    sources_section,
)
from sync_platform.compliance.sections_of_operations import (
    chains_section,
    operations_section,
    recovery_section,
    retention_section,
    unsealing_section,
)
from sync_platform.compliance.span import day_text, moment_text
from sync_platform.compliance.verdict import most_urgent_first
from sync_platform.documents.document import Document, DocumentTable, Mark, Row, Section, Tone

TITLE = "Compliance report"
TONES: dict[State, Tone] = {"met": "good", "not met": "bad", "not checked": "muted"}
ABOUT = (
    "This report says what was collected, kept and deleted in the span, on what terms, and which obligations were met. "
    "Every figure was read or computed when the report was made. What is said to be stored was stored at that time."
)
RATE = (
    "The ComplianceRate is the number of obligations that are met, divided by the number of those that are met or not "
    "met. Obligations that were not checked are in neither number; section 2 lists each with the reason."
)
SECTIONS = (
    sources_section,
    activity_section,
    quality_section,
    personal_section,
    unsealing_section,
    retention_section,
    chains_section,
    recovery_section,
    operations_section,
)


def report_document(report: ComplianceReport) -> Document:
    """The report as a document."""
    span = f"{day_text(report.span.first)} to {day_text(report.span.last)}, both included (days in Hong Kong)"
    facts = [
        ("Organisation", report.organisation or "not given: set ORGANISATION"),
        ("Contact", report.contact or "not given: set CONTACT"),
        ("Prepared by", report.prepared_by),
        ("Installation", report.environment),
        ("Data", _data(report)),
        ("Span", span),
        ("Made", moment_text(report.made_at) or ""),
        ("ComplianceRate", report.rate.in_words),
    ]
    sections = [_about(report), _obligations(report), *(make(report) for make in SECTIONS)]
    verdict = report.verdict
    tone: Tone = "muted" if verdict.is_met is None else "good" if verdict.is_met else "bad"
    return Document(TITLE, facts, sections, verdict=Mark(verdict.text, tone))


def _data(report: ComplianceReport) -> str:
    """Whether the data is real."""
    if not report.invented:
        return "every platform is live"
    if len(report.invented) == len(report.sources):
        return "invented data: every platform is fetched from the sandbox or from loopback"
    return f"invented data of {', '.join(report.invented)}, fetched from the sandbox or from loopback; the rest is live"


def _about(report: ComplianceReport) -> Section:
    chains = report.chains
    rows: list[Row] = [
        ("installation", report.environment),
        ("from", moment_text(report.span.first)),
        ("to", moment_text(report.span.last)),
        ("made", moment_text(report.made_at)),
        ("program", f"sync-platform {report.version}"),
        ("chain of changes", f"batch {chains.batches.number:,}, link {chains.batches.link}"),
        ("audit log", f"entry {chains.audit_log.number:,}, link {chains.audit_log.link}"),
        ("public key of anchors", chains.public_key),
    ]
    unfinished = f"The span is not over: this report covers it up to {moment_text(report.made_at)}."
    paragraphs = [
        ABOUT,
        *([unfinished] if report.made_at < report.span.last else []),
        f"ComplianceRate {report.rate.in_words}.",
        RATE,
    ]
    return Section("About this report", paragraphs, [DocumentTable("Identity", ("what", "value"), rows)])


def _obligations(report: ComplianceReport) -> Section:
    rows: list[Row] = [
        (
            obligation.id,
            obligation.requirement,
            obligation.basis,
            Mark(obligation.state, TONES[obligation.state]),
            obligation.evidence,
        )
        for obligation in most_urgent_first(report.obligations)
    ]
    rate = report.rate
    counted = (
        f"{rate.met} met, {rate.not_met} not met, {rate.not_checked} not checked: "
        f"{rate.checked} of {rate.of_all} were checked."
    )
    columns = ("id", "requirement", "basis", "state", "evidence")
    return Section("Obligations", [counted], [DocumentTable("Obligations", columns, rows)])
