"""The sections on data: where it comes from, what was done with it, how good it is, and what of it is personal."""

from __future__ import annotations

from dataclasses import astuple

from sync_platform.compliance.quality import Grade
from sync_platform.compliance.report import Report
from sync_platform.compliance.section import Cell, Section, Table
from sync_platform.compliance.sources import Source
from sync_platform.compliance.span import told
from sync_platform.quality.score import DIMENSIONS, OVERALL

COUNTED = (
    "A sync counts once, with the last word on it, in the span that it was first committed in. Changes are those "
    "committed in the span, corrections by late observations included. “Kept unseen” are rows that a sync did not see "
    "and kept live, because it could not prove them gone."
)


def tell_sources(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            each.platform,
            each.title,
            f"{each.licence} ({each.url})",
            _yes(each.agreement_needed),
            each.cache_days,
            _fetched_from(each),
            _yes(each.terms_accepted),
            _stored(each),
        )
        for each in report.sources
    ]
    columns = (
        "platform",
        "title",
        "terms",
        "agreement needed",
        "days content may be kept",
        "fetched from",
        "terms accepted",
        "stored",
    )
    note = "A source that is fetched from the sandbox or from loopback has invented data: its terms bind nobody."
    return Section(number, "Sources and their terms", [note], [Table("Declared platforms", columns, rows)])


def tell_activity(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.platform}.{each.dataset}" if each.dataset else f"{each.platform} (no dataset reached)",
            *astuple(each.syncs)[:4],
            *astuple(each.changes),
            *astuple(each.syncs)[4:],
            each.live,
        )
        for each in report.activities.datasets
    ]
    columns = (
        "dataset",
        "complete syncs",
        "degraded",
        "failed",
        "received",
        "inserted",
        "updated",
        "removed",
        "restored",
        "quaran\u00adtined",
        "kept unseen",
        "live now",
    )
    strange = [each for each in report.activities.datasets if not each.is_declared]
    named = ", ".join(f"{each.platform}.{each.dataset}" for each in strange)
    notes = [COUNTED, *([f"Declared by no platform file any more: {named}."] if strange else [])]
    on_time: list[tuple[Cell, ...]] = [
        (each.platform, each.cadence, each.since or "never synced", each.periods, each.kept, "; ".join(each.short))
        for each in report.punctuality
    ]
    heads = ("platform", "cadence", "first period", "whole periods", "complete", "what is lacking")
    tables = [Table("By dataset", columns, rows), Table("Periods wholly within the span", heads, on_time)]
    return Section(number, "What was collected, changed and removed", notes, tables)


def tell_quality(number: int, report: Report) -> Section:
    by_dataset: dict[tuple[str, str], dict[str, Grade]] = {}
    for grade in report.grades:
        by_dataset.setdefault((f"{grade.platform}.{grade.dataset}", grade.partition), {})[grade.dimension] = grade
    grades: list[tuple[Cell, ...]] = [
        (
            *name,
            *(_grade(found.get(dimension)) for dimension in (*DIMENSIONS, OVERALL)),
            _share(found[OVERALL].threshold) if OVERALL in found else None,
            _share(found[OVERALL].confidence) if OVERALL in found else None,
        )
        for name, found in by_dataset.items()
    ]
    open_entries: list[tuple[Cell, ...]] = [
        (f"{each.platform}.{each.dataset}", each.records, told(each.oldest), each.overdue) for each in report.quarantine
    ]
    columns = ("dataset", "period", *DIMENSIONS, OVERALL, "overall should reach", "confidence")
    tables = [
        Table("Last scores within the span", columns, grades, "nothing was scored in the span"),
        Table(
            "Open quarantine at the end of the span",
            ("dataset", "records", "oldest since", "open too long"),
            open_entries,
            "no record is in quarantine",
        ),
    ]
    note = (
        "A score below its threshold is written with it. A dash was not measured; it is no praise, and lowers the "
        "confidence of the overall score."
    )
    return Section(number, "Data quality", [note], tables)


def tell_personal(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.platform}.{each.dataset}",
            ", ".join(each.fields) or "declared by no platform file",
            "the person named by " + " or ".join(each.subject) if each.subject else "–",
            ", ".join(each.columns) or "nothing is held yet",
            each.records,
            each.unsealed,
            each.unsealed_changes,
        )
        for each in report.personal.datasets
    ]
    columns = (
        "dataset",
        "personal fields, as received",
        "whose they are",
        "columns",
        "records with any",
        "in clear",
        "changes in clear",
    )
    subjects = report.personal.subjects
    counted = (
        f"The vault holds the keys of {subjects.held:,} data subjects now; {subjects.created:,} of them were created "
        "in the span. One person known to two platforms counts as two, for nothing links them."
    )
    asked: list[tuple[Cell, ...]] = [
        (each.operation, told(each.received_at), told(each.answered_at), each.outcome) for each in report.requests
    ]
    heads = ("request", "received", "answered", "outcome")
    nothing = "0 requests are on record in the span"
    tables = [Table("Personal fields", columns, rows), Table("Requests of data subjects", heads, asked, nothing)]
    return Section(number, "Personal data", [counted], tables)


def _fetched_from(source: Source) -> str:
    live = f"live: {', '.join(source.addresses)}" if source.addresses else source.origin
    return f"{live}; pages of the span from {', '.join(source.hosts)}" if source.hosts else live


def _stored(source: Source) -> str:
    """What may be stored, and who says so."""
    said = " (as the operator set it)" if source.is_operators_word else ""
    bound = "; ids only where it is live without an agreement" if source.without_agreement == "ids" else ""
    return ("everything" if source.may_store == "everything" else "ids only") + said + bound


def _grade(grade: Grade | None) -> str | None:
    if grade is None:
        return None
    return f"{_share(grade.score)} (below {_share(grade.threshold)})" if grade.falls_short else _share(grade.score)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
