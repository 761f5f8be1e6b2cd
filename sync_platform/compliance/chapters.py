"""The report in words: its ten sections, out of its figures.

What belongs here: which figure is told where. How sections become text or a page is in `text` and `page`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.compliance.acts import Act
from sync_platform.compliance.report import Report
from sync_platform.compliance.section import Cell, Section, Table
from sync_platform.compliance.sources import Source
from sync_platform.compliance.span import told, told_day

TITLE = "Compliance report"
HOW = (
    "The ComplianceRate is the number of obligations that are met, divided by the number of those that are met or not "
    "met. What was not checked is in neither number; each is listed in section 2 with the reason."
)
MOST_SHOWN = 50


def chapters_of(report: Report) -> list[Section]:
    """Every section, in order."""
    tellers = (
        _what_this_is,
        _obligations,
        _sources,
        _activity,
        _quality,
        _personal,
        _retention,
        _proof,
        _recovery,
        _operations,
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
    rate = f"ComplianceRate {report.rate.in_words}."
    return Section(number, "What this is", [told_of, rate, HOW], [Table("Identity", ("what", "value"), rows)])


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


def _sources(number: int, report: Report) -> Section:
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


def _activity(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.platform}.{each.dataset}" if each.dataset else f"{each.platform} (no dataset reached)",
            *(each.complete, each.degraded, each.failed, each.received, each.inserted, each.updated, each.removed),
            *(each.restored, each.quarantined, each.not_retired, each.live),
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
    notes = [
        "A sync counts once, with the last word on it, in the span that it was first committed in. Changes are those "
        "committed in the span, corrections by late observations included. “Kept unseen” are rows that a sync did not "
        "see and kept live, because it could not prove them gone."
    ]
    notes += [f"Declared by no platform file any more: {named}."] if strange else []
    on_time: list[tuple[Cell, ...]] = [
        (each.platform, each.cadence, each.since or "never synced", each.periods, each.kept, "; ".join(each.short))
        for each in report.punctuality
    ]
    heads = ("platform", "cadence", "first period", "whole periods", "complete", "what is lacking")
    tables = [Table("By dataset", columns, rows), Table("Periods wholly within the span", heads, on_time)]
    return Section(number, "What was collected, changed and removed", notes, tables)


def _quality(number: int, report: Report) -> Section:
    grades: list[tuple[Cell, ...]] = [
        (
            f"{each.platform}.{each.dataset}",
            each.partition,
            each.dimension,
            _share(each.score),
            _share(each.threshold),
            _share(each.confidence),
            "" if each.score is None else "below" if each.falls_short else "reached",
        )
        for each in report.grades
    ]
    open_entries: list[tuple[Cell, ...]] = [
        (f"{each.platform}.{each.dataset}", each.records, told(each.oldest), each.overdue) for each in report.quarantine
    ]
    columns = ("dataset", "period", "dimension", "score", "threshold", "confidence", "")
    tables = [
        Table("Last scores within the span", columns, grades, "nothing was scored in the span"),
        Table(
            "Open quarantine at the end of the span",
            ("dataset", "records", "oldest since", "open too long"),
            open_entries,
            "no record is in quarantine",
        ),
    ]
    note = "A dash was not measured; it is no praise, and lowers the confidence of the overall score."
    return Section(number, "Data quality", [note], tables)


def _personal(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.platform}.{each.dataset}",
            ", ".join(each.fields) or "declared by no platform file",
            "whoever " + " or ".join(each.subject) + " names" if each.subject else "–",
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
        f"The vault holds the keys of {subjects.held:,} data subjects now; {subjects.created:,} of them were created in "
        "the span. One person known to two platforms counts as two, for nothing links them."
    )
    asked: list[tuple[Cell, ...]] = [
        (each.operation, told(each.received_at), told(each.answered_at), each.outcome) for each in report.requests
    ]
    heads = ("request", "received", "answered", "outcome")
    nothing = "0 requests are on record in the span"
    tables = [Table("Personal fields", columns, rows), Table("Requests of data subjects", heads, asked, nothing)]
    return Section(number, "Personal data", [counted], tables)


def _retention(number: int, report: Report) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.what}: {each.of}",
            "kept for good" if each.days is None else f"{each.days} days",
            each.held,
            told(each.oldest),
            each.overdue,
            each.late,
        )
        for each in report.retention.rules
    ]
    columns = ("what", "limit", "held", "oldest", "due to be deleted", "overdue")
    note = (
        "What is due goes with the next weekly maintenance; it is overdue when more than eight days have passed. Of each "
        "dataset the newest landed sync and the newest complete one stay, and so does the snapshot that was current when "
        "the window of time travel begins."
    )
    done = _acts("Maintenance begun in the span, which deletes what is due", report.retention.maintenance)
    return Section(number, "Retention as applied", [note], [Table("Rules", columns, rows), done])


def _proof(number: int, report: Report) -> Section:
    proof, findings = report.proof, report.proof.findings
    landed = "not asked for" if findings.landed_objects is None else f"{findings.landed_objects:,}"
    figures: list[tuple[Cell, ...]] = [
        ("batches of the chain", findings.batches),
        ("changes hashed", findings.changes),
        ("tables held against their history", findings.tables),
        ("tables that no platform file declares, not compared", ", ".join(findings.not_compared) or 0),
        ("entries of the audit log", findings.audit_entries),
        ("anchors that the chains were held against", findings.anchors),
        ("landed objects hashed", landed),
        ("places that do not hold", len(findings.breaks)),
    ]
    breaks: list[tuple[Cell, ...]] = [(str(each),) for each in findings.breaks[:MOST_SHOWN]]
    anchors: list[tuple[Cell, ...]] = [
        (each.name, told(each.at), each.batches, each.audit_entries, each.problem or "good") for each in proof.anchors
    ]
    tables = [
        Table("Verified now", ("what", "figure"), figures),
        Table(f"Places that do not hold, the first {MOST_SHOWN}", ("place",), breaks, "everything holds"),
        Table("Anchors of the span", ("name", "made", "batches", "audit entries", "state"), anchors),
    ]
    note = "Every digest and both hash chains were computed again, and every table was made again from its history."
    return Section(number, "Verification of the chains", [note], tables)


def _recovery(number: int, report: Report) -> Section:
    found = report.recovery
    tables = [_acts("Backups", found.backups), _acts("Restores", found.restores), _acts("Drills", found.drills)]
    return Section(number, "Backups and drills", [], tables)


def _operations(number: int, report: Report) -> Section:
    found = report.operations
    counts: list[tuple[Cell, ...]] = [(each.operation, each.via, each.outcome, each.times) for each in found.counts]
    total = f"{found.total:,} operations began in the span."
    tables = [
        Table("By operation, door and outcome", ("operation", "door", "outcome", "times"), counts),
        _acts("Emergencies", found.emergencies),
        _acts("Accepted shrinks", found.shrinks),
        _acts("Begun and never ended", found.killed),
    ]
    return Section(number, "Operations", [total], tables)


def _acts(caption: str, acts: Sequence[Act]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (act.number, told(act.began_at), act.actor, act.via, act.outcome, _subject(act)) for act in acts[:MOST_SHOWN]
    ]
    if len(acts) > MOST_SHOWN:
        caption = f"{caption} (the first {MOST_SHOWN} of {len(acts):,}; --json has all)"
    return Table(caption, ("entry", "began", "who", "door", "outcome", "what"), rows)


def _subject(act: Act) -> str:
    """What an entry names, in words; lists and objects as they are written."""
    return "; ".join(f"{name}: {_plain(value)}" for name, value in act.subject.items())


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _fetched_from(source: Source) -> str:
    live = f"live: {', '.join(source.addresses)}" if source.addresses else source.origin
    return f"{live}; pages of the span from {', '.join(source.hosts)}" if source.hosts else live


def _stored(source: Source) -> str:
    """What may be stored, and who says so."""
    said = " (as the operator set it)" if source.is_operators_word else ""
    return ("everything" if source.may_store == "everything" else "ids only") + said


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
