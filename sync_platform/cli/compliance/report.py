"""`sync-platform report compliance`: the report for a regulator, as text, one HTML page, or one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.lineage.export import scope_of
from sync_platform.cli.output import json_of, opened, report_problem, showing_steps, write_document
from sync_platform.cli.preconditions import require_lake
from sync_platform.compliance.compliance_report import ComplianceReport, ReportedInstallation, make_report
from sync_platform.compliance.report_document import report_document
from sync_platform.compliance.report_json import report_json
from sync_platform.compliance.span import Span
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import system_user
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.seal import open_vault_database


def report_compliance(first: str, last: str, out: str, form: str, *, hash_landing: bool) -> int:
    """Write the report; 0 if every obligation that was checked is met, else 1. UsageError for a wrong span."""
    settings, now = load_settings(), datetime.now(UTC)
    span = _span(first, last, now)
    require_lake(settings)
    subject = {"what": "compliance", "from": first, "to": last, "format": form, "landing": hash_landing}
    with (
        audited(settings, OperationName.report, subject) as operation,
        opened(out) as file,
        _installation(settings) as installation,
    ):
        with showing_steps("reporting") as show_step:
            report = make_report(installation, span, now, hash_landing=hash_landing, on_step=show_step)
        _write(report, form, file)
        rate = report.rate
        operation.ended("complete", rate=rate.value, met=rate.met, not_met=rate.not_met, not_checked=rate.not_checked)
    if rate.not_met:
        where = "" if out == "-" else f"; the report is in {out}"
        report_problem(
            f"{rate.not_met} of {rate.checked} checked obligations are not met{where}. {report.verdict.text}"
        )
    return FAILED if rate.not_met else OK


def _span(first: str, last: str, now: datetime) -> Span:
    scope = scope_of(first, last, None, now)
    return Span(scope.first or now, scope.last or now)


@contextmanager
def _installation(settings: Settings) -> Iterator[ReportedInstallation]:
    from sync_platform.defs.lineage import auditor_of
    from sync_platform.defs.resources import landing_store_of

    prepared_by = settings.sync_actor or system_user()
    vault = open_vault_database(settings.vault_url)
    try:
        with auditor_of(settings).opened() as audited:
            landing = landing_store_of(settings).open()
            yield ReportedInstallation(
                settings, load_platforms(settings.platform_path), audited, landing, vault, prepared_by
            )
    finally:
        vault.dispose()


def _write(report: ComplianceReport, form: str, file: TextIO) -> None:
    if form == "json":
        file.write(json_of(report_json(report)) + "\n")
    else:
        write_document(report_document(report), form, file)
