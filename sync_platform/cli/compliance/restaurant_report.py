"""`sync-platform report restaurant`: everything about one restaurant in one file, for an auditor."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.lineage.story import history_of
from sync_platform.cli.output import json_of, opened, report_problem, showing_steps, write_document
from sync_platform.cli.preconditions import require_lake
from sync_platform.lineage.restaurant_report import RestaurantReport, read_story_with_counts
from sync_platform.lineage.restaurant_report_document import restaurant_report_document
from sync_platform.lineage.story_json import story_json
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import system_user
from sync_platform.storage.operation_name import OperationName

FORMAT = "sync-platform/restaurant-report/1"


def report_restaurant(restaurant_id: str, out: str, form: str) -> int:
    """Write the report; 0 if its history is proven, else 1. UsageError for a restaurant that does not exist."""
    settings = load_settings()
    require_lake(settings)
    subject = {"what": "restaurant", "restaurant": restaurant_id, "format": form}
    with audited(settings, OperationName.report, subject) as operation, opened(out) as file:
        report = _made(settings, restaurant_id)
        _write(report, form, file)
        operation.ended("complete", is_proven=report.is_proven)
    if not report.is_proven:
        where = "" if out == "-" else f"; the report is in {out}"
        report_problem(f"{report.verdict}{where}")
    return OK if report.is_proven else FAILED


def _made(settings: Settings, restaurant_id: str) -> RestaurantReport:
    from sync_platform.defs.lineage import auditor_of

    platforms = load_platforms(settings.platform_path)
    with history_of(settings, platforms) as history:
        story, related = read_story_with_counts(history, platforms, restaurant_id)
    with auditor_of(settings).opened() as installation, showing_steps("verifying") as show_step:
        findings = installation.verify(on_step=show_step)
    return RestaurantReport(
        story,
        related,
        findings,
        datetime.now(UTC),
        settings.sync_actor or system_user(),
        settings.organisation,
        settings.contact,
        settings.environment,
    )


def _write(report: RestaurantReport, form: str, file: TextIO) -> None:
    if form != "json":
        write_document(restaurant_report_document(report), form, file)
        return
    document = {
        "format": FORMAT,
        "made_at": report.made_at,
        "is_proven": report.is_proven,
        "verdict": report.verdict,
        "prepared_by": report.prepared_by,
        "organisation": report.organisation,
        "contact": report.contact,
        "environment": report.environment,
        "related": [asdict(count) for count in report.related],
        "verification": report.findings.document(),
        "story": story_json(report.story),
    }
    file.write(json_of(document) + "\n")
