"""The report for programs: every figure under its name. Times are UTC, shares from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from sync_platform.compliance.compliance_report import ComplianceReport
from sync_platform.compliance.logged_operations import LoggedOperation

FORMAT = "sync-platform/compliance-report/1"
KEYS = {"has_no_end": "is_word"}
"""Keys that differ from the name of the attribute."""
SCORE = ("platform", "dataset", "partition", "dimension", "score", "threshold", "confidence")
Json = dict[str, Any]


def report_json(report: ComplianceReport) -> Json:
    """The report; orjson writes the dataclasses in it with their fields as keys."""
    rate, chains, done, recovery = report.rate, report.chains, report.operations, report.recovery
    return {
        "format": FORMAT,
        "identity": {
            "environment": report.environment,
            "organisation": report.organisation,
            "contact": report.contact,
            "prepared_by": report.prepared_by,
            "invented": report.invented,
            "from": report.span.first,
            "to": report.span.last,
            "made_at": report.made_at,
            "version": report.version,
            "batches": chains.batches,
            "audit_log": chains.audit_log,
            "public_key": chains.public_key,
        },
        "verdict": report.verdict,
        "compliance_rate": {
            "value": rate.value,
            "met": rate.met,
            "not_met": rate.not_met,
            "not_checked": rate.not_checked,
            "in_words": rate.in_words,
        },
        "obligations": report.obligations,
        "sources": report.sources,
        "activity": {"datasets": report.activities.datasets, "sourcing": report.activities.sourcing},
        "punctuality": report.timeliness,
        "quality": {"scores": [_columns(score, SCORE) for score in report.scores], "quarantine": report.quarantine},
        "personal": {
            "datasets": report.personal.datasets,
            "subjects": report.personal.subjects,
            "requests": report.requests.requests,
            "erasures": report.erasures,
            "corrections": report.requests.corrections,
            "restricted_persons": report.requests.restricted_persons,
            "unsealings": _operations(done.unsealings),
        },
        "retention": {
            "rules": report.retention.limits,
            "table": report.retention.rules,
            "deletions": report.retention.deletions,
            "maintenance": _operations(report.retention.maintenance),
        },
        "verification": {**chains.findings.document(), "anchors_made": chains.anchors},
        "recovery": {
            "backups": _operations(recovery.backups),
            "verifications": _operations(recovery.verifications),
            "restores": _operations(recovery.restores),
            "drills": _operations(recovery.drills),
        },
        "operations": {
            "counts": done.counts,
            "emergencies": _operations(done.emergencies),
            "shrinks": _operations(done.shrinks),
            "killed": _operations(done.killed),
        },
    }


def _operations(operations: list[LoggedOperation]) -> list[Json]:
    names = [field.name for field in fields(LoggedOperation)]
    return [_columns(operation, names) for operation in operations]


def _columns(of: object, names: Iterable[str]) -> Json:
    return {KEYS.get(name, name): getattr(of, name) for name in names}
