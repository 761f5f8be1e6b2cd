"""The sections on what was done: retention, verification, backups, and every operation."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.compliance.acts import Act
from sync_platform.compliance.report import Report
from sync_platform.compliance.retention import GRACE
from sync_platform.compliance.section import Cell, Section, Table
from sync_platform.compliance.span import told

MOST_SHOWN = 50


def tell_retention(number: int, report: Report) -> Section:
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
        f"What is due goes with the next weekly maintenance; it is overdue when more than {GRACE.days} days have "
        "passed. Of each dataset the newest landed sync and the newest complete one stay, and so does the snapshot "
        "that was current when the window of time travel begins. Maintenance by the schedule is on record when it "
        "begins; what it deleted stands in its run."
    )
    done = _acts("Maintenance begun in the span, which deletes what is due", report.retention.maintenance)
    return Section(number, "Retention as applied", [note], [Table("Rules", columns, rows), done])


def tell_proof(number: int, report: Report) -> Section:
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
        (told(each.at), each.batches, each.audit_entries, each.problem or "good", each.name) for each in proof.anchors
    ]
    tables = [
        Table("Verified now", ("what", "figure"), figures),
        Table(f"Places that do not hold, the first {MOST_SHOWN}", ("place",), breaks, "everything holds"),
        Table("Anchors of the span", ("made", "batches", "audit entries", "state", "name"), anchors),
    ]
    note = "Every digest and both hash chains were computed again, and every table was made again from its history."
    return Section(number, "Verification of the chains", [note], tables)


def tell_recovery(number: int, report: Report) -> Section:
    found = report.recovery
    tables = [_acts("Backups", found.backups), _acts("Restores", found.restores), _acts("Drills", found.drills)]
    return Section(number, "Backups and drills", [], tables)


def tell_operations(number: int, report: Report) -> Section:
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
