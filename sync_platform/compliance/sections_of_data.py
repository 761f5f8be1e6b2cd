"""The report's sections on data: its sources, the syncs and changes, its quality, and personal data."""

from __future__ import annotations

from dataclasses import astuple

from sync_platform.compliance.compliance_report import ComplianceReport
from sync_platform.compliance.source_terms import SourceTerms
from sync_platform.compliance.span import moment_text
from sync_platform.documents.document import Cell, DocumentTable, Mark, Row, Section
from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import StoredScore

SOURCES_NOTE = "A source that is fetched from the sandbox or from loopback has invented data; its terms do not apply."
COUNTING_NOTE = (
    "A sync counts once, with its last result, in the span in which it was first committed. “With gaps” are complete "
    "syncs in which few enough records are missing (GAP_TOLERANCE). Changes are those "
    "committed in the span, also corrections by late observations. “Kept unseen” are rows that a sync did not see and "
    "kept live, because it could not prove that they were gone. “Past” are rows that left the window of days that "
    "their source lists, such as old reservations."
)
SCORES_NOTE = (
    "A score below its threshold is written with the threshold. A dash means that nothing could be "
    "measured: it is not a good score, and it lowers the confidence of the overall score."
)


def sources_section(report: ComplianceReport) -> Section:
    columns = (
        "platform", "title", "terms", "agreement needed", "days content may be kept", "fetched from", "terms accepted",
        "stored",
    )  # fmt: skip
    rows: list[Row] = [
        (
            terms.platform,
            terms.title,
            f"{terms.licence} ({terms.url})",
            _yes_or_no(terms.agreement_needed),
            terms.cache_days,
            _fetched_from(terms),
            _yes_or_no(terms.terms_accepted),
            _stored(terms),
        )
        for terms in report.sources
    ]
    return Section("Sources and their terms", [SOURCES_NOTE], [DocumentTable("Declared platforms", columns, rows)])


def activity_section(report: ComplianceReport) -> Section:
    columns = (
        "dataset", "syncs: complete", "with gaps", "degraded", "failed", "received", "inserted", "updated", "removed",
        "restored", "past", "quaran\u00adtined", "kept unseen", "live now",
    )  # fmt: skip
    datasets = report.activities.datasets
    rows: list[Row] = [
        (
            f"{activity.platform}.{activity.dataset}"
            if activity.dataset
            else f"{activity.platform} (no dataset reached)",
            activity.syncs.complete - activity.syncs.with_gaps,
            activity.syncs.with_gaps,
            activity.syncs.degraded,
            activity.syncs.failed,
            activity.syncs.received,
            *astuple(activity.changes),
            activity.syncs.quarantined,
            activity.syncs.not_retired,
            activity.live,
        )
        for activity in datasets
    ]
    undeclared = ", ".join(
        f"{activity.platform}.{activity.dataset}" for activity in datasets if not activity.is_declared
    )
    notes = [
        COUNTING_NOTE,
        *([f"Stored, but declared by no platform file any more: {undeclared}."] if undeclared else []),
    ]
    tables = [DocumentTable("By dataset", columns, rows), _periods(report)]
    return Section("What was collected, changed and removed", notes, tables)


def _periods(report: ComplianceReport) -> DocumentTable:
    columns = ("platform", "cadence", "first period", "whole periods", "complete", "what is missing")
    rows: list[Row] = [
        (
            timeliness.platform,
            timeliness.cadence,
            timeliness.since or "never synced",
            timeliness.periods,
            timeliness.kept,
            "; ".join(timeliness.short),
        )
        for timeliness in report.timeliness
    ]
    return DocumentTable("Periods wholly within the span", columns, rows)


def quality_section(report: ComplianceReport) -> Section:
    by_period: dict[tuple[str, str], dict[str, StoredScore]] = {}
    for score in report.scores:
        by_period.setdefault((f"{score.platform}.{score.dataset}", score.partition), {})[score.dimension] = score
    scores: list[Row] = [
        (
            *period,
            *(_score(period_scores.get(dimension)) for dimension in (*DIMENSIONS, OVERALL)),
            _share(period_scores[OVERALL].threshold) if OVERALL in period_scores else None,
            _share(period_scores[OVERALL].confidence) if OVERALL in period_scores else None,
        )
        for period, period_scores in by_period.items()
    ]
    columns = ("dataset", "period", *DIMENSIONS, OVERALL, "overall threshold", "confidence")
    open_records: list[Row] = [
        (
            f"{quarantine.platform}.{quarantine.dataset}",
            quarantine.records,
            moment_text(quarantine.oldest),
            quarantine.overdue,
        )
        for quarantine in report.quarantine
    ]
    tables = [
        DocumentTable("Last scores within the span", columns, scores, "nothing was scored in the span"),
        DocumentTable(
            "Open quarantine at the end of the span",
            ("dataset", "records", "oldest since", "open too long"),
            open_records,
            "no record is in quarantine",
        ),
    ]
    return Section("Data quality", [SCORES_NOTE], tables)


def personal_section(report: ComplianceReport) -> Section:
    columns = (
        "dataset", "personal fields, as received", "data subject", "columns", "records with any", "in clear",
        "changes in clear",
    )  # fmt: skip
    rows: list[Row] = [
        (
            f"{dataset.platform}.{dataset.dataset}",
            ", ".join(f"{path} ({kind})" for path, kind in dataset.kinds.items()) or "declared by no platform file",
            "the person named by " + " or ".join(dataset.subject) if dataset.subject else "–",
            ", ".join(dataset.columns) or "nothing is stored yet",
            dataset.records,
            dataset.unsealed,
            dataset.unsealed_changes,
        )
        for dataset in report.personal.datasets
    ]
    register: list[Row] = [
        (
            f"{dataset.platform}.{dataset.dataset}",
            *(
                (why.whose, why.purpose, why.basis, why.recipients)
                if (why := dataset.processing)
                else ("not stated",) * 4
            ),
        )
        for dataset in report.personal.datasets
    ]
    subjects = report.personal.subjects
    counted = (
        f"The vault has the keys of {subjects.held:,} data subjects now; {subjects.created:,} of them were created in "
        "the span. One person known to two platforms counts as two, because nothing links them."
    )
    requests: list[Row] = [
        (
            request.number,
            request.kind,
            request.law,
            f"{request.received_on}",
            f"{request.due_on}{' (extended)' if request.extended_until else ''}",
            f"{request.answered_on}" if request.answered_on else None,
            f"{request.state}{f': {request.provision}' if request.provision else ''}",
        )
        for request in report.requests.requests
    ]
    heads = ("request", "kind", "law", "received", "due", "answered", "state")
    empty = "0 requests are on record in the span"
    tables = [
        DocumentTable("Register of personal data", ("dataset", "whose", "purpose", "basis", "recipients"), register),
        DocumentTable("Personal fields", columns, rows),
        DocumentTable("Requests of data subjects", heads, requests, empty),
        _erasures(report),
        _corrections(report),
    ]
    restricted = f"{report.requests.restricted_persons:,} data subjects have restricted the use of their records now."
    return Section("Personal data", [counted, restricted], tables)


def _corrections(report: ComplianceReport) -> DocumentTable:
    corrections = report.requests.corrections
    rows: list[Row] = [
        (
            correction.number,
            correction.request,
            f"{correction.platform}.{correction.dataset}",
            correction.column,
            moment_text(correction.corrected_at),
            f"{correction.state} {moment_text(correction.passed_on_at)}"
            if correction.passed_on_at
            else correction.state,
        )
        for correction in corrections
    ]
    applied = sum(correction.state == "applied" for correction in corrections)
    caption = f"Corrected values: {len(corrections):,}, of which {applied:,} stand in place of the platform's"
    heads = ("correction", "request", "dataset", "column", "corrected", "state")
    return DocumentTable(caption, heads, rows, "0 values are corrected")


def _erasures(report: ComplianceReport) -> DocumentTable:
    rows: list[Row] = [
        (
            erasure.number,
            erasure.state if erasure.problem is None else f"{erasure.state}: {erasure.problem}",
            moment_text(erasure.requested_at),
            erasure.requested_by,
            f"{erasure.confirmed_by} (alone)" if erasure.confirmed_alone else erasure.confirmed_by,
            f"{erasure.places} places, {erasure.proof}" if erasure.proof else None,
        )
        for erasure in report.erasures
    ]
    heads = ("erasure", "state", "asked for", "by", "confirmed by", "proof")
    return DocumentTable("Erasures", heads, rows, "0 erasures are on record in the span")


def _fetched_from(source: SourceTerms) -> str:
    live = f"live: {', '.join(source.addresses)}" if source.addresses else source.origin
    return f"{live}; pages of the span from {', '.join(source.hosts)}" if source.hosts else live


def _stored(source: SourceTerms) -> str:
    """What may be stored, and who decided that."""
    decided = " (as the operator set it)" if source.is_operators_word else ""
    limit = "; ids only where it is live without an agreement" if source.without_agreement == "ids" else ""
    return ("everything" if source.may_store == "everything" else "ids only") + decided + limit


def _score(score: StoredScore | None) -> Cell:
    if score is None:
        return None
    if score.falls_short:
        return Mark(f"{_share(score.score)} (below {_share(score.threshold)})", "bad")
    return _share(score.score)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
