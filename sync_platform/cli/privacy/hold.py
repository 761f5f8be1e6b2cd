"""`sync-platform privacy hold add|release|list`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, report_problem, write_json
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute, local_time
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_moment
from sync_platform.permissions.action import Action
from sync_platform.privacy.erasure_extent import find_extent
from sync_platform.privacy.legal_holds import LegalHold, LegalHolds
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.operation_name import OperationName


def add_hold(
    named: Sequence[str], question: PersonQuestion, fields: Sequence[str], reason: str, until: str, *, as_json: bool
) -> int:
    """Set a hold on a person; 0. UsageError for an unknown person or field, or where the person is erased already."""
    from sync_platform.defs.erasures import erased_installation

    settings = load_settings()
    actor, end = require_operator(settings, Action.change_privacy), parse_moment(until, "--until")
    with erased_installation(settings) as installation:
        _require_known(fields, installation.platforms.values())
        extent = find_extent(installation, named, question)
        if extent.is_erased:
            raise UsageError("this person is erased: there is nothing that a hold could keep")
        with audited(settings, OperationName.set_hold, {"fields": list(fields)}) as operation:
            hold = installation.holds.add(extent.subjects, fields, reason, end, actor)
            operation.ended("complete", hold=hold.number)
    _show(hold, as_json)
    return OK


def release_hold(number: int, reason: str, *, as_json: bool) -> int:
    """End a hold before its day; 0."""
    settings = load_settings()
    actor = require_operator(settings, Action.change_privacy)
    with (
        closing(LegalHolds(settings.ledger_url)) as holds,
        audited(settings, OperationName.release_hold, {"hold": number}) as operation,
    ):
        hold = holds.release(number, reason, actor)
        operation.ended("complete")
    _show(hold, as_json)
    return OK


def list_holds(*, as_json: bool) -> int:
    """List every hold; 1 where the ledger of holds was changed, else 0."""
    settings = load_settings()
    require_operator(settings, Action.read_privacy)
    with closing(LegalHolds(settings.ledger_url)) as holds:
        legal_holds, breaks = holds.holds(), holds.breaks()
    if as_json:
        write_json({"holds": [each.document() for each in legal_holds], "breaks": breaks})
    elif not legal_holds:
        console().print("No legal hold was ever set.")
    else:
        table = FittedTable(("hold", "state", "until", "covers", "reason", "set by"), unbroken=("hold",))
        for each in legal_holds:
            covers = ", ".join(each.fields) or "everything"
            table.add_row(str(each.number), _state(each), local_minute(each.until), covers, each.reason, each.set_by)
        console().print_table(table)
    for problem in breaks:
        report_problem(problem)
    return FAILED if breaks else OK


def _state(hold: LegalHold) -> str:
    if hold.is_active(datetime.now(UTC)):
        return "active"
    return f"released by {hold.released_by}" if hold.released_by else "ended"


def _show(hold: LegalHold, as_json: bool) -> None:
    if as_json:
        write_json({"hold": hold.document()})
        return
    covers = ", ".join(hold.fields) or "every field"
    console().print(
        f"legal hold {hold.number} ({_state(hold)}) until {local_time(hold.until)}: {covers}", soft_wrap=True
    )


def _require_known(fields: Sequence[str], platforms: Iterable[Platform]) -> None:
    known = {
        f"{platform.name}.{dataset.name}.{path}"
        for platform in platforms
        for dataset in platform.datasets
        if dataset.personal
        for path in dataset.personal.fields
    }
    for each in fields:
        if each not in known:
            raise UsageError(f"{each!r} is no personal field: docs/privacy.md lists them, such as {min(known)}")
