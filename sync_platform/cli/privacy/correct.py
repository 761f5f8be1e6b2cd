"""`sync-platform privacy correct` and `privacy corrections`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, showing_steps, write_json
from sync_platform.cli.preconditions import require_dataset, require_lake
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.errors import UsageError
from sync_platform.permissions.action import Action
from sync_platform.platforms import load_platforms
from sync_platform.privacy.correction import CorrectedInstallation, CorrectedRecord, correct
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.request_register import opened_register
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists
from sync_platform.vault.vault_address import VaultAddress


def correct_value(
    request: int, platform: str, dataset: str, source_id: str, column: str, value: str, *, as_json: bool
) -> int:
    """Record the right value, and apply it; 0. UsageError where it cannot be corrected."""
    settings = load_settings()
    actor = require_operator(settings, Action.change_privacy)
    platforms = load_platforms(settings.platform_path)
    require_dataset(platforms, platform, dataset)
    require_lake(settings)
    text = (sys.stdin.readline() if value == "-" else value).strip()
    if not text:
        raise UsageError("--value is empty: to remove what a person wrote, erase it")
    record = CorrectedRecord(platforms[platform], platforms[platform].dataset(dataset), source_id)
    subject = {"request": request, "dataset": f"{platform}.{dataset}", "column": column}
    with ExitStack() as stack:
        register = stack.enter_context(opened_register(settings.ledger_url))
        lake = stack.enter_context(Lake(LakeAddress.of(settings)))
        installation = CorrectedInstallation(
            register, VaultAddress.of(settings).open(), lake, settings.lineage_table_name, platforms
        )
        operation = stack.enter_context(audited(settings, OperationName.correction, subject))
        stack.enter_context(showing_steps("correcting"))
        number = correct(installation, request, record, column, text, actor)
        operation.ended("complete", correction=number)
        documents = [each for each in correction_documents(register.find(request)) if each["correction"] == number]
    write_json({"correction": documents[0]}) if as_json else _show(documents)
    return OK


def list_corrections(*, as_json: bool) -> int:
    """List every correction on record; 0. A ledger that does not exist is not created."""
    settings = load_settings()
    require_operator(settings, Action.read_privacy)
    documents: list[dict[str, Any]] = []
    if database_exists(settings.ledger_url):
        with opened_register(settings.ledger_url) as register:
            documents = [each for request in register.requests() for each in correction_documents(request)]
    if as_json:
        write_json({"corrections": documents})
    elif documents:
        _show(documents)
    else:
        console().print("No value was ever corrected.")
    return OK


def correction_documents(request: PrivacyRequest) -> list[dict[str, Any]]:
    """The corrections of a request as JSON has them, without values."""
    return list(request.document(request.recorded_at)["corrections"])


def _show(corrections: list[dict[str, Any]]) -> None:
    columns = ("correction", "request", "record", "column", "state", "since")
    table = FittedTable(columns, numbers=("correction", "request"), unbroken=("correction", "state"))
    for each in corrections:
        record = f"{each['platform']}.{each['dataset']} {each['source_id']}"
        since: datetime = each["passed_on_at"] or each["lifted_at"] or each["corrected_at"]
        cells = (str(each["correction"]), str(each["request"]), record, each["column"], each["state"])
        table.add_row(*cells, local_minute(since))
    console().print_table(table)
