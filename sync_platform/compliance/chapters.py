"""The report in words: its ten sections, out of its figures.

What belongs here: their order, the title, and the first two, which are of the whole report. How sections become text
or a page is in `text` and `page`.
"""

from __future__ import annotations

from sync_platform.compliance.chapters_of_data import tell_activity, tell_personal, tell_quality, tell_sources
from sync_platform.compliance.chapters_of_deeds import tell_operations, tell_proof, tell_recovery, tell_retention
from sync_platform.compliance.report import Report
from sync_platform.compliance.section import Cell, Section, Table
from sync_platform.compliance.span import told, told_day

TITLE = "Compliance report"
HOW = (
    "The ComplianceRate is the number of obligations that are met, divided by the number of those that are met or not "
    "met. What was not checked is in neither number; each is listed in section 2 with the reason."
)


def chapters_of(report: Report) -> list[Section]:
    """Every section, in order."""
    tellers = (
        _what_this_is,
        _obligations,
        tell_sources,
        tell_activity,
        tell_quality,
        tell_personal,
        tell_retention,
        tell_proof,
        tell_recovery,
        tell_operations,
    )
    return [tell(number, report) for number, tell in enumerate(tellers, 1)]


def title_lines(report: Report) -> list[tuple[str, str]]:
    """What stands in the title block: a name and a value each."""
    return [
        ("Installation", report.environment),
        ("Span", f"{told_day(report.span.first)} to {told_day(report.span.last)}, both included (days in Hong Kong)"),
        ("Made", told(report.made_at) or ""),
        ("ComplianceRate", report.rate.in_words),
    ]


def _what_this_is(number: int, report: Report) -> Section:
    proof = report.proof
    rows: list[tuple[Cell, ...]] = [
        ("installation", report.environment),
        ("from", told(report.span.first)),
        ("to", told(report.span.last)),
        ("made", told(report.made_at)),
        ("program", f"sync-platform {report.version}"),
        ("chain of changes", f"batch {proof.batches.number:,}, link {proof.batches.link}"),
        ("audit log", f"entry {proof.audit_log.number:,}, link {proof.audit_log.link}"),
        ("public key of anchors", proof.public_key),
    ]
    told_of = (
        "This report says what was collected, kept and deleted in the span, on what terms, and which obligations were "
        "met. Every figure was read or computed when it was made; what is said to be held is held then."
    )
    unfinished = [f"The span is not over: it is told up to {told(report.made_at)}."]
    rate = f"ComplianceRate {report.rate.in_words}."
    return Section(
        number,
        "What this is",
        [told_of, *(unfinished if report.made_at < report.span.last else []), rate, HOW],
        [Table("Identity", ("what", "value"), rows)],
    )


def _obligations(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (each.id, each.requirement, each.basis, each.state, each.evidence) for each in report.obligations
    ]
    rate = report.rate
    counted = (
        f"{rate.met} met, {rate.not_met} not met, {rate.not_checked} not checked: "
        f"{rate.checked} of {rate.of_all} were checked."
    )
    columns = ("id", "what is required", "basis", "state", "evidence")
    return Section(number, "Obligations", [counted], [Table("Obligations", columns, rows)])
