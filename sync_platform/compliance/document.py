"""The report as one JSON document: every figure by its name, nothing shortened. Times are UTC, shares from 0 to 1."""

from __future__ import annotations

from typing import Any

from sync_platform.compliance.report import Report

FORMAT = "sync-platform/compliance-report/1"


def document_of(report: Report) -> dict[str, Any]:
    """The document; orjson writes the dataclasses in it by their fields."""
    rate, proof = report.rate, report.proof
    return {
        "format": FORMAT,
        "identity": {
            "environment": report.environment,
            "from": report.span.first,
            "to": report.span.last,
            "made_at": report.made_at,
            "version": report.version,
            "batches": proof.batches,
            "audit_log": proof.audit_log,
            "public_key": proof.public_key,
        },
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
        "punctuality": report.punctuality,
        "quality": {"scores": report.grades, "quarantine": report.quarantine},
        "personal": {
            "datasets": report.personal.datasets,
            "subjects": report.personal.subjects,
            "requests": report.requests,
        },
        "retention": {"rules": report.retention.rules, "maintenance": report.retention.maintenance},
        "verification": {**proof.findings.document(), "anchors_made": proof.anchors},
        "recovery": report.recovery,
        "operations": report.operations,
    }
