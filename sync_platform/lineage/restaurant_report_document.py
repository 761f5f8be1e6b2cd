"""The report of one restaurant, as a document: the verdict, tables for a first look, and then its whole story.

What belongs here: wording. The figures are in `restaurant_report`, and the story is written by `story_document`.
"""

from __future__ import annotations

from dataclasses import replace

from sync_platform.documents.document import Document, DocumentTable, Mark, Row, Section
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import value_text
from sync_platform.lineage.identity_history import Membership
from sync_platform.lineage.provenance import FieldProvenance
from sync_platform.lineage.restaurant_report import RelatedCount, RestaurantReport
from sync_platform.lineage.story_document import DECIDED_BY, story_document

NOT_GIVEN = "not given: set {}"


def restaurant_report_document(report: RestaurantReport) -> Document:
    """The report as a document; its notes name the landed line and the page of every value."""
    story = story_document(report.story, report.made_at)
    facts = [
        ("Organisation", report.organisation or NOT_GIVEN.format("ORGANISATION")),
        ("Contact", report.contact or NOT_GIVEN.format("CONTACT")),
        ("Prepared by", report.prepared_by),
        ("Installation", report.environment),
        *story.facts,
    ]
    verdict = Mark(report.verdict, "good" if report.is_proven else "bad")
    sections = [_overview(report), _related(report), _verification(report), *story.sections]
    return replace(story, facts=facts, sections=sections, verdict=verdict)


def _overview(report: RestaurantReport) -> Section:
    fields = DocumentTable(
        "Each field and its source", ("field", "value", "source", "rule"), [*map(_field, report.story.fields)]
    )
    listings = DocumentTable(
        "Every listing", ("listing", "dataset", "since", "until", "why"), [*map(_listing, report.story.memberships)]
    )
    return Section("Overview", tables=[fields, listings])


def _field(provenance: FieldProvenance) -> Row:
    source = ", ".join(claim.listing for claim in provenance.sources)
    return provenance.field, value_text(provenance.value), source or None, provenance.rule


def _listing(member: Membership) -> Row:
    until = local_time(member.until) if member.until else None
    why = DECIDED_BY.get(member.decided_by, member.decided_by)
    return member.listing, member.dataset, local_time(member.since), until, why


def _related(report: RestaurantReport) -> Section:
    columns = ("kind", "dataset", "live", "removed", "first seen", "last new one seen")
    table = DocumentTable("By dataset", columns, [*map(_count, report.related)])
    totals: dict[str, int] = {}
    for count in report.related:
        totals[count.kind] = totals.get(count.kind, 0) + count.live
    counted = [f"Live now: {', '.join(f'{kind} {number:,}' for kind, number in totals.items())}."] if totals else []
    return Section("Reservations, offers, reviews and posts", counted, [table])


def _count(count: RelatedCount) -> Row:
    times = (local_time(count.first_seen_at), local_time(count.last_seen_at))
    return count.kind, f"{count.platform}.{count.dataset}", count.live, count.removed, *times


def _verification(report: RestaurantReport) -> Section:
    findings, states = report.findings, [origin.state for origin in report.origins]
    rows: list[Row] = [
        ("batches of changes", findings.batches),
        ("changes", findings.changes),
        ("tables compared with their history", findings.tables),
        ("audit entries", findings.audit_entries),
        ("anchors", findings.anchors),
        ("breaks", Mark(f"{len(findings.breaks):,}", "bad" if findings.breaks else None)),
        *((f"landed lines of this restaurant: {state}", states.count(state)) for state in sorted(set(states))),
    ]
    breaks = [(str(broken_place),) for broken_place in findings.breaks]
    tables = [DocumentTable("What was verified when this report was made", ("what", "number"), rows)]
    if breaks:
        tables.append(DocumentTable("Breaks", ("break",), breaks))
    return Section("Verification", tables=tables)
