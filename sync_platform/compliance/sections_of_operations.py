"""The report's sections on operations: retention, verification of the chains, backups, and every operation."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.compliance.applied_retention import GRACE
from sync_platform.compliance.compliance_report import ComplianceReport
from sync_platform.compliance.logged_operations import LoggedOperation
from sync_platform.compliance.span import moment_text
from sync_platform.documents.document import DocumentTable, Row, Section
from sync_platform.documents.wording import subject_text
from sync_platform.privacy.recorded_deletion import figures_in_words

MAX_SHOWN = 50
RETENTION_NOTE = (
    "The next weekly maintenance deletes what is due. Something is overdue when it has been due for more than "
    f"{GRACE.days} days. Of each dataset the newest landed sync and the newest complete one are kept, and so is the "
    "snapshot that was current at the beginning of the window of time travel. Each deletion by a rule is on record "
    "with its figures; a maintenance by the schedule is on record when it begins."
)
UNSEALING_NOTE = (
    "Only the roles unsealer and admin may do this, with a reason that is on record before a row is read. Answers to "
    "persons who ask for access are not in this section, but among their requests."
)
CHAINS_NOTE = "Every digest and both hash chains were computed again, and every table was replayed from its history."


def retention_section(report: ComplianceReport) -> Section:
    columns = ("what", "limit", "stored", "oldest", "due to be deleted", "overdue")
    rows: list[Row] = [
        (
            f"{limit.what}: {limit.of}",
            "kept for ever" if limit.days is None else f"{limit.days} days",
            limit.held,
            moment_text(limit.oldest),
            limit.overdue,
            limit.late,
        )
        for limit in report.retention.limits
    ]
    table: list[Row] = [
        (rule.name, rule.what, f"{rule.days:,} days ({rule.setting})", rule.then, rule.basis)
        for rule in report.retention.rules
    ]
    deletions: list[Row] = [
        (
            moment_text(deletion.at),
            deletion.rule,
            figures_in_words(deletion.deleted) or deletion.error,
            deletion.actor,
            deletion.via,
        )
        for deletion in report.retention.deletions[:MAX_SHOWN]
    ]
    caption = "Deletions of the span"
    if len(report.retention.deletions) > MAX_SHOWN:
        caption += f" (the first {MAX_SHOWN} of {len(report.retention.deletions):,}; --json has all)"
    tables = [
        DocumentTable("Rules of retention", ("rule", "what is kept", "how long", "then", "basis"), table),
        DocumentTable("What is stored, by limit", columns, rows),
        DocumentTable(
            caption, ("at", "rule", "deleted", "actor", "interface"), deletions, "nothing was deleted in the span"
        ),
    ]
    done = _operations("Maintenance that began in the span and deletes what is due", report.retention.maintenance)
    return Section("Retention as applied", [RETENTION_NOTE], [*tables, done])


def chains_section(report: ComplianceReport) -> Section:
    chains, findings = report.chains, report.chains.findings
    landed = "not asked for" if findings.landed_objects is None else f"{findings.landed_objects:,}"
    figures: list[Row] = [
        ("batches of the chain", findings.batches),
        ("changes hashed", findings.changes),
        ("tables compared with their history", findings.tables),
        ("tables that no platform file declares, not compared", ", ".join(findings.not_compared) or 0),
        ("entries of the audit log", findings.audit_entries),
        ("anchors that the chains were compared with", findings.anchors),
        ("landed objects hashed", landed),
        ("breaks", len(findings.breaks)),
    ]
    breaks: list[Row] = [(str(broken_place),) for broken_place in findings.breaks[:MAX_SHOWN]]
    anchors: list[Row] = [
        (moment_text(summary.at), summary.batches, summary.audit_entries, summary.problem or "good", summary.name)
        for summary in chains.anchors
    ]
    tables = [
        DocumentTable("Verified now", ("what", "figure"), figures),
        DocumentTable(f"Breaks, the first {MAX_SHOWN}", ("break",), breaks, "none: everything is intact"),
        DocumentTable("Anchors of the span", ("made", "batches", "audit entries", "state", "name"), anchors),
    ]
    return Section("Verification of the chains", [CHAINS_NOTE], tables)


def recovery_section(report: ComplianceReport) -> Section:
    recovery = report.recovery
    tables = [
        _operations("Backups", recovery.backups),
        _operations("Verifications of backups", recovery.verifications),
        _operations("Restores", recovery.restores),
        _operations("Drills", recovery.drills),
    ]
    return Section("Backups and drills", tables=tables)


def unsealing_section(report: ComplianceReport) -> Section:
    """`query --unseal`: who saw personal values in clear, of which tables, and why."""
    operations = report.operations.unsealings
    rows: list[Row] = [
        (
            moment_text(operation.began_at),
            operation.actor,
            ", ".join(operation.subject.get("tables", ())),
            operation.subject.get("reason"),
            operation.subject.get("rows"),
            operation.subject.get("data_subjects"),
            operation.subject.get("values"),
            operation.state,
        )
        for operation in operations[:MAX_SHOWN]
    ]
    suffix = f" (the first {MAX_SHOWN} of {len(operations):,}; --json has all)" if len(operations) > MAX_SHOWN else ""
    heads = ("at", "actor", "tables", "reason", "rows", "persons", "values", "outcome")
    table = DocumentTable(f"Queries with personal values in clear{suffix}", heads, rows, "nothing was unsealed")
    persons = sum(operation.subject.get("data_subjects", 0) for operation in operations)
    counted = f"Personal values were unsealed for analysis {len(operations):,} times, of {persons:,} persons in all. "
    return Section("Unsealing for analysis", [counted + UNSEALING_NOTE], [table])


def operations_section(report: ComplianceReport) -> Section:
    operations = report.operations
    columns = ("operation", "interface", "outcome", "times")
    counts: list[Row] = [(count.operation, count.via, count.state, count.times) for count in operations.counts]
    tables = [
        DocumentTable("By operation, interface and outcome", columns, counts),
        _operations("Emergencies", operations.emergencies),
        _operations("Accepted shrinks", operations.shrinks),
        _operations("Begun and never ended", operations.killed),
    ]
    return Section("Operations", [f"{operations.total:,} operations began in the span."], tables)


def _operations(caption: str, operations: Sequence[LoggedOperation]) -> DocumentTable:
    rows: list[Row] = [
        (
            operation.number,
            moment_text(operation.began_at),
            operation.actor,
            operation.via,
            operation.state,
            subject_text(operation.subject),
        )
        for operation in operations[:MAX_SHOWN]
    ]
    if len(operations) > MAX_SHOWN:
        caption = f"{caption} (the first {MAX_SHOWN} of {len(operations):,}; --json has all)"
    return DocumentTable(caption, ("entry", "began", "actor", "interface", "outcome", "subject"), rows)
